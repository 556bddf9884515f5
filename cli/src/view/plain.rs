mod rollout;

use std::collections::BTreeMap;
use std::time::Duration;

use togusa_core::event::{Event, Mode, Outcome, PlannedBatch, PlannedRollout, Skip, Step, Summary};
use togusa_core::names::{Breadcrumb, HostName, RootId, RootName};
use togusa_core::problem::Problem;
use togusa_core::verdict::Change;

use super::failures::Failures;
use super::lines::{Layout, problem_lines};
use super::repeated::Repeated;
use super::slowest::Slowest;
use super::{Purpose, View, summary, waves};
use crate::exit::Ending;
use crate::text::{count, duration, harmless, size};
use crate::ui::{Ink, Paint, Stream, Ui, Verbosity};
use rollout::Moved;

/// Shows events as lines that depend on nothing but the events and the user's choices.
#[derive(Debug)]
pub struct Plain {
    ui: Ui,
    purpose: Purpose,
    diffs: bool,
    skipped: BTreeMap<RootId, Skip>,
    /// The component that each root looks at, while nothing is known against it.
    looked_at: BTreeMap<RootId, Breadcrumb>,
    /// The lines of components that were current before that, not shown yet: an instance of a rollout
    /// is looked at before its turn, and then nothing is told of what is to be changed.
    current: BTreeMap<RootId, String>,
    failed_components: BTreeMap<HostName, usize>,
    failures: Failures,
    changes: Repeated,
    slowest: Slowest,
    /// What each component was last told to wait for.
    waits: BTreeMap<RootName, String>,
    moved: Option<Moved>,
}

impl Plain {
    /// Writes through the given `Ui`; `diffs` shows the differences of texts.
    pub fn new(ui: Ui, purpose: Purpose, diffs: bool) -> Self {
        Self {
            ui,
            purpose,
            diffs,
            skipped: BTreeMap::new(),
            looked_at: BTreeMap::new(),
            current: BTreeMap::new(),
            failed_components: BTreeMap::new(),
            failures: Failures::default(),
            changes: Repeated::default(),
            slowest: Slowest::default(),
            waits: BTreeMap::new(),
            moved: None,
        }
    }

    /// Where changes and the summary go: a plan is data, a deployment only tells how it goes on.
    fn results(&self) -> Stream {
        if self.purpose == Purpose::Deploy { Stream::Notes } else { Stream::Data }
    }

    fn show(&self, verbosity: Verbosity, stream: Stream, text: &str) {
        if self.ui.shows(verbosity) {
            self.ui.write(stream, text);
        }
    }

    fn layout(&self, stream: Stream) -> Layout {
        let whole = self.ui.shows(Verbosity::Verbose);
        Layout { paint: self.ui.paint(stream), diffs: self.diffs, whole }
    }

    fn started(&mut self, mode: Mode, names: [&str; 2], roots: &[RootId]) {
        let [project, environment] = names.map(harmless);
        let words = match (mode, self.purpose) {
            (Mode::Converge, _) => format!("deploying `{project}` to `{environment}`"),
            (Mode::Verify, Purpose::Verify) => format!("verifying `{project}` in `{environment}`"),
            (Mode::Verify, _) => format!("planning `{project}` in `{environment}`"),
        };
        let hosts = roots.iter().map(|root| &root.host).collect::<std::collections::BTreeSet<_>>();
        let (roots, hosts) = (count(roots.len(), "root"), count(hosts.len(), "host"));
        let text = format!("{words}: {roots} on {hosts}\n");
        self.show(Verbosity::Normal, Stream::Notes, &text);
    }

    /// What was looked at and left alone is current, once the root moves on or ends well.
    fn looked(&mut self, root: &RootId, next: Option<(&Breadcrumb, Step)>) {
        let before = match next {
            Some((breadcrumb, Step::Verify)) => {
                self.looked_at.insert(root.clone(), breadcrumb.clone())
            }
            _ => self.looked_at.remove(root),
        };
        if let Some(before) = before
            && next.is_none_or(|(breadcrumb, _)| *breadcrumb != before)
            && self.ui.shows(Verbosity::Verbose)
        {
            let paint = self.ui.paint(self.results());
            let current = paint.text(Ink::Faint, "= current");
            let text = format!("{}  {current}\n", heading(paint, root, &before));
            *self.current.entry(root.clone()).or_default() += &text;
        }
        if next.is_none_or(|(_, step)| step == Step::Update) {
            self.tell_current(root);
        }
    }

    fn tell_current(&mut self, root: &RootId) {
        if let Some(text) = self.current.remove(root) {
            self.show(Verbosity::Verbose, self.results(), &text);
        }
    }

    /// What was seen of a root so far says nothing of what it is.
    fn forget(&mut self, root: &RootId) {
        self.looked_at.remove(root);
        self.current.remove(root);
    }

    fn changed(
        &mut self,
        root: &RootId,
        breadcrumb: &Breadcrumb,
        (changes, triggered_by): (&[Change], &[String]),
        elapsed: Option<Duration>,
    ) {
        let layout = self.layout(self.results());
        let mut text = heading(layout.paint, root, breadcrumb);
        if let Some(elapsed) = elapsed {
            self.slowest.add(elapsed, &heading(Paint(false), root, breadcrumb));
            if elapsed >= Duration::from_secs(1) {
                let took = format!("  ({})", duration(elapsed));
                text += &layout.paint.text(Ink::Faint, &took);
            }
        }
        let mut words: String = changes.iter().map(|change| layout.change(change)).collect();
        if !triggered_by.is_empty() {
            words += &layout.causes(triggered_by);
        }
        match self.changes.before(&root.host, breadcrumb, &words).filter(|_| !layout.whole) {
            Some(host) => {
                let as_there = format!("  as on {}", harmless(host.as_str()));
                text += &layout.paint.text(Ink::Faint, &as_there);
                text.push('\n');
            }
            None => text += &format!("\n{words}"),
        }
        self.show(Verbosity::Normal, self.results(), &text);
    }

    fn unknown(&self, root: &RootId, breadcrumb: &Breadcrumb, problem: &Problem) {
        let layout = self.layout(self.results());
        let mut text = heading(layout.paint, root, breadcrumb);
        text.push('\n');
        text += &layout.marked('?', Ink::Unknown, "unknown until applied");
        if self.ui.shows(Verbosity::Verbose) {
            text += &problem_lines(layout.paint, "    ", Ink::Unknown, "now", &placeless(problem));
        }
        self.show(Verbosity::Normal, self.results(), &text);
    }

    fn failed(
        &mut self,
        root: &RootId,
        breadcrumb: &Breadcrumb,
        changes: &[Change],
        problem: &Problem,
    ) {
        *self.failed_components.entry(root.host.clone()).or_default() += 1;
        let layout = self.layout(Stream::Notes);
        let mut text = heading(layout.paint, root, breadcrumb);
        text.push('\n');
        for change in changes {
            text += &layout.change(change);
        }
        self.ui.failed([problem.code]);
        let problem = placeless(problem);
        self.failures.add(root, breadcrumb, (&problem, &[]), layout.whole);
        // What it printed last, and what to do, stands at the end.
        let first = problem.causes.first().and_then(|cause| cause.lines().next());
        let message = match first {
            Some(cause) => format!("{}: {cause}", problem.message),
            None => problem.message,
        };
        let short = Problem::new(problem.code, message);
        text += &problem_lines(layout.paint, "  ", Ink::Remove, "error", &short);
        self.show(Verbosity::Normal, Stream::Notes, &text);
    }

    fn tell_failures(&mut self) {
        let text = self.failures.take(self.ui.paint(Stream::Notes));
        self.ui.write(Stream::Notes, &text);
    }

    fn about_host(&self, host: &HostName, ink: Ink, label: &str, problem: &Problem) {
        let paint = self.ui.paint(Stream::Notes);
        let problem = Problem { hosts: Default::default(), ..problem.clone() };
        let lines = problem_lines(paint, "", ink, label, &problem);
        let host = paint.text(Ink::Name, &harmless(host.as_str()));
        self.ui.write(Stream::Notes, &format!("{host}  {lines}"));
    }

    /// A line with what comes from elsewhere, for those who want to see it all.
    fn aside(&self, root: &RootId, breadcrumb: &Breadcrumb, text: &str) {
        let paint = self.ui.paint(Stream::Notes);
        let heading = heading(paint, root, breadcrumb);
        let lines = text.trim_end_matches(['\r', '\n']).split('\n').map(|line| {
            let line = line.strip_suffix('\r').unwrap_or(line);
            format!("{heading}  {} {}\n", paint.text(Ink::Faint, "|"), harmless(line))
        });
        self.show(Verbosity::Verbose, Stream::Notes, &lines.collect::<String>());
    }

    fn trigger_moved(&self, host: &HostName, event: (&str, &Breadcrumb, &[Breadcrumb])) {
        let (cause, dependant, moved_to) = event;
        let now = if moved_to.is_empty() {
            "nothing depends on it any more".to_owned()
        } else {
            let names: Vec<_> = moved_to.iter().map(Breadcrumb::as_str).collect();
            format!("now pending for {}", names.join(", "))
        };
        let text = format!("{host}  {cause} had changed for {dependant}, which is gone: {now}");
        self.show(Verbosity::Normal, Stream::Notes, &format!("{}\n", harmless(&text)));
    }

    /// The waves are a part of what was planned; `verify` asks for differences alone.
    fn planned(&self, rollouts: &[PlannedRollout], waves: &[Vec<PlannedBatch>]) {
        let stream = self.results();
        if self.purpose == Purpose::Plan {
            let whole = self.ui.shows(Verbosity::Verbose);
            let text = waves::text(rollouts, waves, whole, self.ui.paint(stream));
            self.show(Verbosity::Normal, stream, &text);
        }
    }

    fn finished(&mut self, summary: &Summary) {
        let stream = self.results();
        let ending = Ending::of(summary);
        let sentence = summary::sentence(summary, self.purpose);
        let ink = if ending == Ending::Success { Ink::Create } else { Ink::Remove };
        if self.ui.shows(Verbosity::Normal) {
            let (whole, paint) = (self.ui.shows(Verbosity::Verbose), self.ui.paint(stream));
            let mut text = summary::table(summary, &self.failed_components, whole, paint);
            text += &summary::left_out(&self.skipped, whole);
            text += &self.slowest.lines();
            self.ui.write(stream, &text);
            self.tell_failures();
            let text = summary::not_started(summary) + &paint.text(ink, &sentence);
            self.ui.write(stream, &format!("{text}\n"));
        } else if ending != Ending::Success {
            self.tell_failures();
            let paint = self.ui.paint(Stream::Notes);
            self.ui.write(Stream::Notes, &format!("{}\n", paint.text(ink, &sentence)));
        }
    }

    fn root_finished(&mut self, root: &RootId, outcome: &Outcome, elapsed: Duration) {
        if matches!(outcome, Outcome::Converged | Outcome::Planned) {
            self.looked(root, None);
        }
        self.forget(root);
        let words = match outcome {
            Outcome::Converged => "converged".to_owned(),
            Outcome::Planned => "planned".to_owned(),
            Outcome::Failed => "failed".to_owned(),
            Outcome::DependencyFailed { on } => format!("not started, since {on} failed"),
            Outcome::NotReached => "not reached by the rollout".to_owned(),
            Outcome::Interrupted => "stopped".to_owned(),
        };
        let text = format!("{}  {}: {words}, {}\n", root.host, root.root, duration(elapsed));
        self.show(Verbosity::Verbose, Stream::Notes, &harmless(&text));
    }
}

impl View for Plain {
    fn event(&mut self, event: &Event) {
        if !matches!(event, Event::Drained { .. } | Event::Restored { .. }) {
            self.tell_moved();
        }
        match event {
            Event::Started { mode, project, environment, roots, skipped } => {
                self.skipped = skipped.iter().map(|(key, skip)| (key.0.clone(), *skip)).collect();
                self.started(*mode, [project, environment], roots);
            }
            Event::Log { root, breadcrumb, text } => self.aside(root, breadcrumb, text),
            Event::Output { root, breadcrumb, text, .. } => {
                self.tell_current(root);
                self.aside(root, breadcrumb, text);
            }
            Event::Pushing { host, target, bytes } => {
                let text = format!("{host}  pushing the agent for {target}, {}\n", size(*bytes));
                self.show(Verbosity::Verbose, Stream::Notes, &harmless(&text));
            }
            Event::Connected { host, elapsed } => {
                let text = format!("{host}  connected in {}\n", duration(*elapsed));
                self.show(Verbosity::Verbose, Stream::Notes, &harmless(&text));
            }
            Event::Rebooting { root, breadcrumb, .. } => {
                self.looked_at.remove(root);
                let text = format!("{}  reboots for {breadcrumb}\n", root.host);
                self.show(Verbosity::Normal, Stream::Notes, &harmless(&text));
            }
            Event::Rebooted { host, elapsed } => {
                let text = format!("{host}  is back after {}\n", duration(*elapsed));
                self.show(Verbosity::Normal, Stream::Notes, &harmless(&text));
            }
            Event::HostFailed { host, problem } => {
                self.ui.failed([problem.code]);
                self.about_host(host, Ink::Remove, "error", problem);
            }
            Event::Warning { host, problem } => {
                self.about_host(host, Ink::Change, "warning", problem);
            }
            Event::ComponentStarted { root, breadcrumb, step } => {
                self.looked(root, Some((breadcrumb, *step)));
            }
            Event::ComponentChanged { root, breadcrumb, changes, triggered_by, elapsed } => {
                self.looked_at.remove(root);
                self.tell_current(root);
                self.changed(root, breadcrumb, (changes, triggered_by), *elapsed);
            }
            Event::ComponentUnknown { root, breadcrumb, problem } => {
                self.looked_at.remove(root);
                self.tell_current(root);
                self.unknown(root, breadcrumb, problem);
            }
            Event::ComponentFailed { root, breadcrumb, changes, problem } => {
                self.looked_at.remove(root);
                self.tell_current(root);
                self.failed(root, breadcrumb, changes, problem);
            }
            Event::TriggerMoved { host, cause, dependant, moved_to, .. } => {
                self.trigger_moved(host, (cause, dependant, moved_to));
            }
            Event::RootFinished { root, outcome, elapsed, .. } => {
                self.root_finished(root, outcome, *elapsed);
            }
            Event::Finished { summary } => self.finished(summary),
            Event::RolloutPlanned { rollouts, waves } => self.planned(rollouts, waves),
            Event::RolloutBatch { .. }
            | Event::RolloutWaiting { .. }
            | Event::Drained { .. }
            | Event::Restored { .. }
            | Event::InstanceFailed { .. }
            | Event::RolloutFinished { .. } => self.rollout(event),
            Event::Connecting { .. } | Event::RootStarted { .. } => {}
        }
    }

    fn finish(&mut self) {
        self.tell_moved();
        self.tell_failures();
    }
}

/// Host and component, as every block of lines begins.
pub(super) fn heading(paint: Paint, root: &RootId, breadcrumb: &Breadcrumb) -> String {
    let host = paint.text(Ink::Name, &harmless(root.host.as_str()));
    format!("{host}  {}", harmless(breadcrumb.as_str()).replace('\n', "\\n"))
}

/// The problem without the place that the heading above it has named.
fn placeless(problem: &Problem) -> Problem {
    Problem { breadcrumb: None, hosts: Default::default(), ..problem.clone() }
}
