//! The model and the engine of togusa.
//!
//! It knows no terminal, no TOML and no network: events are its only way out, an environment comes
//! in as data, and hosts are reached through a `Transport` that somebody gives it.
//!
//! What component code uses:
//!
//! | module | what lives there |
//! |---|---|
//! | [`prelude`] | all that an author of components needs |
//! | [`component`], [`verdict`] | the trait of components; what `verify` answers |
//! | [`preview`] | the content of a file before its host is asked |
//! | [`scope`] | what a component may do in `configure`: add, provide, require, trigger |
//! | [`host`] | what it may do in `verify` and `update`: look, run, write |
//! | [`attributes`], [`value`] | what an environment may set, and the values as it sets them |
//! | [`secret`] | values that are shown nowhere, and the masking of texts that came to hold one |
//! | [`resource`] | typed values that roots provide to each other |
//! | [`assets`], [`template`] | files beside a component's source, and those that are rendered |
//! | [`path`](mod@path), [`address`] | paths and addresses, known before the host is |
//! | [`mod@fault`] | errors with a code and a remedy |
//! | [`testing`] | the test harness |
//!
//! What turns it into a deployment:
//!
//! | module | what lives there |
//! |---|---|
//! | [`registry`], [`environment`] | the components by name; hosts and their roots as data |
//! | [`rollout`] | how fast a component rolls over its hosts |
//! | [`model`] | configures all roots until they settle, finds what is wrong, orders them |
//! | [`engine`] | the coordinator over all hosts, the agent on one, the state kept there |
//!
//! What all of them speak; plain data, which imports nothing that works:
//!
//! | module | what lives there |
//! |---|---|
//! | [`names`], [`digest`], `boot` | names with a type each; SHA-256 of files and models; starts of a system |
//! | [`problem`] | what went wrong, where, why, and what to do; the codes of errors |
//! | [`event`], `protocol` | what a run tells; what coordinator and agent say to each other |
//! | [`deployment`] | who deploys what; the record of it on every host |
//!
//! And at the edges: `accounts` finds users and groups, [`interrupt`] stops a run, [`panics`] turns
//! panics of component code into errors, [`system`] is the one home of environment variables, `step`
//! marks where the crash test may kill.

// What is raised here is shown to users, who look its code up; tests may do without.
#![cfg_attr(not(test), deny(clippy::disallowed_macros))]

extern crate self as togusa_core;

mod accounts;
pub mod address;
pub mod assets;
pub mod attributes;
mod boot;
pub mod component;
pub mod deployment;
pub mod digest;
pub mod engine;
pub mod environment;
pub mod event;
pub mod fault;
pub mod host;
pub mod interrupt;
pub mod model;
pub mod names;
pub mod panics;
pub mod path;
pub mod prelude;
pub mod preview;
pub mod problem;
mod protocol;
pub mod registry;
pub mod resource;
pub mod rollout;
pub mod scope;
pub mod secret;
mod step;
pub mod system;
pub mod template;
pub mod testing;
pub mod value;
pub mod verdict;
