//! What is to be done next over all hosts, from what was heard of them: with no connection and no
//! clock of its own, so that a forecast and a test can run it as fast as they like.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use crate::event::{Counts, Event, Mode, Outcome};
use crate::model::Graph;
use crate::names::{HostName, RootId, RootName};
use crate::problem::Problem;
use crate::protocol::{Ask, CallKind, End, Left};

use super::progress::Progress;
use super::rollout::{Rolled, Rollouts};

/// What is to be done next.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Action {
    /// Start a root on its host.
    Start { root: RootId, ask: Ask, restore: Vec<RootId> },
    /// Ask something of a root, which is answered under this number.
    Call { number: u64, to: RootId, kind: CallKind },
    /// A root has ended.
    End { root: RootId, outcome: Outcome, counts: Counts, elapsed: Duration },
    /// Tell what happened.
    Tell(Event),
    /// Ask whether a rollout is to go on.
    Confirm(Question),
}

/// That somebody is to confirm a rollout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The component.
    pub component: RootName,
    /// The instances that are done.
    pub done: Vec<RootId>,
    /// How many are still to come, as far as is known.
    pub left: usize,
}

/// How a root ended that was started.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ended {
    pub(super) end: End,
    pub(super) uncertain: bool,
    pub(super) counts: Counts,
    pub(super) elapsed: Duration,
}

/// The state of all that a run is about.
#[derive(Debug)]
pub(super) struct Schedule {
    progress: Progress,
    rollouts: Rollouts,
    mode: Mode,
    /// The roots that reached what was asked of them.
    reached: BTreeSet<RootId>,
    /// By root: the instances that it has left out of use, and that no rollout is about.
    leftovers: BTreeMap<RootId, Vec<RootId>>,
    next: VecDeque<Action>,
}

impl Schedule {
    /// All selected roots in their order; what is not selected counts as done.
    pub(super) fn new(
        graph: &Graph,
        selected: Vec<RootId>,
        rolled: Vec<Rolled>,
        mode: Mode,
    ) -> Self {
        Self {
            mode,
            progress: Progress::new(graph, selected),
            rollouts: Rollouts::new(rolled),
            reached: BTreeSet::new(),
            leftovers: BTreeMap::new(),
            next: VecDeque::new(),
        }
    }

    /// What is to be done, in order.
    pub(super) fn next(&mut self) -> Option<Action> {
        self.next.pop_front()
    }

    pub(super) fn is_done(&self) -> bool {
        self.progress.is_done()
    }

    /// Whether anything is still expected of a host.
    pub(super) fn needs(&self, host: &HostName) -> bool {
        !self.progress.is_done_on(host) || !self.is_done() && self.rollouts.involve(host)
    }

    pub(super) fn is_running(&self, root: &RootId) -> bool {
        self.progress.is_running(root)
    }

    /// When it must be told the time again, if nothing is heard before.
    pub(super) fn wakes(&self) -> Option<Duration> {
        self.rollouts.wakes()
    }

    /// A host is ready for its roots; that is what rollouts have left there.
    pub(super) fn ready(&mut self, now: Duration, host: &HostName, left: Left) {
        self.rollouts.now = now;
        self.progress.ready(host);
        for (root, instance) in &left.drained {
            if !self.rollouts.contains(instance) {
                let balancer = RootId::new(host.clone(), root.clone());
                self.leftovers.entry(balancer).or_default().push(instance.clone());
            }
        }
        self.rollouts.ready(host, left);
        self.go_on();
    }

    /// A root that was started has ended.
    pub(super) fn ended(&mut self, now: Duration, root: RootId, ended: Ended) {
        self.rollouts.now = now;
        let Ended { end, counts, elapsed, .. } = ended;
        if self.rollouts.takes_part(&root) {
            self.rollouts.ended(&root, ended);
        } else {
            let outcome = match (end, self.mode) {
                (End::Reached, Mode::Converge) => Outcome::Converged,
                (End::Reached, Mode::Verify) => Outcome::Planned,
                (End::Failed, _) => Outcome::Failed,
                (End::Interrupted, _) => Outcome::Interrupted,
            };
            self.end(Action::End { root, outcome, counts, elapsed });
        }
        self.go_on();
    }

    /// A call was answered.
    pub(super) fn answered(
        &mut self,
        now: Duration,
        number: u64,
        answer: Result<Vec<RootId>, Problem>,
    ) {
        self.rollouts.now = now;
        self.rollouts.answered(number, answer);
        self.go_on();
    }

    /// A host is out: its roots have failed.
    pub(super) fn lost(&mut self, now: Duration, host: &HostName, problem: &Problem) {
        self.rollouts.now = now;
        self.rollouts.lost(host, problem);
        // All of them fail by themselves, also those that wait for others of the host.
        let roots = self.progress.unfinished_on(host).into_iter();
        let roots: BTreeSet<_> = roots.filter(|root| !self.rollouts.is_in_batch(root)).collect();
        for root in &roots {
            let (counts, elapsed) = (Counts::default(), Duration::ZERO);
            let (root, outcome) = (root.clone(), Outcome::Failed);
            self.next.push_back(Action::End { root, outcome, counts, elapsed });
        }
        for root in &roots {
            let waiting = self.progress.end(root, false).into_iter();
            for (root, outcome) in waiting.filter(|(root, _)| !roots.contains(root)) {
                self.left_out(root, outcome);
            }
        }
        self.go_on();
    }

    /// A host takes part no more, though it is not lost: nothing is to be asked of it.
    pub(super) fn leave(&mut self, host: &HostName) {
        self.rollouts.leave(host);
    }

    /// Somebody said whether a rollout is to go on.
    pub(super) fn confirmed(&mut self, now: Duration, component: &RootName, yes: bool) {
        self.rollouts.now = now;
        self.rollouts.confirmed(component, yes);
        self.go_on();
    }

    /// Nothing further starts. What rollouts have taken out of use is put back where it is healthy.
    pub(super) fn stop(&mut self, now: Duration) {
        self.rollouts.now = now;
        self.rollouts.stop();
        for root in self.progress.give_up_unstarted() {
            self.left_out(root, Outcome::Interrupted);
        }
        self.go_on();
    }

    /// It is later now.
    pub(super) fn tick(&mut self, now: Duration) {
        self.rollouts.now = now;
        self.rollouts.tick();
        self.go_on();
    }

    /// Does all that can be done by now.
    fn go_on(&mut self) {
        loop {
            while let Some(action) = self.rollouts.actions.pop_front() {
                match action {
                    Action::End { .. } => self.end(action),
                    action => self.next.push_back(action),
                }
            }
            while let Some(root) = self.progress.next() {
                let rolled = self.rollouts.starts(&root);
                let ask = if rolled { Ask::Look } else { Ask::Run };
                let restore = self.leftovers.remove(&root).unwrap_or_default();
                let restore = restore.into_iter().filter(|id| self.reached.contains(id)).collect();
                self.next.push_back(Action::Start { root, ask, restore });
            }
            self.rollouts.decide(&self.progress);
            if self.rollouts.actions.is_empty() {
                return;
            }
        }
    }

    /// Records how a root ended, and what that means for those that depend on it.
    fn end(&mut self, action: Action) {
        let Action::End { root, outcome, .. } = &action else { return };
        // What another has come to may have ended it in the meantime.
        if self.progress.is_over(root) {
            return;
        }
        let (root, reached) =
            (root.clone(), matches!(outcome, Outcome::Converged | Outcome::Planned));
        self.next.push_back(action);
        for (root, outcome) in self.progress.end(&root, reached) {
            self.left_out(root, outcome);
        }
        if reached {
            self.reached.insert(root);
        }
    }

    /// Records that a root does not start.
    fn left_out(&mut self, root: RootId, outcome: Outcome) {
        self.rollouts.over(&root);
        let (counts, elapsed) = (Counts::default(), Duration::ZERO);
        self.next.push_back(Action::End { root, outcome, counts, elapsed });
    }
}
