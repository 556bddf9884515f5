//! Attributes: the fields of a root that an environment may set.
//!
//! `#[derive(Attributes)]` implements [`Attributes`] for a struct. Reading collects every mistake
//! rather than stopping at the first, each with the place it was written at.

mod from_serde;
mod from_value;
mod shape;

use crate::names::nearest;
use crate::problem::{Code, Problem, code};
use crate::value::{Origin, Table, Value, ValueKind};

pub use from_serde::Serde;
pub use from_value::FromValue;
pub use shape::{Fields, Shape};
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use togusa_core::attributes::{Attributes, Reader};
/// use togusa_core::value::Table;
///
/// #[derive(Debug, Attributes)]
/// #[attributes(features("web", "worker"), default_features("web"))]
/// struct App {
///     /// Port to listen on.
///     #[attribute(default = 8080)]
///     port: u16,
///     /// How long to wait for an answer.
///     #[attribute(default = "10s")]
///     timeout: Duration,
///     workers: usize,
///     mode: Option<Mode>,
/// }
///
/// #[derive(Debug, PartialEq, Attributes)]
/// enum Mode {
///     Fast,
///     VerySafe,
/// }
///
/// let mut table = Table::default();
/// table.insert("workers", 4);
/// table.insert("mode", "very-safe");
/// let mut reader = Reader::new(&table, None);
/// let app = App::read(&mut reader).expect("all that is required is set");
/// assert!(reader.finish().is_empty());
/// assert_eq!((app.port, app.workers), (8080, 4));
/// assert_eq!(app.timeout, Duration::from_secs(10));
/// assert_eq!(app.mode, Some(Mode::VerySafe));
///
/// table.insert("prot", 80);
/// table.insert("mode", "verysafe");
/// let mut reader = Reader::new(&table, None);
/// assert!(App::read(&mut reader).is_none());
/// let problems: Vec<String> = reader.finish().iter().map(ToString::to_string).collect();
/// assert_eq!(problems, [
///     r#"attribute `mode`: "verysafe" is none of "fast", "very-safe"; did you mean "very-safe"?"#,
///     "unknown attribute `prot`\n  hint: did you mean `port`?",
/// ]);
/// ```
pub use togusa_derive::Attributes;

/// A component whose fields an environment can set.
///
/// Implemented by `#[derive(Attributes)]`; every field needs a type that is [`FromValue`].
pub trait Attributes: Sized {
    /// Describes every attribute, in the order of the fields.
    fn schema() -> Vec<AttributeSchema>;

    /// Builds the component from what an environment sets; `None` when an attribute is missing or
    /// wrong. What was built counts only if the reader found no mistake at all.
    fn read(reader: &mut Reader<'_>) -> Option<Self>;

    /// The features that an environment may ask for.
    fn features() -> &'static [&'static str] {
        &[]
    }

    /// The features that hold when an environment names none.
    fn default_features() -> &'static [&'static str] {
        &[]
    }

    /// Where the component's source and its assets lie.
    fn source() -> SourceLocation;
}

/// The description of one attribute.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct AttributeSchema {
    /// The name in the environment file.
    pub name: &'static str,
    /// The type as users call it, such as `integer` or `array of string`.
    pub type_name: String,
    /// The default as it would be written; `None` for an attribute that must be set.
    pub default: Option<String>,
    /// The documentation comment of the field.
    pub doc: &'static str,
    /// Which values it can have, for programs that complete and check an environment file.
    #[serde(skip)]
    pub shape: Shape,
}

/// Where a component was written, recorded by the derive when it was compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceLocation {
    /// The name of the crate.
    pub crate_name: &'static str,
    /// The crate's directory on the machine that compiled it.
    pub manifest_dir: &'static str,
    /// The source file, as `file!()` gives it.
    pub file: &'static str,
    /// The files beside the source, of crates that were compiled from a package registry.
    pub embedded: &'static [(&'static str, &'static [u8])],
}

/// What names are called unless somebody says otherwise.
const ATTRIBUTE: &str = "attribute";

/// The codes of what can be wrong with a name in a table.
struct Codes {
    missing: Code,
    unknown: Code,
    value: Code,
}

/// Reads the attributes of one component and remembers every mistake.
#[derive(Debug)]
pub struct Reader<'a> {
    table: &'a Table,
    place: Option<Origin>,
    noun: &'static str,
    path: Vec<String>,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    /// Starts to read a table; `place` is where to point for what is missing from it.
    pub fn new(table: &'a Table, place: Option<Origin>) -> Self {
        Self { table, place, noun: ATTRIBUTE, path: Vec::new(), problems: Vec::new() }
    }

    /// Sets what messages call a name in the table; default: `attribute`.
    pub fn calling_names(mut self, noun: &'static str) -> Self {
        self.noun = noun;
        self
    }

    /// Ends reading: every mistake that was found, in the order of the fields.
    pub fn finish(self) -> Vec<Problem> {
        self.problems
    }

    /// Reads an attribute that must be set.
    pub fn required<T: FromValue>(&mut self, name: &str) -> Option<T> {
        match self.table.get(name) {
            Some(value) => self.value(name, value),
            None => {
                let attribute = self.attribute(name);
                self.problems.push(
                    Problem::new(
                        self.codes().missing,
                        format!("required {} `{attribute}` is not set", self.noun),
                    )
                    .at(self.place.clone())
                    .hint(format!("set `{name}` ({})", T::type_name())),
                );
                None
            }
        }
    }

    /// Reads an attribute, or takes its default when it is not set.
    pub fn optional<T: FromValue>(&mut self, name: &str, default: impl FnOnce() -> T) -> Option<T> {
        match self.table.get(name) {
            Some(value) => self.value(name, value),
            None => Some(default()),
        }
    }

    /// Reads an attribute, or its default as if the environment had set it.
    pub fn optional_literal<T: FromValue>(
        &mut self,
        name: &str,
        default: impl Into<Value>,
    ) -> Option<T> {
        if let Some(value) = self.table.get(name) {
            return self.value(name, value);
        }
        let before = self.problems.len();
        let read = self.value(name, &default.into());
        for problem in &mut self.problems[before..] {
            problem.hint = Some("this is the default in the component's source".into());
        }
        read
    }

    /// Reports the names in the table that are no attribute, each with the nearest that is.
    pub fn no_others(&mut self, known: &[&str]) {
        for (name, entry) in &self.table.0 {
            if known.contains(&name.as_str()) {
                continue;
            }
            let place = entry.name_origin.clone().or_else(|| entry.value.origin.clone());
            let problem = Problem::new(
                self.codes().unknown,
                format!("unknown {} `{}`", self.noun, self.attribute(name)),
            )
            .at(place);
            self.problems.push(match nearest(name, known.iter().copied()) {
                Some(near) => problem.hint(format!("did you mean `{near}`?")),
                None if known.is_empty() => problem.hint("the component has no attributes"),
                None => problem.hint(format!("known {}s: {}", self.noun, list(known))),
            });
        }
    }

    /// Reads a nested table with the same rules; for types that derive `Attributes` themselves.
    pub fn nested<T>(
        &mut self,
        value: &Value,
        read: impl FnOnce(&mut Reader<'_>) -> Option<T>,
    ) -> Option<T> {
        let ValueKind::Table(table) = &value.kind else {
            self.mismatch("a table", value);
            return None;
        };
        let mut inner = Reader::new(table, value.origin.clone().or_else(|| self.place.clone()));
        inner.noun = self.noun;
        inner.path.clone_from(&self.path);
        let read = read(&mut inner);
        self.problems.append(&mut inner.problems);
        read
    }

    /// Reads one part of a value, named in messages as `attribute.part`.
    pub fn part<T>(&mut self, part: &str, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        self.path.push(part.to_owned());
        let value = read(self);
        self.path.pop();
        value
    }

    /// Reads a text that names one of several choices.
    pub fn choice<T, const N: usize>(
        &mut self,
        value: &Value,
        choices: [(&str, T); N],
    ) -> Option<T> {
        let names = choices.each_ref().map(|(name, _)| *name);
        let quoted = names.map(|name| format!("{name:?}")).join(", ");
        let ValueKind::String(text) = &value.kind else {
            self.mismatch(&format!("one of {quoted}"), value);
            return None;
        };
        let chosen = choices.into_iter().find(|(name, _)| name == text);
        if chosen.is_none() {
            let near = nearest(text, names);
            let near = near.map(|near| format!("; did you mean {near:?}?")).unwrap_or_default();
            self.refuse(value, format!("{text:?} is none of {quoted}{near}"));
        }
        chosen.map(|(_, choice)| choice)
    }

    /// Reports a value of the wrong type.
    pub fn mismatch(&mut self, expected: &str, found: &Value) {
        if let ValueKind::Secret(_) | ValueKind::SecretBytes(_) = found.kind {
            let attribute = self.path.join(".");
            let message =
                format!("{} `{attribute}`: expected {expected}, found a secret", self.noun);
            self.problems.push(
                Problem::new(code::SECRET_FOR_PLAIN, message).at(found.origin.clone().or_else(|| self.place.clone())).hint(
                    "let the field be a `Secret`, so that it is masked, or set the value in clear",
                ),
            );
            return;
        }
        self.refuse(found, format!("expected {expected}, found {}", describe(found)));
    }

    /// Reports a value that is wrong for a reason of its own.
    pub fn refuse(&mut self, value: &Value, reason: impl std::fmt::Display) {
        let attribute = self.path.join(".");
        self.problems.push(
            Problem::new(self.codes().value, format!("{} `{attribute}`: {reason}", self.noun))
                .at(value.origin.clone().or_else(|| self.place.clone())),
        );
    }

    /// What is wrong with a name in the table has one remedy for attributes, another for all else.
    fn codes(&self) -> Codes {
        match self.noun {
            ATTRIBUTE => Codes {
                missing: code::MISSING_ATTRIBUTE,
                unknown: code::UNKNOWN_ATTRIBUTE,
                value: code::ATTRIBUTE_VALUE,
            },
            _ => Codes {
                missing: code::KEY_TABLE,
                unknown: code::UNKNOWN_KEY,
                value: code::KEY_VALUE,
            },
        }
    }

    fn value<T: FromValue>(&mut self, name: &str, value: &Value) -> Option<T> {
        self.part(name, |reader| T::from_value(value, reader))
    }

    fn attribute(&self, name: &str) -> String {
        self.path.iter().map(String::as_str).chain([name]).collect::<Vec<_>>().join(".")
    }
}

fn describe(value: &Value) -> String {
    match value.kind {
        ValueKind::Array(_) | ValueKind::Table(_) => value.summary(),
        _ => format!("{} ({})", value.type_name(), value.summary()),
    }
}

fn list(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
