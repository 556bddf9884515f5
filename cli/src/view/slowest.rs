use std::cmp::Reverse;
use std::time::Duration;

use crate::text::duration;

const SHOWN: usize = 5;
const SLOW: Duration = Duration::from_secs(1);

/// The components whose updates took longest.
#[derive(Debug, Default)]
pub(super) struct Slowest(Vec<(Duration, String)>);

impl Slowest {
    /// Takes note of an update, if it was slow.
    pub(super) fn add(&mut self, elapsed: Duration, title: &str) {
        if elapsed >= SLOW {
            self.0.push((elapsed, title.to_owned()));
            self.0.sort_by_key(|(elapsed, _)| Reverse(*elapsed));
            self.0.truncate(SHOWN);
        }
    }

    /// A line for each, the slowest first.
    pub(super) fn lines(&self) -> String {
        if self.0.is_empty() {
            return String::new();
        }
        let lines =
            self.0.iter().map(|(elapsed, title)| format!("  {title}  {}\n", duration(*elapsed)));
        std::iter::once("slowest:\n".to_owned()).chain(lines).collect()
    }
}
