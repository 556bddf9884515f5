//! How a run is to be done.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use crate::address::AddressTable;
use crate::deployment::Deployment;
use crate::event::Mode;
use crate::names::RootId;

use super::schedule::Question;

/// How a run is to be done.
#[derive(Clone, Debug)]
pub struct Options {
    /// What is asked of every root.
    pub mode: Mode,
    /// The roots to run; `None`: all. Ignored ones are left out in any case.
    pub selected: Option<BTreeSet<RootId>>,
    /// How many roots converge at once on one host; `None`: what the environment says.
    pub jobs: Option<usize>,
    /// Start nothing more once a root has failed.
    pub fail_fast: bool,
    /// Wait for the lock of a host instead of giving up.
    pub wait: bool,
    /// Who deploys what: told to others, and written into the record of each host.
    pub deployment: Deployment,
    /// The addresses of all names that are listened on.
    pub addresses: AddressTable,
    /// Asks somebody whether a rollout is to go on, where its settings want that; `None`: it is. It is
    /// called on a thread of its own, and may wait for as long as it takes.
    pub confirm: Option<Confirm>,
}

/// Asks whether a rollout is to go on.
#[derive(Clone)]
pub struct Confirm(pub(super) Arc<dyn Fn(&Question) -> bool + Send + Sync>);

impl Confirm {
    /// Asks by a function.
    pub fn new(ask: impl Fn(&Question) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(ask))
    }
}

impl fmt::Debug for Confirm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Confirm")
    }
}

impl Options {
    /// A run over all roots.
    pub fn new(mode: Mode) -> Self {
        Self {
            mode,
            selected: None,
            jobs: None,
            fail_fast: false,
            wait: false,
            deployment: Deployment { who: "unknown".to_owned(), ..Deployment::default() },
            addresses: AddressTable::new(),
            confirm: None,
        }
    }
}
