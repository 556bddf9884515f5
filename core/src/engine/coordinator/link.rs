//! The coordinator's end of the connection to one host.

use std::collections::BTreeSet;
use std::io::{self, BufReader, Write};
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::{Duration, Instant};

use crate::assets::{Asset, AssetStore};
use crate::boot::Boot;
use crate::engine::transport::{Connection, Transport};
use crate::environment::Host;
use crate::event::Event;
use crate::names::{HostName, RootName};
use crate::problem::{Problem, code};
use crate::protocol::{
    ASSET_PIECE, Frame, FrameError, FromAgent, HandOver, Pieces, ToAgent, encode, read_frame,
    write_message,
};
use crate::secret::revealing;
use zeroize::Zeroizing;

use super::rebooting::Rebooting;

/// Something that a host said.
pub(super) struct Note {
    pub(super) host: HostName,
    /// Over which of its connections.
    pub(super) connection: u32,
    pub(super) said: Said,
}

pub(super) enum Said {
    /// There is a connection, to an agent that should be of this build.
    Connected {
        build: String,
    },
    /// What is told while the connection is made.
    Event(Box<Event>),
    Heard(Frame<FromAgent>),
    /// Somebody said whether a rollout is to go on.
    Confirmed {
        component: RootName,
        yes: bool,
    },
    /// The agent is gone; why, if it is known.
    Gone(Problem),
}

/// What it takes to reach a host and to send it what it lacks.
pub(super) type Ways<'a> = (&'a Arc<dyn Transport>, &'a Arc<dyn AssetStore>);

/// What is to be said to a host.
enum Out {
    Message(ToAgent),
    Content(Asset),
}

/// The connection to one host. Speaking never waits for the host.
#[derive(Debug)]
pub(super) struct Link {
    out: Sender<Out>,
    phase: Phase,
    build: Option<String>,
    /// The present start of the host's system.
    boot: Boot,
    /// The number of the connection, of those that there were to the host.
    connection: u32,
    /// Set from the moment at which the host was said to reboot until it is back.
    pub(super) rebooting: Option<Rebooting>,
    opened: Instant,
    /// The assets that were handed over, whose content may be asked for.
    offered: BTreeSet<Asset>,
    heard: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Connecting,
    Greeted,
    HandedOver,
    Ready,
    /// Nothing is expected of it any more, but it may still be there.
    GivenUp,
    Gone,
}

impl Link {
    /// Connects on a thread of its own; what comes of it is told to the inbox.
    pub(super) fn open(host: &Host, ways: Ways<'_>, inbox: Sender<Note>) -> Self {
        Self::open_again(host, ways, inbox, (0, Duration::ZERO))
    }

    /// Connects anew, after a while. What is still said over the connection before is not understood.
    pub(super) fn reopen(
        &mut self,
        host: &Host,
        ways: Ways<'_>,
        inbox: Sender<Note>,
        after: Duration,
    ) {
        let rebooting = self.rebooting.take();
        let link = Self::open_again(host, ways, inbox, (self.connection + 1, after));
        *self = Self { rebooting, ..link };
    }

    fn open_again(
        host: &Host,
        (transport, assets): Ways<'_>,
        inbox: Sender<Note>,
        (connection, after): (u32, Duration),
    ) -> Self {
        let (out, to_say) = mpsc::channel();
        let (transport, assets) = (Arc::clone(transport), Arc::clone(assets));
        let host = host.clone();
        thread::spawn(move || {
            let name = host.name.clone();
            let tell = |said| inbox.send(Note { host: name.clone(), connection, said });
            thread::sleep(after);
            // Who does not listen any more has ended.
            let on_the_way = |event| drop(tell(Said::Event(Box::new(event))));
            let connection = match transport.connect(&host, &on_the_way) {
                Ok(connection) => connection,
                Err(problem) => return drop(tell(Said::Gone(problem))),
            };
            let Connection { reader, mut writer, build, ended } = connection;
            let mut reader = BufReader::new(reader);
            if tell(Said::Connected { build }).is_err() {
                return;
            }
            thread::spawn(move || {
                // When the host no longer listens, its reader knows.
                while let Ok(out) = to_say.recv() {
                    if say(&mut *writer, out, &*assets).is_err() {
                        break;
                    }
                }
            });
            let error = loop {
                match read_frame(&mut reader) {
                    Ok(frame) => {
                        if tell(Said::Heard(frame)).is_err() {
                            return;
                        }
                    }
                    Err(error) => break error,
                }
            };
            let why = match error {
                FrameError::Ended => {
                    Problem::new(code::AGENT_GONE, "the agent ended before its work was done")
                }
                error => Problem::from_error(&error.into(), code::AGENT_GONE),
            };
            drop(tell(Said::Gone(ended().unwrap_or(why))));
        });
        let now = Instant::now();
        let (phase, offered) = (Phase::Connecting, BTreeSet::new());
        Self {
            out,
            phase,
            build: None,
            boot: Boot::default(),
            connection,
            rebooting: None,
            opened: now,
            offered,
            heard: now,
        }
    }

    pub(super) fn say(&self, message: ToAgent) {
        if self.phase != Phase::Gone {
            // A host that is gone has told so.
            let _ = self.out.send(Out::Message(message));
        }
    }

    pub(super) fn send(&self, asset: Asset) {
        let _ = self.out.send(Out::Content(asset));
    }

    pub(super) fn hand_over(&mut self, hand_over: HandOver) {
        self.phase = Phase::HandedOver;
        self.offered = hand_over.all_assets().cloned().collect();
        self.say(ToAgent::HandOver(Box::new(hand_over)));
    }

    /// Whether all of these were handed over.
    pub(super) fn offered(&self, assets: &[Asset]) -> bool {
        assets.iter().all(|asset| self.offered.contains(asset))
    }

    pub(super) fn heard(&mut self) {
        self.heard = Instant::now();
    }

    pub(super) fn connected(&mut self, build: String) {
        self.build = Some(build);
    }

    /// The build that the agent should be of, once there is a connection.
    pub(super) fn build(&self) -> Option<&String> {
        self.build.as_ref()
    }

    pub(super) fn connection(&self) -> u32 {
        self.connection
    }

    pub(super) fn started_at(&mut self, boot: Boot) {
        self.boot = boot;
    }

    pub(super) fn boot(&self) -> &Boot {
        &self.boot
    }

    pub(super) fn greeted(&mut self) {
        self.phase = Phase::Greeted;
    }

    pub(super) fn ready(&mut self) {
        self.phase = Phase::Ready;
    }

    pub(super) fn give_up(&mut self) {
        if self.phase != Phase::Gone {
            self.say(ToAgent::Goodbye);
            self.phase = Phase::GivenUp;
        }
        self.rebooting = None;
    }

    pub(super) fn gone(&mut self) {
        self.phase = Phase::Gone;
    }

    pub(super) fn awaits_hand_over(&self) -> bool {
        self.phase == Phase::Greeted
    }

    /// An agent of the start that is to end has spoken; it is sent away.
    pub(super) fn is_still_up(&mut self) {
        self.say(ToAgent::Goodbye);
        if let Some(rebooting) = &mut self.rebooting {
            rebooting.is_still_up();
        }
    }

    /// Whether there is an agent that takes part.
    pub(super) fn is_there(&self) -> bool {
        self.phase == Phase::Ready
    }

    /// Whether there is no agent yet that would take part.
    pub(super) fn is_sought(&self) -> bool {
        matches!(self.phase, Phase::Connecting | Phase::Gone)
    }

    pub(super) fn is_gone(&self) -> bool {
        self.phase == Phase::Gone
    }

    /// Whether the agent may hold the lock of its host. One that never came, or was given up, is
    /// not waited for.
    pub(super) fn holds_a_lock(&self) -> bool {
        matches!(self.phase, Phase::Greeted | Phase::HandedOver | Phase::Ready)
    }

    /// Whether a host that should be there has said nothing for so long.
    pub(super) fn is_silent(&self, long: Duration) -> bool {
        self.holds_a_lock() && self.heard.elapsed() > long
    }

    pub(super) fn age(&self) -> Duration {
        self.opened.elapsed()
    }
}

fn say(writer: &mut dyn Write, out: Out, assets: &dyn AssetStore) -> io::Result<()> {
    let asset = match out {
        Out::Message(ToAgent::HandOver(hand_over)) => {
            let message = ToAgent::HandOver(hand_over);
            let frame = Zeroizing::new(revealing(|| encode(&message))?);
            writer.write_all(&frame)?;
            return writer.flush();
        }
        Out::Message(message) => return write_message(writer, &message),
        Out::Content(asset) => asset,
    };
    write_message(writer, &ToAgent::Content { asset: asset.clone() })?;
    let mut content = assets.open(&asset).map_err(io::Error::other)?;
    let mut left = asset.size;
    let mut piece = vec![0; ASSET_PIECE];
    let mut pieces = Pieces::default();
    while left > 0 {
        let room = usize::try_from(left).map_or(piece.len(), |left| left.min(piece.len()));
        match content.read(&mut piece[..room])? {
            0 => {
                // A file that has shrunk since it was hashed is not what was promised.
                pieces.write(writer, &[])?;
                break;
            }
            count => {
                pieces.write(writer, &piece[..count])?;
                left -= count as u64;
            }
        }
    }
    writer.flush()
}
