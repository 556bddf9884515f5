//! The program that the crash test kills.
//!
//! | module    | holds                                          |
//! |-----------|------------------------------------------------|
//! | `subject` | a deployment onto a model of local hosts       |
//!
//! The test has a command of its own, `cargo test -p togusa-crash --features crash`: what kills a
//! process at a numbered step must not get into other binaries. It is a crate of its own, so that
//! nothing but the engine is built once more for it.

pub mod subject;
