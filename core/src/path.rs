//! Paths on a host, known to the model before the host is.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::names::HostName;
use crate::template::render_time;

/// An absolute path on one host, with `~` still symbolic.
///
/// It is made by `scope.path(…)`. On the host it becomes a real path by `probe.local(…)`; in a
/// template it renders as the real path on its own host.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostPath {
    host: HostName,
    path: String,
}

impl HostPath {
    /// A path on a host; it must start with `/` or `~`.
    pub fn new(host: &HostName, path: impl AsRef<str>) -> Self {
        Self { host: host.clone(), path: normalize(path.as_ref()) }
    }

    /// The host that the path is on.
    pub fn host(&self) -> &HostName {
        &self.host
    }

    /// The path as text, `~` unexpanded.
    pub fn as_str(&self) -> &str {
        &self.path
    }

    /// The path of something below this one.
    pub fn join(&self, below: impl AsRef<str>) -> Self {
        Self {
            host: self.host.clone(),
            path: normalize(&format!("{}/{}", self.path, below.as_ref())),
        }
    }

    /// The directory that holds this; `None` for `/` and `~`.
    pub fn parent(&self) -> Option<Self> {
        let (parent, _) = self.path.rsplit_once('/')?;
        if self.path == "/" {
            return None;
        }
        let parent = if parent.is_empty() { "/" } else { parent };
        Some(Self { host: self.host.clone(), path: parent.to_owned() })
    }

    /// The last part of the path.
    pub fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// Whether this is `other` or below it on the same host.
    pub fn starts_with(&self, other: &Self) -> bool {
        self.host == other.host
            && self
                .path
                .strip_prefix(&other.path)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || other.path == "/")
    }

    /// The path with `~` replaced by the given home directory.
    pub fn expand(&self, home: &str) -> String {
        match self.path.strip_prefix('~') {
            Some(rest) => format!("{}{rest}", home.trim_end_matches('/')),
            None => self.path.clone(),
        }
    }
}

/// Removes doubled slashes, `.` and `..` by their text, without asking any disk.
fn normalize(path: &str) -> String {
    let absolute = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "~") => {
                parts.pop();
            }
            ".." => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    if absolute { format!("/{joined}") } else { joined }
}

impl fmt::Display for HostPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&render_time::expand(self))
    }
}

impl fmt::Debug for HostPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.path)
    }
}

/// What crosses from one process to another; a template gets an object that expands itself.
#[derive(Serialize, Deserialize)]
struct Wire {
    host: HostName,
    path: String,
}

impl Serialize for HostPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if minijinja::value::serializing_for_value() {
            return render_time::value_of(self.clone()).serialize(serializer);
        }
        Wire { host: self.host.clone(), path: self.path.clone() }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for HostPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Wire { host, path } = Wire::deserialize(deserializer)?;
        Ok(Self { host, path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_cannot_climb_above_its_root() {
        let host = HostName::from("web");
        assert_eq!(HostPath::new(&host, "/etc//nginx/./../app").as_str(), "/etc/app");
        assert_eq!(HostPath::new(&host, "~/../../x").as_str(), "~/x");
        assert_eq!(HostPath::new(&host, "/../x").as_str(), "/x");
    }

    #[test]
    fn the_home_stays_symbolic_until_it_is_expanded() {
        let path = HostPath::new(&"web".into(), "~/app").join("conf");
        assert_eq!(path.as_str(), "~/app/conf");
        assert_eq!(path.expand("/home/u"), "/home/u/app/conf");
        assert_eq!(path.parent().unwrap().as_str(), "~/app");
    }
}
