//! What hosts are handed, before their roots and with each of them.

use std::collections::BTreeSet;

use crate::engine::hand_over::{hand_over, needed_homes};
use crate::event::{Counts, Outcome};
use crate::model::draft::Cause;
use crate::names::{HostName, RootId, RootName};
use crate::protocol::{Ask, End, HandOver, Start};

use super::Run;
use super::link::Link;

impl Run<'_> {
    /// Hands over to a host that has greeted, unless the home of another must be known first.
    pub(super) fn hand_over_to(&mut self, host: &HostName) {
        if self.stopping || !self.links.get(host).is_some_and(Link::awaits_hand_over) {
            return;
        }
        let present = self.present();
        let mut needed = needed_homes(self.model, host, &present).into_iter();
        let missing = needed.find(|needed| {
            !self.homes.contains_key(needed)
                && self.links.get(needed).is_some_and(|link| !link.is_gone())
        });
        if let Some(missing) = missing {
            self.awaiting.entry(missing).or_default().push(host.clone());
            return;
        }
        let attending = self.attending.iter().filter(|id| id.host == *host);
        let attending = attending.map(|id| id.root.clone()).collect();
        let is_back = self.links.get(host).is_some_and(|link| link.rebooting.is_some());
        let hand_over = HandOver {
            attending,
            back: is_back.then(|| self.ended_on(host)),
            ..hand_over(self.model, host, &present, &self.homes, self.options)
        };
        self.link(host, |link| link.hand_over(hand_over));
    }

    /// How roots have ended on a host by now.
    fn ended_on(&self, host: &HostName) -> Vec<(RootName, End, Counts)> {
        let of_host = self.summary.roots.iter().filter(|(id, _)| id.0.host == *host);
        let ended = of_host.filter_map(|(id, summary)| {
            let end = match summary.outcome {
                Outcome::Converged | Outcome::Planned => End::Reached,
                Outcome::Failed => End::Failed,
                Outcome::Interrupted => End::Interrupted,
                _ => return None,
            };
            Some((id.0.root.clone(), end, summary.counts))
        });
        ended.collect()
    }

    /// All roots that hosts are handed.
    pub(super) fn present(&self) -> BTreeSet<RootId> {
        self.selected.union(&self.attending).cloned().collect()
    }

    /// The home of a host is known, or never will be.
    pub(super) fn hand_over_to_who_waits_for(&mut self, host: &HostName) {
        for waiting in self.awaiting.remove(host).unwrap_or_default() {
            self.hand_over_to(&waiting);
        }
    }

    pub(super) fn start(&self, id: &RootId, ask: Ask, restore: Vec<RootId>) -> Start {
        let triggers = &self.model.roots[id].draft.triggers;
        let providers = triggers.iter().filter_map(|trigger| match &trigger.cause {
            Cause::Provider(provider) => Some(&**provider),
            Cause::Node(_) => None,
        });
        let providers: BTreeSet<_> = providers.collect();
        let counts = providers
            .iter()
            .filter_map(|provider| Some(((*provider).clone(), *self.counters.get(*provider)?)));
        Start {
            root: id.root.clone(),
            ask,
            restore,
            uncertain: self.depends_on_uncertain(id),
            counts: counts.collect(),
            predicted: providers
                .iter()
                .filter(|provider| self.predicted.contains(**provider))
                .map(|provider| (*provider).clone())
                .collect(),
        }
    }
}
