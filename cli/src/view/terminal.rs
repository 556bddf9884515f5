use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use console::Term;
use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};
use togusa_core::event::Event;

use super::running::{Running, Subject};
use super::{Plain, View};
use crate::text::count;
use crate::ui::{FREE_COLUMNS, Ui};

/// How many hosts have a line.
const HOSTS: usize = 12;
/// How many rollouts have one.
const ROLLOUTS: usize = 6;
const TICK: Duration = Duration::from_millis(120);

/// Shows the lines of [`Plain`] and below them, live, a line for every rollout and every busy host.
#[derive(Debug)]
pub struct Terminal {
    plain: Plain,
    bars: MultiProgress,
    running: Running,
    lines: BTreeMap<Subject, Line>,
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

    fn update(&mut self, subject: &Subject) {
        match (self.running.line(subject), self.lines.get(subject)) {
            (Some(text), Some(line)) => {
                line.set(text);
                line.bar.reset_elapsed();
            }
            (None, Some(_)) => self.remove(subject),
            _ => {}
        }
    }

    /// Gives free lines to those who have none, and counts who still has none.
    fn fill(&mut self) {
        let is_host = |subject: &&Subject| matches!(subject, Subject::Host(_));
        let hosts = self.lines.keys().filter(is_host).count();
        let rollouts = self.lines.len() - hosts;
        let is_hidden = |subject: &Subject| !self.lines.contains_key(subject);
        let hidden = self.running.rollouts().filter(is_hidden);
        let mut new: Vec<_> = hidden.take(ROLLOUTS.saturating_sub(rollouts)).collect();
        let free = HOSTS.saturating_sub(hosts);
        new.extend(self.running.hosts().filter(is_hidden).take(free));
        new.into_iter().for_each(|subject| self.add(subject));
        self.count_hidden();
    }

    fn add(&mut self, subject: Subject) {
        // In the order of names, whichever of them was first to have something to do.
        let place = self.lines.keys().filter(|shown| **shown < subject).count();
        let bar = self.bars.insert(place, ProgressBar::new_spinner());
        let line = Line { bar, text: Arc::default() };
        line.set(self.running.line(&subject).unwrap_or_default());
        let text = Arc::clone(&line.text);
        let shown = move |_: &ProgressState, to: &mut dyn Write| {
            let text = text.lock().unwrap_or_else(PoisonError::into_inner);
            // What cannot be shown is shown the next time.
            let _ = to.write_str(&fitting(&text, Term::stderr().size_checked()));
        };
        // As wide as its text and no wider: a terminal that becomes narrow breaks longer ones.
        line.bar.set_style(style("{spinner} {elapsed:>3}  {shown}").with_key("shown", shown));
        line.bar.enable_steady_tick(TICK);
        self.lines.insert(subject, line);
    }

    fn remove(&mut self, subject: &Subject) {
        if let Some(Line { bar, .. }) = self.lines.remove(subject) {
            bar.finish_and_clear();
            self.bars.remove(&bar);
        }
    }

    fn count_hidden(&mut self) {
        let hosts = self.lines.keys().filter(|shown| matches!(shown, Subject::Host(_))).count();
        let hidden = [
            (
                self.running.rollouts().len().saturating_sub(self.lines.len() - hosts),
                "more rollout",
            ),
            (self.running.hosts().len().saturating_sub(hosts), "more host"),
        ];
        let hidden = hidden.iter().filter(|(number, _)| *number > 0);
        let hidden: Vec<_> = hidden.map(|(number, noun)| count(*number, noun)).collect();
        if hidden.is_empty() {
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
        footer.set_message(format!("… {}", hidden.join(", ")));
        footer.tick();
    }

    fn clear(&mut self) {
        let shown: Vec<_> = self.lines.keys().cloned().collect();
        for subject in shown {
            self.remove(&subject);
        }
        self.running = Running::default();
        self.count_hidden();
    }
}

/// The line of a rollout, or of a host that is busy.
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
        let changed = self.running.event(event);
        if !changed.is_empty() {
            changed.iter().for_each(|subject| self.update(subject));
            self.fill();
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
    use togusa_core::names::HostName;
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
        let is_shown = |host: &str| view.lines.contains_key(&Subject::Host(host.into()));
        assert!(is_shown("web14") && !is_shown("web15"));

        view.event(&Event::Finished { summary: Summary::default() });
        assert_eq!((view.lines.len(), footer(&view)), (0, None));
    }
}
