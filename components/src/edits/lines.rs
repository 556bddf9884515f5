//! A text as lines that keep their ends.

use std::fmt;
use std::ops::Range;

use regex_lite::Regex;
use togusa_core::fault::CodeExt as _;
use togusa_core::prelude::*;
use togusa_core::problem::code;

/// The lines of a text, each with its end as it stands there.
#[derive(Debug)]
pub(super) struct Lines<'a> {
    lines: Vec<std::borrow::Cow<'a, str>>,
    end: &'static str,
}

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let lines: Vec<_> = text.split_inclusive('\n').map(Into::into).collect();
        let end = if text.lines().count() > 0 && text.contains("\r\n") { "\r\n" } else { "\n" };
        Self { lines, end }
    }

    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    /// The lines without their ends.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = (usize, &str)> {
        self.lines.iter().map(|line| bare(line)).enumerate()
    }

    /// Puts lines in the place of some.
    pub(super) fn splice(&mut self, range: Range<usize>, with: &[&str]) {
        let at_end = range.end == self.lines.len();
        let open = self.lines.last().is_some_and(|last| !last.ends_with('\n'));
        if at_end && open && !with.is_empty() && range.is_empty() {
            // What stood last gets an end, so that the next line is one.
            let end = self.end;
            if let Some(last) = self.lines.last_mut() {
                last.to_mut().push_str(end);
            }
        }
        let keeps_open = at_end && open && !range.is_empty();
        let count = with.len();
        let new = with.iter().enumerate().map(|(number, line)| {
            let end = if keeps_open && number + 1 == count { "" } else { self.end };
            format!("{line}{end}").into()
        });
        let new: Vec<_> = new.collect();
        self.lines.splice(range, new);
    }

    pub(super) fn remove(&mut self, mut which: impl FnMut(&str) -> bool) {
        self.lines.retain(|line| !which(bare(line)));
    }

    pub(super) fn into_text(self) -> String {
        self.lines.concat()
    }
}

fn bare(line: &str) -> &str {
    let line = line.strip_suffix('\n').unwrap_or(line);
    line.strip_suffix('\r').unwrap_or(line)
}

/// A regular expression for lines.
#[derive(Clone)]
pub(super) struct Pattern(String);

impl Pattern {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(super) fn regex(&self) -> Result<Regex> {
        Regex::new(&self.0)
            .with_context(|| format!("`{}` is no regular expression", self.0))
            .code(code::OPTION_VALUE)
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where something new goes.
#[derive(Clone, Debug, Default)]
pub(super) enum Position {
    #[default]
    End,
    Start,
    /// After the last line that matches, else at the end.
    After(Pattern),
    /// Before the first line that matches, else at the end.
    Before(Pattern),
}

impl Position {
    pub(super) fn check(&self) -> Result {
        match self {
            Self::End | Self::Start => Ok(()),
            Self::After(pattern) | Self::Before(pattern) => pattern.regex().map(|_| ()),
        }
    }

    /// The number of the line before which it goes.
    pub(super) fn find(&self, lines: &Lines<'_>) -> Result<usize> {
        let end = lines.len();
        Ok(match self {
            Self::End => end,
            Self::Start => 0,
            Self::After(pattern) => {
                let regex = pattern.regex()?;
                let found = lines.iter().rev().find(|(_, line)| regex.is_match(line));
                found.map_or(end, |(number, _)| number + 1)
            }
            Self::Before(pattern) => {
                let regex = pattern.regex()?;
                let found = lines.iter().find(|(_, line)| regex.is_match(line));
                found.map_or(end, |(number, _)| number)
            }
        })
    }
}

/// Builder methods for where something new goes.
macro_rules! position_methods {
    () => {
        /// Puts what is new after the last line that matches a regular expression; at the end if
        /// none does.
        #[must_use]
        pub fn after(mut self, pattern: impl Into<String>) -> Self {
            self.position = Position::After(Pattern::new(pattern));
            self
        }

        /// Puts what is new before the first line that matches a regular expression; at the end if
        /// none does.
        #[must_use]
        pub fn before(mut self, pattern: impl Into<String>) -> Self {
            self.position = Position::Before(Pattern::new(pattern));
            self
        }

        /// Puts what is new at the start of the file.
        #[must_use]
        pub fn at_start(mut self) -> Self {
            self.position = Position::Start;
            self
        }
    };
}
pub(super) use position_methods;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_their_ends() {
        let replaced = |text: &str, range: Range<usize>, with: &[&str]| {
            let mut lines = Lines::new(text);
            lines.splice(range, with);
            lines.into_text()
        };
        for (text, range, with, expected) in [
            ("", 0..0, vec!["x"], "x\n"),
            ("a", 1..1, vec!["x"], "a\nx\n"),
            ("a", 0..1, vec!["x"], "x"),
            ("a\nb", 0..1, vec!["x"], "x\nb"),
            ("a\nb", 0..0, vec!["x"], "x\na\nb"),
            ("a\r\nb\r\n", 1..2, vec!["x", "y"], "a\r\nx\r\ny\r\n"),
            ("a\r\n", 1..1, vec!["x"], "a\r\nx\r\n"),
            ("a\nb\n", 0..1, vec![], "b\n"),
        ] {
            assert_eq!(replaced(text, range.clone(), &with), expected, "{text:?} {range:?}");
        }
    }
}
