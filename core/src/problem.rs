//! What went wrong, as plain data: every error becomes a `Problem` before it is shown or sent.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::names::{Breadcrumb, HostName, RootName};
use crate::value::Origin;

/// One thing that is wrong: what, where, why, and what to do about it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Problem {
    /// The place in a file, for what an environment says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// The root concerned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<RootName>,
    /// The component concerned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breadcrumb: Option<Breadcrumb>,
    /// What is wrong: lower case, no period, readable after "failed to".
    pub message: String,
    /// Why, outermost cause first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<String>,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The hosts on which the same thing is wrong; empty where no host is concerned.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub hosts: BTreeSet<HostName>,
}

impl Problem {
    /// A problem without a place.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), ..Self::default() }
    }

    /// Reads an error of component code: its message, the chain of causes and the hint.
    pub fn from_error(error: &anyhow::Error) -> Self {
        let mut texts = Vec::new();
        for cause in error.chain() {
            let text = cause.to_string();
            if texts.last() != Some(&text) {
                texts.push(text);
            }
        }
        let hint = error.downcast_ref::<Hint>().map(|hint| hint.text.clone());
        let hint = hint.or_else(|| error.chain().find_map(Remedied::within));
        if let Some(hint) = &hint {
            texts.retain(|text| text != hint);
        }
        let mut texts = texts.into_iter();
        Self {
            message: texts.next().unwrap_or_default(),
            causes: texts.collect(),
            hint,
            ..Self::default()
        }
    }

    /// Sets the hint.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Sets the place in a file.
    pub fn at(mut self, origin: Option<Origin>) -> Self {
        self.origin = origin;
        self
    }

    /// Sets the component concerned.
    pub fn in_component(mut self, root: &RootName, breadcrumb: &Breadcrumb) -> Self {
        self.root = Some(root.clone());
        self.breadcrumb = Some(breadcrumb.clone());
        self
    }

    /// Adds a host concerned.
    pub fn on(mut self, host: &HostName) -> Self {
        self.hosts.insert(host.clone());
        self
    }

    /// Merges problems that differ only in their hosts and sorts them, by place first.
    pub fn merged(problems: impl IntoIterator<Item = Problem>) -> Vec<Problem> {
        let mut merged = std::collections::BTreeMap::<Problem, BTreeSet<HostName>>::new();
        for mut problem in problems {
            let hosts = std::mem::take(&mut problem.hosts);
            merged.entry(problem).or_default().extend(hosts);
        }
        merged.into_iter().map(|(problem, hosts)| Problem { hosts, ..problem }).collect()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(origin) = &self.origin {
            write!(f, "{origin}: ")?;
        }
        if let Some(breadcrumb) = &self.breadcrumb {
            write!(f, "{breadcrumb}: ")?;
        }
        f.write_str(&self.message)?;
        if !self.hosts.is_empty() {
            let hosts: Vec<_> = self.hosts.iter().map(HostName::as_str).collect();
            write!(f, " (on {})", hosts.join(", "))?;
        }
        for (number, cause) in self.causes.iter().enumerate() {
            write!(f, "\n  {}: {cause}", number + 1)?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

/// Problems that were found together, in a stable order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problems {
    /// What is wrong, merged over hosts.
    pub list: Vec<Problem>,
    /// How many more follow from these and are not shown.
    pub follow_ups: usize,
}

impl Problems {
    /// Merges and orders what was found.
    pub fn new(list: impl IntoIterator<Item = Problem>) -> Self {
        Self { list: Problem::merged(list), follow_ups: 0 }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, problem) in self.list.iter().enumerate() {
            if number > 0 {
                writeln!(f)?;
            }
            write!(f, "{problem}")?;
        }
        if self.follow_ups > 0 {
            write!(f, "\n({} more that follow from these)", self.follow_ups)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// What to do about an error; attached by [`HintExt::hint`] and shown below the causes.
#[derive(Debug)]
struct Hint {
    text: String,
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// An error that knows its remedy and travels as one of the system's, through who knows only those.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Remedied {
    message: String,
    hint: String,
}

impl Remedied {
    /// The error, with what to do about it.
    pub(crate) fn error(message: String, hint: String) -> std::io::Error {
        std::io::Error::other(Self { message, hint })
    }

    /// The remedy of an error that is one of these.
    fn within(error: &(dyn std::error::Error + 'static)) -> Option<String> {
        let inner = error.downcast_ref::<std::io::Error>()?.get_ref()?;
        Some(inner.downcast_ref::<Self>()?.hint.clone())
    }
}

/// Adds what to do about it to the error of a result.
pub trait HintExt<T> {
    /// Attaches a remedy, shown as `hint: …` below the error.
    ///
    /// # Errors
    /// The error that was there, with the hint.
    fn hint(self, hint: impl Into<String>) -> anyhow::Result<T>;
}

impl<T, E: Into<anyhow::Error>> HintExt<T> for Result<T, E> {
    fn hint(self, hint: impl Into<String>) -> anyhow::Result<T> {
        self.map_err(|error| error.into().context(Hint { text: hint.into() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    #[test]
    fn the_hint_of_an_error_stands_apart_from_its_causes() {
        let error = Err::<(), _>(std::io::Error::other("disk on fire"))
            .context("failed to write `a`")
            .hint("put the fire out")
            .context("failed to save")
            .unwrap_err();

        assert_eq!(
            Problem::from_error(&error).to_string(),
            "failed to save\n  1: failed to write `a`\n  2: disk on fire\n  hint: put the fire out"
        );
    }

    #[test]
    fn an_error_of_the_system_may_know_its_remedy() {
        let error = Err::<(), _>(Remedied::error("led astray".into(), "stay".into()));
        let error = error.context("failed to walk").unwrap_err();
        let text = Problem::from_error(&error).to_string();
        assert_eq!(text, "failed to walk\n  1: led astray\n  hint: stay");
    }

    #[test]
    fn the_same_problem_on_two_hosts_is_one_problem() {
        let problem = Problem::new("no such thing");
        let merged =
            Problem::merged([problem.clone().on(&"web2".into()), problem.on(&"web1".into())]);

        assert_eq!(merged.len(), 1);
        assert_eq!(merged[0].to_string(), "no such thing (on web1, web2)");
    }
}
