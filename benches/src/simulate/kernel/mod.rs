//! What any discrete-event model needs: a clock, random numbers, timers, and cores that are shared.

mod chance;
mod clock;
mod cores;
mod durations;
mod picker;
mod timers;
mod tournament;

pub(super) use self::{
    chance::{log_normal, stream},
    clock::{Nanos, nanos, seconds, whole},
    cores::Cores,
    durations::Durations,
    picker::Picker,
    timers::Timers,
    tournament::{NEVER, Tournament},
};
