//! Single lines.

use std::borrow::Cow;

use togusa_core::fault;
use togusa_core::fault::CodeExt as _;
use togusa_core::prelude::*;
use togusa_core::problem::code;

use crate::file::Text;
use crate::location::Location;

use super::lines::{Lines, Pattern, Position, position_methods};
use super::target::{Edit, Target, target_methods};

/// One line of a file: it is there, or it is not.
///
/// With [`matching`](Self::matching) the last line that matches a regular expression becomes the
/// line, as long as no later one is it already; the others that match are left alone. Without a match
/// the line is added, if it does not stand anywhere already.
///
/// | attribute | default |
/// |---|---|
/// | `matching` | only a line with the same text is taken for it |
/// | `after`, `before`, `at_start` | a new line goes to the end of the file; one that is there stays where it is |
/// | `create` | no: a missing file is an error |
/// | `mode`, `owner`, `group` | left as they are; of a new file as for `File` |
/// | `leading_directories` | no; yes for what a sandbox maps |
/// | `sensitive` | no; yes for a line that is or holds a secret |
///
/// Regular expressions are those of the `regex` crate without Unicode classes; they match anywhere in
/// the line unless they begin with `^`.
///
/// `verify` reads the file. `update` writes it anew in one moment, see the [module](super). It needs
/// the right to write into the directory; a file of another owner needs root.
///
/// **Needs**: nothing; root for a file of another owner.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     let sshd = "/etc/ssh/sshd_config";
///     scope.add(Line::new(sshd, "PermitRootLogin no").matching(r"^#?PermitRootLogin\b"));
///     scope.add(Line::new(sshd, "PasswordAuthentication yes").absent());
///     scope.add(Line::none_matching(sshd, r"^\s*AllowUsers\b"));
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Line {
    target: Target,
    text: Option<Text>,
    matching: Option<Pattern>,
    position: Position,
    absent: bool,
}

impl Line {
    /// A line of a file, without its end.
    pub fn new(path: impl Into<Location>, text: impl Into<Text>) -> Self {
        Self {
            target: Target::new(path),
            text: Some(text.into()),
            matching: None,
            position: Position::default(),
            absent: false,
        }
    }

    /// No line of the file matches a regular expression.
    pub fn none_matching(path: impl Into<Location>, pattern: impl Into<String>) -> Self {
        Self {
            target: Target::new(path),
            text: None,
            matching: Some(Pattern::new(pattern)),
            position: Position::default(),
            absent: true,
        }
    }

    /// Takes the last line that matches a regular expression for the one to change. With
    /// [`absent`](Self::absent) all lines that match go.
    #[must_use]
    pub fn matching(mut self, pattern: impl Into<String>) -> Self {
        self.matching = Some(Pattern::new(pattern));
        self
    }

    /// Removes the line wherever it stands.
    #[must_use]
    pub fn absent(mut self) -> Self {
        self.absent = true;
        self
    }

    position_methods!();
    target_methods!();

    fn edit(&self, text: &str) -> Result<Edit> {
        let line = self.text.as_ref().map(Text::as_str).transpose()?;
        let regex = self.matching.as_ref().map(Pattern::regex).transpose()?;
        let is_it = |present: &str| Some(present) == line;
        let matches = |present: &str| {
            is_it(present) || regex.as_ref().is_some_and(|regex| regex.is_match(present))
        };
        let mut lines = Lines::new(text);
        if self.absent {
            lines.remove(matches);
            return Ok(lines.into_text().into());
        }
        let line = line.context("the line has no text").code(code::OPTION_MISSING)?;
        let found = lines.iter().rev().find(|(_, present)| matches(present));
        match found.map(|(number, present)| (number, is_it(present))) {
            Some((_, true)) => {}
            Some((number, false)) => lines.splice(number..number + 1, &[line]),
            None => {
                let at = self.position.find(&lines)?;
                lines.splice(at..at, &[line]);
            }
        }
        Ok(lines.into_text().into())
    }
}

impl Component for Line {
    fn key(&self) -> Option<Cow<'_, str>> {
        let secret = self.text.as_ref().is_some_and(Text::is_secret) || self.target.sensitive;
        let what = match (&self.matching, &self.text) {
            (Some(pattern), _) => pattern.as_str(),
            (None, Some(text)) if !secret => text.as_str().unwrap_or_default(),
            _ => "",
        };
        Some(format!("{}: {what}", self.target.place.key()).into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        self.target.resolve("line", scope)?;
        self.position.check()?;
        self.matching.as_ref().map(Pattern::regex).transpose()?;
        let Some(text) = &self.text else { return Ok(()) };
        text.check()?;
        if text.as_str()?.contains(['\n', '\r']) {
            return Err(fault!(code::OPTION_VALUE, "the line has an end of line in it"))
                .hint("give one line; several are a `Block`");
        }
        self.target.sensitive |= text.is_secret();
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        self.target.verify(probe, |text| self.edit(text))
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        self.target.update(machine, |text| self.edit(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(line: &Line, text: &str) -> String {
        let once = line.edit(text).unwrap().text;
        assert_eq!(line.edit(&once).unwrap().text, once, "a second run changes {once:?}");
        once
    }

    #[test]
    fn a_line_is_added_once_where_it_is_wanted() {
        let line = || Line::new("f", "x");
        for (line, text, expected) in [
            (line(), "", "x\n"),
            (line(), "a\nx\nb\n", "a\nx\nb\n"),
            (line(), "a\n x\n", "a\n x\nx\n"),
            (line(), "a", "a\nx\n"),
            (line(), "a\r\n", "a\r\nx\r\n"),
            (line().at_start(), "a\n", "x\na\n"),
            (line().after("^a"), "a1\na2\nb\n", "a1\na2\nx\nb\n"),
            (line().before("^b"), "a\nb1\nb2\n", "a\nx\nb1\nb2\n"),
            (line().after("nothing"), "a\n", "a\nx\n"),
            (line().before("nothing"), "a\n", "a\nx\n"),
        ] {
            assert_eq!(edited(&line, text), expected, "{line:?} {text:?}");
        }
    }

    #[test]
    fn the_last_match_becomes_the_line() {
        let line = || Line::new("f", "Port 22").matching("^#?Port ");
        for (text, expected) in [
            ("#Port 1\nPort 2\nb\n", "#Port 1\nPort 22\nb\n"),
            ("Port 1", "Port 22"),
            ("Port 1\nPort 22\n", "Port 1\nPort 22\n"),
            ("a\n", "a\nPort 22\n"),
        ] {
            assert_eq!(edited(&line(), text), expected);
        }
        // The expression need not match what it made.
        let other = Line::new("f", "bar").matching("foo");
        assert_eq!(edited(&other, "foo1\nfoo2\n"), "foo1\nbar\n");
        assert_eq!(edited(&other, "bar\nfoo\n"), "bar\nbar\n");
    }

    #[test]
    fn what_shall_not_be_there_goes_wherever_it_stands() {
        assert_eq!(edited(&Line::new("f", "x").absent(), "x\na\nx\n xx\nx"), "a\n xx\n");
        assert_eq!(edited(&Line::none_matching("f", "^x"), "x\na\nxy\n"), "a\n");
        assert_eq!(edited(&Line::new("f", "x").matching("^y").absent(), "x\nya\nz\n"), "z\n");
    }
}
