//! Follows an environment to its bases and lays the levels over each other.

use std::path::Path;

use togusa_core::names::nearest;
use togusa_core::problem::Problem;
use togusa_core::value::{Table, ValueKind};

use crate::files;
use crate::level::{Level, LevelHost};
use crate::parse::parse;
use crate::source::Source;

/// An environment's own file over all that it extends.
#[derive(Debug)]
pub(crate) struct Merged {
    /// All levels as one.
    pub(crate) all: Level,
    /// The environment's own file alone.
    pub(crate) own: Level,
    /// The environment and its bases, each followed by the one that it extends.
    pub(crate) chain: Vec<String>,
    /// Whether every level was read and every host of them is there.
    pub(crate) complete: bool,
}

/// Reads an environment and its bases; `None` when its own file cannot be read at all.
pub(crate) fn load(root: &Path, name: &str, problems: &mut Vec<Problem>) -> Option<Merged> {
    let mut levels: Vec<Level> = Vec::new();
    let mut chain = vec![name.to_owned()];
    let mut complete = true;
    let mut named_at = None;
    while let Some(name) = chain.get(levels.len()) {
        let Some(level) = level(root, name, named_at.as_ref(), problems) else {
            complete = false;
            break;
        };
        let next = level.extends.clone();
        levels.push(level);
        let Some((base, place)) = next else { break };
        let cycle = chain.contains(&base);
        chain.push(base);
        if cycle {
            let path = chain.join(" -> ");
            problems
                .push(Problem::new(format!("environments extend each other: {path}")).at(place));
            complete = false;
            break;
        }
        named_at = place;
    }
    let own = levels.first()?.clone();
    let mut all = levels.pop()?;
    refuse_removals(&mut all, complete, problems);
    while let Some(above) = levels.pop() {
        let base = chain.get(levels.len() + 1).map_or("", String::as_str);
        stack(&mut all, above, complete.then_some(base), problems);
    }
    complete &= !all.hosts_unreadable;
    Some(Merged { all, own, chain, complete })
}

/// Reads an environment from a text alone.
pub(crate) fn from_str(name: &str, text: &str, problems: &mut Vec<Problem>) -> Option<Merged> {
    let mut all = parse_level(&files::path_of(name), text, problems)?;
    if let Some((base, place)) = &all.extends {
        problems.push(
            Problem::new(format!("cannot extend `{base}`: the environment is read from a text"))
                .at(place.clone()),
        );
    }
    let complete = all.extends.is_none();
    let own = all.clone();
    refuse_removals(&mut all, complete, problems);
    let complete = complete && !all.hosts_unreadable;
    Some(Merged { all, own, chain: vec![name.to_owned()], complete })
}

/// Lays a table over another: tables merge by name, the rest is replaced.
///
/// `sudo` and `service_user` are two answers to one question, so that either replaces both.
pub(crate) fn lay_over(below: &mut Table, above: &Table) {
    let sets_sudo = above.get("sudo").is_some_and(|value| value.kind == ValueKind::Boolean(true));
    if sets_sudo {
        below.0.shift_remove("service_user");
    }
    if above.get("service_user").is_some() {
        below.0.shift_remove("sudo");
    }
    below.merge(above);
}

fn level(
    root: &Path,
    name: &str,
    named_at: Option<&togusa_core::value::Origin>,
    problems: &mut Vec<Problem>,
) -> Option<Level> {
    match files::read(root, name, named_at) {
        Ok(text) => parse_level(&files::path_of(name), &text, problems),
        Err(problem) => {
            problems.push(problem);
            None
        }
    }
}

fn parse_level(file: &str, text: &str, problems: &mut Vec<Problem>) -> Option<Level> {
    let document = parse(&Source::new(file, text), problems)?;
    Some(Level::read(&document, problems))
}

/// Lays one level over another; `base` names the lower one where all of it is known.
fn stack(below: &mut Level, above: Level, base: Option<&str>, problems: &mut Vec<Problem>) {
    lay_over(&mut below.environment, &above.environment);
    below.components.merge(&above.components);
    below.addresses.merge(&above.addresses);
    below.extends = above.extends;
    let base = base.filter(|_| !below.hosts_unreadable);
    below.hosts_unreadable |= above.hosts_unreadable;
    for (name, host) in above.hosts {
        let Some(removed_at) = &host.removed_at else {
            stack_host(below, name, host);
            continue;
        };
        if below.hosts.shift_remove(&name).is_none()
            && let Some(base) = base
        {
            let problem = Problem::new(format!("environment `{base}` has no host `{name}`"))
                .at(removed_at.clone());
            let known = below.hosts.keys().map(String::as_str);
            problems.push(match nearest(&name, known) {
                Some(near) => problem.hint(format!("did you mean `{near}`?")),
                None => problem.hint("`remove` drops a host that the extended environment has"),
            });
        }
    }
}

fn stack_host(below: &mut Level, name: String, above: LevelHost) {
    match below.hosts.get_mut(&name) {
        Some(host) => lay_over(&mut host.table, &above.table),
        None => {
            below.hosts.insert(name, above);
        }
    }
}

/// Reports `remove` where there is nothing below that a host could be removed from.
fn refuse_removals(lowest: &mut Level, complete: bool, problems: &mut Vec<Problem>) {
    lowest.hosts.retain(|_, host| {
        let Some(place) = &host.removed_at else { return true };
        if complete {
            problems.push(
                Problem::new("`remove` without an environment to remove the host from")
                    .at(place.clone())
                    .hint("set `extends`, or leave the host out"),
            );
        }
        false
    });
}
