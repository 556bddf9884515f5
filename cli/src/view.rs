//! Views: what becomes of events for somebody who watches.
//!
//! A view shows events and knows nothing else of a run. [`Plain`] makes all the lines there are;
//! [`Terminal`] adds live progress below them; [`Json`] writes the events themselves.

mod failures;
mod json;
mod lines;
mod plain;
mod repeated;
mod rollouts;
mod running;
mod slowest;
mod summary;
mod terminal;
mod waves;

use togusa_core::event::Event;

use crate::ui::Ui;

pub use json::Json;
pub use plain::Plain;
pub use terminal::Terminal;

pub(crate) use lines::problem_lines;

/// Shows the events of one run.
pub trait View {
    /// Shows an event, or remembers it for later.
    fn event(&mut self, event: &Event);

    /// Ends the view, also when the run ended without its last event.
    fn finish(&mut self);
}

/// Which command the events come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// `plan`: the changes are what was asked for.
    Plan,
    /// `verify`: so are the differences.
    Verify,
    /// `deploy`: the changes tell how it goes on.
    Deploy,
}

/// The view that the user's choices ask for; `diffs` shows the differences of texts.
pub fn view(ui: &Ui, purpose: Purpose, diffs: bool) -> Box<dyn View> {
    if ui.choices.json {
        return Box::new(Json::new(ui.clone()));
    }
    let plain = Plain::new(ui.clone(), purpose, diffs);
    if ui.choices.progress { Box::new(Terminal::new(plain, ui)) } else { Box::new(plain) }
}

#[cfg(test)]
mod recorded;
#[cfg(test)]
mod tests;
