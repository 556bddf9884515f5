//! The benchmarks, one module each.

pub mod configure;
pub mod converge;
pub mod fleet;
pub mod launch;
pub mod library;
pub mod rebuild;
pub mod remote;
pub mod rollout;
pub mod secrets;
pub mod start;
