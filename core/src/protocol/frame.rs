//! The frames that carry messages and the content of assets.
//!
//! A frame is a length (4 bytes, big endian), a kind (1 byte) and a payload of at most
//! [`LARGEST_FRAME`] bytes: a message as JSON (`J`) or a piece of an asset's content (`B`), each
//! also deflated (`j`, `b`).

use std::io::{self, Read, Write};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The largest payload of a frame, in bytes.
pub const LARGEST_FRAME: usize = 64 * 1024 * 1024;

/// How much of an asset one frame carries, in bytes.
pub const ASSET_PIECE: usize = 256 * 1024;

/// The length of what precedes a payload: its size, and its kind.
const HEADER: usize = 5;

/// Payloads of more bytes than this are packed where that makes them smaller.
const WORTH_PACKING: usize = 1024;

/// The kinds of payload.
const MESSAGE: u8 = b'J';
const PACKED_MESSAGE: u8 = b'j';
const PIECE: u8 = b'B';
const PACKED_PIECE: u8 = b'b';

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

/// A message as one frame.
pub(crate) fn encode(message: &impl Serialize) -> io::Result<Vec<u8>> {
    // The place of the header is kept free, so that header and message leave in one write.
    let mut frame = vec![0; HEADER];
    serde_json::to_writer(&mut frame, message)?;
    let mut kind = MESSAGE;
    if frame.len() > WORTH_PACKING {
        let packed = pack(&frame[HEADER..], Compression::fast())?;
        if packed.len() < frame.len() {
            (frame, kind) = (packed, PACKED_MESSAGE);
        }
    }
    seal(&mut frame, kind)?;
    Ok(frame)
}

/// Writes a message as one frame and flushes it.
pub(crate) fn write_message(writer: &mut dyn Write, message: &impl Serialize) -> io::Result<()> {
    writer.write_all(&encode(message)?)?;
    writer.flush()
}

/// Writes the content of an asset in pieces, packed where that makes them smaller.
#[derive(Debug, Default)]
pub(crate) struct Pieces {
    /// How many pieces go as they are before packing is tried again.
    plain: usize,
}

impl Pieces {
    /// Writes a piece as one frame. An empty one says that the content ended early.
    pub(crate) fn write(&mut self, writer: &mut dyn Write, piece: &[u8]) -> io::Result<()> {
        if self.plain == 0 && piece.len() > WORTH_PACKING {
            let mut packed = pack(piece, Compression::fast())?;
            if packed.len() < piece.len() / 10 * 9 {
                seal(&mut packed, PACKED_PIECE)?;
                return writer.write_all(&packed);
            }
            // An archive or a picture: its other pieces will hardly be better.
            self.plain = 15;
        }
        self.plain = self.plain.saturating_sub(1);
        let mut header = [0; HEADER];
        seal_length(&mut header, piece.len(), PIECE)?;
        writer.write_all(&header)?;
        writer.write_all(piece)
    }
}

/// A frame without its header, with the given content packed.
fn pack(content: &[u8], how: Compression) -> io::Result<Vec<u8>> {
    let mut encoder = DeflateEncoder::new(vec![0; HEADER], how);
    encoder.write_all(content)?;
    encoder.finish()
}

fn seal(frame: &mut [u8], kind: u8) -> io::Result<()> {
    let length = frame.len() - HEADER;
    seal_length(frame, length, kind)
}

fn seal_length(frame: &mut [u8], length: usize, kind: u8) -> io::Result<()> {
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
    let mut header = [0; HEADER];
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
    let known = matches!(kind, MESSAGE | PACKED_MESSAGE | PIECE | PACKED_PIECE);
    if length > LARGEST_FRAME || !known {
        return Err(FrameError::NoFrame(length, char::from(kind)));
    }
    // Grows with what really comes, not with what the header promises.
    let mut payload = Vec::new();
    reader.take(length as u64).read_to_end(&mut payload).map_err(FrameError::Broken)?;
    if payload.len() < length {
        return Err(FrameError::Broken(io::ErrorKind::UnexpectedEof.into()));
    }
    if matches!(kind, PACKED_MESSAGE | PACKED_PIECE) {
        payload = unpack(&payload)?;
    }
    if matches!(kind, PIECE | PACKED_PIECE) {
        return Ok(Frame::Bytes(payload));
    }
    serde_json::from_slice(&payload).map(Frame::Message).map_err(FrameError::NoMessage)
}

fn unpack(packed: &[u8]) -> Result<Vec<u8>, FrameError> {
    let mut payload = Vec::new();
    let decoder = DeflateDecoder::new(packed);
    // One byte more than may come tells that more comes.
    let limit = LARGEST_FRAME as u64 + 1;
    decoder.take(limit).read_to_end(&mut payload).map_err(FrameError::Broken)?;
    if payload.len() > LARGEST_FRAME {
        return Err(FrameError::NoFrame(payload.len(), char::from(PACKED_MESSAGE)));
    }
    Ok(payload)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::FromAgent;

    #[test]
    fn a_broken_frame_is_not_taken_for_a_whole_one() {
        let mut wire = Vec::new();
        write_message(&mut wire, &FromAgent::Heartbeat).unwrap();
        for cut in 1..wire.len() {
            let read = read_frame::<FromAgent>(&mut &wire[..cut]);
            assert!(matches!(read, Err(FrameError::Broken(_))), "{cut}: {read:?}");
        }
        assert!(matches!(read_frame::<FromAgent>(&mut &wire[..0]), Err(FrameError::Ended)));
        let read = read_frame::<FromAgent>(&mut &wire[..]);
        assert!(matches!(read, Ok(Frame::Message(FromAgent::Heartbeat))));
    }

    #[test]
    fn a_frame_that_promises_too_much_is_refused_before_memory_is_taken() {
        let wire = [0xff, 0xff, 0xff, 0xff, b'J'];
        let read = read_frame::<FromAgent>(&mut &wire[..]);
        assert!(matches!(read, Err(FrameError::NoFrame(..))), "{read:?}");
    }
}
