//! The converter's tests, in one binary.

mod binary;
mod broker;
mod compare;
mod engine_cage;
mod engine_damage;
mod engine_limits;
mod engine_process;
mod engine_refusals;
mod engine_rig;
mod formats;
mod options;
mod samples;
mod scratch;
mod service;
mod service_rig;
mod signal;
mod store;
mod worker;
