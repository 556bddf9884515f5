//! One instance of a component that is rolled, as the coordinator knows it.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::event::Counts;
use crate::names::RootId;
use crate::problem::Problem;

/// One instance.
#[derive(Debug)]
pub(super) struct Instance {
    pub(super) id: RootId,
    /// It may be changed in this run; else it only counts.
    pub(super) selected: bool,
    /// The roots that can take it out of use, by their layer.
    pub(super) balancers: BTreeSet<(usize, RootId)>,
    pub(super) state: State,
    /// What its last health check said.
    pub(super) is_healthy: bool,
    /// An earlier run, or this one, has begun to change it and not ended.
    pub(super) unfinished: bool,
    /// The roots on which it is out of use.
    pub(super) out_on: BTreeSet<RootId>,
    pub(super) is_lost: bool,
    pub(super) counts: Counts,
    pub(super) check: Check,
    pub(super) result: Outcome,
}

/// What an instance is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// What it depends on is not done, or its host is not ready.
    Waiting,
    /// It is asked whether something is to be changed.
    Looking,
    /// It was looked at, and it is not known yet what earlier runs have left.
    Looked { stale: bool },
    /// It is to be taken in a batch.
    Candidate(Work),
    /// It is being changed.
    Updating,
    /// It is being asked whether it is healthy.
    Checking,
    /// It is in a batch, and waits for the others.
    Settled,
    /// Nothing more is to be done with it.
    Over,
}

/// What is to be done with an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// Something is to be changed.
    Change,
    /// An earlier run has changed it, and not seen it healthy and in use.
    Gate,
}

/// The health check of an instance in a batch.
#[derive(Debug, Default)]
pub(super) struct Check {
    /// A call is under way.
    pub(super) asked: bool,
    /// When it is asked next.
    pub(super) next: Duration,
    /// When it must be healthy.
    pub(super) deadline: Duration,
    /// Since when it has been.
    pub(super) since: Option<Duration>,
    /// What is seen instead.
    pub(super) seen: Option<Problem>,
}

/// What became of an instance in its batch.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// Its update failed, or its host.
    pub(super) failed: bool,
    pub(super) interrupted: bool,
    pub(super) is_healthy: bool,
    /// Why it did not become healthy, or is not in use.
    pub(super) problem: Option<Problem>,
}

impl Instance {
    pub(super) fn new(id: RootId, selected: bool, balancers: BTreeSet<(usize, RootId)>) -> Self {
        Self {
            id,
            selected,
            balancers,
            state: if selected { State::Waiting } else { State::Over },
            is_healthy: false,
            unfinished: false,
            out_on: BTreeSet::new(),
            is_lost: false,
            counts: Counts::default(),
            check: Check::default(),
            result: Outcome::default(),
        }
    }

    pub(super) fn is_in_batch(&self) -> bool {
        matches!(self.state, State::Updating | State::Checking | State::Settled)
    }

    /// Whether it serves, as far as is known.
    pub(super) fn is_up(&self) -> bool {
        self.is_healthy && !self.is_lost && self.out_on.is_empty() && !self.is_in_batch()
    }

    pub(super) fn is_unlooked(&self) -> bool {
        matches!(self.state, State::Waiting | State::Looking | State::Looked { .. })
    }

    pub(super) fn is_candidate(&self) -> bool {
        matches!(self.state, State::Candidate(_))
    }

    /// Those that were left unfinished come first, then those that are down anyway.
    pub(super) fn urgency(&self) -> usize {
        match () {
            () if self.unfinished => 0,
            () if !self.is_up() => 1,
            () => 2,
        }
    }
}
