//! Beginnings of files made by hand, which damage starts from.

use super::super::{frame::FrameHeader, mp4::sample};

/// One of each kind that anything here reads: containers, mp3s, lines of the control channel, options.
pub fn heads() -> Vec<Vec<u8>> {
    [containers(), streams(), lines()].concat()
}

fn containers() -> Vec<Vec<u8>> {
    let last = [&b"\0\0\0\x10ftypisom\0\0\0\0\0\0\0\x0Cmdat....\0\0\0\0"[..], &sample::movie()[20..]].concat();
    let info = b"LIST\x2A\0\0\0INFOINAM\x06\0\0\0Title\0IPRT\x04\0\0\x003/12ICRD\x04\0\0\x002026";
    let wave = [b"RIFF\x6A\0\0\0WAVEfmt \x10\0\0\0\x01\0\x02\0\x44\xAC\0\0\x10\xB1\x02\0\x04\0\x10\0", &info[..]];
    let mut matroska =
        b"\x1A\x45\xDF\xA3\x84....\x18\x53\x80\x67\xA0\xEC\x83...\x15\x49\xA9\x66\x8A\x7B\xA9\x85".to_vec();
    matroska.extend_from_slice(b"Title\x2A\xD7\xB1\x80\x1F\x43\xB6\x75\x80");
    let page = |flags: u8, serial: u8, packet: &[u8]| {
        let mut page = [&b"OggS\0"[..], &[flags], &[0; 8], &[serial], &[0; 11]].concat();
        page.extend([1, u8::try_from(packet.len()).expect("a short packet")]);
        [&page, packet].concat()
    };
    vec![
        sample::movie(),
        last,
        [wave.concat(), b"data\x08\0\0\0........".to_vec()].concat(),
        matroska,
        [page(2, 7, b"\x01vorbis..."), page(0, 7, &[9; 200]), page(4, 7, b"...")].concat(),
        [page(2, 1, b"OpusHead"), page(2, 2, b"\x80theora"), page(4, 1, b"")].concat(),
        b"RIFF\x10\0\0\0AVI LIST\x04\0\0\0hdrlRIFF\x04\0\0\0AVIX".to_vec(),
        b"FORM\0\0\0\x0CAIFFCOMM\0\0\0\0".to_vec(),
        b"fLaC\x80\0\0\x22................".to_vec(),
        b"FLV\x01\x05\0\0\0\x09\0\0\0\0.......".to_vec(),
        b"\x30\x26\xB2\x75\x8E\x66\xCF\x11\xA6\xD9\0\xAA\0\x62\xCE\x6C".to_vec(),
        b"#EXTM3U\n#EXTINF:3,\na.ts\n".to_vec(),
    ]
}

fn streams() -> Vec<Vec<u8>> {
    let frame = |header: [u8; 4]| {
        let mut frame = vec![0; FrameHeader::parse(&header).expect("a header").bytes];
        frame[..4].copy_from_slice(&header);
        frame
    };
    let stereo = [frame([0xFF, 0xFB, 0x90, 0]), frame([0xFF, 0xFB, 0xE0, 0])].concat();
    let mut tagged = stereo.clone();
    tagged[36..44].copy_from_slice(b"Xing\0\0\0\x0F");
    tagged[156..165].copy_from_slice(b"LAME3.100");
    tagged[177..180].copy_from_slice(&[0x24, 0x04, 0x32]);
    let mono = [frame([0xFF, 0xF3, 0x80, 0xC0]), frame([0xFF, 0xF3, 0x80, 0xC0])].concat();
    let adts = [&[0xFF, 0xF1, 0x50, 0x80, 0x04, 0x1F, 0xFC][..], &[0; 25]].concat().repeat(2);
    let mut transport = vec![0; 3 * 188];
    transport.iter_mut().step_by(188).for_each(|sync| *sync = b'G');
    // What `xing` takes first: the ends, the gain, and how often.
    let chosen = |mp3: &[u8]| [&[0x02, 0x40, 0x04, 0x32, 0x80, 3], mp3].concat();
    vec![
        chosen(&stereo),
        chosen(&mono),
        chosen(&frame([0xFF, 0xFF, 0x90, 0])),
        [&b"ID3\x04\0\0\0\0\0\x02.."[..], &tagged].concat(),
        b"ID3\x04\0\0\0\0\0\x02..fLaC...".to_vec(),
        stereo,
        tagged,
        adts,
        transport,
    ]
}

fn lines() -> Vec<Vec<u8>> {
    [
        r#"{"start":{"options":{"quality":"V2","start":0.5,"end":2.5},"duration_max_ms":60000,"ffmpeg":"/bin/ffmpeg"}}"#,
        r#"{"end":{"bytes":7}}"#,
        r#"{"progress":{"pass":"measure","done_ms":7,"total_ms":9}}"#,
        r#"{"verdict":{"refused":{"kind":"damaged","detail":"the audio is damaged"}}}"#,
        concat!(
            r#"{"verdict":{"converted":{"duration_ms":1000,"samples":44100,"frames":40,"sample_rate":44100,"channels":2,"#,
            r#""mp3_bytes":5000,"video_bytes":9000,"completeness":"complete","decoder":"symphonia","source":"mp4/aac","#,
            r#""head":{"offset":0,"bytes":"AAAA"},"peak_memory_bytes":0}}}"#
        ),
        "V2\0\x002\x0012.5\x0013\x001\0always\0ebur128\0track\0none\0Title\0Artist\0Album\x002026-11-24\x003",
        "\x00192\0\x006601.252222866287\x0013855.01388652488",
    ]
    .map(|line| line.as_bytes().to_vec())
    .into()
}
