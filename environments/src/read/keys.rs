//! The keys of every section, and what to say about those that are none.

use togusa_core::attributes::{FromValue, Reader};
use togusa_core::names::nearest;
use togusa_core::problem::{Problem, code};
use togusa_core::value::{Entry, Table, ValueKind};

/// The keys of the file itself.
pub(crate) const TOP: &[&str] = &["extends", "environment", "hosts", "components", "addresses"];

/// The keys of `[environment]`.
pub(crate) const ENVIRONMENT: &[&str] = &[
    "connect",
    "user",
    "service_user",
    "sudo",
    "target_directory",
    "platform",
    "jobs",
    "timeout",
    "port",
    "ssh_config",
    "store",
    "target",
    "sandbox",
    "keep_connections",
    "confirm",
    "require_clean",
];

/// The keys of `[hosts.NAME]`; `remove` is read before.
pub(crate) const HOST: &[&str] = &[
    "components",
    "address",
    "data",
    "attributes",
    "ignore",
    "remove",
    "connect",
    "user",
    "service_user",
    "sudo",
    "target_directory",
    "platform",
    "jobs",
    "timeout",
    "port",
    "ssh_config",
    "store",
    "target",
    "sandbox",
];

/// A reader whose messages speak of keys.
pub(crate) fn reader(table: &Table) -> Reader<'_> {
    Reader::new(table, None).calling_names("key")
}

/// Reads a key; `None` when it is not set or wrong, the second being reported.
pub(crate) fn optional<T: FromValue>(reader: &mut Reader<'_>, name: &str) -> Option<T> {
    reader.optional::<Option<T>>(name, || None).flatten()
}

/// Reports keys that a section does not have: where they belong, or the nearest that it has.
pub(crate) fn no_others(
    table: &Table,
    known: &[&str],
    elsewhere: impl Fn(&str, &Entry) -> Option<String>,
    problems: &mut Vec<Problem>,
) {
    for (name, entry) in &table.0 {
        if known.contains(&name.as_str()) {
            continue;
        }
        let near = || nearest(name, known.iter().copied());
        let hint = elsewhere(name, entry)
            .or_else(|| near().map(|near| format!("did you mean `{near}`?")))
            .unwrap_or_else(|| {
                let known: Vec<_> = known.iter().map(|key| format!("`{key}`")).collect();
                format!("known keys: {}", known.join(", "))
            });
        let problem = Problem::new(code::UNKNOWN_KEY, format!("unknown key `{name}`")).hint(hint);
        problems.push(problem.at(entry.name_origin.clone()));
    }
}

/// Where a key belongs that stands at the top of the file.
pub(crate) fn elsewhere_than_top(name: &str, _: &Entry) -> Option<String> {
    if ENVIRONMENT.contains(&name) {
        return Some(format!("`{name}` belongs in `[environment]`"));
    }
    HOST.contains(&name).then(|| format!("`{name}` belongs in `[hosts.NAME]`"))
}

/// Where a key belongs that stands in `[environment]`.
pub(crate) fn elsewhere_than_environment(name: &str, _: &Entry) -> Option<String> {
    if HOST.contains(&name) {
        return Some(format!("`{name}` belongs in `[hosts.NAME]`"));
    }
    TOP.contains(&name).then(|| format!("`{name}` belongs at the top of the file"))
}

/// Where a key belongs that stands in `[hosts.NAME]`.
pub(crate) fn elsewhere_than_host(name: &str, entry: &Entry) -> Option<String> {
    if ENVIRONMENT.contains(&name) {
        return Some(format!("`{name}` belongs in `[environment]`"));
    }
    let is_table = matches!(entry.value.kind, ValueKind::Table(_));
    (is_table && nearest(name, HOST.iter().copied()).is_none()).then(|| {
        format!(
            "attributes belong in `[hosts.NAME.attributes.{name}]`; \
             quote a host's name that holds dots"
        )
    })
}
