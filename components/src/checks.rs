//! Checks: that something answers, waited for where it has just been started, or asked for by a rollout.
//!
//! | component | what it looks at |
//! |---|---|
//! | [`WaitForPort`] | whether a port takes connections, or takes none |
//! | [`WaitForHttp`] | what an address on the web answers |
//! | [`HealthCheck`] | a port, an answer on the web, or a command, for rollouts alone |

mod health_check;
mod http;
mod question;
mod target;
mod wait_for_http;
mod wait_for_port;

pub use health_check::HealthCheck;
pub use target::Target;
pub use wait_for_http::WaitForHttp;
pub use wait_for_port::WaitForPort;
