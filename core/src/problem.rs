//! What went wrong, as plain data: every error becomes a `Problem` before it is shown or sent.

pub mod code;

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::names::{Breadcrumb, HostName, RootName};
use crate::value::Origin;

pub use code::Code;

/// One thing that is wrong: what, where, why, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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
    /// What kind of problem it is; `togusa explain` tells more about it.
    #[serde(default = "uncoded")]
    #[cfg_attr(feature = "schema", schemars(with = "String", regex(pattern = r"^T[0-9]{4}$")))]
    pub code: Code,
    /// The hosts on which the same thing is wrong; empty where no host is concerned.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub hosts: BTreeSet<HostName>,
}

impl Problem {
    /// A problem without a place.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            origin: None,
            root: None,
            breadcrumb: None,
            message: message.into(),
            causes: Vec::new(),
            hint: None,
            code,
            hosts: BTreeSet::new(),
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

/// The code of what was recorded before there were codes.
fn uncoded() -> Code {
    code::UNCODED
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_problem_on_two_hosts_is_one_problem() {
        let problem = Problem::new(code::NO_HOSTS, "no such thing");
        let merged =
            Problem::merged([problem.clone().on(&"web2".into()), problem.on(&"web1".into())]);

        assert_eq!(merged.len(), 1);
        assert_eq!(merged[0].to_string(), "no such thing (on web1, web2)");
    }

    #[test]
    fn places_come_before_codes() {
        let at = |line| Some(Origin { file: "a".into(), line, column: 1 });
        let first = Problem::new(code::UNCODED, "b").at(at(1));
        let second = Problem::new(code::ARGUMENTS, "a").at(at(2));
        assert_eq!(Problem::merged([second.clone(), first.clone()]), [first, second]);
    }

    #[test]
    fn a_problem_carries_its_code_and_an_old_one_can_still_be_read() {
        let json = serde_json::to_value(Problem::new(code::NOT_TOML, "odd")).unwrap();
        assert_eq!(json, serde_json::json!({ "message": "odd", "code": "T0101" }));
        let old: Problem = serde_json::from_str(r#"{"message":"odd"}"#).unwrap();
        assert_eq!(old.code, code::UNCODED);
    }
}
