//! A sound by which decoders can be told apart: two different channels, each with all of the spectrum.

/// 3 s at 44.1 kHz: on the left a sweep upwards, on the right one downwards, both between 100 Hz and 15 kHz, and three
/// tones each. The sweeps hold each frequency once, so a waveform lies upon another one in one place only.
pub(crate) const SIGNAL: &str = concat!(
    "aevalsrc=",
    "0.12*sin(2*PI*100*3/log(150)*(exp(t/3*log(150))-1))",
    "+0.06*sin(2*PI*440*t)+0.04*sin(2*PI*3000*t)+0.03*sin(2*PI*11000*t)",
    "|0.12*sin(2*PI*(15000*t-14900/6*t*t))",
    "+0.05*sin(2*PI*660*t)+0.04*sin(2*PI*5000*t)+0.03*sin(2*PI*13000*t)",
    ":s=44100:d=3"
);

/// The same at another rate up to 44.1 kHz, with all frequencies as much lower as the rate is.
pub(crate) fn signal(rate: u32) -> String {
    let speed = f64::from(rate.min(44_100)) / 44_100.0;
    let (up, down) = (
        format!("0.12*sin(2*PI*{speed}*100*3/log(150)*(exp(t/3*log(150))-1))+0.06*sin(2*PI*{speed}*440*t)"),
        format!("0.12*sin(2*PI*{speed}*(15000*t-14900/6*t*t))+0.05*sin(2*PI*{speed}*660*t)"),
    );
    format!("aevalsrc={up}+0.03*sin(2*PI*{speed}*11000*t)|{down}+0.03*sin(2*PI*{speed}*13000*t):s={rate}:d=3")
}
