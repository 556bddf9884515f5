//! The engine: the coordinator that orders the work of all hosts, the agent that converges one.
//!
//! Both talk in frames over a reader and a writer. It is the same whether the agent is a thread, a
//! child process or a process on another host.

mod activity;
mod agent;
mod ask;
mod assets;
mod calls;
mod converge;
mod coordinator;
mod hand_over;
mod reboot;
mod run;
pub(crate) mod state;
mod status;
pub mod target;
pub mod transport;

pub use agent::{Agent, serve};
pub(crate) use ask::ask;
pub use coordinator::{Confirm, Options, Question, deploy, forecast};
pub(crate) use state::StateError;
pub use status::status;

use std::time::Duration;

/// Tells one build of togusa from another, where nothing better is known: an agent that is part of
/// the coordinator's own program.
pub const BUILD: &str = concat!("togusa ", env!("CARGO_PKG_VERSION"));

/// How often each side says that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// After how long the other side counts as lost.
const SILENCE: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests;
