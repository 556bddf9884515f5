//! The way to the coordinator: what is said never waits for a link that is cut.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender, TrySendError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use std::{io, io::Write};

use crate::engine::run::Host;
use crate::engine::{HEARTBEAT, SILENCE};
use crate::event::Event;
use crate::interrupt::Interrupt;
use crate::problem::{Problem, code};
use crate::protocol::{FromAgent, encode};
use crate::secret::{KnownSecrets, Masked as _};

/// How often an agent tells what it is doing.
const NEWS: Duration = Duration::from_millis(250);

/// How many frames may wait to be written; who has more to say waits too.
const WAITING: usize = 256;

/// How often who waits looks whether the coordinator is still there.
const PATIENCE: Duration = Duration::from_millis(5);

/// When the coordinator was last heard, and what follows when that is too long ago.
#[derive(Clone, Debug)]
pub(super) struct Pulse {
    heard: Arc<Mutex<Instant>>,
    interrupt: Interrupt,
}

impl Pulse {
    pub(super) fn new(interrupt: Interrupt) -> Self {
        Self { heard: Arc::new(Mutex::new(Instant::now())), interrupt }
    }

    pub(super) fn heard(&self) {
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Whether the coordinator counts as lost. Then nothing further is started.
    pub(super) fn is_lost(&self) -> bool {
        let heard = *self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let lost = heard.elapsed() > SILENCE;
        if lost && !self.interrupt.is_raised() {
            self.interrupt.raise();
        }
        lost
    }
}

enum Out {
    Frame(Vec<u8>),
    /// All before this has been written, who sent it is told.
    Flush(Sender<()>),
}

/// The way to the coordinator. A thread of its own writes, so that a link that takes nothing any
/// more holds up nobody for longer than the coordinator counts as present.
#[derive(Clone)]
pub(super) struct Line {
    out: SyncSender<Out>,
    pulse: Pulse,
    watched: Arc<Mutex<Option<Arc<Host>>>>,
    secrets: Arc<KnownSecrets>,
}

impl Line {
    pub(super) fn open(writer: Box<dyn Write + Send>, pulse: Pulse) -> Self {
        let (out, frames) = mpsc::sync_channel(WAITING);
        let watched = Arc::<Mutex<Option<Arc<Host>>>>::default();
        let activity = Arc::clone(&watched);
        thread::spawn(move || write(writer, &frames, &activity));
        Self { out, pulse, watched, secrets: Arc::default() }
    }

    /// The secrets that nothing leaves with.
    pub(super) fn secrets(&self) -> &Arc<KnownSecrets> {
        &self.secrets
    }

    pub(super) fn send(&self, message: FromAgent) -> Result<(), Problem> {
        let gone = |why: String| {
            Problem::new(code::AGENT_GONE, "the coordinator does not listen any more").hint(why)
        };
        let frame =
            encode(&message.masked(&self.secrets)).map_err(|error| gone(error.to_string()))?;
        self.put(Out::Frame(frame)).then_some(()).ok_or_else(|| gone("the link is lost".to_owned()))
    }

    fn put(&self, mut out: Out) -> bool {
        loop {
            match self.out.try_send(out) {
                Ok(()) => return true,
                Err(TrySendError::Disconnected(_)) => return false,
                Err(TrySendError::Full(_)) if self.pulse.is_lost() => return false,
                Err(TrySendError::Full(returned)) => {
                    out = returned;
                    thread::sleep(PATIENCE);
                }
            }
        }
    }

    /// Also tells what the roots of a host are doing, from now on and until [`close`](Self::close).
    pub(super) fn watch(&self, host: &Arc<Host>) {
        *self.watched.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(host));
    }

    /// Waits until all that was said is written, or cannot be; nothing of the host is held then.
    pub(super) fn close(&self) {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.flush();
    }

    /// Waits until all that was said is written, or cannot be.
    pub(super) fn flush(&self) {
        let (done, flushed) = mpsc::channel();
        if self.put(Out::Flush(done)) {
            while flushed.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                if self.pulse.is_lost() {
                    return;
                }
            }
        }
    }
}

/// Writes what is said, and now and then that the agent is alive and what it does.
fn write(
    mut writer: Box<dyn Write + Send>,
    frames: &Receiver<Out>,
    watched: &Mutex<Option<Arc<Host>>>,
) {
    let mut beat = Instant::now();
    let mut told = Instant::now();
    loop {
        let mut all = Vec::new();
        let mut flushed = Vec::new();
        let first = match frames.recv_timeout(NEWS.saturating_sub(told.elapsed())) {
            Ok(out) => Some(out),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        // What waits by now leaves in one write.
        for out in first.into_iter().chain(frames.try_iter()) {
            match out {
                Out::Frame(frame) => all.extend(frame),
                Out::Flush(done) => flushed.push(done),
            }
        }
        if told.elapsed() >= NEWS {
            told = Instant::now();
            let host = watched.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let news = host.iter().flat_map(|host| host.activity.news());
            let news = news.map(|event| FromAgent::Event(Box::new(event)));
            let heartbeat = (beat.elapsed() >= HEARTBEAT).then(|| {
                beat = Instant::now();
                FromAgent::Heartbeat
            });
            for message in news.chain(heartbeat) {
                // A message that cannot be encoded is one of an activity: it is only missed.
                all.extend(encode(&message).unwrap_or_default());
            }
        }
        let written: io::Result<()> = writer.write_all(&all).and_then(|()| writer.flush());
        if written.is_err() {
            // Who reads from the coordinator notices the same, and acts on it.
            return;
        }
        for done in flushed {
            // Who does not wait any more need not know.
            let _ = done.send(());
        }
    }
}

/// A way for events to the coordinator.
pub(super) fn events(line: &Line) -> Arc<dyn Fn(Event) + Send + Sync> {
    let line = line.clone();
    // That nobody listens any more is noticed by who reads.
    Arc::new(move |event| drop(line.send(FromAgent::Event(Box::new(event)))))
}
