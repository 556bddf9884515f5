use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use console::Term;
use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};
use togusa_core::event::Event;
use togusa_core::names::HostName;

use super::running::Running;
use super::{Plain, View};
use crate::text::count;
use crate::ui::{FREE_COLUMNS, Ui};

const LINES: usize = 12;
const TICK: Duration = Duration::from_millis(120);

/// Shows the lines of [`Plain`] and below them, live, a line for every busy host.
#[derive(Debug)]
pub struct Terminal {
    plain: Plain,
    bars: MultiProgress,
    running: Running,
    lines: BTreeMap<HostName, Line>,
    footer: Option<ProgressBar>,
}

impl Terminal {
    /// Shows progress on the terminal of the given `Ui`.
    pub fn new(plain: Plain, ui: &Ui) -> Self {
        Self {
            plain,
            bars: ui.bars().clone(),
            running: Running::default(),
            lines: BTreeMap::new(),
            footer: None,
        }
    }

    fn update(&mut self, host: &HostName) {
        match (self.running.line(host), self.lines.get(host)) {
            (Some(text), Some(line)) => {
                line.set(text);
                line.bar.reset_elapsed();
            }
            (None, Some(_)) => self.remove(host),
            _ => {}
        }
        let free = LINES.saturating_sub(self.lines.len());
        let hidden = self.running.hosts().filter(|host| !self.lines.contains_key(*host));
        for host in hidden.take(free).cloned().collect::<Vec<_>>() {
            self.add(host);
        }
        self.count_hidden();
    }

    fn add(&mut self, host: HostName) {
        // In the order of names, whichever of them was first to have something to do.
        let place = self.lines.keys().filter(|shown| **shown < host).count();
        let bar = self.bars.insert(place, ProgressBar::new_spinner());
        let line = Line { bar, text: Arc::default() };
        line.set(self.running.line(&host).unwrap_or_default());
        let text = Arc::clone(&line.text);
        let shown = move |_: &ProgressState, to: &mut dyn Write| {
            let text = text.lock().unwrap_or_else(PoisonError::into_inner);
            // What cannot be shown is shown the next time.
            let _ = to.write_str(&fitting(&text, Term::stderr().size_checked()));
        };
        // As wide as its text and no wider: a terminal that becomes narrow breaks longer ones.
        line.bar.set_style(style("{spinner} {elapsed:>3}  {shown}").with_key("shown", shown));
        line.bar.enable_steady_tick(TICK);
        self.lines.insert(host, line);
    }

    fn remove(&mut self, host: &HostName) {
        if let Some(Line { bar, .. }) = self.lines.remove(host) {
            bar.finish_and_clear();
            self.bars.remove(&bar);
        }
    }

    fn count_hidden(&mut self) {
        let hidden = self.running.hosts().count().saturating_sub(self.lines.len());
        if hidden == 0 {
            if let Some(footer) = self.footer.take() {
                footer.finish_and_clear();
                self.bars.remove(&footer);
            }
            return;
        }
        let footer = self.footer.get_or_insert_with(|| {
            let footer = self.bars.add(ProgressBar::new_spinner());
            footer.set_style(style("  {msg}"));
            footer
        });
        footer.set_message(format!("… {}", count(hidden, "more host")));
        footer.tick();
    }

    fn clear(&mut self) {
        let hosts: Vec<_> = self.lines.keys().cloned().collect();
        for host in hosts {
            self.remove(&host);
        }
        self.running = Running::default();
        self.count_hidden();
    }
}

/// The line of a host that is busy.
#[derive(Debug)]
struct Line {
    bar: ProgressBar,
    text: Arc<Mutex<String>>,
}

impl Line {
    fn set(&self, text: String) {
        *self.text.lock().unwrap_or_else(PoisonError::into_inner) = text;
        self.bar.tick();
    }
}

/// As much of a text as fits behind wheel and time, on a terminal of so many rows and columns.
fn fitting(text: &str, size: Option<(u16, u16)>) -> Cow<'_, str> {
    let Some((_, columns)) = size else { return text.into() };
    let taken = "* 59s  ".len() + FREE_COLUMNS;
    console::truncate_str(text, usize::from(columns).saturating_sub(taken), "…")
}

impl View for Terminal {
    fn event(&mut self, event: &Event) {
        if matches!(event, Event::Finished { .. }) {
            self.clear();
        }
        self.plain.event(event);
        if let Some(host) = self.running.event(event) {
            self.update(&host);
        }
    }

    fn finish(&mut self) {
        self.clear();
        self.plain.finish();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the template is a constant")
}

#[cfg(test)]
mod tests {
    use togusa_core::event::Summary;
    use togusa_core::problem::{Problem, code};

    use super::*;
    use crate::ui::{Choices, testing};
    use crate::view::Purpose;

    fn connecting(number: usize) -> Event {
        Event::Connecting { host: HostName::new(format!("web{number:02}")) }
    }

    fn failed(number: usize) -> Event {
        let problem = Problem::new(code::NO_ROUTE, "no route to host");
        Event::HostFailed { host: HostName::new(format!("web{number:02}")), problem }
    }

    #[test]
    fn a_long_line_is_cut_where_a_character_ends() {
        assert_eq!(fitting("web1  App", None), "web1  App");
        assert_eq!(fitting("web1  App", Some((24, 18))), "web1  App");
        assert_eq!(fitting("web1  App", Some((24, 17))), "web1  A…");
        assert_eq!(fitting("web1  数据", Some((24, 18))), "web1  数…");
    }

    #[test]
    fn twelve_hosts_have_a_line_and_the_others_are_counted() {
        let (ui, ..) = testing::recorded(Choices::default());
        let mut view = Terminal::new(Plain::new(ui.clone(), Purpose::Deploy, true), &ui);
        let footer = |view: &Terminal| view.footer.as_ref().map(|footer| footer.message().clone());

        (1..=12).for_each(|number| view.event(&connecting(number)));
        assert_eq!((view.lines.len(), footer(&view)), (12, None));

        (13..=15).for_each(|number| view.event(&connecting(number)));
        assert_eq!((view.lines.len(), footer(&view)), (12, Some("… 3 more hosts".into())));

        (2..=3).for_each(|number| view.event(&failed(number)));
        assert_eq!((view.lines.len(), footer(&view)), (12, Some("… 1 more host".into())));
        assert!(view.lines.contains_key("web14") && !view.lines.contains_key("web15"));

        view.event(&Event::Finished { summary: Summary::default() });
        assert_eq!((view.lines.len(), footer(&view)), (0, None));
    }
}
