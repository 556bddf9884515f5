//! The coordinator: orders the work of all hosts, and starts each root when its turn has come.

mod forecast;
mod handing;
mod link;
mod options;
mod progress;
mod rebooting;
mod rolled;
mod rollout;
mod schedule;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use crate::assets::{AssetStore, WithSecrets};
use crate::environment::Host;
use crate::event::{Counts, Event, Mode, Outcome, Skip, Summary};
use crate::interrupt::Interrupt;
use crate::model::Model;
use crate::names::{HostName, RootId};
use crate::problem::{Problem, code};
use crate::protocol::{Ask, CallKind, Done, Frame, FromAgent, Left, ToAgent};
use crate::secret::Masked as _;

use super::transport::{Connection, Transport};
use super::{HEARTBEAT, SILENCE};
use link::{Link, Note, Said};
use rolled::{attending, rolled};
use rollout::Rolled;
use schedule::{Action, Ended, Schedule};

pub use forecast::forecast;
pub use options::{Confirm, Options};
pub use schedule::Question;

/// How often it is looked whether the run was interrupted, or a host is silent.
const PATIENCE: Duration = Duration::from_millis(100);

/// Runs a model to its end, and tells what happens.
///
/// What fails is in the summary: a failed root fails what depends on it, the rest goes on.
pub fn deploy(
    model: &Model,
    transport: &Arc<dyn Transport>,
    assets: &Arc<dyn AssetStore>,
    options: &Options,
    interrupt: &Interrupt,
    tell: &mut dyn FnMut(Event),
) -> Summary {
    let tell: &mut dyn FnMut(Event) = &mut |event| tell(event.masked(&model.secrets));
    let files = &model.environment.secret_files;
    let assets: Arc<dyn AssetStore> = match files.is_empty() {
        true => Arc::clone(assets),
        false => Arc::new(WithSecrets::new(Arc::clone(assets), files)),
    };
    let placeholders = model.secrets.has_placeholder();
    let transport = if placeholders { &refusing() } else { transport };
    let mut skipped = BTreeMap::new();
    for (id, root) in &model.roots {
        let reason = match () {
            () if model.host(id).ignore => Skip::HostIgnored,
            () if root.ignored => Skip::RootIgnored,
            () if model.done_once(id).is_some() => Skip::Once,
            () if options.selected.as_ref().is_some_and(|all| !all.contains(id)) => {
                Skip::NotSelected
            }
            () => continue,
        };
        skipped.insert(id.clone(), reason);
    }
    let order = model.graph.order().iter().filter(|id| !skipped.contains_key(*id));
    let order: Vec<RootId> = order.cloned().collect();
    tell(Event::Started {
        mode: options.mode,
        project: model.environment.project.clone(),
        environment: model.environment.name.clone(),
        roots: order.clone(),
        skipped: skipped
            .into_iter()
            .map(|(id, skip)| (crate::event::RootIdKey(id), skip))
            .collect(),
    });
    for (root, breadcrumb, text) in model.logs() {
        let (root, breadcrumb) = (root.clone(), breadcrumb.clone());
        tell(Event::Log { root, breadcrumb, text: text.to_owned() });
    }
    let (sender, inbox) = mpsc::channel();
    let selected: BTreeSet<RootId> = order.iter().cloned().collect();
    let rolled = rolled(model, &selected);
    let attending = match options.mode {
        Mode::Converge => attending(&rolled, &selected),
        Mode::Verify => BTreeSet::new(),
    };
    let hosts: BTreeSet<HostName> =
        selected.iter().chain(&attending).map(|id| id.host.clone()).collect();
    let links = hosts.iter().map(|name| {
        tell(Event::Connecting { host: name.clone() });
        let host = &model.environment.hosts[name];
        (name.clone(), Link::open(host, (transport, &assets), sender.clone()))
    });
    let links = links.collect();
    let in_batches = match options.mode {
        Mode::Converge => rolled.clone(),
        Mode::Verify => Vec::new(),
    };
    let mut run = Run {
        model,
        options,
        interrupt,
        began: Instant::now(),
        schedule: Schedule::new(&model.graph, order, in_batches, options.mode),
        transport,
        assets: &assets,
        started: BTreeMap::new(),
        called: BTreeMap::new(),
        rolled,
        selected,
        attending,
        left: BTreeMap::new(),
        sender,
        links,
        homes: BTreeMap::new(),
        awaiting: BTreeMap::new(),
        counters: BTreeMap::new(),
        predicted: BTreeSet::new(),
        uncertain: BTreeSet::new(),
        changing: BTreeSet::new(),
        summary: Summary { skipped: model.roots.len(), ..Summary::default() },
        stopping: false,
        killing: false,
        tell,
    };
    run.summary.skipped -= run.selected.len();
    run.run_to_the_end(&inbox);
    run.finish()
}

/// A model that was checked without its secrets reaches no host.
fn refusing() -> Arc<dyn Transport> {
    struct Refusing;
    impl Transport for Refusing {
        fn connect(&self, _: &Host, _: &dyn Fn(Event)) -> Result<Connection, Problem> {
            Err(Problem::new(
                code::PLACEHOLDERS,
                "the model holds placeholders in the place of secrets",
            )
            .hint("deploy with an identity that opens the environment's secrets"))
        }
    }
    Arc::new(Refusing)
}

/// An agent of another build is refused by name.
pub(super) fn wrong_build(agent: &str, wanted: &str) -> Problem {
    Problem::new(
        code::OTHER_BUILD,
        format!("the agent is of build `{agent}`, the coordinator of `{wanted}`"),
    )
    .hint("deploy with one build only")
}

struct Run<'a> {
    model: &'a Model,
    options: &'a Options,
    interrupt: &'a Interrupt,
    began: Instant,
    schedule: Schedule,
    rolled: Vec<Rolled>,
    selected: BTreeSet<RootId>,
    /// Roots that are not selected, and that rollouts count on.
    attending: BTreeSet<RootId>,
    /// What rollouts of earlier runs have left on each host.
    left: BTreeMap<HostName, Left>,
    transport: &'a Arc<dyn Transport>,
    assets: &'a Arc<dyn AssetStore>,
    /// The roots that were started and have not ended, with what was asked of them.
    started: BTreeMap<RootId, (Ask, Vec<RootId>)>,
    /// By their numbers: the calls that were not answered yet.
    called: BTreeMap<u64, (RootId, CallKind)>,
    sender: Sender<Note>,
    links: BTreeMap<HostName, Link>,
    homes: BTreeMap<HostName, String>,
    /// By the host whose home must be known first: those that are to be handed over to.
    awaiting: BTreeMap<HostName, Vec<HostName>>,
    /// The change counters that roots told with their "done".
    counters: BTreeMap<crate::resource::Provider, u64>,
    /// In a plan: the providers that would change.
    predicted: BTreeSet<crate::resource::Provider>,
    /// In a plan: the roots that would change or are unknown.
    uncertain: BTreeSet<RootId>,
    /// In a plan: the roots that would change themselves.
    changing: BTreeSet<RootId>,
    summary: Summary,
    /// No further root starts.
    stopping: bool,
    killing: bool,
    tell: &'a mut dyn FnMut(Event),
}

impl Run<'_> {
    fn run_to_the_end(&mut self, inbox: &Receiver<Note>) {
        let mut beat = Instant::now();
        self.advance();
        while !self.schedule.is_done() {
            let wakes = self.schedule.wakes();
            let patience = wakes.map_or(PATIENCE, |at| at.saturating_sub(self.now()).min(PATIENCE));
            match inbox.recv_timeout(patience) {
                Ok(note) => self.hear(note),
                Err(_) => self.look_for_silence(),
            }
            if wakes.is_some_and(|at| at <= self.now()) {
                self.schedule.tick(self.now());
                self.advance();
            }
            self.look_for_interrupt();
            if beat.elapsed() >= HEARTBEAT {
                beat = Instant::now();
                self.look_for_silence();
                self.links.values().for_each(|link| link.say(ToAgent::Heartbeat));
            }
        }
        for link in self.links.values() {
            link.say(ToAgent::Goodbye);
        }
        // What agents still say is said to nobody; that their locks are free is worth a moment.
        let deadline = Instant::now() + Duration::from_secs(5);
        while self.links.values().any(Link::holds_a_lock) {
            let left = deadline.saturating_duration_since(Instant::now());
            match inbox.recv_timeout(left) {
                Ok(Note { host, said: Said::Gone(_), .. }) => self.link(&host, Link::gone),
                Ok(Note { said: Said::Heard(Frame::Message(FromAgent::Event(event))), .. }) => {
                    (self.tell)(*event);
                }
                Ok(_) => {}
                Err(_) => return,
            }
        }
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    fn link(&mut self, host: &HostName, change: impl FnOnce(&mut Link)) {
        if let Some(link) = self.links.get_mut(host) {
            change(link);
        }
    }

    fn hear(&mut self, note: Note) {
        let Note { host, connection, said } = note;
        if self.links.get(&host).is_some_and(|link| link.connection() != connection) {
            // The host was looked for anew since.
            return;
        }
        self.link(&host, Link::heard);
        match said {
            Said::Confirmed { component, yes } => {
                self.schedule.confirmed(self.now(), &component, yes);
                self.advance();
            }
            Said::Connected { build } => self.link(&host, |link| link.connected(build)),
            Said::Event(event) => (self.tell)(*event),
            Said::Gone(problem) => {
                self.link(&host, Link::gone);
                if self.look_for_return(&host, &problem) {
                    return;
                }
                self.lose(&host, problem);
                self.hand_over_to_who_waits_for(&host);
            }
            Said::Heard(Frame::Bytes(_)) => {
                self.lose(
                    &host,
                    Problem::new(code::DEFECT, "the agent sent bytes that nobody asked for"),
                );
            }
            Said::Heard(Frame::Message(message)) => self.understand(host, message),
        }
    }

    fn understand(&mut self, host: HostName, message: FromAgent) {
        match message {
            FromAgent::Hello(hello) => match self.links.get(&host).and_then(Link::build) {
                Some(build) if *build != hello.build => {
                    let problem = wrong_build(&hello.build, build);
                    self.lose(&host, problem);
                }
                _ => {
                    let is_same = |link: &Link| {
                        link.rebooting.as_ref().is_some_and(|it| it.is_of(&hello.boot))
                    };
                    if self.links.get(&host).is_some_and(is_same) {
                        // It still goes down; the agent ends, and the host is looked for again.
                        self.link(&host, Link::is_still_up);
                        return;
                    }
                    self.link(&host, |link| link.started_at(hello.boot));
                    self.homes.insert(host.clone(), hello.home);
                    self.link(&host, Link::greeted);
                    self.hand_over_to(&host);
                    self.hand_over_to_who_waits_for(&host);
                }
            },
            FromAgent::Status(_) => {
                self.lose(
                    &host,
                    Problem::new(code::DEFECT, "the agent told what nobody asked for"),
                );
            }
            FromAgent::Need { assets } => {
                if !self.links.get(&host).is_some_and(|link| link.offered(&assets)) {
                    let problem = "the agent asked for what its roots do not need";
                    return self.lose(&host, Problem::new(code::DEFECT, problem));
                }
                self.link(&host, |link| assets.into_iter().for_each(|asset| link.send(asset)));
            }
            FromAgent::Ready(left) => {
                let elapsed = self.links[&host].age();
                self.link(&host, Link::ready);
                if self.is_back(&host) {
                    return;
                }
                self.left.insert(host.clone(), left.clone());
                self.schedule.ready(self.now(), &host, left);
                (self.tell)(Event::Connected { host, elapsed });
                self.advance();
            }
            FromAgent::Rebooting { root, breadcrumb, timeout } => {
                self.host_reboots(host, (root, breadcrumb), timeout);
            }
            FromAgent::Refused { problem, locked } => {
                if locked {
                    self.summary.locked_hosts.push(host.clone());
                }
                self.lose(&host, problem);
            }
            FromAgent::Event(event) => (self.tell)(*event),
            FromAgent::Done(done) => self.root_done(host, *done),
            FromAgent::Answer { number, answer } => {
                self.called.remove(&number);
                self.schedule.answered(self.now(), number, *answer);
                self.advance();
            }
            FromAgent::Heartbeat => {}
        }
    }

    fn root_done(&mut self, host: HostName, done: Done) {
        let id = RootId { host, root: done.root };
        self.reboot_failed(&id);
        self.started.remove(&id);
        if !self.schedule.is_running(&id) {
            return;
        }
        let provider = |breadcrumb| crate::resource::Provider { root: id.clone(), breadcrumb };
        for (breadcrumb, count) in done.counters {
            self.counters.insert(provider(breadcrumb), count);
        }
        self.predicted.extend(done.predicted.into_iter().map(provider));
        if done.uncertain {
            self.changing.insert(id.clone());
        }
        if done.uncertain || self.depends_on_uncertain(&id) {
            self.uncertain.insert(id.clone());
        }
        let elapsed = Duration::try_from_secs_f64(done.seconds).unwrap_or_default();
        let Done { end, uncertain, counts, .. } = done;
        self.schedule.ended(self.now(), id, Ended { end, uncertain, counts, elapsed });
        self.advance();
    }

    fn depends_on_uncertain(&self, id: &RootId) -> bool {
        self.model.graph.dependencies(id).any(|first| self.uncertain.contains(first))
    }

    /// Does all that is to be done by now.
    fn advance(&mut self) {
        while let Some(action) = self.schedule.next() {
            match action {
                Action::Start { root, ask, restore } => {
                    // A root that was looked at has started.
                    if ask != Ask::Roll {
                        (self.tell)(Event::RootStarted { root: root.clone() });
                    }
                    self.started.insert(root.clone(), (ask, restore.clone()));
                    let start = self.start(&root, ask, restore);
                    self.say_to(&root.host, ToAgent::Start(Box::new(start)));
                }
                Action::Call { number, to, kind } => {
                    self.call(number, to, kind);
                }
                Action::End { root, outcome, counts, elapsed } => {
                    let failed = outcome == Outcome::Failed;
                    self.tell_end(root, outcome, counts, elapsed);
                    if failed && self.options.fail_fast {
                        self.stop();
                    }
                }
                Action::Tell(event) => (self.tell)(event),
                Action::Confirm(question) => self.confirm(question),
            }
        }
    }

    /// Asks whether a rollout is to go on, while the hosts are still spoken to.
    fn confirm(&self, question: Question) {
        let component = question.component.clone();
        // A note needs a host that it is about; this one is about none of them in particular.
        let host = HostName::new("");
        let ask = self.options.confirm.clone();
        let sender = self.sender.clone();
        thread::spawn(move || {
            let yes = ask.is_none_or(|Confirm(ask)| ask(&question));
            // Who does not listen any more has ended.
            let _ =
                sender.send(Note { host, connection: 0, said: Said::Confirmed { component, yes } });
        });
    }

    fn tell_end(&mut self, root: RootId, outcome: Outcome, counts: Counts, elapsed: Duration) {
        let summary = crate::event::RootSummary { outcome: outcome.clone(), counts, elapsed };
        self.summary.roots.insert(crate::event::RootIdKey(root.clone()), summary);
        (self.tell)(Event::RootFinished { root, outcome, counts, elapsed });
    }

    /// A host is out: its roots have failed.
    fn lose(&mut self, host: &HostName, problem: Problem) {
        if !self.schedule.needs(host) {
            return;
        }
        self.link(host, Link::give_up);
        if !self.stopping || !self.interrupt.is_raised() {
            let problem = Problem { hosts: BTreeSet::new(), ..problem.clone() };
            self.summary.failed_hosts.insert(host.clone(), problem.clone());
            (self.tell)(Event::HostFailed { host: host.clone(), problem: problem.clone() });
        }
        self.schedule.lost(self.now(), host, &problem);
        self.advance();
    }

    fn look_for_silence(&mut self) {
        self.look_at_reboots();
        let silent = self.links.iter().filter(|(_, link)| link.is_silent(SILENCE));
        for host in silent.map(|(host, _)| host.clone()).collect::<Vec<_>>() {
            let message = format!("nothing was heard from the agent for {} s", SILENCE.as_secs());
            self.lose(
                &host,
                Problem::new(code::AGENT_GONE, message).hint("look at the host and its connection"),
            );
        }
    }

    fn look_for_interrupt(&mut self) {
        if self.interrupt.is_raised() && !self.summary.interrupted {
            self.summary.interrupted = true;
            self.stop();
        }
        if self.interrupt.must_kill() && !self.killing {
            self.killing = true;
            for link in self.links.values() {
                link.say(ToAgent::Interrupt { kill: true });
            }
        }
    }

    /// Starts nothing more; what runs ends after its present update.
    fn stop(&mut self) {
        if self.stopping {
            return;
        }
        self.stopping = true;
        for link in self.links.values() {
            link.say(ToAgent::Interrupt { kill: false });
        }
        self.leave_rebooting();
        self.schedule.stop(self.now());
        self.advance();
    }

    fn finish(mut self) -> Summary {
        self.forecast();
        (self.tell)(Event::Finished { summary: self.summary.clone() });
        self.summary.masked(&self.model.secrets)
    }
}

#[cfg(test)]
mod tests;
