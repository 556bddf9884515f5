//! Rollouts among the lines: batches, what they wait for, what is out of use, and how they ended.

use togusa_core::event::{Event, Wait};
use togusa_core::names::{Breadcrumb, RootId, RootName};
use togusa_core::problem::Problem;

use super::super::failures::masked;
use super::super::lines::problem_lines;
use super::super::rollouts::{self, Batch};
use super::{Plain, heading, placeless};
use crate::text::{harmless, without_numbers};
use crate::ui::{Ink, Stream, Verbosity};

/// What roots have just done with instances, all in the same way; it is told once for all of them.
#[derive(Debug)]
pub(super) struct Moved {
    by: Vec<RootId>,
    instances: Vec<RootId>,
    out: bool,
}

impl Plain {
    /// Shows an event of a rollout.
    pub(super) fn rollout(&mut self, event: &Event) {
        match event {
            Event::RolloutBatch { component, roots, .. } => {
                self.waits.remove(component);
                roots.iter().for_each(|root| self.forget(root));
                if let Some(batch) = Batch::of(event) {
                    let text = batch.line(self.is_whole());
                    self.of_component(component, &text);
                }
            }
            Event::RolloutWaiting { component, wait, roots, seen } => {
                self.waits(component, *wait, roots, seen.as_deref());
            }
            Event::Drained { root, instances } => self.moved(root, instances, true),
            Event::Restored { root, instances } => self.moved(root, instances, false),
            Event::InstanceFailed { root, problem, out_on } => {
                self.instance_failed(root, problem, out_on);
            }
            Event::RolloutFinished { component, done, failed, not_reached, stopped } => {
                let text = rollouts::ending(
                    [done, failed, not_reached],
                    stopped.is_some(),
                    self.is_whole(),
                );
                self.of_component(component, &text);
                if let Some(problem) = stopped {
                    self.ui.failed([problem.code]);
                    self.failures.stopped(component, &placeless(problem));
                }
            }
            _ => {}
        }
    }

    fn is_whole(&self) -> bool {
        self.ui.shows(Verbosity::Verbose)
    }

    fn of_component(&self, component: &RootName, text: &str) {
        let name = self.ui.paint(Stream::Notes).text(Ink::Name, &harmless(component.as_str()));
        self.show(Verbosity::Normal, Stream::Notes, &format!("{name}: {text}\n"));
    }

    /// Where there are live lines, what is waited for stands there.
    fn waits(&mut self, component: &RootName, wait: Wait, roots: &[RootId], seen: Option<&str>) {
        let whole = self.is_whole();
        // The question itself is shown.
        let is_shown = !self.ui.choices.progress && wait != Wait::Confirmation;
        let text = rollouts::waiting(wait, roots, seen, whole);
        // How long something took, and other numbers, are no news.
        let alike = match whole {
            true => text.clone(),
            false => without_numbers(&text),
        };
        if self.waits.insert(component.clone(), alike.clone()) != Some(alike) && (is_shown || whole)
        {
            self.of_component(component, &text);
        }
    }

    fn moved(&mut self, root: &RootId, instances: &[RootId], out: bool) {
        if self.moved.as_ref().is_some_and(|it| it.out != out || it.instances != instances)
            || self.is_whole()
        {
            self.tell_moved();
        }
        let new = || Moved { by: Vec::new(), instances: instances.to_vec(), out };
        self.moved.get_or_insert_with(new).by.push(root.clone());
    }

    /// Tells what roots have done with instances by now.
    pub(super) fn tell_moved(&mut self) {
        let Some(Moved { by, instances, out }) = self.moved.take() else { return };
        let whole = self.is_whole();
        let by = self.ui.paint(Stream::Notes).text(Ink::Name, &rollouts::roots(&by, whole));
        let instances = rollouts::roots(&instances, whole);
        let words = if out { "out of use" } else { "back in use" };
        self.show(Verbosity::Normal, Stream::Notes, &format!("{by}: {instances} {words}\n"));
    }

    /// Told in short, and wholly at the end, as what failed in a component is.
    fn instance_failed(&mut self, root: &RootId, problem: &Problem, out_on: &[RootId]) {
        let layout = self.layout(Stream::Notes);
        let breadcrumb = Breadcrumb::new(root.root.as_str());
        self.ui.failed([problem.code]);
        let problem = placeless(problem);
        self.failures.add(root, &breadcrumb, (&problem, out_on), layout.whole);
        let mut text = heading(layout.paint, root, &breadcrumb);
        let words = masked(root, &problem).join("\n");
        match self.changes.before(&root.host, &breadcrumb, &words).filter(|_| !layout.whole) {
            Some(host) => {
                let as_there = format!("  failed as on {}", harmless(host.as_str()));
                text += &format!("{}\n", layout.paint.text(Ink::Remove, &as_there));
            }
            None => {
                let first = problem.causes.first().and_then(|cause| cause.lines().next());
                let cause = first.map(|cause| format!(": {cause}")).unwrap_or_default();
                let short = Problem::new(problem.code, format!("{}{cause}", problem.message));
                let short = problem_lines(layout.paint, "  ", Ink::Remove, "error", &short);
                text += &format!("\n{short}");
            }
        }
        self.show(Verbosity::Normal, Stream::Notes, &text);
    }
}
