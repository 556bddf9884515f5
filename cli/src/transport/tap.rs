//! A look at the wire: with `TOGUSA_TAP=DIR` all that coordinator and agents say to each other over
//! SSH is also written into files of DIR, `HOST.to-agent` and `HOST.from-agent`.
//!
//! The directory is made if need be and is the user's alone, for secrets are among what is written.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use togusa_core::names::HostName;
use togusa_core::problem::{Problem, code};
use togusa_core::system;

/// The variable that names the directory.
const VARIABLE: &str = "TOGUSA_TAP";

type Streams = (Box<dyn Read + Send>, Box<dyn Write + Send>);

/// Puts taps between the coordinator and the agent of a host, if the user wants them.
///
/// # Errors
/// The files cannot be written.
pub fn tap(host: &HostName, (reader, writer): Streams) -> Result<Streams, Problem> {
    match system::variable(VARIABLE) {
        None => Ok((reader, writer)),
        Some(directory) => tap_into(Path::new(&directory), host, (reader, writer)),
    }
}

fn tap_into(directory: &Path, host: &HostName, streams: Streams) -> Result<Streams, Problem> {
    let failed = |error: io::Error| {
        let message = format!("cannot write to `{}`", directory.display());
        let problem =
            Problem { causes: vec![error.to_string()], ..Problem::new(code::OUTPUT_LOST, message) };
        problem.hint(format!("unset {VARIABLE}, or let it name a directory of your own"))
    };
    let (reader, writer) = streams;
    let made = DirBuilder::new().recursive(true).mode(0o700).create(directory);
    let file = |end: &str| {
        let path = directory.join(format!("{host}.{end}"));
        OpenOptions::new().create(true).append(true).mode(0o600).open(path)
    };
    let files = made.and_then(|()| Ok((file("from-agent")?, file("to-agent")?)));
    let (heard, said) = files.map_err(failed)?;
    Ok((
        Box::new(Tap { stream: reader, copy: heard }),
        Box::new(Tap { stream: writer, copy: said }),
    ))
}

/// A stream of which all is written into a file, too.
struct Tap<S> {
    stream: S,
    copy: File,
}

impl<S: Read> Read for Tap<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.stream.read(buffer)?;
        self.copy.write_all(&buffer[..count])?;
        Ok(count)
    }
}

impl<S: Write> Write for Tap<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.stream.write(bytes)?;
        self.copy.write_all(&bytes[..count])?;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn both_ways_are_written_into_files_of_the_user_alone() {
        let temporary = tempfile::tempdir().unwrap();
        let directory = temporary.path().join("tap");
        let streams: Streams = (Box::new(Cursor::new(b"heard")), Box::new(Cursor::new(Vec::new())));
        let (mut reader, mut writer) = tap_into(&directory, &"web".into(), streams).unwrap();
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        writer.write_all(b"said").unwrap();

        assert_eq!(text, "heard");
        for (name, content) in [("web.from-agent", "heard"), ("web.to-agent", "said")] {
            let path = directory.join(name);
            assert_eq!(std::fs::read_to_string(&path).unwrap(), content);
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(directory.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_directory_that_cannot_be_written_is_an_error() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let streams: Streams = (Box::new(io::empty()), Box::new(io::sink()));
        let Err(problem) = tap_into(file.path(), &"web".into(), streams) else {
            panic!("a file is no directory");
        };
        assert!(problem.message.starts_with("cannot write to `"), "{problem}");
    }
}
