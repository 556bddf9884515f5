//! Changes and problems as lines.

use togusa_core::problem::Problem;
use togusa_core::verdict::Change;

use crate::text::{count, harmless, shortened};
use crate::ui::{Ink, Paint};

const DIFF_LINES: usize = 20;
const LINE_LENGTH: usize = 240;
const HOSTS: usize = 8;
const CAUSES: usize = 3;

/// How changes are shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub(super) paint: Paint,
    /// The lines of diffs, too.
    pub(super) diffs: bool,
    /// All lines of diffs, all causes of a trigger.
    pub(super) whole: bool,
}

impl Layout {
    /// A change: its symbol and its words, then its diff.
    pub(super) fn change(self, change: &Change) -> String {
        let ink = match change {
            Change::Create { .. } => Ink::Create,
            Change::Remove { .. } => Ink::Remove,
            _ => Ink::Change,
        };
        let mut shown = self.marked(change.symbol(), ink, &change.to_string());
        if let Change::Text { diff } = change
            && self.diffs
        {
            shown += &self.diff(diff);
        }
        shown
    }

    /// A line behind a symbol; further lines of the text stand below its first.
    pub(super) fn marked(self, symbol: char, ink: Ink, text: &str) -> String {
        let symbol = self.paint.text(ink, &symbol.to_string());
        format!("  {symbol} {}\n", below(text, "    "))
    }

    /// What triggers a component, by the first of its causes unless all are wanted.
    pub(super) fn causes(self, triggered_by: &[String]) -> String {
        let limit = if self.whole { usize::MAX } else { CAUSES };
        let mut causes = triggered_by.iter().take(limit).cloned().collect::<Vec<_>>().join(", ");
        if triggered_by.len() > limit {
            causes += &format!(" and {}", count(triggered_by.len() - limit, "other"));
        }
        self.marked('~', Ink::Change, &format!("triggered by {causes}"))
    }

    fn diff(self, diff: &str) -> String {
        let limit = if self.whole { usize::MAX } else { DIFF_LINES };
        let length = if self.whole { usize::MAX } else { LINE_LENGTH };
        let mut lines = diff.split('\n').collect::<Vec<_>>();
        if lines.last() == Some(&"") {
            lines.pop();
        }
        let mut shown = String::new();
        for line in lines.iter().take(limit) {
            let text = harmless(shortened(line, length).as_ref()).into_owned();
            let line = match line.as_bytes().first() {
                Some(b'+') => self.paint.text(Ink::Create, &text),
                Some(b'-') => self.paint.text(Ink::Remove, &text),
                Some(b'@') => self.paint.text(Ink::Unknown, &text),
                _ => text,
            };
            shown += &format!("      {line}\n");
        }
        if lines.len() > limit {
            let rest = format!("… {}", count(lines.len() - limit, "more line"));
            shown += &format!("      {}\n", self.paint.text(Ink::Faint, &rest));
        }
        shown
    }
}

/// A problem: a label with its code, the message with its place, numbered causes, and the hint.
pub(crate) fn problem_lines(
    paint: Paint,
    indent: &str,
    ink: Ink,
    label: &str,
    problem: &Problem,
) -> String {
    let mut place = String::new();
    if let Some(origin) = &problem.origin {
        place += &format!("{origin}: ");
    }
    if let Some(breadcrumb) = &problem.breadcrumb {
        place += &format!("{breadcrumb}: ");
    }
    let message = below(&format!("{place}{}{}", problem.message, hosts(problem)), indent);
    let label = paint.text(ink, &format!("{label}[{}]:", problem.code));
    let mut shown = format!("{indent}{label} {message}\n");
    for (number, cause) in problem.causes.iter().enumerate() {
        let cause = below(cause, &format!("{indent}     "));
        shown += &format!("{indent}  {}: {cause}\n", number + 1);
    }
    if let Some(hint) = &problem.hint {
        let label = paint.text(Ink::Unknown, "hint:");
        let hint = below(hint, &format!("{indent}        "));
        shown += &format!("{indent}  {label} {hint}\n");
    }
    shown
}

fn hosts(problem: &Problem) -> String {
    if problem.hosts.is_empty() {
        return String::new();
    }
    let mut shown: Vec<_> =
        problem.hosts.iter().take(HOSTS).map(|host| host.as_str().to_owned()).collect();
    if problem.hosts.len() > HOSTS {
        shown.push(format!("… {} more", problem.hosts.len() - HOSTS));
    }
    format!(" (on {})", shown.join(", "))
}

/// The harmless form of a text whose further lines are indented.
fn below(text: &str, indent: &str) -> String {
    let text = harmless(text.trim_end_matches('\n'));
    text.split('\n').collect::<Vec<_>>().join(&format!("\n{indent}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_causes_the_first_are_named_and_the_rest_counted() {
        let causes: Vec<_> = ["a", "b", "c", "d", "e"].map(str::to_owned).into();
        let layout = |whole| Layout { paint: Paint(false), diffs: false, whole };
        assert_eq!(layout(false).causes(&causes), "  ~ triggered by a, b, c and 2 others\n");
        assert_eq!(layout(false).causes(&causes[..3]), "  ~ triggered by a, b, c\n");
        assert_eq!(layout(true).causes(&causes), "  ~ triggered by a, b, c, d, e\n");
    }
}
