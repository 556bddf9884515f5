//! The pages with Rust; rustdoc compiles and runs their blocks.
//!
//! Written by `docs/generate`.

#[doc = include_str!("../../src/guide/secrets.md")]
mod guide_secrets {}
