//! Encodes 44.1 kHz stereo s16le on standard input: AOT (5 or 29), bits per second, transport (2 ADTS, 0 raw access units,
//! each behind its 16-bit length), signalling (0 implicit, 1 backward compatible, 2 hierarchical).
use std::{
    ffi::c_void,
    io::{Read, Write},
    mem::zeroed,
    ptr::null_mut,
};

use fdk_aac_sys::*;

fn main() {
    let arguments: Vec<u32> = std::env::args().skip(1).map(|a| a.parse().unwrap()).collect();
    let [aot, bit_rate, transport, signalling] = arguments[..] else { panic!("AOT BITRATE TRANSPORT SIGNALLING") };
    let mut pcm = Vec::new();
    std::io::stdin().read_to_end(&mut pcm).unwrap();
    let mut samples: Vec<i16> = pcm.chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect();
    let mut out = Vec::new();
    unsafe {
        let mut encoder: HANDLE_AACENCODER = null_mut();
        assert_eq!(aacEncOpen(&mut encoder, 0, 2), 0);
        for (parameter, value) in [
            (AACENC_PARAM_AACENC_AOT, aot),
            (AACENC_PARAM_AACENC_SAMPLERATE, 44_100),
            (AACENC_PARAM_AACENC_CHANNELMODE, 2),
            (AACENC_PARAM_AACENC_BITRATE, bit_rate),
            (AACENC_PARAM_AACENC_TRANSMUX, transport),
            (AACENC_PARAM_AACENC_SIGNALING_MODE, signalling),
            (AACENC_PARAM_AACENC_AFTERBURNER, 1),
        ] {
            assert_eq!(aacEncoder_SetParam(encoder, parameter, value), 0, "{parameter} {value}");
        }
        assert_eq!(aacEncEncode(encoder, null_mut(), null_mut(), null_mut(), null_mut()), 0);
        let mut info: AACENC_InfoStruct = zeroed();
        assert_eq!(aacEncInfo(encoder, &mut info), 0);
        let config = &info.confBuf[..info.confSize as usize];
        eprintln!(
            "delay {} core delay {} frame {} config {config:02x?}",
            info.nDelay, info.nDelayCore, info.frameLength
        );
        let mut at = 0;
        loop {
            let mut piece = vec![0_u8; info.maxOutBufBytes as usize];
            let left = samples.len() - at;
            let (mut in_ptr, mut in_id) = (samples[at..].as_mut_ptr().cast::<c_void>(), 0);
            let (mut in_size, mut in_el) = (left as i32 * 2, 2);
            let (mut out_ptr, mut out_id) = (piece.as_mut_ptr().cast::<c_void>(), 3);
            let (mut out_size, mut out_el) = (piece.len() as i32, 1);
            let input = AACENC_BufDesc {
                numBufs: 1,
                bufs: &mut in_ptr,
                bufferIdentifiers: &mut in_id,
                bufSizes: &mut in_size,
                bufElSizes: &mut in_el,
            };
            let output = AACENC_BufDesc {
                numBufs: 1,
                bufs: &mut out_ptr,
                bufferIdentifiers: &mut out_id,
                bufSizes: &mut out_size,
                bufElSizes: &mut out_el,
            };
            let wanted = if left == 0 { -1 } else { left.min(info.frameLength as usize * 2) as i32 };
            let told = AACENC_InArgs { numInSamples: wanted, numAncBytes: 0 };
            let mut done: AACENC_OutArgs = zeroed();
            let code = aacEncEncode(encoder, &input, &output, &told, &mut done);
            if code != 0 {
                assert!(wanted == -1, "{code}");
                break;
            }
            at += done.numInSamples as usize;
            let bytes = done.numOutBytes as usize;
            if bytes > 0 {
                if transport == 0 {
                    out.extend_from_slice(&(bytes as u16).to_be_bytes());
                }
                out.extend_from_slice(&piece[..bytes]);
            }
        }
    }
    std::io::stdout().write_all(&out).unwrap();
}
