//! Where everything is written: the two streams of the process and what the user chose to see.

mod live;
mod paint;
mod question;
mod sink;

use std::io::{self, IsTerminal as _, Write};
use std::sync::{Arc, Mutex, PoisonError};

use clap::ColorChoice;
use indicatif::{MultiProgress, ProgressDrawTarget};
use togusa_core::problem::Code;
use togusa_core::system;

use crate::arguments::Global;
use question::Asking;
use sink::Sink;

pub(crate) use live::FREE_COLUMNS;
pub use paint::{Ink, Paint};

/// Of so many errors at most the end of the output says how to learn more.
const EXPLAINED: usize = 3;

/// Everything that is shown goes through here, and so never tears a progress line apart.
///
/// Clones write to the same streams.
#[derive(Clone, Debug)]
pub struct Ui {
    /// What the user chose to see.
    pub choices: Choices,
    data: Sink,
    notes: Sink,
    bars: MultiProgress,
    asking: Arc<Mutex<Asking>>,
    failures: Arc<Mutex<Vec<Code>>>,
}

/// What the user chose to see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Choices {
    /// How much is shown.
    pub verbosity: Verbosity,
    /// Events and other data as JSON, one object per line.
    pub json: bool,
    /// Colour on standard output.
    pub data_colour: bool,
    /// Colour on standard error.
    pub notes_colour: bool,
    /// Live progress lines on standard error.
    pub progress: bool,
}

/// How much is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Failures and warnings alone.
    Quiet,
    /// Changes, failures and a summary.
    #[default]
    Normal,
    /// Also current components, the output of commands, logs, whole diffs and reasons.
    Verbose,
}

/// The two streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output: what was asked for.
    Data,
    /// Standard error: everything else.
    Notes,
}

impl Choices {
    /// Reads the command line, then the environment, then what the streams are.
    pub fn new(global: &Global) -> Self {
        let wanted = colour_is_welcome();
        let colour = |is_terminal: bool| match global.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => wanted && is_terminal,
        };
        let verbosity = match (global.quiet, global.verbose) {
            (true, _) => Verbosity::Quiet,
            (false, 0) => Verbosity::Normal,
            (false, _) => Verbosity::Verbose,
        };
        let on_terminal = io::stderr().is_terminal();
        Self {
            verbosity,
            json: global.json,
            data_colour: colour(io::stdout().is_terminal()),
            notes_colour: colour(on_terminal),
            progress: on_terminal && is_capable() && !global.json && verbosity > Verbosity::Quiet,
        }
    }
}

fn is_capable() -> bool {
    system::variable("TERM").is_some_and(|term| term != "dumb")
}

/// Whether a terminal is to be written to in colour, unless the command line says otherwise.
pub(crate) fn colour_is_welcome() -> bool {
    system::variable("NO_COLOR").is_none() && is_capable()
}

impl Ui {
    /// Writes to the streams of the process.
    pub fn new(choices: Choices) -> Self {
        let asking = Asking::default();
        let bars = if choices.progress {
            MultiProgress::with_draw_target(live::target(asking.pause()))
        } else {
            MultiProgress::with_draw_target(ProgressDrawTarget::hidden())
        };
        let ui = Self::with_writers(choices, Box::new(io::stdout()), Box::new(io::stderr()), bars);
        Self { asking: Arc::new(Mutex::new(asking)), ..ui }
    }

    /// Writes to other places than the streams of the process.
    pub fn with_writers(
        choices: Choices,
        data: Box<dyn Write + Send>,
        notes: Box<dyn Write + Send>,
        bars: MultiProgress,
    ) -> Self {
        Self {
            choices,
            data: Sink::new(data),
            notes: Sink::new(notes),
            bars,
            asking: Arc::default(),
            failures: Arc::default(),
        }
    }

    /// Writes text that ends its own lines. A stream that nobody reads any more takes nothing.
    pub fn write(&self, stream: Stream, text: &str) {
        self.write_bytes(stream, text.as_bytes());
    }

    /// Writes what a program printed, byte by byte.
    pub fn write_bytes(&self, stream: Stream, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.write_above(stream, bytes);
        }
    }

    /// How text is coloured on a stream.
    pub fn paint(&self, stream: Stream) -> Paint {
        Paint(match stream {
            Stream::Data => self.choices.data_colour,
            Stream::Notes => self.choices.notes_colour,
        })
    }

    /// The progress lines.
    pub fn bars(&self) -> &MultiProgress {
        &self.bars
    }

    /// Whether at least this much is to be shown.
    pub fn shows(&self, verbosity: Verbosity) -> bool {
        self.choices.verbosity >= verbosity
    }

    /// Takes note of the codes of errors that were shown.
    pub fn failed(&self, codes: impl IntoIterator<Item = Code>) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        for code in codes {
            if !failures.contains(&code) {
                failures.push(code);
            }
        }
    }

    /// Says how to learn more of the errors that were shown, to people alone.
    pub fn tell_of_explain(&self, program: &str) {
        let codes = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if codes.is_empty() || self.choices.json || !self.shows(Verbosity::Normal) {
            return;
        }
        let codes: Vec<_> = codes.iter().take(EXPLAINED).map(Code::to_string).collect();
        let tip = format!("{program} explain {} tells more", codes.join(" "));
        let tip = self.paint(Stream::Notes).text(Ink::Faint, &tip);
        self.write(Stream::Notes, &format!("{tip}\n"));
    }

    /// Ends the output.
    ///
    /// # Errors
    /// Standard output could not be written. That its reader went away is no error.
    pub fn finish(&self) -> io::Result<()> {
        self.data.finish()
    }

    fn sink(&self, stream: Stream) -> &Sink {
        match stream {
            Stream::Data => &self.data,
            Stream::Notes => &self.notes,
        }
    }
}

#[cfg(test)]
pub(crate) mod testing {
    //! A `Ui` whose output a test can read.

    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use indicatif::{MultiProgress, ProgressDrawTarget};

    use super::{Choices, Ui};

    #[derive(Clone, Default)]
    pub(crate) struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl Buffer {
        pub(crate) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The `Ui`, its standard output and its standard error.
    pub(crate) fn recorded(choices: Choices) -> (Ui, Buffer, Buffer) {
        let (data, notes) = (Buffer::default(), Buffer::default());
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::hidden());
        let ui = Ui::with_writers(choices, Box::new(data.clone()), Box::new(notes.clone()), bars);
        (ui, data, notes)
    }
}
