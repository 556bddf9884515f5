//! What `TOGUSA_TAP` wrote, frame by frame.

use std::io::Read as _;

use flate2::read::DeflateDecoder;

/// The length of what precedes a payload: its size, and its kind.
const HEADER: usize = 5;

/// A frame that was tapped, unpacked.
#[derive(Debug)]
pub struct Frame {
    kind: u8,
    payload: Vec<u8>,
}

/// The frames of one direction. Panics if the last one is not there as a whole.
pub fn frames(mut wire: &[u8]) -> Vec<Frame> {
    let mut frames = Vec::new();
    while !wire.is_empty() {
        let (header, rest) = wire.split_at(HEADER);
        let length = u32::from_be_bytes([header[0], header[1], header[2], header[3]]);
        let (payload, rest) = rest.split_at(usize::try_from(length).expect("frames are small"));
        frames.push(Frame::unpack(header[4], payload));
        wire = rest;
    }
    frames
}

impl Frame {
    fn unpack(kind: u8, payload: &[u8]) -> Self {
        let mut unpacked = Vec::new();
        match kind {
            b'J' | b'B' => unpacked.extend(payload),
            b'j' | b'b' => {
                let unpack = DeflateDecoder::new(payload).read_to_end(&mut unpacked);
                unpack.expect("a packed frame can be unpacked");
            }
            _ => panic!("no frame is of kind {:?}", char::from(kind)),
        }
        Self { kind: kind.to_ascii_uppercase(), payload: unpacked }
    }

    /// Whether it is a message, and not a piece of an asset.
    pub fn is_message(&self) -> bool {
        self.kind == b'J'
    }

    /// The name of the message, such as `HandOver`.
    pub fn name(&self) -> Option<String> {
        if !self.is_message() {
            return None;
        }
        match serde_json::from_slice(&self.payload).expect("messages are JSON") {
            serde_json::Value::String(name) => Some(name),
            serde_json::Value::Object(fields) => fields.keys().next().cloned(),
            other => panic!("no message: {other}"),
        }
    }

    /// Whether a text is in it.
    pub fn contains(&self, text: &str) -> bool {
        self.payload.windows(text.len()).any(|part| part == text.as_bytes())
    }

    /// The size of what it carries, unpacked, in bytes.
    pub fn len(&self) -> usize {
        self.payload.len()
    }

    /// Whether it carries nothing.
    pub fn is_empty(&self) -> bool {
        self.payload.is_empty()
    }
}
