//! INI: sections with names and values, line by line.

use std::collections::BTreeMap;

use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::{demand, fail, fault};

use super::{Datum, Document};

/// An INI file as its lines.
#[derive(Debug)]
pub(super) struct Ini {
    lines: Vec<Line>,
    end: &'static str,
}

#[derive(Clone, Debug)]
struct Line {
    text: String,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Section(String),
    /// A name, and where in the line its value stands, if it has one.
    Entry(String, Option<usize>),
    /// The rest of a value that began above.
    Continued,
    /// A comment, an empty line, or something else that is left alone.
    Other,
}

/// Refuses what an INI file has no way to hold.
pub(super) fn check(path: &[String], value: &Datum) -> Result {
    if path.len() > 2 {
        return Err(fault!(
            code::EDIT_FORMAT,
            "an INI file has sections and names, and nothing below them"
        ))
        .hint("write a name with dots as a list: `[\"section\", \"a.name\"]`");
    }
    let name = path.last().map_or("", String::as_str);
    let plain = name.trim() == name && !name.contains(['=', ':', '\n', '\r']);
    demand!(
        plain && !name.starts_with(['[', '#', ';']),
        code::EDIT_FORMAT,
        "`{name}` is no name in an INI file"
    );
    if path.len() == 2 {
        let section = &path[0];
        demand!(
            !section.contains([']', '\n', '\r']),
            code::EDIT_FORMAT,
            "`{section}` is no section of an INI file"
        );
    }
    match value {
        Datum::Table(_) => fail!(code::EDIT_FORMAT, "a table within a section cannot be written"),
        Datum::List(items) => {
            demand!(
                !items.is_empty(),
                code::EDIT_FORMAT,
                "an empty list is nothing in an INI file: unset it"
            );
            items.iter().try_for_each(|item| match item {
                Datum::Table(_) | Datum::List(_) => {
                    fail!(code::EDIT_FORMAT, "a list holds single values alone")
                }
                item => check(path, item),
            })
        }
        value => {
            let text = value.to_string();
            let plain = text.trim() == text && !text.contains(['\n', '\r']);
            demand!(plain, code::EDIT_FORMAT, "the value has several lines, or spaces around it");
            Ok(())
        }
    }
}

/// A value as an INI file gives it back: everything is text, and one line is no list.
pub(super) fn as_read(value: Datum) -> Datum {
    match value {
        Datum::List(mut items) if items.len() == 1 => as_read(items.swap_remove(0)),
        Datum::List(items) => Datum::List(items.into_iter().map(as_read).collect()),
        Datum::Table(table) => Datum::Table(table),
        single => Datum::Text(single.to_string()),
    }
}

impl Ini {
    pub(super) fn parse(text: &str) -> Self {
        let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let mut lines: Vec<Line> = Vec::new();
        // How far the entry is indented that a line may go on with.
        let mut entry = None;
        for line in text.split_inclusive('\n') {
            let open = lines.last().is_some_and(Line::is_open);
            let kind = kind(line, entry, open);
            entry = match kind {
                Kind::Entry(..) => Some(indent(line)),
                Kind::Continued => entry,
                Kind::Section(_) | Kind::Other => None,
            };
            lines.push(Line { kind, text: line.to_owned() });
        }
        Self { lines, end }
    }

    /// The lines of a section, by number; several parts where it is opened again.
    fn parts(&self, section: Option<&str>) -> Vec<std::ops::Range<usize>> {
        let mut parts = Vec::new();
        let mut begin = if section.is_none() { Some(0) } else { None };
        for (number, line) in self.lines.iter().enumerate() {
            let Kind::Section(name) = &line.kind else { continue };
            parts.extend(begin.take().map(|begin| begin..number));
            if Some(name.as_str()) == section {
                begin = Some(number + 1);
            }
        }
        parts.extend(begin.map(|begin| begin..self.lines.len()));
        parts
    }

    /// The numbers of the lines at which a name stands.
    fn entries(&self, section: Option<&str>, name: &str) -> Vec<usize> {
        let numbers = self.parts(section).into_iter().flatten();
        let is_it = |number: &usize| matches!(&self.lines[*number].kind, Kind::Entry(other, _) if other == name);
        numbers.filter(is_it).collect()
    }

    /// The line behind an entry with all its continued lines.
    fn behind(&self, entry: usize) -> usize {
        let continued =
            self.lines[entry + 1..].iter().take_while(|line| line.kind == Kind::Continued);
        entry + 1 + continued.count()
    }

    fn value(&self, entry: usize) -> Datum {
        let line = &self.lines[entry];
        let Kind::Entry(_, Some(at)) = line.kind else { return Datum::Null };
        let mut value = line.text[at..].trim().to_owned();
        for more in &self.lines[entry + 1..self.behind(entry)] {
            value.push('\n');
            value.push_str(more.text.trim());
        }
        Datum::Text(value)
    }

    /// What stands before the name and between name and value, as others in the file have it.
    fn style(&self, section: Option<&str>) -> (String, String) {
        let near = self.parts(section).into_iter().flatten().chain(0..self.lines.len());
        let found = near.into_iter().find_map(|number| self.lines[number].style());
        found.unwrap_or_else(|| (String::new(), " = ".into()))
    }
}

impl Line {
    /// Whether the value goes on in the next line, as in units of systemd: also behind a comment.
    fn is_open(&self) -> bool {
        let is_comment = self.text.trim_start().starts_with(['#', ';']);
        match self.kind {
            Kind::Entry(_, Some(_)) => self.text.trim_end().ends_with('\\'),
            Kind::Continued => is_comment || self.text.trim_end().ends_with('\\'),
            _ => false,
        }
    }

    /// What stands before the name, and between name and value.
    fn style(&self) -> Option<(String, String)> {
        let Kind::Entry(name, Some(at)) = &self.kind else { return None };
        let start = self.text.find(name.as_str())?;
        let rest = self.text[*at..].trim_end_matches(['\r', '\n']);
        let value = at + rest.len() - rest.trim_start().len();
        let mut between = self.text[start + name.len()..value].to_owned();
        if rest.is_empty() && between.starts_with(' ') {
            between.push(' ');
        }
        Some((self.text[..start].to_owned(), between))
    }
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '\t']).len()
}

/// Tells what a line is, below an entry that is indented so far, or below a line that is open.
fn kind(line: &str, entry: Option<usize>, open: bool) -> Kind {
    let trimmed = line.trim();
    if trimmed.is_empty() || (trimmed.starts_with(['#', ';']) && !open) {
        return Kind::Other;
    }
    if let Some(section) = trimmed.strip_prefix('[') {
        return match section.split_once(']') {
            Some((name, _)) => Kind::Section(name.to_owned()),
            None => Kind::Other,
        };
    }
    // A value may hold what looks like an entry: `    flask==3.0`.
    if open || entry.is_some_and(|entry| indent(line) > entry) {
        return Kind::Continued;
    }
    match line.find(['=', ':']) {
        None => Kind::Entry(trimmed.to_owned(), None),
        Some(at) => Kind::Entry(line[..at].trim().to_owned(), Some(at + 1)),
    }
}

/// Section and name of a path.
fn split(path: &[String]) -> Result<(Option<&str>, &str)> {
    match path {
        [name] => Ok((None, name)),
        [section, name] => Ok((Some(section), name)),
        _ => fail!(code::EDIT_FORMAT, "`{}` is no section and name", path.join(".")),
    }
}

impl Document for Ini {
    fn read(&self) -> Result<Datum> {
        let mut whole = BTreeMap::new();
        let mut section: Option<String> = None;
        for (number, line) in self.lines.iter().enumerate() {
            match &line.kind {
                Kind::Section(name) => {
                    whole.entry(name.clone()).or_insert_with(|| Datum::Table(BTreeMap::new()));
                    section = Some(name.clone());
                }
                Kind::Entry(name, _) => {
                    let table = match &section {
                        None => &mut whole,
                        Some(section) => match whole.get_mut(section) {
                            Some(Datum::Table(table)) => table,
                            _ => fail!(code::EDIT_FORMAT, "`{section}` is a section and a name"),
                        },
                    };
                    let value = self.value(number);
                    match table.get_mut(name) {
                        None => {
                            table.insert(name.clone(), value);
                        }
                        Some(Datum::List(several)) => several.push(value),
                        Some(one) => *one = Datum::List(vec![one.clone(), value]),
                    }
                }
                Kind::Continued | Kind::Other => {}
            }
        }
        Ok(Datum::Table(whole))
    }

    fn set(&mut self, path: &[String], value: &Datum) -> Result {
        let (section, name) = split(path)?;
        let present = self.entries(section, name);
        let own = present.first().and_then(|entry| self.lines[*entry].style());
        let (indent, between) = own.unwrap_or_else(|| self.style(section));
        let values = match value {
            Datum::List(items) => items.iter().map(Datum::to_string).collect(),
            value => vec![value.to_string()],
        };
        let new = values.iter().map(|value| {
            let text = format!("{indent}{name}{between}{value}");
            Line { text: format!("{}{}", text.trim_end(), self.end), kind: Kind::Other }
        });
        let new: Vec<_> = new.collect();
        let at = match (present.first(), self.parts(section).last()) {
            (Some(first), _) => *first,
            (None, Some(part)) => {
                // Behind the last entry, so that what introduces the next section stays with it.
                let entries = part.clone().rev();
                let is_entry = |number: &usize| self.lines[*number].kind != Kind::Other;
                entries.into_iter().find(is_entry).map_or(part.start, |last| last + 1)
            }
            (None, None) => {
                let name = section.unwrap_or_default();
                if self.lines.last().is_some_and(|line| !line.text.trim().is_empty()) {
                    self.lines.push(Line { text: self.end.into(), kind: Kind::Other });
                }
                let text = format!("[{name}]{}", self.end);
                self.lines.push(Line { text, kind: Kind::Section(name.to_owned()) });
                self.lines.len()
            }
        };
        for entry in present.iter().rev() {
            self.lines.drain(*entry..self.behind(*entry));
        }
        self.lines.splice(at..at, new);
        self.read_again();
        Ok(())
    }

    fn remove(&mut self, path: &[String]) -> Result {
        if let [name] = path {
            // A section goes with its header and all that stands in it.
            for part in self.parts(Some(name)).into_iter().rev() {
                self.lines.drain(part.start - 1..part.end);
            }
        }
        let (section, name) = split(path)?;
        for entry in self.entries(section, name).into_iter().rev() {
            self.lines.drain(entry..self.behind(entry));
        }
        self.read_again();
        Ok(())
    }

    fn text(&self) -> String {
        self.lines.iter().map(|line| line.text.as_str()).collect()
    }
}

impl Ini {
    /// Tells the lines apart anew. One that came to stand before others needs its end.
    fn read_again(&mut self) {
        let count = self.lines.len();
        for (number, line) in self.lines.iter_mut().enumerate() {
            if number + 1 < count && !line.text.ends_with('\n') {
                line.text.push_str(self.end);
            }
        }
        *self = Self::parse(&self.text());
    }
}
