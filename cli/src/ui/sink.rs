use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// A stream that may break: the first error is kept, and nothing is written after it.
#[derive(Clone)]
pub(super) struct Sink(Arc<Mutex<State>>);

struct State {
    writer: Box<dyn Write + Send>,
    broken: Option<io::Error>,
}

impl Sink {
    pub(super) fn new(writer: Box<dyn Write + Send>) -> Self {
        Self(Arc::new(Mutex::new(State { writer, broken: None })))
    }

    pub(super) fn write(&self, bytes: &[u8]) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.broken.is_none() {
            let written = state.writer.write_all(bytes);
            state.broken = written.and_then(|()| state.writer.flush()).err();
        }
    }

    pub(super) fn finish(&self) -> io::Result<()> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match state.broken.take() {
            Some(error) if error.kind() != ErrorKind::BrokenPipe => Err(error),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sink")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails with the given error; panics when it is written to again.
    struct Broken(Option<ErrorKind>);

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.take().expect("nothing is written after an error").into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn written_twice(error: ErrorKind) -> io::Result<()> {
        let sink = Sink::new(Box::new(Broken(Some(error))));
        sink.write(b"one");
        sink.write(b"two");
        sink.finish()
    }

    #[test]
    fn a_reader_that_went_away_ends_the_output_quietly() {
        assert!(written_twice(ErrorKind::BrokenPipe).is_ok());
    }

    #[test]
    fn a_full_disk_is_not_quiet() {
        let error = written_twice(ErrorKind::StorageFull).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StorageFull);
    }
}
