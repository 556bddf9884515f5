//! Values within files that have a structure.

mod datum;
mod ini;
mod json;
mod toml;
mod yaml;

use std::borrow::Cow;

use togusa_core::fault::CodeExt as _;
use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::value::{Table, Value};
use togusa_core::{demand, fail, fault};

use crate::location::Location;

use super::target::{Edit, Target, target_methods};
use datum::{Datum, leaves};

/// Values in a JSON, YAML, TOML or INI file: some are set, some are not there, the rest stays.
///
/// The format is known by the suffix: `.json`, `.yaml`, `.yml`, `.toml`, `.ini`, `.cfg`, `.conf` (as
/// INI), `.service` and its like (as INI); else [`format`](Self::format) says it.
///
/// A path is a text with dots, `"server.port"`, or a list of names where a name has a dot itself:
/// `["PHP", "session.save_path"]`. Tables on the way are made; anything else on the way is an error,
/// as is a path into a list. A list is set as a whole. [`merge`](Self::merge) sets all that a table
/// holds, at any depth.
///
/// | attribute | default |
/// |---|---|
/// | `format` | by the suffix |
/// | `create` | no: a missing file is an error |
/// | `mode`, `owner`, `group` | left as they are; of a new file as for `File` |
/// | `leading_directories` | no; yes for what a sandbox maps |
/// | `sensitive` | no; yes of each value that is or holds a secret |
///
/// What is kept of the rest:
/// - TOML, JSON (also with comments and trailing commas): everything;
/// - YAML: everything; one document alone, and nothing behind an alias or a merge key is changed;
/// - INI: everything. Names are compared as they are written, values are texts without a notion of
///   quotes or comments behind them; a list is one line for each value, under the same name. A value
///   goes on in lines that are indented further, and behind a `\` at the end of a line.
///
/// After each edit the text is read again: where anything but what was asked for would differ, the
/// file is left as it is, and the error says so.
///
/// `verify` reads the file and compares the values. `update` writes it anew in one moment, see the
/// [module](super). It needs the right to write into the directory; a file of another owner needs
/// root.
///
/// Values are absent by [`unset`](Self::unset), the whole file by a `File` that is.
///
/// **Needs**: nothing; root for a file of another owner.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     let app = Values::new("/etc/app/config.yaml").set("server.port", 8080);
///     scope.add(app.set("server.password", Secret::new("tr0ub4dor")).unset("server.debug"));
///     scope.add(Values::new("/etc/php/php.ini").set(["PHP", "session.save_path"], "/run/php"));
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Values {
    target: Target,
    format: Option<Format>,
    wishes: Vec<(Vec<String>, Option<Value>)>,
}

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// JSON, also with comments and trailing commas.
    Json,
    /// YAML 1.2.
    Yaml,
    /// TOML.
    Toml,
    /// Sections with `name = value` or `name: value`.
    Ini,
}

impl Format {
    fn of(name: &str) -> Option<Self> {
        let (_, suffix) = name.rsplit_once('.')?;
        Some(match suffix {
            "json" | "jsonc" => Self::Json,
            "yaml" | "yml" => Self::Yaml,
            "toml" => Self::Toml,
            "ini" | "cfg" | "cnf" | "conf" | "service" | "timer" | "socket" | "desktop" => {
                Self::Ini
            }
            _ => return None,
        })
    }

    fn parse(self, text: &str) -> Result<Box<dyn Document>> {
        Ok(match self {
            Self::Json => Box::new(json::parse(text)?),
            Self::Yaml => Box::new(yaml::parse(text)?),
            Self::Toml => Box::new(toml::parse(text)?),
            Self::Ini => Box::new(ini::Ini::parse(text)),
        })
    }
}

/// A file as values that can be changed in it.
trait Document {
    /// All that it holds, as a table.
    fn read(&self) -> Result<Datum>;

    /// Sets a value; what lies on the way to it is a table or missing.
    fn set(&mut self, path: &[String], value: &Datum) -> Result;

    /// Removes a value that is there.
    fn remove(&mut self, path: &[String]) -> Result;

    fn text(&self) -> String;
}

/// The place of a value: `"a.b"`, or `["a", "b"]`.
pub trait IntoPath {
    /// The names from the outermost table to the value.
    fn into_path(self) -> Vec<String>;
}

impl IntoPath for &str {
    fn into_path(self) -> Vec<String> {
        self.split('.').map(str::to_owned).collect()
    }
}

impl IntoPath for String {
    fn into_path(self) -> Vec<String> {
        self.as_str().into_path()
    }
}

impl<const N: usize> IntoPath for [&str; N] {
    fn into_path(self) -> Vec<String> {
        self.map(str::to_owned).into()
    }
}

impl IntoPath for &[&str] {
    fn into_path(self) -> Vec<String> {
        self.iter().map(|name| (*name).to_owned()).collect()
    }
}

impl IntoPath for Vec<String> {
    fn into_path(self) -> Vec<String> {
        self
    }
}

impl Values {
    /// Values of a file.
    pub fn new(path: impl Into<Location>) -> Self {
        Self { target: Target::new(path), format: None, wishes: Vec::new() }
    }

    /// Says how the file is written.
    #[must_use]
    pub fn format(mut self, format: Format) -> Self {
        self.format = Some(format);
        self
    }

    /// Sets a value: a text, a number, a boolean, a secret, a list, or a table that is merged.
    #[must_use]
    pub fn set(mut self, path: impl IntoPath, value: impl Into<Value>) -> Self {
        self.wishes.push((path.into_path(), Some(value.into())));
        self
    }

    /// Removes a value, a table with all that it holds.
    #[must_use]
    pub fn unset(mut self, path: impl IntoPath) -> Self {
        self.wishes.push((path.into_path(), None));
        self
    }

    /// Sets all that a table holds, at any depth; what the file holds beside it stays.
    #[must_use]
    pub fn merge(mut self, table: Table) -> Self {
        self.wishes.push((Vec::new(), Some(table.into())));
        self
    }

    target_methods!();

    /// The wishes one by one: a path, and what shall be there.
    fn leaves(&self) -> Result<Vec<Wish>> {
        let mut found = Vec::new();
        for (path, value) in &self.wishes {
            match value {
                Some(value) => leaves(path, value, &mut found)?,
                None => found.push(Wish { path: path.clone(), value: None, secret: false }),
            }
        }
        Ok(found)
    }

    fn edit(&self, probe: &Probe<'_>, text: &str) -> Result<Edit> {
        let format = self.format.context("the format is not known")?;
        let (text, differences) = applied(format, text, self.leaves()?)?;
        let is_hidden = |difference: &Difference| {
            let values = [&difference.from, &difference.to].into_iter().flatten();
            let mut values = values.map(Datum::to_string);
            self.target.sensitive
                || difference.secret
                || values.any(|value| probe.is_sensitive(value.as_bytes()))
        };
        let changes = differences.iter().map(|difference| difference.change(is_hidden(difference)));
        Ok(Edit { text, changes: Some(changes.collect()) })
    }
}

/// What the wishes make of a text, and what differs then.
fn applied(format: Format, text: &str, wishes: Vec<Wish>) -> Result<(String, Vec<Difference>)> {
    let mut document = format.parse(text)?;
    let mut whole = document.read()?;
    let mut differences = Vec::new();
    for Wish { path, value, secret } in wishes {
        let to = value.map(|value| format.as_read(value));
        let from = whole.get(&path)?.cloned();
        if from == to {
            continue;
        }
        match &to {
            Some(value) => document.set(&path, value)?,
            None => document.remove(&path)?,
        }
        whole.put(&path, to.clone());
        differences.push(Difference { path, from, to, secret });
    }
    if differences.is_empty() {
        return Ok((text.to_owned(), differences));
    }
    let text = document.text();
    let again = format.parse(&text).and_then(|document| document.read());
    if again.context("what the edit makes of the file cannot be read")? != whole {
        return Err(fault!(
            code::EDIT_TOO_MUCH,
            "the edit would change more than it shall, so it is not made"
        ))
        .hint("make this change by hand, or write the file as a whole with `File`");
    }
    Ok((text, differences))
}

/// A value that shall be somewhere, or nothing.
#[derive(Debug)]
struct Wish {
    path: Vec<String>,
    value: Option<Datum>,
    secret: bool,
}

/// A value that is not as it shall be.
#[derive(Debug)]
struct Difference {
    path: Vec<String>,
    from: Option<Datum>,
    to: Option<Datum>,
    secret: bool,
}

impl Difference {
    fn change(&self, hidden: bool) -> Change {
        let name = format!("`{}`", self.path.join("."));
        match (&self.from, &self.to) {
            (_, None) => Change::remove(name),
            (None, Some(_)) if hidden => Change::create(format!("{name} (sensitive)")),
            (None, Some(to)) => Change::create(format!("{name} {to}")),
            (Some(_), Some(_)) if hidden => format!("{name} (sensitive)").into(),
            (Some(from), Some(to)) => Change::property(name, from, to),
        }
    }
}

impl Component for Values {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some(self.target.place.key())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        self.target.resolve("values", scope)?;
        let name = self.path().file_name().to_owned();
        if self.format.is_none() {
            self.format = Format::of(&name);
        }
        let known = self
            .format
            .with_context(|| format!("the format of `{name}` is not known"))
            .code(code::OPTION_MISSING);
        let format = known.hint("say it by `.format(Format::Ini)` or another one")?;
        let leaves = self.leaves()?;
        demand!(!leaves.is_empty(), code::OPTION_MISSING, "no value is set or unset");
        for (number, Wish { path, value, .. }) in leaves.iter().enumerate() {
            let name = path.join(".");
            demand!(
                !path.is_empty() && !path.iter().any(String::is_empty),
                code::OPTION_VALUE,
                "`{name}` is no path"
            );
            if let Some(value) = value {
                format.check(path, value).with_context(|| format!("`{name}` cannot be set"))?;
            }
            let clashes = leaves[..number].iter().find(|other| {
                let both = path.len().min(other.path.len());
                path[..both] == other.path[..both]
            });
            if let Some(other) = clashes {
                let other = other.path.join(".");
                fail!(
                    code::OPTIONS_CLASH,
                    "`{name}` is asked for beside `{other}`: one would undo the other"
                );
            }
        }
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        self.target.verify(probe, |text| self.edit(probe, text))
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        self.target.update(machine, |text| self.edit(machine, text))
    }
}

impl Format {
    /// Refuses what the format has no way to write.
    fn check(self, path: &[String], value: &Datum) -> Result {
        if self == Self::Ini { ini::check(path, value) } else { Ok(()) }
    }

    /// A value as the format gives it back when it is read.
    fn as_read(self, value: Datum) -> Datum {
        match self {
            Self::Ini => ini::as_read(value),
            Self::Json | Self::Yaml => value.without_dates(),
            Self::Toml => value,
        }
    }
}

#[cfg(test)]
mod tests;
