//! How rollouts would go if all goes well, for a plan: the same schedule, with hosts that do at once
//! what they are asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::event::{Counts, Event, Mode, PlannedBatch, PlannedRollout};
use crate::model::{Graph, Model};
use crate::names::{HostName, RootId};
use crate::protocol::{Ask, CallKind, End, Left};
use crate::rollout::Rollout;

use super::Run;
use super::rolled::rolled;
use super::rollout::Rolled;
use super::schedule::{Action, Ended, Schedule};

/// The waves in which the rollouts of a model would go if these of its roots are to be changed, and all
/// goes well: what a plan shows in its end.
pub fn forecast(model: &Model, changing: &BTreeSet<RootId>) -> Vec<Vec<PlannedBatch>> {
    let skips = |id: &RootId| model.is_ignored(id) || model.done_once(id).is_some();
    let selected: Vec<_> = model.graph.order().iter().filter(|id| !skips(id)).cloned().collect();
    let rolled = rolled(model, &selected.iter().cloned().collect());
    Forecast { graph: &model.graph, selected, rolled, changing, left: &BTreeMap::new() }.waves()
}

impl Run<'_> {
    /// Tells how the rollouts would go, where that was to be planned.
    pub(super) fn forecast(&mut self) {
        if self.options.mode == Mode::Converge || self.rolled.is_empty() {
            return;
        }
        let forecast = Forecast {
            graph: &self.model.graph,
            selected: self.selected.iter().cloned().collect(),
            rolled: std::mem::take(&mut self.rolled),
            changing: &self.changing,
            left: &self.left,
        };
        forecast.event().into_iter().for_each(|event| (self.tell)(event));
    }
}

/// What a run would be about.
pub(super) struct Forecast<'a> {
    pub(super) graph: &'a Graph,
    pub(super) selected: Vec<RootId>,
    pub(super) rolled: Vec<Rolled>,
    /// The roots of which something would be changed, or is unknown.
    pub(super) changing: &'a BTreeSet<RootId>,
    /// What earlier runs have left.
    pub(super) left: &'a BTreeMap<HostName, Left>,
}

impl Forecast<'_> {
    /// The event that tells of the rollouts; nothing if there would be no batch, and nothing was left
    /// unfinished.
    pub(super) fn event(self) -> Option<Event> {
        let rollouts: Vec<_> = self.rolled.iter().map(|rolled| self.of(rolled)).collect();
        let waves = self.waves();
        let has_news =
            !waves.is_empty() || rollouts.iter().any(|rollout| !rollout.unfinished.is_empty());
        has_news.then_some(Event::RolloutPlanned { rollouts, waves })
    }

    fn of(&self, rolled: &Rolled) -> PlannedRollout {
        let instances: Vec<_> = rolled.instances.keys().cloned().collect();
        let members = self.rolled.iter().filter(|other| {
            other.component == rolled.component
                || rolled.settings.group.is_some() && other.settings.group == rolled.settings.group
        });
        let all: usize = members.map(|member| member.instances.len()).sum();
        let unfinished = |id: &RootId| {
            let drained = self.left.values().flat_map(|left| &left.drained);
            let of_host = self.left.get(&id.host);
            of_host.is_some_and(|left| left.rolling.contains(&id.root))
                || drained.into_iter().any(|(_, instance)| instance == id)
        };
        PlannedRollout {
            component: rolled.component.clone(),
            unfinished: instances.iter().filter(|id| unfinished(id)).cloned().collect(),
            instances,
            minimum_up: rolled.settings.minimum(all),
            group: rolled.settings.group.clone(),
        }
    }

    /// The batches of each wave.
    pub(super) fn waves(self) -> Vec<Vec<PlannedBatch>> {
        let hosts: BTreeSet<HostName> = self
            .rolled
            .iter()
            .flat_map(|rolled| {
                let balancers = rolled.balancers.values().flatten().map(|(_, id)| id);
                rolled.instances.keys().chain(balancers)
            })
            .chain(&self.selected)
            .map(|id| id.host.clone())
            .collect();
        let at_once = |rolled: Rolled| Rolled {
            settings: Rollout { settle: Duration::ZERO, confirm: false, ..rolled.settings },
            ..rolled
        };
        let rolled = self.rolled.into_iter().map(at_once).collect();
        let mut schedule = Schedule::new(self.graph, self.selected, rolled, Mode::Converge);
        let mut now = Duration::ZERO;
        for host in hosts {
            let left = self.left.get(&host).cloned().unwrap_or_default();
            schedule.ready(now, &host, left);
        }
        let mut waves = Vec::new();
        loop {
            let (mut wave, mut changing) = (Vec::new(), Vec::new());
            while let Some(action) = schedule.next() {
                match action {
                    Action::Start { root, ask: Ask::Roll, .. } => changing.push(root),
                    Action::Start { root, ask: Ask::Look, .. } => {
                        let stale = self.changing.contains(&root);
                        schedule.ended(now, root, ended(stale));
                    }
                    Action::Start { root, ask: Ask::Run, .. } => {
                        schedule.ended(now, root, ended(false));
                    }
                    Action::Call { number, kind: CallKind::Drain { instances }, .. } => {
                        schedule.answered(now, number, Ok(instances));
                    }
                    Action::Call { number, .. } => schedule.answered(now, number, Ok(Vec::new())),
                    Action::Tell(Event::RolloutBatch { component, number, roots, up, .. })
                        if number > 0 =>
                    {
                        wave.push(PlannedBatch { component, number, roots, up });
                    }
                    Action::Confirm(_) | Action::Tell(_) | Action::End { .. } => {}
                }
            }
            if !wave.is_empty() {
                waves.push(wave);
            }
            if changing.is_empty() {
                return waves;
            }
            now += Duration::from_secs(1);
            for root in changing {
                schedule.ended(now, root, ended(false));
            }
        }
    }
}

fn ended(uncertain: bool) -> Ended {
    let (counts, elapsed) = (Counts::default(), Duration::ZERO);
    Ended { end: End::Reached, uncertain, counts, elapsed }
}
