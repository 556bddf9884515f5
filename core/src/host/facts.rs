//! What a host is, beyond what the environment says.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use minijinja::Value;
use minijinja::value::{Enumerator, Object, Serde};
use serde::{Deserialize, Serialize};

use crate::environment::Host;
use crate::value::Bare;

/// What a host is: for `verify`, `update`, and templates that are rendered on the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// How many cores a process may use.
    pub cores: usize,
    /// The size of the memory in MiB.
    pub memory_mb: u64,
    /// The distribution and its version: `debian 12`; elsewhere the system and its release.
    pub release: String,
    /// The name that the host gives itself.
    pub hostname: String,
    /// The processor's architecture: `x86_64`.
    pub architecture: String,
}

impl Facts {
    /// The facts of the machine that this process runs on; what it does not tell is 0 or empty.
    pub fn read() -> Self {
        let system = nix::sys::utsname::uname().ok();
        let text = |value: &std::ffi::OsStr| value.to_string_lossy().into_owned();
        let field = |get: fn(&nix::sys::utsname::UtsName) -> &std::ffi::OsStr| {
            system.as_ref().map(|system| text(get(system))).unwrap_or_default()
        };
        let distribution = std::fs::read_to_string("/etc/os-release").ok();
        let release = distribution.as_deref().and_then(release_of).unwrap_or_else(|| {
            format!("{} {}", field(|system| system.sysname()), field(|system| system.release()))
        });
        let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
        Self {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_mb: memory_of(&memory).unwrap_or(0),
            release,
            hostname: field(|system| system.nodename()),
            architecture: field(|system| system.machine()),
        }
    }

    /// What stands for the facts of a host where a template is rendered only to find its mistakes.
    pub fn placeholder() -> Self {
        Self {
            cores: 1,
            memory_mb: 1024,
            release: "placeholder".into(),
            hostname: "placeholder".into(),
            architecture: "placeholder".into(),
        }
    }
}

impl Facts {
    /// The facts as a template sees them.
    pub(crate) fn to_value(&self) -> Value {
        Value::from(Serde(self))
    }
}

/// Facts in a template that is rendered where the host cannot be asked: placeholders, and a note of
/// those that the template asked for.
#[derive(Debug)]
pub(crate) struct AssumedFacts {
    facts: Value,
    asked: Mutex<BTreeMap<String, String>>,
}

impl AssumedFacts {
    pub(crate) fn new() -> Arc<Self> {
        let facts = Facts::placeholder().to_value();
        Arc::new(Self { facts, asked: Mutex::default() })
    }

    /// The facts that were asked for since the last call, with what stood for them.
    pub(crate) fn take_asked(&self) -> BTreeMap<String, String> {
        std::mem::take(&mut *self.asked.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Object for AssumedFacts {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let value = self.facts.get_item(key).ok().filter(|value| !value.is_undefined())?;
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.insert(key.to_string(), value.to_string());
        Some(value)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        let names = self.facts.try_iter().map(|names| names.collect());
        names.map_or(Enumerator::Empty, Enumerator::Values)
    }
}

fn release_of(os_release: &str) -> Option<String> {
    let value = |name: &str| {
        let mut lines = os_release.lines();
        let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        value.map(|value| value.trim_matches(['"', '\'']))
    };
    let id = value("ID")?;
    Some(value("VERSION_ID").map_or_else(|| id.to_owned(), |version| format!("{id} {version}")))
}

fn memory_of(meminfo: &str) -> Option<u64> {
    let total = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: u64 = total.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes / 1024)
}

/// The variables that every template sees: `host`, `environment` and `facts`.
pub(crate) fn globals(
    project: &str,
    environment: &str,
    host: &Host,
    facts: Value,
) -> Vec<(&'static str, Value)> {
    let of_host = BTreeMap::from([
        ("name", Value::from(host.name.as_str())),
        ("platform", Value::from(host.platform.clone())),
        ("address", Value::from(host.address.as_deref().unwrap_or(host.name.as_str()))),
        ("data", Value::from(Serde(Bare(&host.data)))),
    ]);
    let of_environment =
        BTreeMap::from([("name", Value::from(environment)), ("project", Value::from(project))]);
    vec![
        ("host", Value::from(of_host)),
        ("environment", Value::from(of_environment)),
        ("facts", facts),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_release_names_distribution_and_version() {
        let text = "PRETTY_NAME=\"Debian GNU/Linux 12\"\nVERSION_ID=\"12\"\nID=debian\n";
        assert_eq!(release_of(text).as_deref(), Some("debian 12"));
        assert_eq!(release_of("ID=arch\n").as_deref(), Some("arch"));
        assert_eq!(release_of("NAME=x\n"), None);
    }

    #[test]
    fn the_memory_is_told_in_mebibytes() {
        assert_eq!(memory_of("MemTotal:       16308972 kB\nMemFree: 1 kB\n"), Some(15926));
        assert_eq!(memory_of("nonsense"), None);
    }

    #[test]
    fn this_machine_has_cores_and_a_name() {
        let facts = Facts::read();
        assert!(facts.cores > 0);
        assert!(!facts.hostname.is_empty() && !facts.architecture.is_empty());
        assert!(!facts.release.trim().is_empty());
    }
}
