//! Tests of togusa that need real processes and hosts, and what these tests have in common.
//!
//! | module    | holds                                                                |
//! |-----------|----------------------------------------------------------------------|
//! | `lab`     | real SSH hosts, to deploy to and to break                           |
//! | `subject` | the program that the crash test kills: a model of local hosts        |
//!
//! The crash test has a command of its own, `cargo test -p togusa-tests --features crash --test
//! crash`: what kills a process at a numbered step must not get into other binaries.

pub mod lab;
pub mod subject;
