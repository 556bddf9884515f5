//! The agent: converges the roots of one host as the coordinator asks for them.

mod prepare;

use std::collections::VecDeque;
use std::fmt;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::assets::AssetStore;
use crate::interrupt::Interrupt;
use crate::problem::Problem;
use crate::protocol::{
    Frame, FrameError, FromAgent, Hello, Start, ToAgent, read_frame, write_message,
};
use crate::registry::Registry;

use super::converge::converge;
use super::run::Host;
use super::{BUILD, HEARTBEAT, SILENCE};

use prepare::{Drafts, Unprepared, prepare};

/// How often an agent tells what it is doing.
const NEWS: Duration = Duration::from_millis(250);

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
