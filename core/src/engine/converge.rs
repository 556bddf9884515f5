//! The walk over the components of one root, depth first: verify, update, verify again.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use crate::component::Component;
use crate::event::{Counts, Event, Mode, Step};
use crate::fault;
use crate::fault::{Failed, HintExt};
use crate::host::{Machine, Probe};
use crate::model::draft::{Draft, NodeId};
use crate::names::{Breadcrumb, RootId};
use crate::panics;
use crate::problem::{Problem, code};
use crate::protocol::{Ask, Done, End, Start};
use crate::verdict::{Change, Verdict};

use super::calls::restore;
use super::reboot::Reboot;
use super::run::{Host, Pending, Triggers};

/// Runs one root to its end.
pub(super) fn converge(host: &Host, id: &RootId, draft: &Draft, start: &Start) -> Done {
    let began = Instant::now();
    // Somebody else may ask the root to drain or to restore at this moment.
    let _alone = host.site.shared.exclusive_root(&id.root);
    let triggers = Triggers::new(host, id, draft, start);
    let looks = start.ask == Ask::Look;
    let mut walk = Walk {
        host,
        id,
        draft,
        start,
        mode: if looks { Mode::Verify } else { host.mode },
        triggers,
        counts: Counts::default(),
        changed: BTreeSet::new(),
        // Who only looks takes what cannot be judged for something to be changed.
        uncertain: start.uncertain || looks,
        doubt: false,
        away: Duration::ZERO,
    };
    let mut end = walk.run();
    host.activity.end(id);
    let counters = walk.triggers.counters().unwrap_or_else(|error| {
        // Dependants that are told nothing would miss their trigger, and the run would not say so.
        if end == End::Reached {
            walk.fail(draft.breadcrumb(0), Vec::new(), &error.into());
            end = End::Failed;
        }
        Vec::new()
    });
    Done {
        root: id.root.clone(),
        end,
        counts: walk.counts,
        uncertain: walk.doubt,
        counters,
        predicted: walk.triggers.predicted(&walk.changed),
        seconds: (began.elapsed() + walk.away).as_secs_f64(),
    }
}

struct Walk<'a> {
    host: &'a Host,
    id: &'a RootId,
    draft: &'a Draft,
    start: &'a Start,
    mode: Mode,
    triggers: Triggers<'a>,
    counts: Counts,
    /// In a plan: the nodes that would change, with all above them.
    changed: BTreeSet<NodeId>,
    /// In a plan: something before this, here or in what the root depends on, is not as it will be.
    uncertain: bool,
    /// In a plan: something in this root is not as it will be.
    doubt: bool,
    /// How long the host was away because the root rebooted it.
    away: Duration,
}

/// Why a walk ends early.
enum Stop {
    Failed,
    Interrupted,
}

impl Walk<'_> {
    fn run(&mut self) -> End {
        let root = self.draft.breadcrumb(0);
        let prepared = self.triggers.adopt().and_then(|()| self.triggers.look_for_reboots());
        let prepared = prepared.map_err(anyhow::Error::new);
        let prepared = prepared.and_then(|()| {
            self.tell_reboots();
            self.restore_left()
        });
        let prepared = prepared.and_then(|()| match self.mode {
            Mode::Verify => Ok(()),
            Mode::Converge => self.prepare(),
        });
        if let Err(error) = prepared {
            self.fail(root, Vec::new(), &error);
            return End::Failed;
        }
        match self.visit(0) {
            // What is current has not been prepared, and will not be.
            Ok(()) if self.start.ask == Ask::Look && !self.doubt => match self.prepare() {
                Ok(()) => End::Reached,
                Err(error) => {
                    self.fail(root, Vec::new(), &error);
                    End::Failed
                }
            },
            Ok(()) => End::Reached,
            Err(Stop::Failed) => End::Failed,
            Err(Stop::Interrupted) => End::Interrupted,
        }
    }

    /// Puts back what earlier runs left out of use here, and what is done without a rollout.
    fn restore_left(&self) -> anyhow::Result<()> {
        if self.host.mode == Mode::Verify || self.start.restore.is_empty() {
            return Ok(());
        }
        restore(self.host, self.id, self.draft, self.start.restore.iter())
    }

    /// Tells what the host was rebooted for in this deployment; the agent before could not.
    fn tell_reboots(&mut self) {
        for (node, note) in self.triggers.rebooted() {
            self.away += note.elapsed();
            self.counts += Counts { verified: 0, ..note.counts };
            self.counts.changed += usize::from(!note.changes.is_empty());
            self.counts.triggered += usize::from(!note.causes.is_empty());
            self.host.emit(Event::ComponentChanged {
                root: self.id.clone(),
                breadcrumb: self.draft.breadcrumb(*node).clone(),
                changes: note.changes.clone(),
                triggered_by: note.causes.clone(),
                elapsed: Some(note.elapsed()),
            });
        }
    }

    /// Fails if a component has rebooted the host in this deployment, and is to do it again.
    fn check_reboots(&self, node: NodeId, asks: (&[Change], &Pending)) -> anyhow::Result<()> {
        if !self.triggers.rebooted().contains_key(&node) {
            return Ok(());
        }
        let (changes, pending) = asks;
        let changes = changes.iter().map(Change::to_string);
        let causes = pending.causes().into_iter().map(|cause| format!("triggered by {cause}"));
        let asks: Vec<_> = changes.chain(causes).collect();
        Err(fault!(
            code::REBOOT_AGAIN,
            "the host was rebooted in this run, and is to be rebooted again: {}",
            asks.join(", ")
        ))
        .hint("what asks for it outlives a reboot, or comes with each run; see to that")
    }

    fn prepare(&self) -> anyhow::Result<()> {
        if self.start.ask == Ask::Roll {
            self.host.rolling.begin(&self.id.root)?;
        }
        self.triggers.record_managed()?;
        let site = &self.host.site;
        let work = site.host.work_directory(&self.id.root);
        let machine = Machine::new(Probe::new(site, self.id, self.draft.breadcrumb(0)));
        let created = machine.create_all(&work);
        created.with_context(|| {
            format!("cannot create work directory `{}`", site.local(&work).display())
        })
    }

    fn visit(&mut self, node: NodeId) -> Result<(), Stop> {
        for child in &self.draft.nodes[node].children {
            self.visit(*child)?;
        }
        if self.host.site.interrupt.is_raised() {
            return Err(Stop::Interrupted);
        }
        let Some(component) = self.draft.component(node).cloned() else { return Ok(()) };
        self.counts.verified += 1;
        match self.mode {
            Mode::Verify => self.plan(node, &*component),
            Mode::Converge => self.converge(node, &*component),
        }
    }

    fn verify(&self, node: NodeId, component: &dyn Component) -> anyhow::Result<Verdict> {
        let breadcrumb = self.draft.breadcrumb(node);
        self.host.activity.at(self.id, breadcrumb, Step::Verify);
        let probe = Probe::new(&self.host.site, self.id, breadcrumb);
        let verdict = panics::catch(|| component.verify(&probe));
        verdict.unwrap_or_else(|panicked| Err(panicked.into())).context(Failed::Verify)
    }

    fn plan(&mut self, node: NodeId, component: &dyn Component) -> Result<(), Stop> {
        let breadcrumb = self.draft.breadcrumb(node);
        let pending = match self.triggers.pending(node) {
            Ok(pending) => pending,
            Err(error) => return Err(self.fail(breadcrumb, Vec::new(), &error.into())),
        };
        let mut triggered_by = pending.causes();
        triggered_by.extend(self.triggers.predicted_causes(node, &self.changed));
        triggered_by.sort();
        triggered_by.dedup();
        let changes = match self.verify(node, component) {
            Ok(verdict) => verdict.into_changes(),
            Err(error) if self.uncertain => {
                self.counts.unknown += 1;
                self.doubt = true;
                self.tell(Event::ComponentUnknown {
                    root: self.id.clone(),
                    breadcrumb: breadcrumb.clone(),
                    problem: Problem::from_error(&error, code::VERIFY_FAILED)
                        .in_component(&self.id.root, breadcrumb),
                });
                self.would_change(node);
                return Ok(());
            }
            Err(error) => return Err(self.fail(breadcrumb, Vec::new(), &error)),
        };
        if changes.is_empty() && triggered_by.is_empty() {
            return Ok(());
        }
        self.count(&changes, !triggered_by.is_empty());
        self.would_change(node);
        self.changed(breadcrumb, changes, triggered_by, None);
        Ok(())
    }

    /// Tells what is predicted, unless it is about to be done.
    fn tell(&self, event: Event) {
        if self.start.ask != Ask::Look {
            self.host.emit(event);
        }
    }

    fn would_change(&mut self, node: NodeId) {
        self.uncertain = true;
        self.doubt = true;
        let above = std::iter::successors(Some(node), |node| self.draft.nodes[*node].parent);
        self.changed.extend(above);
    }

    fn converge(&mut self, node: NodeId, component: &dyn Component) -> Result<(), Stop> {
        let breadcrumb = self.draft.breadcrumb(node);
        let verdict = match self.verify(node, component) {
            Ok(verdict) => verdict,
            Err(error) => return Err(self.fail(breadcrumb, Vec::new(), &error)),
        };
        let pending = match self.triggers.pending(node) {
            Ok(pending) => pending,
            Err(error) => return Err(self.fail(breadcrumb, Vec::new(), &error.into())),
        };
        if verdict.is_current() && pending.is_empty() {
            return Ok(());
        }
        if let Err(error) = self.check_reboots(node, (verdict.changes(), &pending)) {
            return Err(self.fail(breadcrumb, verdict.into_changes(), &error));
        }
        let began = Instant::now();
        match self.update(node, component, (verdict.changes(), &pending)) {
            Ok(()) => {
                let changes = verdict.into_changes();
                self.count(&changes, !pending.is_empty());
                self.changed(breadcrumb, changes, pending.causes(), Some(began.elapsed()));
                Ok(())
            }
            Err(_) if self.host.door.is_gone() => Err(Stop::Interrupted),
            // What was not begun because of the interruption has not failed either.
            Err(error) if self.was_not_begun(&error) => Err(Stop::Interrupted),
            Err(error) => {
                let stop = self.fail(breadcrumb, verdict.into_changes(), &error);
                // What the interruption killed has not failed by itself.
                Err(if self.host.site.interrupt.must_kill() { Stop::Interrupted } else { stop })
            }
        }
    }

    fn was_not_begun(&self, error: &anyhow::Error) -> bool {
        let interrupt = &self.host.site.interrupt;
        let of_interrupt =
            || Problem::from_error(error, code::UPDATE_FAILED).code == code::INTERRUPTED;
        interrupt.is_raised() && !interrupt.must_kill() && of_interrupt()
    }

    fn update(
        &mut self,
        node: NodeId,
        component: &dyn Component,
        (changes, pending): (&[Change], &Pending),
    ) -> anyhow::Result<()> {
        let breadcrumb = self.draft.breadcrumb(node);
        self.triggers.mark(node).context("nothing was updated: what it triggers cannot be kept")?;
        let name = format!("{}: {breadcrumb}", self.id.root);
        self.host.emit(Event::ComponentStarted {
            root: self.id.clone(),
            breadcrumb: breadcrumb.clone(),
            step: Step::Update,
        });
        if let Some(lock) = &self.host.lock {
            lock.updating(&name);
        }
        let (host, id, counts) = (self.host, self.id, self.counts);
        let reboot = Reboot { host, id, breadcrumb, changes, pending, counts };
        let machine = Machine::new(Probe::new(&host.site, id, breadcrumb)).rebooting(&reboot);
        let updated = panics::catch(|| component.update(&machine));
        if let Some(lock) = &self.host.lock {
            lock.updated(&name);
        }
        updated.unwrap_or_else(|panicked| Err(panicked.into())).context(Failed::Update)?;
        let left = self.verify(node, component)?;
        if !left.is_current() {
            let left: Vec<_> = left.changes().iter().map(Change::to_string).collect();
            return Err(fault!(
                code::NOT_CONVERGED,
                "update did not converge: {} after it",
                left.join(", ")
            ))
            .hint("`update` must bring about what `verify` looks for");
        }
        self.triggers.performed(node, pending)?;
        Ok(())
    }

    fn count(&mut self, changes: &[Change], triggered: bool) {
        self.counts.changed += usize::from(!changes.is_empty());
        self.counts.triggered += usize::from(triggered);
    }

    fn changed(
        &self,
        breadcrumb: &Breadcrumb,
        changes: Vec<Change>,
        triggered_by: Vec<String>,
        elapsed: Option<Duration>,
    ) {
        self.tell(Event::ComponentChanged {
            root: self.id.clone(),
            breadcrumb: breadcrumb.clone(),
            changes,
            triggered_by,
            elapsed,
        });
    }

    fn fail(&self, breadcrumb: &Breadcrumb, changes: Vec<Change>, error: &anyhow::Error) -> Stop {
        self.host.emit(Event::ComponentFailed {
            root: self.id.clone(),
            breadcrumb: breadcrumb.clone(),
            changes,
            problem: Problem::from_error(error, code::UPDATE_FAILED)
                .in_component(&self.id.root, breadcrumb),
        });
        Stop::Failed
    }
}
