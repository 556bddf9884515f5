//! Hosts that exist in memory alone, with a clock that jumps to whatever happens next.
//!
//! It keeps what real hosts keep on their disks (what is drained, what is being rolled), does what the
//! schedule asks for after a while, and looks after each step whether what must hold does.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::event::{Counts, Event, Mode, Outcome};
use crate::model::{Edge, Graph};
use crate::names::{HostName, RootId};
use crate::problem::{Problem, code};
use crate::protocol::{Ask, CallKind, End, Left};

use super::super::rollout::Rolled;
use super::super::schedule::{Action, Ended, Schedule};

/// What is in the world, and how it behaves.
#[derive(Clone, Debug, Default)]
pub(super) struct World {
    pub(super) roots: Vec<RootId>,
    /// By the places of two roots: the first comes first.
    pub(super) edges: BTreeSet<(usize, usize)>,
    pub(super) rolled: Vec<Rolled>,
    /// What is to be changed.
    pub(super) stale: BTreeSet<RootId>,
    /// What does not serve.
    pub(super) broken: BTreeSet<RootId>,
    /// What fails to be updated.
    pub(super) failing: BTreeSet<RootId>,
    /// What never serves once it was updated.
    pub(super) breaking: BTreeSet<RootId>,
    /// What never connects.
    pub(super) unreachable: BTreeSet<HostName>,
    /// Balancers that refuse to drain.
    pub(super) refusing: BTreeSet<RootId>,
    /// By balancer: what it has out of use.
    pub(super) drained: BTreeMap<RootId, BTreeSet<RootId>>,
    pub(super) rolling: BTreeSet<RootId>,
    /// How long things take, in milliseconds, one after the other.
    pub(super) delays: Vec<u64>,
    /// Asked whether to go on.
    pub(super) confirms: bool,
}

/// What came of a run.
#[derive(Debug, Default)]
pub(super) struct Run {
    pub(super) ends: BTreeMap<RootId, Outcome>,
    /// Component, number and members of each batch, and when it began.
    pub(super) batches: Vec<(String, usize, BTreeSet<RootId>, Duration)>,
    pub(super) drains: usize,
    pub(super) finished: Vec<Event>,
    pub(super) questions: usize,
    pub(super) steps: usize,
}

#[derive(Debug)]
enum Happens {
    Ready(HostName),
    Lost(HostName),
    Ended(RootId, Ask),
    Answer(u64, RootId, CallKind),
    Confirmed(crate::names::RootName),
}

pub(super) fn problem() -> Problem {
    Problem::new(code::UNHEALTHY, "it does not work")
}

impl World {
    pub(super) fn graph(&self) -> Graph {
        let edges = self.edges.iter().map(|(first, then)| Edge {
            first: self.roots[*first].clone(),
            then: self.roots[*then].clone(),
            resources: ["R".to_owned()].into(),
        });
        Graph::new(&self.roots, edges.collect()).expect("edges go one way")
    }

    /// Whether any instances wait for others.
    pub(super) fn waits_within(&self) -> bool {
        let is_balancer = |place: &usize| self.roots[*place].root.as_str() == "lb";
        self.edges.iter().any(|(_, then)| !is_balancer(then))
    }

    fn serves(&self, id: &RootId, updating: &BTreeSet<RootId>) -> bool {
        !self.broken.contains(id)
            && !updating.contains(id)
            && !self.unreachable.contains(&id.host)
            && !self.drained.values().any(|out| out.contains(id))
    }

    fn up(&self, rolled: &Rolled, updating: &BTreeSet<RootId>) -> usize {
        self.group(rolled).filter(|id| self.serves(id, updating)).count()
    }

    fn group<'a>(&'a self, rolled: &'a Rolled) -> impl Iterator<Item = &'a RootId> {
        let group = rolled.settings.group.as_ref();
        let members = self.rolled.iter().filter(move |other| {
            other.component == rolled.component
                || group.is_some() && other.settings.group.as_ref() == group
        });
        members.flat_map(|member| member.instances.keys())
    }

    /// Runs to the end, or until so many steps are done: as if the coordinator was killed.
    pub(super) fn run(&mut self, most_steps: usize, stop_at: Option<usize>) -> Result<Run, String> {
        let graph = self.graph();
        let selected: Vec<_> = graph.order().to_vec();
        let dependencies: BTreeMap<_, BTreeSet<_>> = selected
            .iter()
            .map(|id| (id.clone(), graph.dependencies(id).cloned().collect()))
            .collect();
        let mut schedule = Schedule::new(&graph, selected, self.rolled.clone(), Mode::Converge);
        let at_first: Vec<_> =
            self.rolled.iter().map(|rolled| self.up(rolled, &BTreeSet::new())).collect();
        let mut run = Run::default();
        let mut now = Duration::ZERO;
        let mut queue = BTreeMap::<(Duration, usize), Happens>::new();
        let mut delays = self.delays.clone().into_iter().cycle();
        let mut sequence = 0;
        let mut put = |queue: &mut BTreeMap<_, _>, now: Duration, happens| {
            sequence += 1;
            let delay = delays.next().unwrap_or(1);
            queue.insert((now + Duration::from_millis(delay), sequence), happens);
        };
        let mut updating = BTreeSet::new();
        let mut updated = BTreeSet::new();
        let hosts: BTreeSet<_> = self.roots.iter().map(|id| id.host.clone()).collect();
        for host in hosts {
            let happens = match self.unreachable.contains(&host) {
                true => Happens::Lost(host),
                false => Happens::Ready(host),
            };
            put(&mut queue, now, happens);
        }
        loop {
            while let Some(action) = schedule.next() {
                match action {
                    Action::Start { root, ask, .. } => {
                        let waits = dependencies[&root]
                            .iter()
                            .find(|first| run.ends.get(*first) != Some(&Outcome::Converged));
                        if let Some(first) = waits {
                            return Err(format!("{root} started before {first} was done"));
                        }
                        if ask == Ask::Roll {
                            updating.insert(root.clone());
                            self.rolling.insert(root.clone());
                            self.check(&at_first, &updating)?;
                            if !updated.insert(root.clone()) {
                                return Err(format!("{root} is updated twice"));
                            }
                        }
                        put(&mut queue, now, Happens::Ended(root, ask));
                    }
                    Action::Call { number, to, kind } => {
                        if self.unreachable.contains(&to.host) {
                            return Err(format!("{to} is asked, and not there"));
                        }
                        if let CallKind::Drain { instances } = &kind {
                            // Marked before it is done, as the agent does.
                            run.drains += 1;
                            self.drained.entry(to.clone()).or_default().extend(instances.clone());
                            self.check(&at_first, &updating)?;
                        }
                        put(&mut queue, now, Happens::Answer(number, to, kind));
                    }
                    Action::End { root, outcome, .. } => {
                        if run.ends.insert(root.clone(), outcome).is_some() {
                            return Err(format!("{root} ended twice"));
                        }
                    }
                    Action::Tell(Event::RolloutBatch { component, number, roots, .. }) => {
                        let roots = roots.into_iter().collect();
                        run.batches.push((component.to_string(), number, roots, now));
                    }
                    Action::Tell(event @ Event::RolloutFinished { .. }) => run.finished.push(event),
                    Action::Tell(_) => {}
                    Action::Confirm(question) => {
                        run.questions += 1;
                        put(&mut queue, now, Happens::Confirmed(question.component));
                    }
                }
            }
            if schedule.is_done() {
                return Ok(run);
            }
            run.steps += 1;
            if run.steps > most_steps {
                return Ok(run);
            }
            if run.steps > 200_000 {
                return Err("it never ends".to_owned());
            }
            if stop_at == Some(run.steps) {
                schedule.stop(now);
                continue;
            }
            let next = queue.first_key_value().map(|((at, _), _)| *at);
            let wakes = schedule.wakes();
            match (next, wakes) {
                (None, None) => {
                    let open = self.roots.iter().filter(|id| !run.ends.contains_key(*id));
                    return Err(format!(
                        "nothing happens any more, open: {:?}",
                        open.collect::<Vec<_>>()
                    ));
                }
                (next, Some(at)) if next.is_none_or(|next| at < next) => {
                    now = now.max(at);
                    schedule.tick(now);
                }
                _ => {
                    let Some(((at, _), happens)) = queue.pop_first() else { continue };
                    now = now.max(at);
                    self.happen(&mut schedule, now, happens, &mut updating);
                }
            }
        }
    }

    fn happen(
        &mut self,
        schedule: &mut Schedule,
        now: Duration,
        happens: Happens,
        updating: &mut BTreeSet<RootId>,
    ) {
        match happens {
            Happens::Ready(host) => {
                let rolling = self.rolling.iter().filter(|id| id.host == host);
                let rolling = rolling.map(|id| id.root.clone()).collect();
                let drained = self.drained.iter().filter(|(to, _)| to.host == host);
                let drained = drained.flat_map(|(to, out)| {
                    out.iter().map(|instance| (to.root.clone(), instance.clone()))
                });
                let left = Left { rolling, drained: drained.collect() };
                schedule.ready(now, &host, left);
            }
            Happens::Lost(host) => schedule.lost(now, &host, &problem()),
            Happens::Ended(root, ask) => {
                let fails = ask != Ask::Look && self.failing.contains(&root);
                let uncertain = self.stale.contains(&root);
                updating.remove(&root);
                if ask != Ask::Look && !fails {
                    self.stale.remove(&root);
                    if self.breaking.contains(&root) {
                        self.broken.insert(root.clone());
                    } else {
                        self.broken.remove(&root);
                    }
                }
                let end = if fails { End::Failed } else { End::Reached };
                let (counts, elapsed) = (Counts::default(), Duration::ZERO);
                schedule.ended(now, root, Ended { end, uncertain, counts, elapsed });
            }
            Happens::Answer(number, to, kind) => {
                let answer = match kind {
                    CallKind::Health if self.broken.contains(&to) => Err(problem()),
                    CallKind::Drain { .. } if self.refusing.contains(&to) => Err(problem()),
                    CallKind::Drain { instances } => Ok(instances),
                    CallKind::Restore { instances } => {
                        let out = self.drained.entry(to).or_default();
                        out.retain(|instance| !instances.contains(instance));
                        Ok(Vec::new())
                    }
                    CallKind::Rolled => {
                        self.rolling.remove(&to);
                        Ok(Vec::new())
                    }
                    CallKind::Health => Ok(Vec::new()),
                };
                schedule.answered(now, number, answer);
            }
            Happens::Confirmed(component) => schedule.confirmed(now, &component, self.confirms),
        }
    }

    /// No rollout takes more than `minimum_up` allows: what was down before is not its doing.
    fn check(&self, at_first: &[usize], updating: &BTreeSet<RootId>) -> Result<(), String> {
        for (rolled, at_first) in self.rolled.iter().zip(at_first) {
            let all = self.group(rolled).count();
            let minimum = rolled.settings.minimum(all).min(*at_first);
            let up = self.up(rolled, updating);
            if up < minimum {
                return Err(format!(
                    "{up} of {all} of `{}` are up, not {minimum}",
                    rolled.component
                ));
            }
        }
        Ok(())
    }
}
