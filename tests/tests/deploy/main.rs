//! Deployments over SSH to real hosts, and what becomes of them when something breaks.
//!
//! | module | shows |
//! |---|---|
//! | `first` | first deployments, the order over hosts, components that fail |
//! | `lost` | hosts that are down, cut off or restarted, agents that are killed |
//! | `rebooted` | hosts that reboot in the middle of a run |
//! | `killed` | the coordinator killed at ten moments |
//! | `stopped` | Ctrl-C, and two coordinators at once |
//! | `full` | full disks |
//! | `assets` | a large asset |
//! | `wire` | what a host is told, and in how many round trips |
//! | `secrets` | where secrets are, and where not |
//! | `rolled` | a rollout behind two load balancers, under load, and killed at ten moments |
//! | `fleet` | 27 hosts, drift, selection |
//!
//! `hosts` has what they have in common.

mod assets;
mod first;
mod fleet;
mod full;
mod hosts;
mod killed;
mod lost;
mod rebooted;
mod rolled;
mod secrets;
mod stopped;
mod wire;

use std::fs::File;
use std::io::Read as _;

use togusa_tests::project::Project;

/// A project of the subject.
fn project() -> Project {
    Project::new(env!("CARGO_BIN_EXE_lab-subject"))
}

/// So many megabytes that cannot be packed.
fn noise(megabytes: usize) -> Vec<u8> {
    let mut noise = Vec::new();
    let source = File::open("/dev/urandom").unwrap();
    source.take((megabytes as u64) << 20).read_to_end(&mut noise).unwrap();
    noise
}
