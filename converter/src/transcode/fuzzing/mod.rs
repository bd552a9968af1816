//! What must hold whatever the bytes are. Each function panics where it does not.
//!
//! This crate's tests call them with damaged heads, the fuzz targets in `fuzz/` with whatever a fuzzer comes upon.

#![expect(clippy::missing_panics_doc, reason = "a panic is how they tell")]

mod bytes;
mod heads;
mod mp3;
mod text;

#[cfg(test)]
mod tests;

pub use self::{
    bytes::{mp4_filter, sniffer, structure},
    heads::heads,
    mp3::{frame_parser, xing},
    text::{control, options, tags},
};
