//! Reads keys, and says what to do about those that a section does not have.

use togusa_core::attributes::{FromValue, Reader};
use togusa_core::names::nearest;
use togusa_core::problem::{Problem, code};
use togusa_core::value::{Entry, Table, ValueKind};

use crate::keys::Section;

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
    section: Section,
    elsewhere: impl Fn(&str, &Entry) -> Option<String>,
    problems: &mut Vec<Problem>,
) {
    let known = || section.keys().map(|key| key.name);
    for (name, entry) in &table.0 {
        if section.has(name) {
            continue;
        }
        let near = || nearest(name, known());
        let hint = elsewhere(name, entry)
            .or_else(|| near().map(|near| format!("did you mean `{near}`?")))
            .unwrap_or_else(|| {
                let known: Vec<_> = known().map(|key| format!("`{key}`")).collect();
                format!("known keys: {}", known.join(", "))
            });
        let problem = Problem::new(code::UNKNOWN_KEY, format!("unknown key `{name}`")).hint(hint);
        problems.push(problem.at(entry.name_origin.clone()));
    }
}

/// Where a key belongs that stands at the top of the file.
pub(crate) fn elsewhere_than_top(name: &str, _: &Entry) -> Option<String> {
    if Section::Environment.has(name) {
        return Some(format!("`{name}` belongs in `[environment]`"));
    }
    if Section::Host.has(name) {
        return Some(format!("`{name}` belongs in `[hosts.NAME]`"));
    }
    of_rollout(name)
}

/// Where a key belongs that stands in `[environment]`.
pub(crate) fn elsewhere_than_environment(name: &str, _: &Entry) -> Option<String> {
    if Section::Host.has(name) {
        return Some(format!("`{name}` belongs in `[hosts.NAME]`"));
    }
    if Section::Top.has(name) {
        return Some(format!("`{name}` belongs at the top of the file"));
    }
    of_rollout(name)
}

/// Where a key belongs that stands in `[rollout.NAME]`.
pub(crate) fn elsewhere_than_rollout(name: &str, _: &Entry) -> Option<String> {
    if Section::Environment.has(name) {
        return Some(format!("`{name}` belongs in `[environment]`"));
    }
    Section::Host.has(name).then(|| format!("`{name}` belongs in `[hosts.NAME]`"))
}

fn of_rollout(name: &str) -> Option<String> {
    Section::Rollout.has(name).then(|| format!("`{name}` belongs in `[rollout.NAME]`"))
}

/// Where a key belongs that stands in `[hosts.NAME]`.
pub(crate) fn elsewhere_than_host(name: &str, entry: &Entry) -> Option<String> {
    if Section::Environment.has(name) {
        return Some(format!("`{name}` belongs in `[environment]`"));
    }
    let is_table = matches!(entry.value.kind, ValueKind::Table(_));
    (is_table && nearest(name, Section::Host.keys().map(|key| key.name)).is_none())
        .then(|| {
            format!(
                "attributes belong in `[hosts.NAME.attributes.{name}]`; \
             quote a host's name that holds dots"
            )
        })
        .or_else(|| of_rollout(name))
}
