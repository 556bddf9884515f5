//! Rollouts: instances are taken in batches, out of use first where something can do that, and the
//! next batch waits until the last one is healthy and back.
//!
//! Of each instance it is first asked whether something is to be changed. When that is known of all
//! that can be asked by now, all instances that count are asked for their health, and a batch is formed
//! of those that may be taken: as many as the settings say, and never so many that fewer than
//! `minimum_up` stay up.

mod batch;
mod calls;
mod forming;
mod instance;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use crate::event::{Event, Outcome, Wait};
use crate::names::{HostName, RootId, RootName};
use crate::problem::{Problem, code};
use crate::protocol::{End, Left};
use crate::rollout::Rollout;

use super::progress::Progress;
use super::schedule::{Action, Ended, Question};

use batch::Batch;
use instance::{Instance, State, Work};

/// A component that is rolled, as the model has it.
#[derive(Clone, Debug)]
pub(super) struct Rolled {
    pub(super) component: RootName,
    pub(super) settings: Rollout,
    /// All instances, and whether they are selected.
    pub(super) instances: BTreeMap<RootId, bool>,
    /// By instance: the roots that can take it out of use, with their layers.
    pub(super) balancers: BTreeMap<RootId, BTreeSet<(usize, RootId)>>,
}

/// All rollouts of a run.
#[derive(Debug)]
pub(super) struct Rollouts {
    all: Vec<Rolling>,
    /// Rollout and instance of each root.
    places: BTreeMap<RootId, (usize, usize)>,
    /// The hosts of which it is known whether they take part: whether they do.
    hosts: BTreeMap<HostName, bool>,
    calls: BTreeMap<u64, (RootId, Purpose)>,
    last_call: u64,
    pub(super) now: Duration,
    stopping: bool,
    wakes: BTreeSet<Duration>,
    pub(super) actions: VecDeque<Action>,
}

/// Why something was asked of a root; rollout, and the instances that it is about.
#[derive(Clone, Debug)]
enum Purpose {
    /// How many are up; asked in which round.
    Count(usize, u64, RootId),
    /// Whether a changed instance is healthy.
    Check(usize, usize),
    Drain(usize, Vec<usize>),
    Restore(usize, Vec<usize>),
    Note(usize, usize),
}

/// One rollout.
#[derive(Debug)]
struct Rolling {
    component: RootName,
    settings: Rollout,
    /// All rollouts that count together with this one, itself among them.
    group: Vec<usize>,
    instances: Vec<Instance>,
    /// The hosts that it counts on and has not heard of.
    unknown: BTreeSet<HostName>,
    /// How many selected instances are not over.
    open: usize,
    /// How many batches have begun.
    batches: usize,
    batch: Option<Batch>,
    phase: Phase,
    /// How often all instances were counted.
    rounds: u64,
    is_confirmed: bool,
    changed: Vec<RootId>,
    failed: Vec<RootId>,
    not_reached: Vec<RootId>,
    stopped: Option<Problem>,
    /// What it was last told to wait for.
    told: Option<(Wait, Option<String>)>,
    is_finished: bool,
}

/// What a rollout does between two batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Idle,
    /// All instances are asked how they are; so many have not answered.
    Counting {
        open: usize,
        until: Duration,
        blocked: Option<Duration>,
    },
    /// Too few are up, since then; they are asked again at a time.
    Blocked {
        since: Duration,
        again: Duration,
    },
    Confirming,
}

impl Rollouts {
    pub(super) fn new(rolled: Vec<Rolled>) -> Self {
        let groups: Vec<Vec<usize>> = (0..rolled.len())
            .map(|one| {
                let group = rolled[one].settings.group.as_ref();
                let together = |other: &usize| {
                    *other == one
                        || group.is_some() && group == rolled[*other].settings.group.as_ref()
                };
                (0..rolled.len()).filter(together).collect()
            })
            .collect();
        let of_one = |rolled: &Rolled| -> BTreeSet<HostName> {
            let instances = rolled.instances.keys().map(|id| id.host.clone());
            let balancers = rolled.balancers.values().flatten().map(|(_, id)| id.host.clone());
            instances.chain(balancers).collect()
        };
        let hosts: Vec<BTreeSet<HostName>> = rolled.iter().map(of_one).collect();
        let mut places = BTreeMap::new();
        let mut all = Vec::with_capacity(rolled.len());
        for (number, mut rolled) in rolled.into_iter().enumerate() {
            let mut instances = Vec::with_capacity(rolled.instances.len());
            for (place, (id, selected)) in rolled.instances.into_iter().enumerate() {
                places.insert(id.clone(), (number, place));
                let balancers = rolled.balancers.remove(&id).unwrap_or_default();
                instances.push(Instance::new(id, selected, balancers));
            }
            let group = groups[number].clone();
            all.push(Rolling {
                component: rolled.component,
                settings: rolled.settings,
                unknown: group.iter().flat_map(|member| hosts[*member].clone()).collect(),
                group,
                open: instances.iter().filter(|instance| instance.selected).count(),
                instances,
                batches: 0,
                batch: None,
                phase: Phase::Idle,
                rounds: 0,
                is_confirmed: false,
                changed: Vec::new(),
                failed: Vec::new(),
                not_reached: Vec::new(),
                stopped: None,
                told: None,
                is_finished: false,
            });
        }
        Self {
            all,
            places,
            hosts: BTreeMap::new(),
            calls: BTreeMap::new(),
            last_call: 0,
            now: Duration::ZERO,
            stopping: false,
            wakes: BTreeSet::new(),
            actions: VecDeque::new(),
        }
    }

    /// Whether a root is an instance, selected or not.
    pub(super) fn contains(&self, root: &RootId) -> bool {
        self.places.contains_key(root)
    }

    /// Whether a root is a selected instance.
    pub(super) fn takes_part(&self, root: &RootId) -> bool {
        self.places.get(root).is_some_and(|(r, i)| self.all[*r].instances[*i].selected)
    }

    /// Whether a root is in a batch, which ends it when all of its members are done.
    pub(super) fn is_in_batch(&self, root: &RootId) -> bool {
        self.places.get(root).is_some_and(|(r, i)| self.all[*r].instances[*i].is_in_batch())
    }

    /// Whether a rollout that is not over counts on a host.
    pub(super) fn involve(&self, host: &HostName) -> bool {
        self.all.iter().filter(|rolling| rolling.open > 0).any(|rolling| {
            rolling.group.iter().flat_map(|member| &self.all[*member].instances).any(|instance| {
                instance.id.host == *host
                    || instance.balancers.iter().any(|(_, balancer)| balancer.host == *host)
            })
        })
    }

    pub(super) fn wakes(&self) -> Option<Duration> {
        self.wakes.first().copied()
    }

    fn wake(&mut self, at: Duration) {
        self.wakes.insert(at);
    }

    fn instance(&mut self, (r, i): (usize, usize)) -> &mut Instance {
        &mut self.all[r].instances[i]
    }

    /// A host takes part.
    pub(super) fn ready(&mut self, host: &HostName, left: Left) {
        for root in left.rolling {
            let id = RootId::new(host.clone(), root);
            if let Some(place) = self.places.get(&id).copied() {
                self.instance(place).unfinished = true;
            }
        }
        for (root, instance) in left.drained {
            if let Some(place) = self.places.get(&instance).copied() {
                let balancer = RootId::new(host.clone(), root);
                self.instance(place).out_on.insert(balancer);
            }
        }
        self.known(host, true);
    }

    /// A host takes part no more.
    pub(super) fn leave(&mut self, host: &HostName) {
        self.known(host, false);
    }

    fn known(&mut self, host: &HostName, takes_part: bool) {
        self.hosts.insert(host.clone(), takes_part);
        for rolling in &mut self.all {
            rolling.unknown.remove(host);
        }
    }

    fn is_ready(&self, host: &HostName) -> bool {
        self.hosts.get(host) == Some(&true)
    }

    /// A root can start: whether it is an instance, which is only looked at then.
    pub(super) fn starts(&mut self, root: &RootId) -> bool {
        let takes_part = self.takes_part(root);
        if takes_part && let Some(place) = self.places.get(root).copied() {
            self.instance(place).state = State::Looking;
        }
        takes_part
    }

    /// An instance was looked at, or its update ended.
    pub(super) fn ended(&mut self, root: &RootId, ended: Ended) {
        let Some((r, i)) = self.places.get(root).copied() else { return };
        let instance = self.instance((r, i));
        instance.counts = ended.counts;
        match instance.state {
            State::Looking => match ended.end {
                End::Reached => instance.state = State::Looked { stale: ended.uncertain },
                End::Failed => self.end(r, i, Outcome::Failed, ended.elapsed),
                End::Interrupted => self.end(r, i, Outcome::Interrupted, ended.elapsed),
            },
            State::Updating => self.updated(r, i, ended.end),
            _ => {}
        }
    }

    /// An instance has ended by what others came to.
    pub(super) fn over(&mut self, root: &RootId) {
        if let Some((r, i)) = self.places.get(root).copied() {
            let instance = self.instance((r, i));
            if instance.selected && instance.state != State::Over {
                instance.state = State::Over;
                self.all[r].open -= 1;
                self.all[r].not_reached.push(root.clone());
            }
        }
    }

    fn end(&mut self, r: usize, i: usize, outcome: Outcome, elapsed: Duration) {
        let instance = &mut self.all[r].instances[i];
        if instance.state == State::Over {
            return;
        }
        instance.state = State::Over;
        let (root, counts) = (instance.id.clone(), instance.counts);
        let rolling = &mut self.all[r];
        rolling.open -= 1;
        match outcome {
            Outcome::Failed => rolling.failed.push(root.clone()),
            Outcome::NotReached | Outcome::Interrupted => rolling.not_reached.push(root.clone()),
            _ => {}
        }
        self.actions.push_back(Action::End { root, outcome, counts, elapsed });
    }

    /// Somebody said whether a rollout is to go on.
    pub(super) fn confirmed(&mut self, component: &RootName, yes: bool) {
        let Some(r) = self.all.iter().position(|rolling| rolling.component == *component) else {
            return;
        };
        if self.all[r].phase != Phase::Confirming {
            return;
        }
        self.all[r].phase = Phase::Idle;
        self.all[r].is_confirmed = true;
        if !yes {
            let message = format!("the rollout of `{component}` was not to go on after its canary");
            let problem = Problem::new(code::ROLLOUT_DECLINED, message);
            self.halt(r, problem.hint("deploy again to go on, or deploy what was there before"));
        }
    }

    /// No further batch of a rollout starts.
    fn halt(&mut self, r: usize, problem: Problem) {
        self.all[r].stopped.get_or_insert(problem);
    }

    /// Nothing further starts at all.
    pub(super) fn stop(&mut self) {
        self.stopping = true;
        for r in 0..self.all.len() {
            let members = self.all[r].batch.as_ref().map(|batch| batch.members.clone());
            let now = self.now;
            for i in members.unwrap_or_default() {
                self.all[r].instances[i].check.next = now;
            }
        }
        self.wake(self.now);
        self.tick();
    }

    /// Asks what it is time to ask.
    pub(super) fn tick(&mut self) {
        while self.wakes.first().is_some_and(|at| *at <= self.now) {
            self.wakes.pop_first();
        }
        for r in 0..self.all.len() {
            self.check_members(r);
        }
    }

    /// Lets each rollout do what it can do by now.
    pub(super) fn decide(&mut self, progress: &Progress) {
        for r in 0..self.all.len() {
            if !self.all[r].is_finished {
                self.decide_one(r, progress);
            }
        }
    }

    fn decide_one(&mut self, r: usize, progress: &Progress) {
        self.go_on_with_batch(r);
        if self.all[r].batch.is_some() {
            return;
        }
        if self.all[r].unknown.is_empty() || self.stopping {
            self.judge(r);
        }
        let rolling = &self.all[r];
        let too_many =
            rolling.failed.len() > rolling.settings.max_failed.at_most(rolling.instances.len());
        if too_many && rolling.stopped.is_none() {
            let failed: Vec<_> = rolling.failed.iter().map(|id| format!("`{id}`")).collect();
            let message = format!(
                "the rollout of `{}` stopped: {} failed, and `max_failed` is {}",
                rolling.component,
                failed.join(", "),
                rolling.settings.max_failed
            );
            let problem = Problem::new(code::ROLLOUT_STOPPED, message);
            self.halt(r, problem.hint("mend what failed and deploy again: it is taken first then"));
        }
        if self.stopping || self.all[r].stopped.is_some() {
            self.leave_out_the_rest(r);
        } else {
            self.form_next(r, progress);
        }
        let rolling = &mut self.all[r];
        if rolling.open == 0 && rolling.batch.is_none() {
            rolling.is_finished = true;
            let stopped = rolling.stopped.clone();
            if rolling.told.is_some() || stopped.is_some() || !rolling.failed.is_empty() {
                self.actions.push_back(Action::Tell(Event::RolloutFinished {
                    component: rolling.component.clone(),
                    done: rolling.changed.clone(),
                    failed: rolling.failed.clone(),
                    not_reached: rolling.not_reached.clone(),
                    stopped,
                }));
            }
        }
    }

    /// What was looked at becomes a candidate where something is to be done, and else is done with.
    fn judge(&mut self, r: usize) {
        for i in 0..self.all[r].instances.len() {
            let instance = &mut self.all[r].instances[i];
            let State::Looked { stale } = instance.state else { continue };
            if stale {
                instance.state = State::Candidate(Work::Change);
            } else if instance.unfinished || !instance.out_on.is_empty() {
                instance.state = State::Candidate(Work::Gate);
            } else {
                self.end(r, i, Outcome::Converged, Duration::ZERO);
            }
        }
    }

    /// Ends what has not begun; who is being looked at may still turn out to be as it should be.
    fn leave_out_the_rest(&mut self, r: usize) {
        let outcome = match self.stopping {
            true => Outcome::Interrupted,
            false => Outcome::NotReached,
        };
        for i in 0..self.all[r].instances.len() {
            let instance = &self.all[r].instances[i];
            if instance.is_candidate() || instance.state == State::Waiting {
                self.end(r, i, outcome.clone(), Duration::ZERO);
            }
        }
    }

    /// Tells what a rollout waits for, when that changes.
    fn tell_wait(&mut self, r: usize, wait: Wait, seen: Option<String>, members: &[usize]) {
        let rolling = &mut self.all[r];
        let told = Some((wait, seen.clone()));
        if rolling.told == told {
            return;
        }
        rolling.told = told;
        let roots = members.iter().map(|i| rolling.instances[*i].id.clone()).collect();
        let component = rolling.component.clone();
        self.actions.push_back(Action::Tell(Event::RolloutWaiting {
            component,
            wait,
            roots,
            seen,
        }));
    }

    /// How many instances of a group there are, how many of them are up, and how many must be.
    fn counted(&self, r: usize) -> (usize, usize, usize) {
        let group = self.all[r].group.iter().flat_map(|member| &self.all[*member].instances);
        let (all, up) =
            group.fold((0, 0), |(all, up), instance| (all + 1, up + usize::from(instance.is_up())));
        (all, up, self.all[r].settings.minimum(all))
    }

    fn question(&self, r: usize) -> Question {
        let rolling = &self.all[r];
        let left = rolling.instances.iter();
        let left = left.filter(|instance| instance.is_candidate() || instance.is_unlooked());
        Question {
            component: rolling.component.clone(),
            done: rolling.changed.clone(),
            left: left.count(),
        }
    }
}
