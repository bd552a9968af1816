//! `lab scale`: what more converters bring.

mod metrics;
mod proxy;
mod quota;
mod usl;
