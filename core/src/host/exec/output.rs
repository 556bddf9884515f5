//! What a command prints.

use std::io::Read;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::event::Stream;
use crate::secret::{Finder, KnownSecrets};

/// What a command printed, and how it ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// What it printed on its standard output; of more than 10 MB, the end.
    pub stdout: Vec<u8>,
    /// What it printed on its standard error; of more than 10 MB, the end.
    pub stderr: Vec<u8>,
    /// Whether the beginning of one of them is missing.
    pub truncated: bool,
    /// Its exit code, one of those that are accepted.
    pub code: i32,
    /// How long it ran.
    pub elapsed: Duration,
}

impl Output {
    /// The standard output as text; what is no UTF-8 is replaced.
    pub fn stdout_text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// The standard error as text; what is no UTF-8 is replaced.
    pub fn stderr_text(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

/// How much of a stream is kept.
pub(super) const KEPT: usize = 10_000_000;

/// How long a line may be before it is shown in pieces.
const LONGEST_LINE: usize = 64 * 1024;

/// How many lines of a stream an error shows.
const TAIL_LINES: usize = 20;

/// Shows a piece of output, usually a line.
pub(super) type Show = Arc<dyn Fn(Stream, &str) + Send + Sync>;

/// The end of a stream, while it comes in.
#[derive(Clone)]
pub(super) struct Capture(Arc<Mutex<Captured>>);

struct Captured {
    bytes: Vec<u8>,
    shown: usize,
    truncated: bool,
    closed: bool,
    secrets: Arc<KnownSecrets>,
}

impl Capture {
    /// What is shown of it is masked.
    pub(super) fn new(secrets: &Arc<KnownSecrets>) -> Self {
        Self(Arc::new(Mutex::new(Captured {
            bytes: Vec::new(),
            shown: 0,
            truncated: false,
            closed: false,
            secrets: Arc::clone(secrets),
        })))
    }

    fn lock(&self) -> MutexGuard<'_, Captured> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads a stream to its end. After [`close`](Self::close) it is still emptied, so that who
    /// holds it open can go on, but nothing of it is kept or shown.
    pub(super) fn read(&self, mut from: impl Read, stream: Stream, show: Option<&Show>) {
        let mut buffer = vec![0; LONGEST_LINE];
        loop {
            match from.read(&mut buffer) {
                Ok(count) if count > 0 => self.lock().add(&buffer[..count], stream, show),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                _ => break,
            }
        }
        self.lock().show_rest(stream, show);
    }

    /// Takes what came so far, and ends the stream for its reader.
    pub(super) fn close(&self, stream: Stream, show: Option<&Show>) -> (Vec<u8>, bool) {
        let mut captured = self.lock();
        captured.show_rest(stream, show);
        captured.closed = true;
        captured.shown = 0;
        let mut bytes = std::mem::take(&mut captured.bytes);
        let over = bytes.len().saturating_sub(KEPT);
        bytes.drain(..over);
        (bytes, captured.truncated || over > 0)
    }
}

impl Captured {
    fn add(&mut self, bytes: &[u8], stream: Stream, show: Option<&Show>) {
        if self.closed {
            return;
        }
        self.bytes.extend_from_slice(bytes);
        if let Some(show) = show {
            self.show_lines(stream, show);
        } else {
            self.shown = self.bytes.len();
        }
        if self.bytes.len() > 2 * KEPT {
            let over = (self.bytes.len() - KEPT).min(self.shown);
            self.bytes.drain(..over);
            self.shown -= over;
            self.truncated = true;
        }
    }

    fn show_lines(&mut self, stream: Stream, show: &Show) {
        let finder = self.secrets.finder();
        loop {
            let rest = &self.bytes[self.shown..];
            let lines = rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            let used = match finder.complete(&rest[..lines]) {
                0 if rest.len() <= LONGEST_LINE + finder.longest() => return,
                0 => piece(&finder, rest),
                lines => lines,
            };
            show_masked(&finder, &rest[..used], stream, show);
            self.shown += used;
        }
    }

    fn show_rest(&mut self, stream: Stream, show: Option<&Show>) {
        let rest = &self.bytes[self.shown..];
        if let Some(show) = show
            && !self.closed
            && !rest.is_empty()
        {
            show_masked(&self.secrets.finder(), rest, stream, show);
        }
        self.shown = self.bytes.len();
    }
}

/// Shows bytes that end with a line, or that are all of one that is to be shown by now.
fn show_masked(finder: &Finder, bytes: &[u8], stream: Stream, show: &Show) {
    let masked = finder.mask(bytes);
    let lines = masked.strip_suffix(b"\n").unwrap_or(&masked).split(|byte| *byte == b'\n');
    for line in lines {
        let mut left = line;
        loop {
            let piece = match left.len() {
                ..=LONGEST_LINE => left,
                _ => whole_characters(&left[..LONGEST_LINE]),
            };
            left = &left[piece.len()..];
            let text = String::from_utf8_lossy(piece);
            show(stream, if left.is_empty() { text.trim_end_matches('\r') } else { &text });
            if left.is_empty() {
                break;
            }
        }
    }
}

/// How much to show of a line that is too long: no secret is cut.
fn piece(finder: &Finder, line: &[u8]) -> usize {
    let end = whole_characters(&line[..LONGEST_LINE]).len();
    let mut found = finder.find(line).into_iter();
    found.find(|secret| secret.start < end && end < secret.end).map_or(end, |secret| secret.end)
}

/// The bytes without a last character of which only a part is there.
fn whole_characters(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().rposition(|byte| byte & 0b1100_0000 != 0b1000_0000);
    match start {
        Some(start) if start > 0 && bytes.len() - start < 4 && bytes[start] >= 0x80 => {
            &bytes[..start]
        }
        _ => bytes,
    }
}

/// The last lines of a stream.
pub(super) fn tail(bytes: &[u8], secrets: &KnownSecrets) -> String {
    let finder = secrets.finder();
    // What begins before the part that is shown is masked too.
    let bytes = &bytes[bytes.len().saturating_sub(LONGEST_LINE + finder.longest())..];
    let masked = finder.mask(bytes);
    let masked = &masked[masked.len().saturating_sub(LONGEST_LINE)..];
    let text = String::from_utf8_lossy(masked);
    let lines: Vec<&str> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}
