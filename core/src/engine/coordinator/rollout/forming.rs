//! Choosing the instances of the next batch.

use std::time::Duration;

use crate::event::Wait;
use crate::problem::{Problem, code};
use crate::protocol::CallKind;

use super::super::progress::Progress;
use super::super::schedule::Action;
use super::instance::{State, Work};
use super::{Phase, Purpose, Rollouts};

/// How often instances are counted while too few are up.
const AGAIN: Duration = Duration::from_secs(1);

impl Rollouts {
    /// Goes on towards the next batch, as far as is possible by now.
    pub(super) fn form_next(&mut self, r: usize, progress: &Progress) {
        let rolling = &self.all[r];
        let is_counting = matches!(rolling.phase, Phase::Counting { open, until, .. }
            if open > 0 && self.now < until);
        if is_counting || !rolling.unknown.is_empty() || !self.knows_enough(r, progress) {
            return;
        }
        match rolling.phase {
            Phase::Confirming => {}
            Phase::Idle if self.must_confirm(r) => {
                self.all[r].phase = Phase::Confirming;
                self.tell_wait(r, Wait::Confirmation, None, &[]);
                let question = self.question(r);
                self.actions.push_back(Action::Confirm(question));
            }
            Phase::Idle => self.count(r, None),
            Phase::Counting { blocked, .. } => self.form(r, blocked),
            Phase::Blocked { since, again } => {
                if self.now >= again {
                    self.count(r, Some(since));
                }
            }
        }
    }

    /// Whether there is somebody to take, and nobody who could still turn out to come before: what is
    /// not known yet waits for a batch itself.
    fn knows_enough(&self, r: usize, progress: &Progress) -> bool {
        let instances = &self.all[r].instances;
        if !instances.iter().any(|instance| instance.is_candidate()) {
            return false;
        }
        let is_looking = |state| matches!(state, State::Looking | State::Looked { .. });
        if instances.iter().any(|instance| is_looking(instance.state)) {
            return false;
        }
        let waiting: Vec<_> = instances
            .iter()
            .filter(|instance| instance.state == State::Waiting)
            .map(|instance| &instance.id)
            .collect();
        if waiting.is_empty() {
            return true;
        }
        let all = self.all.iter().flat_map(|rolling| &rolling.instances);
        let held = all.filter(|instance| instance.is_candidate() || instance.is_in_batch());
        let behind = progress.behind(held.map(|instance| &instance.id));
        waiting.into_iter().all(|id| behind.contains(id))
    }

    fn must_confirm(&self, r: usize) -> bool {
        let rolling = &self.all[r];
        rolling.settings.confirm && !rolling.is_confirmed && rolling.batches > 0
    }

    /// Asks all instances that count how they are.
    fn count(&mut self, r: usize, blocked: Option<Duration>) {
        let group = self.all[r].group.iter();
        let ids: Vec<_> = group
            .flat_map(|member| &self.all[*member].instances)
            .filter(|instance| !instance.is_in_batch() && self.is_ready(&instance.id.host))
            .map(|instance| instance.id.clone())
            .collect();
        let until = self.now + self.all[r].settings.timeout;
        self.all[r].phase = Phase::Counting { open: ids.len(), until, blocked };
        self.all[r].rounds += 1;
        let round = self.all[r].rounds;
        self.wake(until);
        for id in ids {
            self.call(&id, CallKind::Health, Purpose::Count(r, round, id.clone()));
        }
    }

    /// Chooses a batch, by what was just counted.
    fn form(&mut self, r: usize, blocked: Option<Duration>) {
        let (all, mut up, minimum) = self.counted(r);
        let rolling = &self.all[r];
        let instances = rolling.instances.iter().enumerate();
        let unchanged: Vec<_> = instances
            .clone()
            .filter(|(_, instance)| instance.state == State::Candidate(Work::Gate))
            .map(|(i, _)| i)
            .collect();
        if !unchanged.is_empty() {
            self.all[r].phase = Phase::Idle;
            return self.begin_batch(r, 0, unchanged);
        }
        let candidates = instances.filter(|(_, instance)| instance.is_candidate());
        let mut candidates: Vec<_> = candidates.map(|(i, it)| (it.urgency(), i)).collect();
        candidates.sort_unstable();
        let size = rolling.settings.batch_size(rolling.batches, rolling.instances.len());
        let mut chosen = Vec::new();
        for (_, i) in candidates {
            if chosen.len() == size {
                break;
            }
            if rolling.instances[i].is_up() {
                // Who is down already takes nobody away.
                if up <= minimum {
                    continue;
                }
                up -= 1;
            }
            chosen.push(i);
        }
        if chosen.is_empty() {
            return self.block(r, blocked, (all, up, minimum));
        }
        self.all[r].phase = Phase::Idle;
        chosen.sort_unstable();
        let balancers = chosen.iter().flat_map(|i| &self.all[r].instances[*i].balancers);
        let unreachable = balancers.map(|(_, id)| id).find(|id| !self.is_ready(&id.host));
        if let Some(balancer) = unreachable {
            let message = format!(
                "no instance of `{}` can be taken out of use on `{balancer}`, whose host takes no part",
                self.all[r].component
            );
            let problem = Problem::new(code::NOT_DRAINED, message);
            return self.halt(
                r,
                problem.hint("mend the host, or set `ignore = true` for it, and deploy again"),
            );
        }
        self.all[r].batches += 1;
        let number = self.all[r].batches;
        self.begin_batch(r, number, chosen);
    }

    /// Too few are up: waits until more are, but not for longer than an instance may take.
    fn block(&mut self, r: usize, blocked: Option<Duration>, counted: (usize, usize, usize)) {
        let group = self.all[r].group.iter();
        let is_rolling = group.clone().any(|member| self.all[*member].batch.is_some());
        // What others have taken comes back, or stops them.
        let since = if is_rolling { self.now } else { blocked.unwrap_or(self.now) };
        let (all, up, minimum) = counted;
        let down: Vec<_> = group
            .flat_map(|member| &self.all[*member].instances)
            .filter(|instance| !instance.is_up() && !instance.is_in_batch())
            .collect();
        let names: Vec<_> = down.iter().map(|instance| format!("`{}`", instance.id)).collect();
        let seen = format!("{up} of {all} are up, {minimum} must be; down: {}", names.join(", "));
        if self.now.saturating_sub(since) >= self.all[r].settings.timeout {
            let message =
                format!("no instance of `{}` can be taken: {seen}", self.all[r].component);
            let why = down.iter().find_map(|instance| instance.check.seen.clone());
            let problem = Problem::new(code::TOO_FEW_UP, message);
            let problem =
                problem.hint("mend what is down, or lower `minimum_up`, and deploy again");
            let problem = why.into_iter().fold(problem, |problem, why| Problem {
                causes: std::iter::once(why.message).chain(why.causes).collect(),
                ..problem
            });
            self.all[r].phase = Phase::Idle;
            return self.halt(r, problem);
        }
        let again = self.now + AGAIN;
        self.all[r].phase = Phase::Blocked { since, again };
        self.wake(again);
        self.tell_wait(r, Wait::MinimumUp, Some(seen), &[]);
    }
}
