//! The components of the library that change a system, on throw-away hosts.
//!
//! | module | shows |
//! |---|---|
//! | `accounts` | users and groups |
//! | `keys` | keys of SSH |
//! | `program` | processes without an init system |
//! | `supervisor` | programs below a real supervisord |
//! | `systemd` | units and services of a real systemd |
//! | `web` | a real nginx and HAProxy, certificates, checks |
//! | `site` | a host, and environments that are deployed on it |

mod accounts;
mod keys;
mod program;
mod site;
mod supervisor;
mod systemd;
mod web;

use std::time::{Duration, Instant};

use site::Subject;

/// Waits for what is not told, and panics if it does not come.
fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what} does not come to be");
        std::thread::sleep(Duration::from_millis(5));
    }
}
