//! A batch: its instances are taken out of use, changed, watched until they are healthy, and put back.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use crate::event::{Event, Outcome, Wait};
use crate::names::RootId;
use crate::problem::{Problem, code};
use crate::protocol::{Ask, CallKind, End};

use super::super::schedule::Action;
use super::instance::{Check, State};
use super::{Purpose, Rollouts, instance};

/// How often a changed instance is asked whether it is healthy, at most and at least.
const OFTEN: Duration = Duration::from_millis(100);
const SELDOM: Duration = Duration::from_secs(1);

/// A batch that is under way.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) members: Vec<usize>,
    /// 0: nothing has to be changed.
    number: usize,
    stage: Stage,
    /// What is still to be asked in this stage, one layer of balancers after the other.
    layers: VecDeque<BTreeMap<RootId, Vec<usize>>>,
    /// How many calls of the stage, or members, have not come to an end.
    open: usize,
    began: Duration,
    /// By balancer: the members that this batch has taken out of use there.
    taken: BTreeMap<RootId, Vec<usize>>,
    /// Why nothing is changed after all.
    aborted: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Drain,
    Change,
    Restore,
    Note,
}

/// The balancers of instances, by layer, each with the instances that it is asked for.
fn layers<'a>(
    of: impl Iterator<Item = (usize, &'a (usize, RootId))>,
) -> VecDeque<BTreeMap<RootId, Vec<usize>>> {
    let mut layers = BTreeMap::<usize, BTreeMap<RootId, Vec<usize>>>::new();
    for (member, (layer, balancer)) in of {
        let of_layer = layers.entry(*layer).or_default();
        of_layer.entry(balancer.clone()).or_default().push(member);
    }
    layers.into_values().collect()
}

impl Rollouts {
    pub(super) fn begin_batch(&mut self, r: usize, number: usize, members: Vec<usize>) {
        for i in &members {
            let instance = &mut self.all[r].instances[*i];
            instance.state = State::Settled;
            instance.result = instance::Outcome::default();
        }
        let (instances, up, minimum_up) = self.counted(r);
        let left = self.question(r).left;
        let rolling = &mut self.all[r];
        let balancers = members
            .iter()
            .flat_map(|i| rolling.instances[*i].balancers.iter().map(|balancer| (*i, balancer)));
        let layers = if number == 0 { VecDeque::new() } else { layers(balancers) };
        let roots = members.iter().map(|i| rolling.instances[*i].id.clone()).collect();
        let component = rolling.component.clone();
        let stage = Stage::Drain;
        let (taken, began) = (BTreeMap::new(), self.now);
        rolling.batch =
            Some(Batch { members, number, stage, layers, open: 0, began, taken, aborted: false });
        self.actions.push_back(Action::Tell(Event::RolloutBatch {
            component,
            number,
            roots,
            up,
            instances,
            minimum_up,
            left,
        }));
    }

    /// Does what a batch can do by now.
    pub(super) fn go_on_with_batch(&mut self, r: usize) {
        loop {
            let Some(batch) = &mut self.all[r].batch else { return };
            if batch.open > 0 {
                return;
            }
            match batch.stage {
                Stage::Drain if self.stopping && !batch.aborted => {
                    for i in batch.members.clone() {
                        self.all[r].instances[i].result.interrupted = true;
                    }
                    self.abort(r);
                }
                Stage::Drain if batch.aborted => self.enter_restore(r),
                Stage::Drain => match batch.layers.pop_front() {
                    Some(layer) => self.drain(r, layer),
                    None => self.change(r),
                },
                Stage::Change => self.enter_restore(r),
                Stage::Restore => match batch.layers.pop_front() {
                    Some(layer) => self.restore(r, layer),
                    None => self.note(r),
                },
                Stage::Note => return self.end_batch(r),
            }
        }
    }

    fn ids(&self, r: usize, members: &[usize]) -> Vec<RootId> {
        members.iter().map(|i| self.all[r].instances[*i].id.clone()).collect()
    }

    fn batch(&mut self, r: usize) -> Option<&mut Batch> {
        self.all[r].batch.as_mut()
    }

    fn one_less(&mut self, r: usize) {
        if let Some(batch) = self.batch(r) {
            batch.open = batch.open.saturating_sub(1);
        }
    }

    fn drain(&mut self, r: usize, layer: BTreeMap<RootId, Vec<usize>>) {
        if let Some(batch) = self.batch(r) {
            batch.open = layer.len();
        }
        let all: BTreeSet<_> = layer.values().flatten().copied().collect();
        let all: Vec<_> = all.into_iter().collect();
        self.tell_wait(r, Wait::Drain, None, &all);
        for (balancer, members) in layer {
            let instances = self.ids(r, &members);
            // What is out of use there already, and is to stay so when this batch comes to nothing.
            let instances_of = &self.all[r].instances;
            let new = members.iter().filter(|i| !instances_of[**i].out_on.contains(&balancer));
            let new: Vec<_> = new.copied().collect();
            if let Some(batch) = self.batch(r) {
                batch.taken.insert(balancer.clone(), new);
            }
            self.call(&balancer, CallKind::Drain { instances }, Purpose::Drain(r, members));
        }
    }

    pub(super) fn drained(
        &mut self,
        r: usize,
        balancer: &RootId,
        members: &[usize],
        answer: Result<Vec<RootId>, Problem>,
    ) {
        self.one_less(r);
        match answer {
            Ok(out) => {
                for i in members {
                    let instance = &mut self.all[r].instances[*i];
                    if out.contains(&instance.id) {
                        instance.out_on.insert(balancer.clone());
                    }
                }
                if !out.is_empty() {
                    let (root, instances) = (balancer.clone(), out);
                    self.actions.push_back(Action::Tell(Event::Drained { root, instances }));
                }
            }
            Err(problem) => {
                for i in members {
                    let instance = &mut self.all[r].instances[*i];
                    // It may be half out of use.
                    instance.out_on.insert(balancer.clone());
                    let message =
                        format!("`{}` is not taken out of use on `{balancer}`", instance.id);
                    instance.result.problem = Some(because(code::NOT_DRAINED, message, &problem));
                }
                self.abort(r);
                let component = &self.all[r].component;
                let message = format!(
                    "the rollout of `{component}` stopped: `{balancer}` does not take instances out of use"
                );
                let problem = because(code::NOT_DRAINED, message, &problem);
                self.halt(r, problem);
            }
        }
    }

    /// Nothing is changed: what was taken out of use is put back.
    fn abort(&mut self, r: usize) {
        if let Some(batch) = self.batch(r) {
            batch.aborted = true;
            batch.layers.clear();
        }
    }

    fn change(&mut self, r: usize) {
        let (now, timeout) = (self.now, self.all[r].settings.timeout);
        let Some(batch) = self.batch(r) else { return };
        batch.stage = Stage::Change;
        batch.open = batch.members.len();
        let (members, number) = (batch.members.clone(), batch.number);
        for i in &members {
            let instance = &mut self.all[r].instances[*i];
            if instance.is_lost {
                instance.result.failed = true;
                self.one_less(r);
            } else if number == 0 {
                instance.state = State::Checking;
                instance.check = Check { next: now, deadline: now + timeout, ..Check::default() };
            } else {
                instance.state = State::Updating;
                instance.unfinished = true;
                let (root, restore) = (instance.id.clone(), Vec::new());
                self.actions.push_back(Action::Start { root, ask: Ask::Roll, restore });
            }
        }
        if number == 0 {
            self.check_members(r);
        }
        self.tell_change(r);
    }

    /// The update of an instance has ended.
    pub(super) fn updated(&mut self, r: usize, i: usize, end: End) {
        let (now, timeout) = (self.now, self.all[r].settings.timeout);
        let instance = &mut self.all[r].instances[i];
        instance.result.failed = end == End::Failed;
        instance.result.interrupted = end == End::Interrupted;
        instance.state = State::Checking;
        instance.check = Check { next: now, deadline: now + timeout, ..Check::default() };
        self.check_members(r);
        self.tell_change(r);
    }

    /// Asks the members of a batch that it is time to ask.
    pub(super) fn check_members(&mut self, r: usize) {
        let Some(batch) = &self.all[r].batch else { return };
        if batch.stage != Stage::Change {
            return;
        }
        for i in batch.members.clone() {
            let (now, instance) = (self.now, &mut self.all[r].instances[i]);
            if instance.state != State::Checking {
                continue;
            }
            let overdue = instance.check.deadline + SELDOM;
            if !instance.check.asked && instance.check.next <= now {
                instance.check.asked = true;
                let id = instance.id.clone();
                self.wake(overdue);
                self.call(&id, CallKind::Health, Purpose::Check(r, i));
            } else if instance.check.asked && now >= overdue {
                let message = format!("`{}` does not say whether it is healthy", instance.id);
                let problem = Problem::new(code::UNHEALTHY, message);
                self.settle(r, i, Err(problem));
            }
        }
    }

    /// An instance said how it is.
    pub(super) fn checked(&mut self, r: usize, i: usize, answer: Result<(), Problem>) {
        let (now, stopping) = (self.now, self.stopping);
        let settle = self.all[r].settings.settle;
        let interval = (settle / 4).clamp(OFTEN, SELDOM);
        let instance = &mut self.all[r].instances[i];
        if instance.state != State::Checking {
            return;
        }
        // Whose update did not succeed only has to serve, and need not settle.
        let is_changed = !instance.result.failed && !stopping;
        instance.check.asked = false;
        match answer {
            Ok(()) => {
                instance.check.seen = None;
                let since = *instance.check.since.get_or_insert(now);
                let left = settle.saturating_sub(now.saturating_sub(since));
                if left.is_zero() || !is_changed {
                    return self.settle(r, i, Ok(()));
                }
                instance.check.next = now + left.min(interval);
            }
            Err(problem) => {
                instance.check.since = None;
                if now >= instance.check.deadline || stopping {
                    return self.settle(r, i, Err(problem));
                }
                instance.check.seen = Some(problem);
                instance.check.next =
                    (now + interval).min(instance.check.deadline.max(now + OFTEN));
            }
        }
        let next = instance.check.next;
        self.wake(next);
        self.tell_change(r);
    }

    /// It is known of a member whether it is healthy.
    fn settle(&mut self, r: usize, i: usize, healthy: Result<(), Problem>) {
        let (timeout, stopping) = (self.all[r].settings.timeout, self.stopping);
        let instance = &mut self.all[r].instances[i];
        instance.state = State::Settled;
        instance.result.is_healthy = healthy.is_ok();
        if let Err(problem) = healthy {
            let message = match stopping {
                true => format!("`{}` is not healthy", instance.id),
                false => {
                    let after = timeout.as_secs_f64();
                    format!("`{}` is not healthy {after} s after its update", instance.id)
                }
            };
            let problem = because(code::UNHEALTHY, message, &problem);
            instance.result.problem.get_or_insert(problem);
        }
        self.one_less(r);
        self.tell_change(r);
    }

    /// The host of a member is out.
    pub(super) fn fail_in_batch(&mut self, r: usize, i: usize, problem: Problem) {
        let instance = &mut self.all[r].instances[i];
        let was_open = matches!(instance.state, State::Updating | State::Checking);
        instance.state = State::Settled;
        instance.result.failed = true;
        instance.result.problem.get_or_insert(problem);
        if was_open {
            instance.result.is_healthy = false;
            self.one_less(r);
        }
    }

    /// Tells what the batch waits for while its members change.
    fn tell_change(&mut self, r: usize) {
        let Some(batch) = &self.all[r].batch else { return };
        let instances = &self.all[r].instances;
        let with = |wanted: &dyn Fn(&instance::Instance) -> bool| -> Vec<usize> {
            batch.members.iter().copied().filter(|i| wanted(&instances[*i])).collect()
        };
        let updating = with(&|it| it.state == State::Updating);
        let unhealthy = with(&|it| it.state == State::Checking && it.check.since.is_none());
        let settling = with(&|it| it.state == State::Checking);
        let seen = unhealthy.iter().find_map(|i| instances[*i].check.seen.as_ref());
        let seen = seen.map(|problem| problem.message.clone());
        if !updating.is_empty() {
            self.tell_wait(r, Wait::Update, None, &updating);
        } else if !unhealthy.is_empty() {
            self.tell_wait(r, Wait::Healthy, seen, &unhealthy);
        } else if !settling.is_empty() {
            self.tell_wait(r, Wait::Settled, None, &settling);
        }
    }

    /// Puts back what is healthy; what was not changed after all is put back as it was.
    fn enter_restore(&mut self, r: usize) {
        let rolling = &mut self.all[r];
        let Some(batch) = &mut rolling.batch else { return };
        batch.stage = Stage::Restore;
        let instances = &rolling.instances;
        let of_members = batch
            .members
            .iter()
            .flat_map(|i| instances[*i].balancers.iter().map(|balancer| (*i, balancer)));
        let (aborted, taken) = (batch.aborted, &batch.taken);
        let to_restore = of_members.filter(|(i, (_, balancer))| {
            let instance = &instances[*i];
            let is_out = instance.out_on.contains(balancer);
            let was_taken = || taken.get(balancer).is_some_and(|taken| taken.contains(i));
            is_out && if aborted { was_taken() } else { instance.result.is_healthy }
        });
        let layers = layers(to_restore);
        batch.layers = layers;
    }

    fn restore(&mut self, r: usize, layer: BTreeMap<RootId, Vec<usize>>) {
        if let Some(batch) = self.batch(r) {
            batch.open = layer.len();
        }
        let all: BTreeSet<_> = layer.values().flatten().copied().collect();
        let all: Vec<_> = all.into_iter().collect();
        self.tell_wait(r, Wait::Restore, None, &all);
        for (balancer, members) in layer {
            let instances = self.ids(r, &members);
            self.call(&balancer, CallKind::Restore { instances }, Purpose::Restore(r, members));
        }
    }

    pub(super) fn restored(
        &mut self,
        r: usize,
        balancer: &RootId,
        members: &[usize],
        answer: Result<(), Problem>,
    ) {
        self.one_less(r);
        let instances = self.ids(r, members);
        for i in members {
            let instance = &mut self.all[r].instances[*i];
            match &answer {
                Ok(()) => {
                    instance.out_on.remove(balancer);
                }
                Err(problem) => {
                    let message = format!(
                        "`{}` is healthy, and still out of use on `{balancer}`",
                        instance.id
                    );
                    let problem = because(code::NOT_RESTORED, message, problem);
                    instance.result.failed = true;
                    instance.result.problem.get_or_insert(problem);
                }
            }
        }
        if answer.is_ok() {
            let root = balancer.clone();
            self.actions.push_back(Action::Tell(Event::Restored { root, instances }));
        }
    }

    /// Has the hosts note that their instances are done.
    fn note(&mut self, r: usize) {
        let Some(batch) = self.batch(r) else { return };
        batch.stage = Stage::Note;
        let (members, aborted) = (batch.members.clone(), batch.aborted);
        let instances = &self.all[r].instances;
        let is_done = |i: &usize| {
            let result = &instances[*i].result;
            !aborted && result.is_healthy && !result.failed && !result.interrupted
        };
        let done: Vec<_> = members.into_iter().filter(is_done).collect();
        if let Some(batch) = self.batch(r) {
            batch.open = done.len();
        }
        for i in done {
            let id = self.all[r].instances[i].id.clone();
            self.call(&id, CallKind::Rolled, Purpose::Note(r, i));
        }
    }

    pub(super) fn noted(&mut self, r: usize, i: usize, answer: Result<(), Problem>) {
        self.one_less(r);
        let instance = &mut self.all[r].instances[i];
        match answer {
            Ok(()) => instance.unfinished = false,
            Err(problem) => {
                instance.result.failed = true;
                instance.result.problem.get_or_insert(problem);
            }
        }
    }

    fn end_batch(&mut self, r: usize) {
        let Some(batch) = self.all[r].batch.take() else { return };
        let elapsed = self.now.saturating_sub(batch.began);
        for i in batch.members {
            let instance = &mut self.all[r].instances[i];
            let result = std::mem::take(&mut instance.result);
            if !batch.aborted {
                instance.is_healthy = result.is_healthy && !instance.is_lost;
            }
            let id = instance.id.clone();
            let out_on = instance.out_on.iter().cloned().collect();
            let is_done = result.is_healthy && !result.failed;
            let outcome = match () {
                () if result.interrupted => Outcome::Interrupted,
                () if is_done && !batch.aborted => Outcome::Converged,
                () if batch.aborted && result.problem.is_none() => Outcome::NotReached,
                () => Outcome::Failed,
            };
            if outcome == Outcome::Converged && batch.number > 0 {
                self.all[r].changed.push(id.clone());
            }
            if let Some(problem) = result.problem {
                let event = Event::InstanceFailed { root: id, problem, out_on };
                self.actions.push_back(Action::Tell(event));
            }
            self.end(r, i, outcome, elapsed);
        }
    }
}

/// A problem with its cause.
fn because(code: crate::problem::Code, message: String, cause: &Problem) -> Problem {
    let mut problem = Problem::new(code, message);
    problem.causes = std::iter::once(cause.message.clone()).chain(cause.causes.clone()).collect();
    match &cause.hint {
        Some(hint) => problem.hint(hint.clone()),
        None => problem,
    }
}
