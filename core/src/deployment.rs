//! Who deploys what, and the record of it that every host keeps.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::Counts;
use crate::names::{Breadcrumb, RootId, RootName};

/// Who deploys what, when and from where.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    /// Tells one deployment from another; the same on all hosts.
    pub id: String,
    /// The user who started it.
    pub who: String,
    /// The machine that it was started on.
    pub from: String,
    /// When it was started, in seconds since 1970 by the clock of that machine.
    pub started: u64,
    /// What was deployed; `None`: the project is not under git.
    pub commit: Option<Commit>,
}

impl Deployment {
    /// User and machine, as others are told who hold a lock.
    pub fn by(&self) -> String {
        match self.from.as_str() {
            "" => self.who.clone(),
            from => format!("{}@{from}", self.who),
        }
    }
}

/// The state of the project's git tree.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// The full hash.
    pub id: String,
    /// The branch; `None`: a commit is checked out that no branch names.
    pub branch: Option<String>,
    /// Whether the tree had changes that were not committed.
    pub dirty: bool,
}

/// One deployment in the record of a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Who deployed what.
    #[serde(flatten)]
    pub deployment: Deployment,
    /// How it ended on this host; `None`: it has not, or nobody could write it down.
    pub end: Option<RecordEnd>,
}

/// How a deployment ended on one host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordEnd {
    /// When, in seconds since 1970 by the clock of the host.
    pub ended: u64,
    /// What the roots came to that were to run on this host.
    pub roots: BTreeMap<RootName, RecordedRoot>,
    /// What they did together.
    pub counts: Counts,
}

/// What a root came to, as its host knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordedRoot {
    /// Every component is current.
    Converged,
    /// A component failed.
    Failed,
    /// It was stopped between two components.
    Interrupted,
    /// It was not started: something that it depends on failed, or the run was stopped.
    NotStarted,
}

impl RecordEnd {
    /// Whether all roots of the host converged.
    pub fn is_success(&self) -> bool {
        self.roots.values().all(|root| *root == RecordedRoot::Converged)
    }
}

/// What a host says of itself without being touched.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostStatus {
    /// The latest deployments, the last one first.
    pub records: Vec<Record>,
    /// Who deploys at the moment, since when, and what is being updated.
    pub holder: Option<String>,
    /// The components that an earlier deployment left to be triggered, by root.
    pub pending: BTreeMap<RootName, Vec<Breadcrumb>>,
    /// What roots of the host have taken out of use and not put back: the root, such as a load
    /// balancer's, and the instance of another.
    pub drained: Vec<(RootName, RootId)>,
    /// The roots that an earlier rollout began to change and did not see healthy and in use.
    pub unfinished: Vec<RootName>,
}
