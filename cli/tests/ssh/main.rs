//! Connections to real sshd's on this machine, as the user that runs the tests.

mod connections;
mod faults;
mod kept;
mod masters;
mod parallel;
mod place;
mod sshd;
