//! Writing to a host that may have something to say meanwhile.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::lines::{Lines, NoLine};

/// Writes all of the bytes, unless the host says something before: then that is given.
///
/// # Errors
/// The connection ended, or the host prints without end.
pub fn send<R: Read + AsFd, W: Write + AsFd>(
    lines: &mut Lines<R>,
    writer: &mut W,
    bytes: &[u8],
) -> Result<Option<String>, NoLine> {
    // A disk that is full is told while most of the bytes are still to be written, and a write that
    // waits for a host that does not read any more would wait for ever.
    let flags = set_blocking(writer, None).map_err(|_| NoLine::Ended)?;
    let sent = send_or_hear(lines, writer, bytes);
    set_blocking(writer, Some(flags)).map_err(|_| NoLine::Ended)?;
    sent
}

fn send_or_hear<R: Read + AsFd, W: Write + AsFd>(
    lines: &mut Lines<R>,
    writer: &mut W,
    mut bytes: &[u8],
) -> Result<Option<String>, NoLine> {
    while !bytes.is_empty() {
        let mut ends = [
            PollFd::new(lines.as_fd(), PollFlags::POLLIN),
            PollFd::new(writer.as_fd(), PollFlags::POLLOUT),
        ];
        match poll(&mut ends, PollTimeout::NONE) {
            Ok(_) => {}
            Err(Errno::EINTR) => continue,
            Err(_) => return Err(NoLine::Ended),
        }
        let [readable, writable] = ends.map(|end| end.any().unwrap_or(true));
        if readable {
            lines.read()?;
            if let Some(line) = lines.take()? {
                return Ok(Some(line));
            }
        }
        if writable {
            match writer.write(bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(error) if is_passing(&error) => {}
                // Nobody reads any more: what the host said before that is still to come.
                Err(_) => return lines.next(None).map(Some),
            }
        }
    }
    Ok(None)
}

fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

/// Lets writes return at once, or sets back the flags that were given; gives the flags before.
fn set_blocking(writer: &impl AsFd, flags: Option<OFlag>) -> nix::Result<OFlag> {
    let before = OFlag::from_bits_retain(fcntl(writer, FcntlArg::F_GETFL)?);
    fcntl(writer, FcntlArg::F_SETFL(flags.unwrap_or(before | OFlag::O_NONBLOCK)))?;
    Ok(before)
}
