//! Words, numbers and foreign text as they appear on a terminal.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::Duration;

/// Makes text of others harmless: control characters and marks that reorder text are shown as
/// escapes, so that no file and no command can steer the terminal. Tabs and line ends stay.
pub fn harmless(text: &str) -> Cow<'_, str> {
    if !text.contains(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '\r' => shown.push_str("\\r"),
            harmful if is_harmful(harmful) && harmful.is_ascii() => {
                let _ = write!(shown, "\\x{:02x}", u32::from(harmful));
            }
            harmful if is_harmful(harmful) => shown.extend(harmful.escape_unicode()),
            other => shown.push(other),
        }
    }
    Cow::Owned(shown)
}

fn is_harmful(character: char) -> bool {
    match character {
        '\n' | '\t' => false,
        '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        other => other.is_control(),
    }
}

/// Cuts a line that is longer than `limit` characters and says how much is missing.
pub fn shortened(line: &str, limit: usize) -> Cow<'_, str> {
    match line.char_indices().nth(limit) {
        None => Cow::Borrowed(line),
        Some((end, _)) => {
            let rest = line[end..].chars().count();
            Cow::Owned(format!("{}… {}", &line[..end], count(rest, "more character")))
        }
    }
}

/// A number with its noun: `1 root`, `2 roots`.
pub fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// A number of bytes as people say it: `512 B`, `2.43 MB`.
pub fn size(bytes: u64) -> String {
    indicatif::DecimalBytes(bytes).to_string()
}

/// A text with one 0 in the place of each number, to tell whether texts differ in anything else.
pub fn without_numbers(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            other if !other.is_ascii_digit() => shown.push(other),
            _ if shown.ends_with('0') => {}
            _ => shown.push('0'),
        }
    }
    shown
}

/// A duration as people say it: `0.3 s`, `42 s`, `3 min 5 s`, `2 h 10 min`.
pub fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..10 => format!("{:.1} s", duration.as_secs_f64()),
        10..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// Names in backticks, at most `limit` of them, then how many there are more.
pub fn names<T: AsRef<str>>(names: impl IntoIterator<Item = T>, limit: usize) -> String {
    let mut all = names.into_iter();
    let mut listed: Vec<_> =
        all.by_ref().take(limit).map(|name| format!("`{}`", harmless(name.as_ref()))).collect();
    let rest = all.count();
    if rest > 0 {
        listed.push(format!("… {rest} more"));
    }
    listed.join(", ")
}

/// Rows as columns that line up, each as wide as its widest cell but for the last.
pub fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: [usize; N] = std::array::from_fn(|column| width(column).unwrap_or_default());
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().enumerate().map(|(column, cell)| match column + 1 == N {
            true => cell.clone(),
            false => format!("{cell:0$}", widths[column]),
        });
        text += cells.collect::<Vec<_>>().join("  ").trim_end();
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_steer_the_terminal() {
        assert_eq!(harmless("\u{1b}[2Jgone\u{9b}1m"), "\\x1b[2Jgone\\u{9b}1m");
        assert_eq!(harmless("a\u{202e}b\rc"), "a\\u{202e}b\\rc");
        assert_eq!(harmless("a\tb\nü→"), "a\tb\nü→");
    }

    #[test]
    fn texts_that_differ_in_numbers_are_the_same_without() {
        assert_eq!(without_numbers("port 80 after 12 ms"), without_numbers("port 443 after 9 ms"));
        assert_eq!(without_numbers("a1b22"), "a0b0");
    }

    #[test]
    fn a_long_line_says_how_much_is_missing() {
        assert_eq!(shortened("äöü", 3), "äöü");
        assert_eq!(shortened("äöüß", 3), "äöü… 1 more character");
    }

    #[test]
    fn durations_have_the_precision_that_matters() {
        let shown = |milliseconds| duration(Duration::from_millis(milliseconds));
        assert_eq!(shown(340), "0.3 s");
        assert_eq!(shown(42_900), "42 s");
        assert_eq!(shown(185_000), "3 min 5 s");
        assert_eq!(shown(7_800_000), "2 h 10 min");
    }

    #[test]
    fn columns_line_up() {
        let rows = [["a", "b", "c"], ["aä", "", "cc"], ["", "bbb", ""]];
        let rows = rows.map(|row| row.map(str::to_owned));
        assert_eq!(columns(&rows), "a   b    c\naä       cc\n    bbb\n");
    }

    #[test]
    fn a_long_list_of_names_ends_in_the_count_of_the_rest() {
        assert_eq!(names(["a", "b"], 2), "`a`, `b`");
        assert_eq!(names(["a", "b", "c", "d"], 2), "`a`, `b`, … 2 more");
    }
}
