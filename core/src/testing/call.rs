//! How fakes were called.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use crate::host::quoted;
use crate::names::HostName;
use crate::secret::KnownSecrets;

/// One call of a fake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The host.
    pub host: HostName,
    /// The program, as the fake is called.
    pub program: String,
    /// The arguments.
    pub arguments: Vec<String>,
    /// The directory that it ran in, with `~` for the home of the host.
    pub directory: String,
    /// The user that the component asked for, who never came to it.
    pub user: Option<String>,
    /// The variables that the component has set, but for `PATH`.
    pub variables: BTreeMap<String, String>,
    /// What it was given to read.
    pub stdin: Option<String>,
    /// Whether a script called it that a component has run.
    pub within_script: bool,
}

impl Call {
    /// Reads a record; `None` while it is being written.
    pub(super) fn read(path: &Path) -> Option<Self> {
        let record = fs::read(path).ok()?;
        let record = String::from_utf8_lossy(&record);
        let mut fields = record.strip_suffix("\0end\0")?.split('\0').map(str::to_owned);
        let [host, program, user, directory, names, within] =
            [(); 6].map(|()| fields.next().unwrap_or_default());
        let beside = |suffix: &str| fs::read(path.with_extension(suffix)).ok();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let names: BTreeSet<&str> = names.split(',').filter(|name| *name != "PATH").collect();
        let environ = beside("environ").map(text).unwrap_or_default();
        let variables = environ.split('\0').filter_map(|entry| entry.split_once('='));
        let variables = variables.filter(|(name, _)| names.contains(name));
        Some(Self {
            host: host.into(),
            program,
            arguments: fields.collect(),
            directory,
            user: Some(user).filter(|user| !user.is_empty()),
            variables: variables.map(|(name, value)| (name.into(), value.into())).collect(),
            stdin: beside("stdin").map(text),
            within_script: !within.is_empty(),
        })
    }

    /// The same with `~` for the home of its host, wherever that stands.
    pub(super) fn with_home(mut self, home: &Path) -> Self {
        // What a program is told of its directory has no links in it.
        let real = home.canonicalize().unwrap_or_else(|_| home.to_owned());
        let homes = [home.to_owned(), real].map(|path: PathBuf| path.display().to_string());
        self.each_text(|text| homes.iter().for_each(|home| *text = text.replace(home, "~")));
        self
    }

    /// The same with its secrets masked.
    pub(super) fn masked(mut self, secrets: &KnownSecrets) -> Self {
        self.each_text(|text| secrets.mask_in(text));
        self
    }

    fn each_text(&mut self, mut change: impl FnMut(&mut String)) {
        self.arguments.iter_mut().for_each(&mut change);
        self.variables.values_mut().for_each(&mut change);
        self.stdin.iter_mut().for_each(&mut change);
        change(&mut self.directory);
    }
}

impl fmt::Display for Call {
    /// The command line, then what is special about it, a line each.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}  {}", self.host, quoted(&self.program))?;
        self.arguments.iter().try_for_each(|argument| write!(f, " {}", quoted(argument)))?;
        if let Some(user) = &self.user {
            write!(f, "\n  as {user}")?;
        }
        if self.directory != "~" {
            write!(f, "\n  in {}", self.directory)?;
        }
        for (name, value) in &self.variables {
            write!(f, "\n  {name}={}", quoted(value))?;
        }
        for line in self.stdin.iter().flat_map(|stdin| stdin.lines()) {
            write!(f, "\n  | {line}")?;
        }
        Ok(())
    }
}

/// Calls in the order in which they began; what hosts do at the same time is in no order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calls(Vec<Call>);

impl Calls {
    /// Those on one host.
    #[must_use]
    pub fn on(self, host: &str) -> Self {
        self.filter(|call| call.host.as_str() == host)
    }

    /// Those that begin with these arguments, of which `*` is any one.
    #[must_use]
    pub fn with<'a>(self, arguments: impl IntoIterator<Item = &'a str>) -> Self {
        let start: Vec<_> = arguments.into_iter().collect();
        self.filter(|call| {
            call.arguments.len() >= start.len() && fit(&call.arguments[..start.len()], &start)
        })
    }

    /// Those for which something holds.
    #[must_use]
    pub fn filter(mut self, holds: impl Fn(&Call) -> bool) -> Self {
        self.0.retain(holds);
        self
    }
}

/// Whether arguments are these, of which `*` is any one.
pub(super) fn fit(arguments: &[String], wanted: &[&str]) -> bool {
    arguments.len() == wanted.len()
        && arguments.iter().zip(wanted).all(|(one, wanted)| *wanted == "*" || one == wanted)
}

impl FromIterator<Call> for Calls {
    fn from_iter<I: IntoIterator<Item = Call>>(calls: I) -> Self {
        Self(calls.into_iter().collect())
    }
}

impl Deref for Calls {
    type Target = [Call];

    fn deref(&self) -> &[Call] {
        &self.0
    }
}

impl IntoIterator for Calls {
    type Item = Call;
    type IntoIter = std::vec::IntoIter<Call>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl fmt::Display for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, call) in self.0.iter().enumerate() {
            let end = if number == 0 { "" } else { "\n" };
            write!(f, "{end}{call}")?;
        }
        Ok(())
    }
}
