//! The converter's tests, in one binary.

mod store;
