//! What coordinator and agent say to each other, and the frames that carry it.
//!
//! A frame is a length (4 bytes, big endian), a kind (1 byte) and a payload of at most
//! [`LARGEST_FRAME`] bytes: a message as JSON (`J`) or a piece of an asset's content (`B`).

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::address::AddressTable;
use crate::assets::{Asset, TreeEntry};
use crate::digest::Digest;
use crate::environment::Host;
use crate::event::{Counts, Event, Mode};
use crate::model::answers::ProvidedWire;
use crate::names::{Breadcrumb, HostName, RootName};
use crate::problem::Problem;
use crate::resource::Provider;

/// The largest payload of a frame, in bytes.
pub const LARGEST_FRAME: usize = 64 * 1024 * 1024;

/// How much of an asset one frame carries, in bytes.
pub const ASSET_PIECE: usize = 256 * 1024;

/// From the coordinator to an agent.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum ToAgent {
    /// All that the host needs to know; the first message.
    HandOver(Box<HandOver>),
    /// The content of an asset that the agent asked for follows in pieces.
    Content { asset: Asset },
    /// A root may start.
    Start(Box<Start>),
    /// Stop: after the running updates, or at once.
    Interrupt { kill: bool },
    /// Nothing, but alive.
    Heartbeat,
    /// All is done.
    Goodbye,
}

/// From an agent to the coordinator.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum FromAgent {
    /// The first message.
    Hello(Hello),
    /// The agent lacks the content of these assets.
    Need { assets: Vec<Asset> },
    /// Roots may start.
    Ready,
    /// The host cannot take part.
    Refused { problem: Problem, locked: bool },
    /// Something happened.
    Event(Box<Event>),
    /// A root ended.
    Done(Box<Done>),
    /// Nothing, but alive.
    Heartbeat,
}

/// Who the agent is.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Hello {
    /// Tells one build from another; both ends must be the same.
    pub(crate) build: String,
    /// The home directory of the converging user.
    pub(crate) home: String,
}

/// What a host gets: its own, and nothing of others that its roots do not require.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct HandOver {
    pub(crate) mode: Mode,
    pub(crate) project: String,
    pub(crate) environment: String,
    /// User and machine that started the deployment.
    pub(crate) who: String,
    /// The host with the selected roots only.
    pub(crate) host: Host,
    /// The names of all roots of the host, those left out of this run too.
    pub(crate) all_roots: Vec<RootName>,
    /// Wait for the lock instead of giving up.
    pub(crate) wait: bool,
    /// The values that the roots require.
    pub(crate) answers: Vec<ProvidedWire>,
    /// The homes of the hosts whose paths may be among them.
    pub(crate) homes: BTreeMap<HostName, String>,
    pub(crate) addresses: AddressTable,
    /// The assets of the roots, without their content.
    pub(crate) assets: Vec<Asset>,
    pub(crate) trees: BTreeMap<String, Vec<TreeEntry>>,
    /// What the coordinator's components look like, by root, in pre-order.
    pub(crate) digests: BTreeMap<RootName, Vec<(Breadcrumb, Digest)>>,
}

/// What a root needs to know when it starts.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Start {
    pub(crate) root: RootName,
    /// In a plan: something that the root depends on would change or is unknown.
    pub(crate) uncertain: bool,
    /// How often the providers on other roots that trigger something here have changed.
    pub(crate) counts: Vec<(Provider, u64)>,
    /// In a plan: those of them that would change.
    pub(crate) predicted: Vec<Provider>,
}

/// What a root came to.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Done {
    pub(crate) root: RootName,
    pub(crate) end: End,
    pub(crate) counts: Counts,
    /// In a plan: something would change or is unknown.
    pub(crate) uncertain: bool,
    /// The change counters of the components that provide something.
    pub(crate) counters: Vec<(Breadcrumb, u64)>,
    /// In a plan: those of them that would change.
    pub(crate) predicted: Vec<Breadcrumb>,
    pub(crate) seconds: f64,
}

/// How a root ended on its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum End {
    /// All is as it should be, or the plan is complete.
    Reached,
    Failed,
    Interrupted,
}

/// What a frame carries.
#[derive(Debug)]
pub(crate) enum Frame<T> {
    Message(T),
    Bytes(Vec<u8>),
}

/// Why a frame could not be read.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The other side is gone.
    #[error("the connection ended")]
    Ended,
    /// The connection failed, or ended within a frame.
    #[error("the connection failed")]
    Broken(#[source] io::Error),
    /// What came is no frame.
    #[error("the other side sent something that is no frame ({0} bytes of kind {1:?})")]
    NoFrame(usize, char),
    /// A message is not understood.
    #[error("the other side sent a message that is not understood")]
    NoMessage(#[source] serde_json::Error),
}

/// Writes a message as one frame and flushes it.
pub(crate) fn write_message(writer: &mut dyn Write, message: &impl Serialize) -> io::Result<()> {
    // The place of the header is kept free, so that header and message leave in one write.
    let mut frame = vec![0; 5];
    serde_json::to_writer(&mut frame, message)?;
    let length = frame.len() - 5;
    seal(&mut frame, length, b'J')?;
    writer.write_all(&frame)?;
    writer.flush()
}

/// Writes a piece of an asset as one frame.
pub(crate) fn write_bytes(writer: &mut dyn Write, bytes: &[u8]) -> io::Result<()> {
    let mut header = [0; 5];
    seal(&mut header, bytes.len(), b'B')?;
    writer.write_all(&header)?;
    writer.write_all(bytes)
}

fn seal(frame: &mut [u8], length: usize, kind: u8) -> io::Result<()> {
    let size = u32::try_from(length).ok().filter(|_| length <= LARGEST_FRAME);
    let size = size.ok_or_else(|| io::Error::other("message is too large for a frame"))?;
    frame[..4].copy_from_slice(&size.to_be_bytes());
    frame[4] = kind;
    Ok(())
}

/// Reads one frame.
pub(crate) fn read_frame<T: DeserializeOwned>(
    reader: &mut dyn Read,
) -> Result<Frame<T>, FrameError> {
    let mut header = [0; 5];
    let mut filled = 0;
    while filled < header.len() {
        match reader.read(&mut header[filled..]) {
            Ok(0) if filled == 0 => return Err(FrameError::Ended),
            Ok(0) => return Err(FrameError::Broken(io::ErrorKind::UnexpectedEof.into())),
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(FrameError::Broken(error)),
        }
    }
    let [a, b, c, d, kind] = header;
    let length = u32::from_be_bytes([a, b, c, d]) as usize;
    if length > LARGEST_FRAME || !matches!(kind, b'J' | b'B') {
        return Err(FrameError::NoFrame(length, char::from(kind)));
    }
    // Grows with what really comes, not with what the header promises.
    let mut payload = Vec::new();
    reader.take(length as u64).read_to_end(&mut payload).map_err(FrameError::Broken)?;
    if payload.len() < length {
        return Err(FrameError::Broken(io::ErrorKind::UnexpectedEof.into()));
    }
    if kind == b'B' {
        return Ok(Frame::Bytes(payload));
    }
    serde_json::from_slice(&payload).map(Frame::Message).map_err(FrameError::NoMessage)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_frame_is_not_taken_for_a_whole_one() {
        let mut wire = Vec::new();
        write_message(&mut wire, &FromAgent::Ready).unwrap();
        for cut in 1..wire.len() {
            let read = read_frame::<FromAgent>(&mut &wire[..cut]);
            assert!(matches!(read, Err(FrameError::Broken(_))), "{cut}: {read:?}");
        }
        assert!(matches!(read_frame::<FromAgent>(&mut &wire[..0]), Err(FrameError::Ended)));
        let read = read_frame::<FromAgent>(&mut &wire[..]);
        assert!(matches!(read, Ok(Frame::Message(FromAgent::Ready))));
    }

    #[test]
    fn a_frame_that_promises_too_much_is_refused_before_memory_is_taken() {
        let wire = [0xff, 0xff, 0xff, 0xff, b'J'];
        let read = read_frame::<FromAgent>(&mut &wire[..]);
        assert!(matches!(read, Err(FrameError::NoFrame(..))), "{read:?}");
    }
}
