//! The lines that begin with our tag, among whatever else a host prints.

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Instant;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// How many bytes a host may print beside our lines.
pub const MOST_PRINTED: usize = 64 * 1024;
/// How long one of our lines may be, in bytes.
const LONGEST_LINE: usize = 16 * 1024;
/// How much of what was printed is told, in bytes.
const TOLD: usize = 4 * 1024;

/// Reads the lines that begin with a tag.
#[derive(Debug)]
pub struct Lines<R> {
    tag: Vec<u8>,
    reader: R,
    /// What was read and is not yet taken.
    buffer: Vec<u8>,
    /// How many bytes came beside our lines, and the last of them.
    printed: usize,
    told: Vec<u8>,
}

/// Why there is no line.
#[derive(Debug)]
pub enum NoLine {
    /// Not in time.
    Late,
    /// The stream ended.
    Ended,
    /// More was printed than anybody reads.
    Flood,
}

impl<R: Read + AsFd> Lines<R> {
    /// Reads lines that begin with the tag and a space.
    pub fn new(tag: &str, reader: R) -> Self {
        let tag = format!("{tag} ").into_bytes();
        Self { tag, reader, buffer: Vec::new(), printed: 0, told: Vec::new() }
    }

    /// Waits for the next line; gives what follows the tag.
    ///
    /// # Errors
    /// Nothing came until the deadline, or nothing will.
    pub fn next(&mut self, deadline: Option<Instant>) -> Result<String, NoLine> {
        loop {
            if let Some(line) = self.take()? {
                return Ok(line);
            }
            if let Some(deadline) = deadline
                && !wait(self.reader.as_fd(), deadline)
            {
                return Err(NoLine::Late);
            }
            self.read()?;
        }
    }

    /// Reads what is there, or waits for something to come.
    ///
    /// # Errors
    /// The stream ended.
    pub fn read(&mut self) -> Result<(), NoLine> {
        let mut chunk = [0; 8 * 1024];
        loop {
            match self.reader.read(&mut chunk) {
                Ok(0) => break,
                Ok(count) => {
                    self.buffer.extend_from_slice(&chunk[..count]);
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // A stream that cannot be read is at its end; ssh says why on the standard error.
                Err(_) => break,
            }
        }
        self.print(self.buffer.len());
        Err(NoLine::Ended)
    }

    /// The next line that was read as a whole.
    ///
    /// # Errors
    /// Too much came beside our lines.
    pub fn take(&mut self) -> Result<Option<String>, NoLine> {
        let found = self.buffer.windows(self.tag.len()).position(|window| window == self.tag);
        // The end of the buffer may be the beginning of a tag.
        let keep = self.buffer.len().min(self.tag.len() - 1);
        self.print(found.unwrap_or(self.buffer.len() - keep));
        if self.printed > MOST_PRINTED || self.buffer.len() > LONGEST_LINE + self.tag.len() {
            return Err(NoLine::Flood);
        }
        let end = self.buffer.iter().position(|byte| *byte == b'\n');
        let (Some(_), Some(end)) = (found, end) else { return Ok(None) };
        let line: Vec<u8> = self.buffer.drain(..=end).collect();
        Ok(Some(String::from_utf8_lossy(&line[self.tag.len()..]).trim_end().to_owned()))
    }

    /// Takes bytes that are not ours from the buffer.
    fn print(&mut self, count: usize) {
        self.told.extend(self.buffer.drain(..count));
        self.printed += count;
        let surplus = self.told.len().saturating_sub(TOLD);
        self.told.drain(..surplus);
    }

    /// The end of what was printed beside our lines.
    pub fn printed(&self) -> String {
        String::from_utf8_lossy(&self.told).trim().to_owned()
    }

    /// What follows the last line that was taken.
    pub fn into_rest(self) -> io::Chain<io::Cursor<Vec<u8>>, R> {
        io::Cursor::new(self.buffer).chain(self.reader)
    }
}

impl<R: AsFd> AsFd for Lines<R> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }
}

/// Waits for something to read, or the end; `false` when the deadline came before.
fn wait(reader: BorrowedFd<'_>, deadline: Instant) -> bool {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        // A millisecond more, as the rest of one would be cut off and waited for in a busy loop.
        let left = PollTimeout::try_from(left.as_millis() + 1).unwrap_or(PollTimeout::MAX);
        match poll(&mut [PollFd::new(reader, PollFlags::POLLIN)], left) {
            Ok(0) if Instant::now() >= deadline => return false,
            Ok(0) | Err(Errno::EINTR) => {}
            // What poll cannot say, the read that follows will.
            Ok(_) | Err(_) => return true,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn lines(text: &[u8]) -> Lines<io::PipeReader> {
        let (reader, mut writer) = io::pipe().unwrap();
        let text = text.to_vec();
        std::thread::spawn(move || writer.write_all(&text));
        Lines::new("TAG", reader)
    }

    #[test]
    fn our_lines_are_found_behind_what_others_print() {
        let mut lines = lines(b"Welcome\nto TA host 7TAG have\nfra\nme");
        assert_eq!(lines.next(None).unwrap(), "have");
        assert_eq!(lines.printed(), "Welcome\nto TA host 7");
        let mut rest = String::new();
        lines.into_rest().read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "fra\nme");
    }

    #[test]
    fn a_line_that_comes_in_pieces_is_one_line() {
        let (reader, mut writer) = io::pipe().unwrap();
        let mut lines = Lines::new("TAG", reader);
        for (piece, whole) in [("hi T", false), ("AG ne", false), ("ed x y", false), (" z\n", true)]
        {
            writer.write_all(piece.as_bytes()).unwrap();
            lines.read().unwrap();
            assert_eq!(lines.take().unwrap(), whole.then(|| "need x y z".to_owned()));
        }
    }

    #[test]
    fn the_end_of_the_stream_tells_what_was_printed() {
        let mut lines = lines(b"this account is not available\n");
        assert!(matches!(lines.next(None), Err(NoLine::Ended)));
        assert_eq!(lines.printed(), "this account is not available");
    }

    #[test]
    fn a_flood_is_not_read_to_its_end() {
        let mut printed = lines(&[b'x'; MOST_PRINTED * 2]);
        assert!(matches!(printed.next(None), Err(NoLine::Flood)));
        let mut line = b"TAG fail ".to_vec();
        line.resize(LONGEST_LINE * 2, b'x');
        assert!(matches!(lines(&line).next(None), Err(NoLine::Flood)));
    }
}
