//! Hosts are reached, or it is said why not: whole deployments against real hosts and their faults.
//!
//! | module | shows |
//! |---|---|
//! | `agents` | where the pushed binaries come from |
//! | `jump` | ways through other hosts, and an ssh_config of the project |
//! | `kept` | connections that are kept, and what is left of a run |
//! | `network` | hosts that cannot be reached, and their keys |
//! | `privilege` | converging as another user |
//! | `project` | the project that is deployed |
//! | `rules` | what an environment asks for, and what is recorded |
//! | `shells` | login shells and what they print |
//! | `store` | homes and stores that are full, read-only, open or damaged |

mod agents;
mod jump;
mod kept;
mod network;
mod privilege;
mod project;
mod rules;
mod shells;
mod store;

use std::time::{Duration, Instant};

/// Waits for what is not told, and panics if it does not come.
fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what} does not come to be");
        std::thread::sleep(Duration::from_millis(5));
    }
}
