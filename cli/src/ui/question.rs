//! A question that stays in sight while it waits for its answer.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, MutexGuard, PoisonError};

use super::{Stream, Ui, live};

/// The question that is asked, if there is one.
#[derive(Debug, Default)]
pub(super) struct Asking {
    question: Option<String>,
    /// Whether the live lines are paused: they would be drawn over what is being typed.
    paused: Arc<AtomicBool>,
}

impl Asking {
    /// What pauses the live lines on the terminal.
    pub(super) fn pause(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.paused)
    }
}

impl Ui {
    /// Shows a question below all that is written until it is withdrawn; live lines pause.
    pub fn ask(&self, question: &str) {
        let mut asking = self.asking();
        self.bars.suspend(|| {
            asking.paused.store(true, Ordering::Relaxed);
            self.sink(Stream::Notes).write(question.as_bytes());
        });
        asking.question = Some(question.to_owned());
    }

    /// Whether a question is asked.
    pub fn is_asking(&self) -> bool {
        self.asking().question.is_some()
    }

    /// Takes the question back, which was answered, or whose answer is no longer of interest.
    pub fn withdraw(&self, answered: bool) {
        let mut asking = self.asking();
        if asking.question.take().is_none() {
            return;
        }
        if !answered {
            self.sink(Stream::Notes).write(b"\n");
        }
        asking.paused = Arc::default();
        if self.choices.progress {
            self.bars.set_draw_target(live::target(asking.pause()));
        }
    }

    /// Writes to a stream, and the question anew below that.
    pub(super) fn write_above(&self, stream: Stream, bytes: &[u8]) {
        let asking = self.asking();
        let notes = self.sink(Stream::Notes);
        self.bars.suspend(|| match &asking.question {
            None => self.sink(stream).write(bytes),
            Some(question) => {
                notes.write(b"\n");
                self.sink(stream).write(bytes);
                notes.write(question.as_bytes());
            }
        });
    }

    fn asking(&self) -> MutexGuard<'_, Asking> {
        self.asking.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use crate::ui::{Choices, Stream, testing};

    #[test]
    fn a_question_stays_below_what_is_written_until_it_is_withdrawn() {
        let (ui, data, notes) = testing::recorded(Choices::default());
        ui.write(Stream::Notes, "one\n");
        ui.ask("go on? ");
        assert!(ui.is_asking());
        ui.write(Stream::Notes, "two\n");
        ui.write(Stream::Data, "data\n");
        ui.withdraw(false);
        ui.withdraw(false);
        ui.write(Stream::Notes, "three\n");
        assert!(!ui.is_asking());
        assert_eq!(notes.text(), "one\ngo on? \ntwo\ngo on? \ngo on? \nthree\n");
        assert_eq!(data.text(), "data\n");
    }
}
