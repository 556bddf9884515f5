//! Verdicts: whether a component is current, and every difference if it is not.

mod diff;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// What `verify` found: current, or stale with every difference.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[must_use]
pub struct Verdict {
    changes: Vec<Change>,
}

impl Verdict {
    /// Nothing differs.
    pub fn current() -> Self {
        Self::default()
    }

    /// One thing differs.
    pub fn stale(change: impl Into<Change>) -> Self {
        Self { changes: vec![change.into()] }
    }

    /// Stale with the given change if the condition does not hold.
    pub fn expect(holds: bool, change: impl Into<Change>) -> Self {
        if holds { Self::current() } else { Self::stale(change) }
    }

    /// Adds a difference.
    pub fn push(&mut self, change: impl Into<Change>) {
        self.changes.push(change.into());
    }

    /// The differences of both.
    pub fn and(mut self, other: Self) -> Self {
        self.changes.extend(other.changes);
        self
    }

    /// Whether nothing differs.
    pub fn is_current(&self) -> bool {
        self.changes.is_empty()
    }

    /// Every difference.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Every difference, taken out.
    pub fn into_changes(self) -> Vec<Change> {
        self.changes
    }
}

impl FromIterator<Change> for Verdict {
    fn from_iter<I: IntoIterator<Item = Change>>(changes: I) -> Self {
        Self { changes: changes.into_iter().collect() }
    }
}

impl From<Vec<Change>> for Verdict {
    fn from(changes: Vec<Change>) -> Self {
        Self { changes }
    }
}

/// One difference between what is and what should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "change", rename_all = "kebab-case")]
pub enum Change {
    /// Something is missing and will be made.
    Create {
        /// What it is: `file`, `directory`, `symlink to /etc/x`.
        what: String,
    },
    /// Something is there that should not be, and will be removed.
    Remove {
        /// What it is, with its name.
        what: String,
    },
    /// A property has another value: `mode 0644 → 0600`.
    Property {
        /// The property's name.
        name: String,
        /// What it is now.
        from: String,
        /// What it will be.
        to: String,
    },
    /// A text differs.
    Text {
        /// The difference as a unified diff without file names.
        diff: String,
    },
    /// Binary content differs.
    Binary {
        /// What is there now; `None`: nothing.
        from: Option<Content>,
        /// What will be there.
        to: Content,
    },
    /// Content differs that must not be shown.
    Sensitive,
    /// Any other difference, in words: `not running`.
    Note {
        /// The words.
        text: String,
    },
}

/// Content that is not shown, by its size and digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Content {
    /// The size in bytes.
    pub size: u64,
    /// The SHA-256 digest.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub digest: Digest,
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes, sha256 {}", self.size, self.digest.short())
    }
}

impl Change {
    /// Something that is missing.
    pub fn create(what: impl Into<String>) -> Self {
        Self::Create { what: what.into() }
    }

    /// Something that is there and should not be.
    pub fn remove(what: impl Into<String>) -> Self {
        Self::Remove { what: what.into() }
    }

    /// A property with another value.
    pub fn property(
        name: impl Into<String>,
        from: impl fmt::Display,
        to: impl fmt::Display,
    ) -> Self {
        Self::Property { name: name.into(), from: from.to_string(), to: to.to_string() }
    }

    /// The difference of two texts.
    pub fn text(from: &str, to: &str) -> Self {
        Self::Text { diff: diff::unified(from, to) }
    }

    /// The symbol of the change: `+` create, `~` change, `-` remove.
    pub fn symbol(&self) -> char {
        match self {
            Self::Create { .. } => '+',
            Self::Remove { .. } => '-',
            _ => '~',
        }
    }
}

impl From<&str> for Change {
    fn from(text: &str) -> Self {
        Self::Note { text: text.to_owned() }
    }
}

impl From<String> for Change {
    fn from(text: String) -> Self {
        Self::Note { text }
    }
}

impl fmt::Display for Change {
    /// One line, without the lines of a diff.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create { what } => write!(f, "create {what}"),
            Self::Remove { what } => write!(f, "remove {what}"),
            Self::Property { name, from, to } => write!(f, "{name} {from} → {to}"),
            Self::Text { diff } => {
                let changed = |sign| diff.lines().filter(|line| line.starts_with(sign)).count();
                write!(f, "content (+{} -{} lines)", changed('+'), changed('-'))
            }
            Self::Binary { from: Some(from), to } => write!(f, "content ({from} → {to})"),
            Self::Binary { from: None, to } => write!(f, "content ({to})"),
            Self::Sensitive => f.write_str("content (sensitive)"),
            Self::Note { text } => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_read_as_one_line() {
        assert_eq!(Change::property("mode", "0644", "0600").to_string(), "mode 0644 → 0600");
        let change = Change::text("a\nb\n", "a\nc\nd\n");
        assert_eq!(change.to_string(), "content (+2 -1 lines)");
        assert_eq!(Change::from("not running").to_string(), "not running");
    }
}
