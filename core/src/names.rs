//! The names of the model, each with a type of its own so that they cannot be mixed up.

use std::borrow::Borrow;
use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Wraps a text as this kind of name; nothing is checked.
            pub fn new(name: impl Into<String>) -> Self {
                Self(name.into())
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl From<&str> for $name {
            fn from(name: &str) -> Self {
                Self(name.to_owned())
            }
        }

        impl From<String> for $name {
            fn from(name: String) -> Self {
                Self(name)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

name! {
    /// The name of a host as the environment file gives it.
    HostName
}

name! {
    /// The name of a root: the name under which its component is registered.
    RootName
}

name! {
    /// The place of a component in the tree of its root, such as `Nginx > File("nginx.conf")`.
    Breadcrumb
}

impl Breadcrumb {
    /// The breadcrumb of a sub-component with the given label below this one.
    pub fn child(&self, label: &str) -> Self {
        Self(format!("{} > {label}", self.0))
    }

    /// The last part: the label of the component itself.
    pub fn label(&self) -> &str {
        self.0.rsplit(" > ").next().unwrap_or(&self.0)
    }
}

/// A root on its host.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RootId {
    /// The host that the root converges on.
    pub host: HostName,
    /// The root's name there.
    pub root: RootName,
}

impl RootId {
    /// Names a root on a host.
    pub fn new(host: impl Into<HostName>, root: impl Into<RootName>) -> Self {
        Self { host: host.into(), root: root.into() }
    }
}

impl fmt::Display for RootId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.root, self.host)
    }
}

impl fmt::Debug for RootId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// The known name that is most like `wanted`, if any is near enough to be what was meant.
pub fn nearest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted_lower = wanted.to_lowercase();
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&wanted_lower, &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= wanted.len().max(name.len()).div_ceil(3))
        .min_by_key(|(distance, name)| (*distance, name.len()))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_swapped_letter_finds_the_name_that_was_meant() {
        assert_eq!(nearest("wrokers", ["port", "workers"]), Some("workers"));
        assert_eq!(nearest("zebra", ["port", "workers"]), None);
    }

    #[test]
    fn a_breadcrumb_ends_in_the_label_of_its_component() {
        let root = Breadcrumb::new("Nginx");
        assert_eq!(root.child("File(\"a\")").as_str(), "Nginx > File(\"a\")");
        assert_eq!(root.child("File(\"a\")").label(), "File(\"a\")");
    }
}
