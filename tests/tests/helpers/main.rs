//! What looks at deployed hosts and works on them by hand: over the connections of deployments.
//!
//! | module | shows |
//! |---|---|
//! | `docs` | that the page about SSH can be followed |
//! | `doctor` | what keeps hosts from being deployed to |
//! | `exec` | commands on many hosts, as whom, and how they end |
//! | `project` | the project that is deployed |
//! | `ssh` | a shell on a host, and the end of kept connections |
//! | `status` | what hosts know of their deployments |

mod docs;
mod doctor;
mod exec;
mod project;
mod ssh;
mod status;

use std::time::{Duration, Instant};

/// Waits for what is not told, and panics if it does not come.
fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what} does not come to be");
        std::thread::sleep(Duration::from_millis(5));
    }
}
