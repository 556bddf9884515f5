//! The agent: converges the roots of one host as the coordinator asks for them.

mod line;
mod prepare;
mod receive;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;
use std::time::Duration;

use crate::assets::AssetStore;
use crate::deployment::{RecordEnd, RecordedRoot};
use crate::event::{Counts, Event};
use crate::host::Staged;
use crate::interrupt::Interrupt;
use crate::names::RootName;
use crate::panics;
use crate::problem::{Problem, code};
use crate::protocol::{
    Ask, Call, Done, End, Frame, FrameError, FromAgent, HandOver, Hello, Start, ToAgent, read_frame,
};
use crate::registry::Registry;
use crate::secret::{Masked as _, known};

use super::converge::converge;
use super::run::Host;
use super::state::{self, now};
use super::status;

use line::{Line, Pulse};
use prepare::{Drafts, Prepared, Unprepared, prepare};

/// How often who waits looks whether the coordinator is still there.
const PATIENCE: Duration = Duration::from_secs(1);

/// How many frames may wait to be understood: an asset is not read faster than it is stored.
const UNREAD: usize = 8;

/// What an agent brings along.
pub struct Agent {
    /// The components that it knows.
    pub registry: Arc<Registry>,
    /// The contents of all assets, where they need not be sent.
    pub assets: Option<Arc<dyn AssetStore>>,
    /// The home directory of the converging user.
    pub home: PathBuf,
    /// What tells its build from another; the coordinator must be of the same.
    pub build: String,
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Agent({}, {})", self.home.display(), self.build)
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
    serve_staged(agent, &Staged::default(), reader, writer)
}

/// Serves one deployment on a host that a test has staged.
pub(super) fn serve_staged(
    agent: &Agent,
    staged: &Staged,
    reader: Box<dyn Read + Send>,
    writer: Box<dyn Write + Send>,
) -> Result<(), Problem> {
    let interrupt = Interrupt::default();
    let pulse = Pulse::new(interrupt.clone());
    let line = Line::open(writer, pulse.clone());
    let (sender, notes) = mpsc::sync_channel(UNREAD);
    let home = agent.home.to_string_lossy().into_owned();
    let boot = staged.boot();
    line.send(FromAgent::Hello(Hello { build: agent.build.clone(), home, boot }))?;
    let (stop, from_reader, heard) = (interrupt.clone(), sender.clone(), pulse.clone());
    thread::spawn(move || listen(reader, &from_reader, &stop, &heard));
    let mut inbox = Inbox { notes, pulse };
    let served = converse(agent, staged, &line, &mut inbox, &sender, &interrupt);
    line.close();
    served.map_err(|problem| problem.masked(line.secrets()))
}

fn converse(
    agent: &Agent,
    staged: &Staged,
    line: &Line,
    inbox: &mut Inbox,
    ended: &SyncSender<Note>,
    interrupt: &Interrupt,
) -> Result<(), Problem> {
    let hand_over = match inbox.next()? {
        Frame::Message(ToAgent::HandOver(hand_over)) => hand_over,
        Frame::Message(ToAgent::Status(of)) => return line.send(status::answer(&agent.home, &of)),
        Frame::Message(ToAgent::Goodbye | ToAgent::Interrupt { .. }) => return Ok(()),
        _ => {
            return Err(Problem::new(
                code::DEFECT,
                "the coordinator did not begin with the hand-over",
            ));
        }
    };
    let Prepared { host, drafts, left } =
        match prepare(agent, staged, &hand_over, line, inbox, interrupt) {
            Ok(prepared) => prepared,
            Err(Unprepared::Refused { problem, locked }) => {
                return line.send(FromAgent::Refused { problem: *problem, locked });
            }
            Err(Unprepared::Broken(problem)) => return Err(*problem),
        };
    line.watch(&host);
    // What the drafts were made from is not needed any more.
    let HandOver { deployment, attending, back, .. } = *hand_over;
    // A host that only attends is not deployed to.
    let takes_part = drafts.keys().any(|root| !attending.contains(root));
    let recorded = (host.lock.is_some() && takes_part).then_some(&deployment);
    if let Some(deployment) = recorded {
        warn(&host, state::records::begin(&host.site.state, deployment));
    }
    line.send(FromAgent::Ready(left))?;
    let mut ends: Ends =
        back.into_iter().flatten().map(|(root, end, counts)| (root, (end, counts))).collect();
    ends.extend(work(&host, &drafts, line, inbox, ended));
    if host.door.is_gone() {
        // Whoever comes when the host is back knows how it ends.
        return Ok(());
    }
    if let Some(deployment) = recorded {
        let mut counts = Counts::default();
        ends.values().for_each(|(_, of_root)| counts += *of_root);
        let roots = drafts.keys().filter(|root| !attending.contains(*root)).map(|root| {
            let end = ends.get(root).map_or(RecordedRoot::NotStarted, |(end, _)| match end {
                End::Reached => RecordedRoot::Converged,
                End::Failed => RecordedRoot::Failed,
                End::Interrupted => RecordedRoot::Interrupted,
            });
            (root.clone(), end)
        });
        let end = RecordEnd { ended: now(), roots: roots.collect(), counts };
        warn(&host, state::records::end(&host.site.state, deployment, end));
    }
    Ok(())
}

/// A record that cannot be written is worth a warning, and fails nothing.
fn warn(host: &Host, written: Result<(), state::StateError>) {
    if let Err(error) = written {
        let problem = Problem::from_error(&anyhow::Error::new(error), code::STATE_UNUSABLE);
        let problem = problem.hint("the deployment goes on without its record on this host");
        host.emit(Event::Warning { host: host.site.host.name.clone(), problem });
    }
}

enum Note {
    Heard(Frame<ToAgent>),
    /// The coordinator is gone.
    Lost(FrameError),
    /// A root ended, or was only to look.
    Ended(RootName, Option<(End, Counts)>),
    /// A call was answered.
    Answered,
}

/// Reads what the coordinator says. To stop is understood at once, whatever else is being done.
fn listen(
    mut reader: Box<dyn Read + Send>,
    inbox: &SyncSender<Note>,
    interrupt: &Interrupt,
    pulse: &Pulse,
) {
    loop {
        let note = match read_frame(&mut *reader) {
            Ok(frame) => {
                pulse.heard();
                match &frame {
                    Frame::Message(ToAgent::Heartbeat) => continue,
                    Frame::Message(ToAgent::Interrupt { kill }) => {
                        interrupt.raise();
                        if *kill {
                            interrupt.raise();
                        }
                    }
                    _ => {}
                }
                Note::Heard(frame)
            }
            Err(error) => {
                interrupt.raise();
                // Who does not read any more has ended.
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
    notes: Receiver<Note>,
    pulse: Pulse,
}

impl Inbox {
    /// The next thing that the coordinator says.
    fn next(&mut self) -> Result<Frame<ToAgent>, Problem> {
        loop {
            match self.notes.recv_timeout(PATIENCE) {
                Ok(Note::Heard(frame)) => return Ok(frame),
                Ok(Note::Ended(..) | Note::Answered) => {}
                Ok(Note::Lost(error)) => {
                    return Err(Problem::from_error(&error.into(), code::AGENT_GONE));
                }
                Err(_) if self.pulse.is_lost() => {
                    return Err(Problem::new(
                        code::AGENT_GONE,
                        "the coordinator was silent for too long",
                    ));
                }
                Err(_) => {}
            }
        }
    }
}

/// How roots ended on this host, and what they did.
type Ends = BTreeMap<RootName, (End, Counts)>;

/// Runs roots as they are asked for, at most so many at once, until there is nothing more to do. Calls
/// wait for no root: what is asked for may be what another host waits for.
fn work(
    host: &Arc<Host>,
    drafts: &Drafts,
    line: &Line,
    inbox: &mut Inbox,
    ended: &SyncSender<Note>,
) -> Ends {
    let jobs = host.site.host.jobs.max(1);
    let mut waiting = VecDeque::<Start>::new();
    let mut running = 0;
    let mut calls = 0;
    let mut leaving = false;
    let mut ends = Ends::new();
    thread::scope(|scope| {
        loop {
            while running < jobs
                && let Some(start) = waiting.pop_front()
            {
                running += 1;
                let ended = ended.clone();
                scope.spawn(move || {
                    let _present = host.door.enter(&host.site.interrupt);
                    let end = run(host, drafts, line, &start);
                    // Room is made by who waits for this very note.
                    let _ = ended.send(Note::Ended(start.root, end));
                });
            }
            if leaving && running + calls == 0 {
                return;
            }
            match inbox.notes.recv_timeout(PATIENCE) {
                Ok(Note::Ended(root, end)) => {
                    running -= 1;
                    ends.extend(end.map(|end| (root, end)));
                    if host.door.is_gone() {
                        leaving = true;
                        waiting.clear();
                    }
                }
                Ok(Note::Answered) => calls -= 1,
                Ok(Note::Heard(Frame::Message(ToAgent::Call(call)))) => {
                    calls += 1;
                    let ended = ended.clone();
                    scope.spawn(move || {
                        answer(host, drafts, line, &call);
                        // As below.
                        let _ = ended.send(Note::Answered);
                    });
                }
                Ok(Note::Lost(_)) => {
                    leaving = true;
                    waiting.clear();
                }
                Ok(Note::Heard(Frame::Message(ToAgent::Start(start)))) => waiting.push_back(*start),
                Ok(Note::Heard(Frame::Message(ToAgent::Goodbye))) => leaving = true,
                Ok(Note::Heard(_)) => {}
                Err(_) if inbox.pulse.is_lost() => {
                    leaving = true;
                    waiting.clear();
                }
                Err(_) => {}
            }
        }
    });
    ends
}

/// Runs one root and tells what it came to, whatever happens. What was only to be looked at, and is not
/// as it should be, has come to nothing yet.
fn run(host: &Host, drafts: &Drafts, line: &Line, start: &Start) -> Option<(End, Counts)> {
    let Some((id, draft)) = drafts.get(&start.root) else {
        let problem =
            Problem::new(code::DEFECT, format!("root `{}` was not handed over", start.root));
        // A link that is lost is noticed by who reads from it; so below.
        let _ = line.send(FromAgent::Refused { problem, locked: false });
        return Some((End::Failed, Counts::default()));
    };
    let done =
        panics::catch(|| known::learning(&draft.secrets, || converge(host, id, draft, start)))
            .unwrap_or_else(|panicked| {
                host.emit(Event::ComponentFailed {
                    root: id.clone(),
                    breadcrumb: draft.breadcrumb(0).clone(),
                    changes: Vec::new(),
                    problem: Problem::from_error(&panicked.into(), code::DEFECT)
                        .hint("this is a defect of togusa"),
                });
                Done::failed(id.root.clone())
            });
    if host.door.is_gone() {
        return None;
    }
    let is_over = start.ask != Ask::Look || !done.uncertain;
    let end = is_over.then_some((done.end, done.counts));
    let _ = line.send(FromAgent::Done(Box::new(done)));
    end
}

/// Does what is asked of a root beside its own converging, and tells what came of it.
fn answer(host: &Host, drafts: &Drafts, line: &Line, call: &Call) {
    let missing =
        || Problem::new(code::DEFECT, format!("root `{}` was not handed over", call.root));
    let answer = match drafts.get(&call.root) {
        None => Err(missing()),
        Some((id, draft)) => panics::catch(|| {
            known::learning(&draft.secrets, || super::calls::call(host, id, draft, &call.kind))
        })
        .unwrap_or_else(|panicked| Err(Problem::from_error(&panicked.into(), code::DEFECT))),
    };
    if host.door.is_gone() {
        return;
    }
    // A link that is lost is noticed by who reads from it.
    let _ = line.send(FromAgent::Answer { number: call.number, answer: Box::new(answer) });
}
