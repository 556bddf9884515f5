//! Events: all that a deployment tells while it runs, as plain data.
//!
//! Agents send them over the wire, the coordinator adds its own; the cli shows them, prints them as
//! JSON lines, or records them. No display has any other source.

mod optional_seconds;
mod seconds;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::names::{Breadcrumb, HostName, RootId, RootName};
use crate::problem::Problem;
use crate::verdict::Change;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The whole model is sound and the run begins.
    Started {
        /// What is asked of every root.
        mode: Mode,
        /// The project's name.
        project: String,
        /// The environment's name.
        environment: String,
        /// The selected roots in an order that respects their dependencies.
        roots: Vec<RootId>,
        /// Roots that are left out of this run, and why.
        skipped: BTreeMap<RootIdKey, Skip>,
    },
    /// A message of a component's `configure`, from the run in which the model had settled.
    Log {
        /// The root.
        root: RootId,
        /// The component.
        breadcrumb: Breadcrumb,
        /// The message.
        text: String,
    },
    /// A connection to a host is being opened.
    Connecting {
        /// The host.
        host: HostName,
    },
    /// A host lacks the agent's binary and is sent it.
    Pushing {
        /// The host.
        host: HostName,
        /// The target triple that the binary was built for.
        target: String,
        /// How much is sent, in bytes.
        bytes: u64,
    },
    /// The agent of a host is ready.
    Connected {
        /// The host.
        host: HostName,
        /// How long it took to get there.
        #[serde(with = "seconds")]
        #[cfg_attr(feature = "schema", schemars(with = "f64"))]
        elapsed: Duration,
    },
    /// A host cannot take part, before or while its roots converge.
    HostFailed {
        /// The host.
        host: HostName,
        /// What went wrong.
        problem: Problem,
    },
    /// A component reboots its host; the run goes on when the host is back.
    Rebooting {
        /// The root.
        root: RootId,
        /// The component.
        breadcrumb: Breadcrumb,
        /// How long that may take; then the host has failed.
        #[serde(with = "seconds")]
        #[cfg_attr(feature = "schema", schemars(with = "f64"))]
        timeout: Duration,
    },
    /// A host is back after a reboot, and its agent is ready again.
    Rebooted {
        /// The host.
        host: HostName,
        /// How long it took from the moment at which nothing else was done on the host.
        #[serde(with = "seconds")]
        #[cfg_attr(feature = "schema", schemars(with = "f64"))]
        elapsed: Duration,
    },
    /// A root begins.
    RootStarted {
        /// The root.
        root: RootId,
    },
    /// A component is about to be verified or updated.
    ComponentStarted {
        /// The root.
        root: RootId,
        /// The component.
        breadcrumb: Breadcrumb,
        /// What it does.
        step: Step,
    },
    /// A component was found stale, or a trigger is pending: it was updated, or would be.
    ComponentChanged {
        /// The root.
        root: RootId,
        /// The component.
        breadcrumb: Breadcrumb,
        /// Every difference.
        changes: Vec<Change>,
        /// The components whose change triggers this one.
        triggered_by: Vec<String>,
        /// How long the update took; `None` in a plan.
        #[serde(with = "optional_seconds")]
        #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
        elapsed: Option<Duration>,
    },
    /// A plan cannot judge a component before what it depends on has been updated.
    ComponentUnknown {
        /// The root.
        root: RootId,
        /// The component.
        breadcrumb: Breadcrumb,
        /// Why it cannot be judged now.
        problem: Problem,
    },
    /// A component failed.
    ComponentFailed {
        /// The root.
        root: RootId,
        /// The component.
        breadcrumb: Breadcrumb,
        /// The differences that it was to mend.
        changes: Vec<Change>,
        /// What went wrong.
        problem: Problem,
    },
    /// A running command printed something.
    Output {
        /// The root.
        root: RootId,
        /// The component that runs it.
        breadcrumb: Breadcrumb,
        /// Which of its streams.
        stream: Stream,
        /// The text, usually one line.
        text: String,
    },
    /// A pending trigger of an earlier run found no dependant under its name.
    TriggerMoved {
        /// The root.
        root: RootName,
        /// The host.
        host: HostName,
        /// The component that changed.
        cause: String,
        /// The dependant that left the model.
        dependant: Breadcrumb,
        /// The dependants that the trigger is pending for now; empty: it was dropped.
        moved_to: Vec<Breadcrumb>,
    },
    /// Something on a host deserves attention but fails nothing.
    Warning {
        /// The host.
        host: HostName,
        /// What it is.
        problem: Problem,
    },
    /// A plan knows how the rollouts would go, if all goes well.
    RolloutPlanned {
        /// The components that would be rolled, by name.
        rollouts: Vec<PlannedRollout>,
        /// Their batches, one after the other; what stands in one wave would go at the same time.
        waves: Vec<Vec<PlannedBatch>>,
    },
    /// A batch of a rollout begins.
    RolloutBatch {
        /// The component.
        component: RootName,
        /// The number of the batch, from 1; 0: instances that an earlier run left unfinished, of which
        /// nothing has to be changed.
        number: usize,
        /// Its instances.
        roots: Vec<RootId>,
        /// How many instances are up, without those of the batch; of the component's group, if it has
        /// one.
        up: usize,
        /// How many there are.
        instances: usize,
        /// How many must stay up.
        minimum_up: usize,
        /// How many instances of the component are still to be done after it, as far as is known.
        left: usize,
    },
    /// A rollout waits for something; told when that changes.
    RolloutWaiting {
        /// The component.
        component: RootName,
        /// What it waits for.
        wait: Wait,
        /// The instances that it concerns.
        roots: Vec<RootId>,
        /// What is seen instead of what is waited for.
        seen: Option<String>,
    },
    /// A root has taken instances out of use.
    Drained {
        /// The root that did, such as a load balancer's.
        root: RootId,
        /// The instances.
        instances: Vec<RootId>,
    },
    /// A root has put instances back into use.
    Restored {
        /// The root that did, such as a load balancer's.
        root: RootId,
        /// The instances.
        instances: Vec<RootId>,
    },
    /// An instance of a rollout did not become healthy, or could not be taken out of use or put back.
    InstanceFailed {
        /// The instance.
        root: RootId,
        /// What went wrong.
        problem: Problem,
        /// The roots, such as those of load balancers, on which it is left out of use.
        out_on: Vec<RootId>,
    },
    /// A rollout ended.
    RolloutFinished {
        /// The component.
        component: RootName,
        /// The instances that were changed and are healthy.
        done: Vec<RootId>,
        /// The instances that failed.
        failed: Vec<RootId>,
        /// The instances that it did not come to.
        not_reached: Vec<RootId>,
        /// Why it stopped, where it did.
        stopped: Option<Problem>,
    },
    /// A root ended.
    RootFinished {
        /// The root.
        root: RootId,
        /// How it ended.
        outcome: Outcome,
        /// What it did.
        counts: Counts,
        /// How long it took.
        #[serde(with = "seconds")]
        #[cfg_attr(feature = "schema", schemars(with = "f64"))]
        elapsed: Duration,
    },
    /// The run ended.
    Finished {
        /// What every root came to.
        summary: Summary,
    },
}

/// A component that would be rolled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PlannedRollout {
    /// The component.
    pub component: RootName,
    /// Its instances, those that are current too.
    pub instances: Vec<RootId>,
    /// The instances that an earlier run has left out of use, or unfinished.
    pub unfinished: Vec<RootId>,
    /// How many must stay up, of the component's group, if it has one.
    pub minimum_up: usize,
    /// The group.
    pub group: Option<String>,
}

/// A batch that a rollout would take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PlannedBatch {
    /// The component.
    pub component: RootName,
    /// The number of the batch, from 1.
    pub number: usize,
    /// Its instances.
    pub roots: Vec<RootId>,
    /// How many instances stay up meanwhile, of the component's group, if it has one.
    pub up: usize,
}

/// What a rollout waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Wait {
    /// For instances to be taken out of use.
    Drain,
    /// For instances to be updated.
    Update,
    /// For instances to become healthy.
    Healthy,
    /// For instances to have been healthy for long enough.
    Settled,
    /// For instances to be put back into use.
    Restore,
    /// For enough instances to be up.
    MinimumUp,
    /// For somebody to confirm that it is to go on.
    Confirmation,
}

/// What is asked of roots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Look and tell what would change.
    Verify,
    /// Make it so.
    Converge,
}

/// Why a root is left out of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Skip {
    /// The environment ignores its host.
    HostIgnored,
    /// The environment ignores the root.
    RootIgnored,
    /// The command line selects others.
    NotSelected,
    /// The component is converged on one host for all.
    Once,
}

/// What a component does at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// It looks at the host.
    Verify,
    /// It changes the host.
    Update,
}

/// A stream of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// How a root ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Every component is current and every trigger was performed.
    Converged,
    /// Every component was judged or shown as unknown; nothing was changed.
    Planned,
    /// A component failed, or its host did.
    Failed,
    /// It did not start, because this root failed before.
    DependencyFailed {
        /// The root whose failure is the reason.
        on: RootId,
    },
    /// The rollout of its component stopped before it came to this root.
    NotReached,
    /// It did not start, or stopped between two components, because the run was stopped.
    Interrupted,
}

/// What a root did, by components.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Counts {
    /// Components that were looked at.
    pub verified: usize,
    /// Components that were found stale and were updated, or would be.
    pub changed: usize,
    /// Components that cannot be judged yet.
    pub unknown: usize,
    /// Components that were updated, or would be, because a trigger was pending; those that were
    /// stale as well count twice.
    pub triggered: usize,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.verified += other.verified;
        self.changed += other.changed;
        self.unknown += other.unknown;
        self.triggered += other.triggered;
    }
}

/// What a whole run came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Summary {
    /// Every selected root with its outcome and what it did.
    pub roots: BTreeMap<RootIdKey, RootSummary>,
    /// Hosts that could not take part, with the reason.
    pub failed_hosts: BTreeMap<HostName, Problem>,
    /// How many roots were left out.
    pub skipped: usize,
    /// Whether the run was stopped.
    pub interrupted: bool,
    /// Hosts whose lock another deployment holds.
    pub locked_hosts: Vec<HostName>,
}

/// What one root came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RootSummary {
    /// How it ended.
    pub outcome: Outcome,
    /// What it did.
    pub counts: Counts,
    /// How long it took.
    #[serde(with = "seconds")]
    #[cfg_attr(feature = "schema", schemars(with = "f64"))]
    pub elapsed: Duration,
}

/// A root as the key of a JSON object: `app@web1`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "String", into = "String")]
pub struct RootIdKey(pub RootId);

impl From<RootIdKey> for String {
    fn from(key: RootIdKey) -> Self {
        key.0.to_string()
    }
}

impl TryFrom<String> for RootIdKey {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let (root, host) = text.split_once('@').ok_or_else(|| format!("no root: `{text}`"))?;
        Ok(Self(RootId::new(host, root)))
    }
}

impl Summary {
    /// Whether every selected root reached what was asked of it.
    pub fn is_success(&self) -> bool {
        !self.interrupted
            && self.failed_hosts.is_empty()
            && self.locked_hosts.is_empty()
            && self
                .roots
                .values()
                .all(|root| matches!(root.outcome, Outcome::Converged | Outcome::Planned))
    }

    /// What all roots did together.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for root in self.roots.values() {
            counts += root.counts;
        }
        counts
    }
}
