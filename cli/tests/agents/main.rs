//! The binaries that are pushed, of small projects that cargo builds for real.

#![expect(clippy::disallowed_methods, reason = "tests arrange files and processes by hand")]

mod built;
mod prepared;
mod project;
