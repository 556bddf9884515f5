//! Checks: that something answers, waited for where it has just been started.
//!
//! | component | what it looks at |
//! |---|---|
//! | [`WaitForPort`] | whether a port takes connections, or takes none |
//! | [`WaitForHttp`] | what an address on the web answers |

mod http;
mod target;
mod wait_for_http;
mod wait_for_port;

pub use target::Target;
pub use wait_for_http::WaitForHttp;
pub use wait_for_port::WaitForPort;
