//! What rollouts ask of roots, and what they are answered.

use std::time::Duration;

use crate::event::Outcome;
use crate::names::{HostName, RootId};
use crate::problem::{Problem, code};
use crate::protocol::CallKind;

use super::super::schedule::Action;
use super::{Phase, Purpose, Rollouts};

impl Rollouts {
    /// A host is out.
    pub(in super::super) fn lost(&mut self, host: &HostName, problem: &Problem) {
        self.known(host, false);
        let on_it = self.places.iter().filter(|(id, _)| id.host == *host);
        for (r, i) in on_it.map(|(_, place)| *place).collect::<Vec<_>>() {
            let instance = self.instance((r, i));
            instance.is_lost = true;
            if instance.is_in_batch() {
                self.fail_in_batch(r, i, problem.clone());
            } else if instance.selected {
                self.end(r, i, Outcome::Failed, Duration::ZERO);
            }
        }
        let unanswered = self.calls.iter().filter(|(_, (to, _))| to.host == *host);
        for number in unanswered.map(|(number, _)| *number).collect::<Vec<_>>() {
            self.answered(number, Err(problem.clone()));
        }
    }

    pub(super) fn call(&mut self, to: &RootId, kind: CallKind, purpose: Purpose) {
        self.last_call += 1;
        let number = self.last_call;
        self.calls.insert(number, (to.clone(), purpose));
        if self.hosts.get(&to.host) == Some(&false) {
            let problem =
                Problem::new(code::AGENT_GONE, format!("host `{}` takes no part", to.host));
            return self.answered(number, Err(problem));
        }
        self.actions.push_back(Action::Call { number, to: to.clone(), kind });
    }

    /// What was asked of a root has been answered.
    pub(in super::super) fn answered(&mut self, number: u64, answer: Result<Vec<RootId>, Problem>) {
        let Some((to, purpose)) = self.calls.remove(&number) else { return };
        match purpose {
            Purpose::Count(r, round, id) => {
                if let Some(place) = self.places.get(&id).copied() {
                    let instance = self.instance(place);
                    if !instance.is_in_batch() {
                        instance.is_healthy = answer.is_ok();
                        instance.check.seen = answer.err();
                    }
                }
                let rolling = &mut self.all[r];
                if let Phase::Counting { open, .. } = &mut rolling.phase
                    && round == rolling.rounds
                {
                    *open = open.saturating_sub(1);
                }
            }
            Purpose::Check(r, i) => self.checked(r, i, answer.map(|_| ())),
            Purpose::Drain(r, members) => self.drained(r, &to, &members, answer),
            Purpose::Restore(r, members) => self.restored(r, &to, &members, answer.map(|_| ())),
            Purpose::Note(r, i) => self.noted(r, i, answer.map(|_| ())),
        }
    }
}
