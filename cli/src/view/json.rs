use togusa_core::event::Event;

use super::View;
use crate::ui::{Stream, Ui};

/// Writes every event as one line of JSON to standard output.
#[derive(Debug)]
pub struct Json {
    ui: Ui,
}

impl Json {
    /// Writes through the given `Ui`.
    pub fn new(ui: Ui) -> Self {
        Self { ui }
    }
}

impl View for Json {
    fn event(&mut self, event: &Event) {
        let mut line = serde_json::to_string(event).expect("events are plain data");
        line.push('\n');
        self.ui.write(Stream::Data, &line);
    }

    fn finish(&mut self) {}
}
