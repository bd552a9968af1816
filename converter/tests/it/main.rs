//! The converter's tests, in one binary.

mod engine_cage;
mod engine_damage;
mod engine_limits;
mod engine_options;
mod engine_process;
mod engine_refusals;
mod engine_rig;
mod formats_all;
mod samples;
mod scratch;
mod service;
mod store;
