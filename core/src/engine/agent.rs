//! The agent: converges the roots of one host as the coordinator asks for them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::assets::AssetStore;
use crate::environment::Environment;
use crate::event::{Event, Mode};
use crate::host::{self, HostSite, Shared};
use crate::interrupt::Interrupt;
use crate::model::answers::{Answers, Provided};
use crate::model::draft::{Draft, first_difference};
use crate::model::settle::plant_one;
use crate::names::{RootId, RootName};
use crate::path::HostPath;
use crate::problem::Problem;
use crate::protocol::{
    Frame, FrameError, FromAgent, HandOver, Hello, Start, ToAgent, read_frame, write_message,
};
use crate::registry::Registry;
use crate::template::RenderTable;

use super::activity::Activity;
use super::assets::{DiskStore, HandedAssets, store_directory};
use super::converge::converge;
use super::run::Host;
use super::state::{self, Counters, Holder, HostLock, Identity, Mark, Marks, StateError};
use super::{BUILD, HEARTBEAT, SILENCE};

/// How often an agent tells what it is doing.
const NEWS: Duration = Duration::from_millis(250);

/// How long a command that an earlier run left behind may go on before the host is given up.
const SURVIVOR_PATIENCE: Duration = Duration::from_secs(60);

/// What an agent brings along.
pub struct Agent {
    /// The components that it knows.
    pub registry: Arc<Registry>,
    /// The contents of all assets, where they need not be sent.
    pub assets: Option<Arc<dyn AssetStore>>,
    /// The home directory of the converging user.
    pub home: PathBuf,
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Agent({})", self.home.display())
    }
}

/// Serves one deployment over a connection, to its end.
///
/// # Errors
/// The connection failed, or the coordinator is of another build.
pub fn serve(
    agent: &Agent,
    reader: Box<dyn Read + Send>,
    writer: Box<dyn Write + Send>,
) -> Result<(), Problem> {
    let line = Line { writer: Arc::new(Mutex::new(writer)) };
    let home = agent.home.to_string_lossy().into_owned();
    line.send(&FromAgent::Hello(Hello { build: BUILD.to_owned(), home }))?;
    let interrupt = Interrupt::default();
    let (sender, inbox) = mpsc::channel();
    let stop = interrupt.clone();
    let from_reader = sender.clone();
    thread::spawn(move || listen(reader, &from_reader, &stop));
    let mut inbox = Inbox { inbox, heard: Instant::now() };

    let hand_over = match inbox.next()? {
        Frame::Message(ToAgent::HandOver(hand_over)) => *hand_over,
        Frame::Message(ToAgent::Goodbye | ToAgent::Interrupt { .. }) => return Ok(()),
        _ => return Err(Problem::new("the coordinator did not begin with the hand-over")),
    };
    let ticker = Ticker::start(&line);
    let prepared = prepare(agent, &hand_over, &line, &mut inbox, &interrupt);
    let (host, drafts) = match prepared {
        Ok(prepared) => prepared,
        Err(Unprepared::Refused { problem, locked }) => {
            line.send(&FromAgent::Refused { problem: *problem, locked })?;
            return Ok(());
        }
        Err(Unprepared::Broken(problem)) => return Err(*problem),
    };
    ticker.watch(&host);
    line.send(&FromAgent::Ready)?;
    work(&host, &drafts, &line, inbox, &sender);
    Ok(())
}

/// The way to the coordinator.
#[derive(Clone)]
struct Line {
    writer: Arc<Mutex<Box<dyn Write + Send>>>,
}

impl Line {
    fn send(&self, message: &FromAgent) -> Result<(), Problem> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        write_message(&mut **writer, message).map_err(|error| {
            Problem::new("the coordinator does not listen any more").hint(error.to_string())
        })
    }
}

enum Note {
    Heard(Frame<ToAgent>),
    /// The coordinator is gone.
    Lost(FrameError),
    /// A root ended.
    Ended,
}

/// Reads what the coordinator says. To stop is understood at once, whatever else is being done.
fn listen(mut reader: Box<dyn Read + Send>, inbox: &Sender<Note>, interrupt: &Interrupt) {
    loop {
        let note = match read_frame(&mut *reader) {
            Ok(frame) => {
                if let Frame::Message(ToAgent::Interrupt { kill }) = &frame {
                    interrupt.raise();
                    if *kill {
                        interrupt.raise();
                    }
                }
                Note::Heard(frame)
            }
            Err(error) => {
                interrupt.raise();
                let _ = inbox.send(Note::Lost(error));
                return;
            }
        };
        if inbox.send(note).is_err() {
            return;
        }
    }
}

struct Inbox {
    inbox: Receiver<Note>,
    heard: Instant,
}

impl Inbox {
    /// The next thing that the coordinator says, heartbeats left out.
    fn next(&mut self) -> Result<Frame<ToAgent>, Problem> {
        loop {
            match self.inbox.recv_timeout(SILENCE) {
                Ok(Note::Heard(Frame::Message(ToAgent::Heartbeat))) => {}
                Ok(Note::Heard(frame)) => {
                    self.heard = Instant::now();
                    return Ok(frame);
                }
                Ok(Note::Ended) => {}
                Ok(Note::Lost(error)) => return Err(Problem::from_error(&error.into())),
                Err(_) => return Err(Problem::new("the coordinator was silent for too long")),
            }
        }
    }
}

/// Sends heartbeats and tells what roots are doing, until it is dropped.
struct Ticker {
    stop: Option<Sender<()>>,
    activity: Arc<Mutex<Option<Arc<Host>>>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Ticker {
    fn start(line: &Line) -> Self {
        let (stop, stopped) = mpsc::channel::<()>();
        let activity = Arc::new(Mutex::new(None::<Arc<Host>>));
        let (line, watched) = (line.clone(), Arc::clone(&activity));
        let thread = thread::spawn(move || {
            let mut beat = Instant::now();
            while stopped.recv_timeout(NEWS) == Err(RecvTimeoutError::Timeout) {
                let host = watched.lock().unwrap_or_else(PoisonError::into_inner).clone();
                for event in host.iter().flat_map(|host| host.activity.news()) {
                    let _ = line.send(&FromAgent::Event(Box::new(event)));
                }
                if beat.elapsed() >= HEARTBEAT {
                    beat = Instant::now();
                    let _ = line.send(&FromAgent::Heartbeat);
                }
            }
        });
        Self { stop: Some(stop), activity, thread: Some(thread) }
    }

    fn watch(&self, host: &Arc<Host>) {
        *self.activity.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(host));
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.stop.take();
        // The lock of the host must be free when the agent has ended: nothing may hold it then.
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Why roots cannot start.
enum Unprepared {
    /// It is the host's fault, and the coordinator is told.
    Refused { problem: Box<Problem>, locked: bool },
    /// The coordinator is gone.
    Broken(Box<Problem>),
}

impl From<StateError> for Unprepared {
    fn from(error: StateError) -> Self {
        let locked = matches!(error, StateError::Locked { .. });
        let hint = match &error {
            StateError::Locked { .. } => Some("wait until it is done, or use `--wait`"),
            StateError::Foreign { .. } => {
                Some("set another `target_directory`, or remove the directory if it is not needed")
            }
            StateError::NoDirectory { .. } => {
                Some("set another `target_directory`, or remove what stands there")
            }
            StateError::Write { .. } => Some("nothing was changed; see to space and permissions"),
            StateError::Damaged { .. } => {
                Some("look at the file; remove it if what it says need not be remembered")
            }
            StateError::Read { .. } => None,
        };
        let problem = Problem::from_error(&anyhow::Error::new(error));
        let problem = hint.into_iter().fold(problem, Problem::hint);
        Self::Refused { problem: Box::new(problem), locked }
    }
}

fn refused(problem: Problem) -> Unprepared {
    Unprepared::Refused { problem: Box::new(problem), locked: false }
}

fn broken(problem: Problem) -> Unprepared {
    Unprepared::Broken(Box::new(problem))
}

type Drafts = BTreeMap<RootName, (RootId, Draft)>;

/// Gets a host ready: its own model, the same as the coordinator's; its lock, assets and marks.
fn prepare(
    agent: &Agent,
    hand_over: &HandOver,
    line: &Line,
    inbox: &mut Inbox,
    interrupt: &Interrupt,
) -> Result<(Arc<Host>, Drafts), Unprepared> {
    let catalogue = HandedAssets::new(hand_over);
    let drafts = configure(agent, hand_over, &catalogue).map_err(refused)?;
    let host = &hand_over.host;
    let target = HostPath::new(&host.name, &host.target_directory);
    let target = PathBuf::from(target.expand(&agent.home.to_string_lossy()));
    let identity = Identity {
        project: hand_over.project.clone(),
        environment: hand_over.environment.clone(),
        host: host.name.clone(),
    };
    let events = {
        let line = line.clone();
        // Who does not listen any more is noticed by who reads.
        Arc::new(move |event| drop(line.send(&FromAgent::Event(Box::new(event)))))
    };
    let lock = match hand_over.mode {
        Mode::Verify => {
            identity.check(&target)?;
            if HostLock::is_held(&target) {
                let holder = Holder::read(&target).map(|holder| holder.describe());
                let problem =
                    Problem::new("a deployment is running, the plan may be outdated soon")
                        .hint(holder.unwrap_or_default());
                events(Event::Warning { host: host.name.clone(), problem });
            }
            None
        }
        Mode::Converge => {
            identity.check(&target)?;
            state::create(&target)?;
            let lock = take_lock(&target, hand_over, &*events, interrupt)?;
            identity.claim(&target)?;
            state::remove_unfinished(&target);
            Some(lock)
        }
    };
    let store = receive_assets(agent, hand_over, &catalogue, line, inbox)?;
    let state = target.join(".togusa");
    let mut homes = hand_over.homes.clone();
    homes.insert(host.name.clone(), agent.home.to_string_lossy().into_owned());
    let table = RenderTable { homes, addresses: hand_over.addresses.clone(), strict: true };
    let shared = Host {
        mode: hand_over.mode,
        marks: Marks::load(&state)?,
        counters: Counters::new(&state),
        activity: Activity::default(),
        lock,
        site: HostSite {
            project: hand_over.project.clone(),
            environment: hand_over.environment.clone(),
            host: host.clone(),
            home: agent.home.clone(),
            state,
            render_table: Arc::new(table),
            assets: store,
            interrupt: interrupt.clone(),
            events,
            shared: Shared::default(),
        },
    };
    if hand_over.mode == Mode::Converge {
        wait_for_survivors(&shared).map_err(refused)?;
    }
    drop_foreign_marks(&shared, hand_over)?;
    Ok((Arc::new(shared), drafts))
}

/// Configures the host's roots and compares them with the coordinator's.
fn configure(
    agent: &Agent,
    hand_over: &HandOver,
    catalogue: &HandedAssets,
) -> Result<Drafts, Problem> {
    let mut answers = Answers::default();
    for value in &hand_over.answers {
        answers.insert(Provided::from_wire(value.clone()));
    }
    let host = &hand_over.host;
    let environment = Environment::new(&hand_over.project, &hand_over.environment);
    let mut drafts = Drafts::new();
    for root in &host.roots {
        let draft = plant_one(&agent.registry, &environment, host, root, &answers, catalogue);
        let draft = draft.map_err(|problems| {
            let mut list = problems.list.into_iter();
            list.next().unwrap_or_else(|| Problem::new(format!("cannot configure `{}`", root.name)))
        })?;
        if let Some(failure) = draft.failures.first() {
            return Err(failure.problem.clone());
        }
        let known = hand_over.digests.get(&root.name).map_or(&[][..], Vec::as_slice);
        if let Some(breadcrumb) = first_difference(known, &draft, &draft.digests()) {
            return Err(Problem::new("the component is configured differently on its host")
                .in_component(&root.name, &breadcrumb)
                .hint(
                    "`configure` must be pure, and `Debug` must print the same in every process: \
                     no `HashMap`, no time, no environment variables",
                ));
        }
        drafts
            .insert(root.name.clone(), (RootId::new(host.name.clone(), root.name.clone()), draft));
    }
    Ok(drafts)
}

fn take_lock(
    target: &Path,
    hand_over: &HandOver,
    events: &dyn Fn(Event),
    interrupt: &Interrupt,
) -> Result<HostLock, Unprepared> {
    let mut told = false;
    loop {
        match HostLock::take(target, Holder::new(&hand_over.who)) {
            Err(StateError::Locked { path, holder })
                if hand_over.wait && !interrupt.is_raised() =>
            {
                if !told {
                    told = true;
                    let locked = StateError::Locked { path, holder };
                    let problem = Problem::new(format!("waiting: {locked}"));
                    events(Event::Warning { host: hand_over.host.name.clone(), problem });
                }
                thread::sleep(Duration::from_millis(100));
            }
            result => return Ok(result?),
        }
    }
}

/// Gets the contents of all assets that are not there yet.
fn receive_assets(
    agent: &Agent,
    hand_over: &HandOver,
    catalogue: &HandedAssets,
    line: &Line,
    inbox: &mut Inbox,
) -> Result<Arc<dyn AssetStore>, Unprepared> {
    if let Some(store) = &agent.assets {
        return Ok(Arc::clone(store));
    }
    let directory = store_directory(hand_over.host.store.as_deref(), &agent.home);
    let failed =
        |error: io::Error| {
            let message = format!("cannot keep assets in `{}`", directory.display());
            refused(Problem::from_error(&anyhow::Error::new(error).context(message)).hint(
                "set `store` to a directory with space that the converging user may write to",
            ))
        };
    let store = DiskStore::open(directory.clone()).map_err(failed)?;
    let missing = store.missing(catalogue.all());
    if missing.is_empty() {
        return Ok(Arc::new(store));
    }
    line.send(&FromAgent::Need { assets: missing.clone() }).map_err(broken)?;
    for asset in &missing {
        match inbox.next().map_err(broken)? {
            Frame::Message(ToAgent::Content { asset: announced }) if announced == *asset => {}
            Frame::Message(ToAgent::Interrupt { .. } | ToAgent::Goodbye) => {
                return Err(refused(Problem::new("interrupted")));
            }
            _ => return Err(broken(Problem::new("the coordinator sent something unasked"))),
        }
        let received = store.receive(asset, || match inbox.next() {
            Ok(Frame::Bytes(bytes)) if !bytes.is_empty() => Ok(bytes),
            Ok(_) => Err(io::Error::other("the content ended early")),
            Err(problem) => Err(io::Error::other(problem.to_string())),
        });
        received.map_err(failed)?;
    }
    Ok(Arc::new(store))
}

/// Waits for the commands that a killed run left behind.
fn wait_for_survivors(host: &Host) -> Result<(), Problem> {
    let running = host.site.running();
    let unreadable = |error: io::Error| {
        let message = format!("cannot read `{}`", running.display());
        Problem::from_error(&anyhow::Error::new(error).context(message))
    };
    let began = Instant::now();
    let mut told = false;
    loop {
        let survivors = host::survivors(&running).map_err(unreadable)?;
        let Some(first) = survivors.first() else { return Ok(()) };
        let problem = Problem::new(format!(
            "a command of an earlier run is still running: `{}` of {}, process group {}",
            first.command, first.breadcrumb, first.group
        ));
        if began.elapsed() > SURVIVOR_PATIENCE || host.site.interrupt.is_raised() {
            return Err(problem.hint("let it end, or end it, and deploy again"));
        }
        if !told {
            told = true;
            let problem = problem.hint("waiting for it");
            host.emit(Event::Warning { host: host.site.host.name.clone(), problem });
        }
        thread::sleep(Duration::from_millis(50));
    }
}

/// Drops the marks of roots that the environment no longer gives to the host, and shows them.
fn drop_foreign_marks(host: &Host, hand_over: &HandOver) -> Result<(), StateError> {
    let known: BTreeSet<_> = hand_over.all_roots.iter().collect();
    for root in host.marks.roots().into_iter().filter(|root| !known.contains(root)) {
        let marks: Vec<Mark> = host.marks.of_root(&root).into_iter().collect();
        if hand_over.mode == Mode::Converge {
            host.marks.clear(&marks)?;
        }
        for mark in marks {
            host.emit(Event::TriggerMoved {
                root: root.clone(),
                host: hand_over.host.name.clone(),
                cause: mark.cause.to_string(),
                dependant: mark.dependant,
                moved_to: Vec::new(),
            });
        }
    }
    Ok(())
}

/// Runs roots as they are asked for, at most so many at once, until there is nothing more to do.
fn work(host: &Arc<Host>, drafts: &Drafts, line: &Line, mut inbox: Inbox, ended: &Sender<Note>) {
    let jobs = host.site.host.jobs.max(1);
    let mut waiting = VecDeque::<Start>::new();
    let mut running = 0;
    let mut leaving = false;
    thread::scope(|scope| {
        loop {
            while running < jobs
                && let Some(start) = waiting.pop_front()
            {
                running += 1;
                let ended = ended.clone();
                scope.spawn(move || {
                    if let Some((id, draft)) = drafts.get(&start.root) {
                        let done = converge(host, id, draft, &start);
                        let _ = line.send(&FromAgent::Done(Box::new(done)));
                    }
                    let _ = ended.send(Note::Ended);
                });
            }
            if leaving && running == 0 {
                return;
            }
            match inbox.inbox.recv_timeout(Duration::from_secs(1)) {
                Ok(Note::Ended) => running -= 1,
                Ok(Note::Lost(_)) => {
                    leaving = true;
                    waiting.clear();
                }
                Ok(Note::Heard(frame)) => {
                    inbox.heard = Instant::now();
                    match frame {
                        Frame::Message(ToAgent::Start(start)) => waiting.push_back(*start),
                        Frame::Message(ToAgent::Goodbye) => leaving = true,
                        _ => {}
                    }
                }
                Err(_) if inbox.heard.elapsed() > SILENCE => {
                    host.site.interrupt.raise();
                    leaving = true;
                    waiting.clear();
                }
                Err(_) => {}
            }
        }
    });
}
