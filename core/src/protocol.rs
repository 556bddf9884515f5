//! What coordinator and agent say to each other.

mod frame;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::address::AddressTable;
use crate::assets::{Asset, TreeEntry, TreeEntryKind};
use crate::boot::Boot;
use crate::deployment::{Deployment, HostStatus};
use crate::digest::Digest;
use crate::environment::Host;
use crate::event::{Counts, Event, Mode};
use crate::model::answers::ProvidedWire;
use crate::names::{Breadcrumb, HostName, RootId, RootName};
use crate::problem::Problem;
use crate::resource::Provider;
use crate::secret::Key;

pub use frame::FrameError;
pub(crate) use frame::{ASSET_PIECE, Frame, Pieces, encode, read_frame, write_message};

/// From the coordinator to an agent.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum ToAgent {
    /// All that the host needs to know; the first message of a run.
    HandOver(Box<HandOver>),
    /// What is known of the host is asked for, and nothing else.
    Status(StatusOf),
    /// The content of an asset that the agent asked for follows in pieces.
    Content { asset: Asset },
    /// A root may start.
    Start(Box<Start>),
    /// Something is asked of a root beside that, at once.
    Call(Call),
    /// Stop: after the running updates, or at once.
    Interrupt { kill: bool },
    /// Nothing, but alive.
    Heartbeat,
    /// All is done.
    Goodbye,
}

/// From an agent to the coordinator.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum FromAgent {
    /// The first message.
    Hello(Hello),
    /// The agent lacks the content of these assets.
    Need { assets: Vec<Asset> },
    /// What was asked for with `Status`.
    Status(Box<HostStatus>),
    /// Roots may start.
    Ready(Left),
    /// A component is about to reboot the host, which is to be back in time.
    Rebooting { root: RootName, breadcrumb: Breadcrumb, timeout: Duration },
    /// The host cannot take part.
    Refused { problem: Problem, locked: bool },
    /// Something happened.
    Event(Box<Event>),
    /// A root ended.
    Done(Box<Done>),
    /// What came of a call.
    Answer { number: u64, answer: Box<Result<Vec<RootId>, Problem>> },
    /// Nothing, but alive.
    Heartbeat,
}

/// Who the agent is.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Hello {
    /// Tells one build from another; both ends must be the same.
    pub(crate) build: String,
    /// The home directory of the converging user.
    pub(crate) home: String,
    pub(crate) boot: Boot,
}

/// The target directory that somebody wants to know about.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StatusOf {
    pub(crate) project: String,
    pub(crate) environment: String,
    pub(crate) host: HostName,
    pub(crate) target_directory: String,
}

/// What a host gets: its own, and nothing of others that its roots do not require.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct HandOver {
    pub(crate) mode: Mode,
    pub(crate) project: String,
    pub(crate) environment: String,
    pub(crate) deployment: Deployment,
    /// Of the system that the coordinator runs on.
    pub(crate) coordinator_boot: Boot,
    /// The host is back from a reboot of this very run: how roots have ended on it before.
    pub(crate) back: Option<Vec<(RootName, End, Counts)>>,
    /// The host with the selected roots only.
    pub(crate) host: Host,
    /// The names of all roots of the host, those left out of this run too.
    pub(crate) all_roots: Vec<RootName>,
    /// Roots that are not to converge in this run: others count on what they can be asked for.
    pub(crate) attending: BTreeSet<RootName>,
    /// Wait for the lock instead of giving up.
    pub(crate) wait: bool,
    /// The values that the roots require.
    pub(crate) answers: Vec<ProvidedWire>,
    /// The homes of the hosts whose paths may be among them.
    pub(crate) homes: BTreeMap<HostName, String>,
    pub(crate) addresses: AddressTable,
    /// The assets of the roots, without their content.
    pub(crate) assets: Vec<Asset>,
    pub(crate) trees: BTreeMap<String, Vec<TreeEntry>>,
    /// The key of the digests.
    pub(crate) key: Key,
    /// What the coordinator's components look like, by root, in pre-order.
    pub(crate) digests: BTreeMap<RootName, Vec<(Breadcrumb, Digest)>>,
}

impl HandOver {
    /// Every asset whose content may be asked for.
    pub(crate) fn all_assets(&self) -> impl Iterator<Item = &Asset> {
        let in_trees = self.trees.values().flatten().filter_map(|entry| match &entry.kind {
            TreeEntryKind::File(asset) => Some(asset),
            _ => None,
        });
        self.assets.iter().chain(in_trees)
    }
}

/// What rollouts of earlier runs have left on a host.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Left {
    /// Roots of the host that were being changed.
    pub(crate) rolling: Vec<RootName>,
    /// By root of the host: the instances that it has taken out of use.
    pub(crate) drained: Vec<(RootName, RootId)>,
}

/// Something that is asked of a root.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Call {
    /// What the answer is known by.
    pub(crate) number: u64,
    pub(crate) root: RootName,
    pub(crate) kind: CallKind,
}

/// What is asked of a root beside its own converging.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum CallKind {
    /// Whether it is healthy.
    Health,
    /// To take instances of others out of use; the answer names those that it did.
    Drain { instances: Vec<RootId> },
    /// To put them back.
    Restore { instances: Vec<RootId> },
    /// To note that its rollout is done.
    Rolled,
}

/// What a root is to do when it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Ask {
    /// What the run is for.
    Run,
    /// To look, and say nothing but whether something is to be changed.
    Look,
    /// To converge as an instance that is being rolled.
    Roll,
}

/// What a root needs to know when it starts.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Start {
    pub(crate) root: RootName,
    pub(crate) ask: Ask,
    /// The instances of others that earlier runs left out of use on this root, and that are done.
    pub(crate) restore: Vec<RootId>,
    /// In a plan: something that the root depends on would change or is unknown.
    pub(crate) uncertain: bool,
    /// How often the providers on other roots that trigger something here have changed.
    pub(crate) counts: Vec<(Provider, u64)>,
    /// In a plan: those of them that would change.
    pub(crate) predicted: Vec<Provider>,
}

/// What a root came to.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Done {
    pub(crate) root: RootName,
    pub(crate) end: End,
    pub(crate) counts: Counts,
    /// In a plan, or where it was only to look: something would change or is unknown.
    pub(crate) uncertain: bool,
    /// The change counters of the components that provide something.
    pub(crate) counters: Vec<(Breadcrumb, u64)>,
    /// In a plan: those of them that would change.
    pub(crate) predicted: Vec<Breadcrumb>,
    pub(crate) seconds: f64,
}

impl Done {
    /// A root that failed before anything could be told of it.
    pub(crate) fn failed(root: RootName) -> Self {
        Self {
            root,
            end: End::Failed,
            counts: Counts::default(),
            uncertain: true,
            counters: Vec::new(),
            predicted: Vec::new(),
            seconds: 0.0,
        }
    }
}

/// How a root ended on its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum End {
    /// All is as it should be, or the plan is complete.
    Reached,
    Failed,
    Interrupted,
}
