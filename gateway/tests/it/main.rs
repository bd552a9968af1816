//! The gateway's tests, in one binary: the real gateway and store, a scripted auth and converter.

mod admission;
mod answers;
mod doors;
mod downloads;
mod fleet;
mod forms;
mod refusals;
mod replicas;
mod script;
mod stack;
mod vanishing;
mod waits;
mod wire;
