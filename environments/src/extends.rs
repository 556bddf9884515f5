//! Follows an environment to its bases and lays the levels over each other.

use std::path::Path;

use togusa_core::names::nearest;
use togusa_core::problem::{Problem, code};
use togusa_core::value::{Origin, Table, ValueKind};

use crate::files;
use crate::level::{Level, LevelHost};
use crate::parse::parse;
use crate::secrets::Access;
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

/// An environment's own file, followed by those that it extends, each by the next.
pub(crate) struct Chain {
    pub(crate) levels: Vec<Level>,
    /// The names; one more than there are levels where a file could not be read.
    pub(crate) names: Vec<String>,
    /// Whether every level was read.
    pub(crate) complete: bool,
}

/// Reads an environment and its bases, each as it stands.
pub(crate) fn chain(
    root: &Path,
    name: &str,
    access: Access<'_>,
    problems: &mut Vec<Problem>,
) -> Chain {
    let mut levels: Vec<Level> = Vec::new();
    let mut names = vec![name.to_owned()];
    let mut complete = true;
    let mut named_at = None;
    while let Some(name) = names.get(levels.len()) {
        let Some(level) = level(root, name, named_at.as_ref(), access, problems) else {
            complete = false;
            break;
        };
        let next = level.extends.clone();
        levels.push(level);
        let Some((base, place)) = next else { break };
        let cycle = names.contains(&base);
        names.push(base);
        if cycle {
            let path = names.join(" -> ");
            problems.push(
                Problem::new(
                    code::EXTENDS_CIRCLE,
                    format!("environments extend each other: {path}"),
                )
                .at(place),
            );
            complete = false;
            break;
        }
        named_at = place;
    }
    Chain { levels, names, complete }
}

/// Reads an environment and its bases; `None` when its own file cannot be read at all.
pub(crate) fn load(
    root: &Path,
    name: &str,
    access: Access<'_>,
    problems: &mut Vec<Problem>,
) -> Option<Merged> {
    let Chain { mut levels, names: chain, mut complete } = chain(root, name, access, problems);
    let own = levels.first()?.clone();
    let mut all = levels.pop()?;
    refuse_removals(&mut all, complete, problems);
    while let Some(above) = levels.pop() {
        let base = chain.get(levels.len() + 1).map_or("", String::as_str);
        stack(&mut all, above, complete.then_some(base), problems);
    }
    complete &= !all.hosts_unreadable;
    all.refuse_only_secrets(complete, problems);
    Some(Merged { all, own, chain, complete })
}

/// Reads an environment from a text alone.
pub(crate) fn from_str(name: &str, text: &str, problems: &mut Vec<Problem>) -> Option<Merged> {
    let mut all = parse_level(&files::path_of(name), text, problems)?;
    if let Some((base, place)) = &all.extends {
        problems.push(
            Problem::new(
                code::EXTENDS_TEXT,
                format!("cannot extend `{base}`: the environment is read from a text"),
            )
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

/// Lays rollouts over others; what runs once instead of being rolled replaces all that was said of
/// rolling it.
fn lay_rollouts_over(below: &mut Table, above: &Table) {
    for (name, entry) in &above.0 {
        let ValueKind::Table(table) = &entry.value.kind else { continue };
        if table.get("once").is_some_and(|value| value.kind == ValueKind::Boolean(true)) {
            below.0.shift_remove(name);
        }
    }
    below.merge(above);
}

fn level(
    root: &Path,
    name: &str,
    named_at: Option<&Origin>,
    access: Access<'_>,
    problems: &mut Vec<Problem>,
) -> Option<Level> {
    let text = files::read(root, name, named_at, problems)?;
    let level = parse_level(&files::path_of(name), &text, problems)?;
    let Some(opened) = access.open(root, name, problems) else { return Some(level) };
    let secrets = Level::read(&opened.table, problems);
    Some(Level { secret_files: opened.files, ..level.with_secrets(secrets, problems) })
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
    lay_rollouts_over(&mut below.rollouts, &above.rollouts);
    below.secret_files.extend(above.secret_files);
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
            let problem = Problem::new(
                code::NOTHING_TO_REMOVE,
                format!("environment `{base}` has no host `{name}`"),
            )
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
        Some(host) => {
            lay_over(&mut host.table, &above.table);
            host.only_secrets &= above.only_secrets;
        }
        None => {
            below.hosts.insert(name, above);
        }
    }
}

/// Reports `remove` where there is nothing below that a host could be removed from.
fn refuse_removals(lowest: &mut Level, complete: bool, problems: &mut Vec<Problem>) {
    let complete = complete && !lowest.hosts_unreadable;
    lowest.hosts.retain(|_, host| {
        let Some(place) = &host.removed_at else { return true };
        if complete {
            problems.push(
                Problem::new(
                    code::NOTHING_TO_REMOVE,
                    "`remove` without an environment to remove the host from",
                )
                .at(place.clone())
                .hint("set `extends`, or leave the host out"),
            );
        }
        false
    });
}

#[cfg(test)]
mod tests {
    use super::Access;
    use crate::tests::{chain_of, check, check_project, project};

    const BASE: &str = r#"
[environment]
user = "deploy"
jobs = 8
[hosts.web1]
components = ["app", "nginx"]
data = { rack = "a", row = 1 }
[hosts."db[1-3]"]
components = ["db"]
[components.app]
workers = 8
limits = { cpu = 1, ram = 2 }
list = [1, 2]
"#;

    #[test]
    fn tables_merge_by_key_and_the_rest_is_replaced() {
        let dev = r#"
extends = "base"
environment.jobs = 2
hosts.web1.data.rack = "b"
hosts.web1.components = ["app"]
[components.app]
limits.ram = 9
list = [3]
"#;
        assert_eq!(
            check_project(&[("base", BASE), ("dev", dev)]),
            "db1 user=deploy jobs=2 db\n\
             db2 user=deploy jobs=2 db\n\
             db3 user=deploy jobs=2 db\n\
             web1 user=deploy jobs=2 data={\"rack\":\"b\",\"row\":1} \
             app{\"limits\":{\"cpu\":1,\"ram\":9},\"list\":[3],\"workers\":8}"
        );
    }

    #[test]
    fn an_attribute_of_a_host_wins_over_the_environment_and_that_over_the_base() {
        let base = "[hosts.a]\ncomponents = ['app']\n[hosts.b]\ncomponents = ['app']\n\
                    [components.app]\nx = 'base'\ny = 'base'\nz = 'base'\n\
                    [hosts.b.attributes.app]\ny = 'host in base'";
        let dev = "extends = 'base'\n[components.app]\ny = 'dev'\nz = 'dev'\n\
                   [hosts.a.attributes.app]\nz = 'host'";
        assert_eq!(
            check_project(&[("base", base), ("dev", dev)]),
            "a app{\"x\":\"base\",\"y\":\"dev\",\"z\":\"host\"}\n\
             b app{\"x\":\"base\",\"y\":\"host in base\",\"z\":\"dev\"}"
        );
    }

    #[test]
    fn values_keep_pointing_to_the_file_that_holds_them() {
        let project = project(&[
            ("base", "[hosts.a]\ncomponents = ['app']\n[components.app]\nx = 1\ny = 1"),
            ("dev", "extends = 'base'\n[components.app]\ny = 2"),
        ]);
        let loaded = crate::load(project.path(), "shop", "dev", Access::Placeholders).unwrap();
        let root = &loaded.environment.hosts["a"].roots[0];
        let place = |name: &str| {
            let entry = &root.attributes.0[name];
            format!(
                "{} {}",
                entry.name_origin.as_ref().unwrap(),
                entry.value.origin.as_ref().unwrap()
            )
        };
        let (base, dev) =
            ("environments/base/environment.toml", "environments/dev/environment.toml");
        assert_eq!(place("x"), format!("{base}:4:1 {base}:4:5"));
        assert_eq!(place("y"), format!("{dev}:3:1 {dev}:3:5"));
        assert_eq!(root.origin.as_ref().unwrap().to_string(), format!("{base}:2:15"));
    }

    #[test]
    fn an_exact_host_overrides_one_host_of_the_range_in_the_base() {
        let dev =
            "extends = 'base'\n[hosts.db2]\naddress = '10.0.0.2'\n[hosts.web1]\nremove = true";
        assert_eq!(
            check_project(&[("base", BASE), ("dev", dev)]),
            "db1 user=deploy jobs=8 db\n\
             db2 address=10.0.0.2 user=deploy jobs=8 db\n\
             db3 user=deploy jobs=8 db"
        );
    }

    #[test]
    fn removing_drops_a_host_or_a_range_or_one_host_of_a_range() {
        let dev = "extends = 'base'\n[hosts.'db[1,3]']\nremove = true";
        assert_eq!(
            check_project(&[
                ("base", BASE),
                ("dev", &format!("{dev}\n[hosts.web1]\nremove = true"))
            ]),
            "db2 user=deploy jobs=8 db"
        );
        let dev = format!("{dev}\n[hosts.web1]\nremove = true\n[hosts.db2]\nremove = true");
        assert_eq!(
            check_project(&[("base", BASE), ("dev", &dev)]),
            "environment `dev` has no hosts\n  \
             hint: add a section `[hosts.NAME]` with the host's `components`"
        );
    }

    #[test]
    fn removing_a_host_that_the_base_lacks_is_an_error_with_the_nearest() {
        let dev = "extends = 'base'\n[hosts.wbe1]\nremove = true\n[hosts.zebra]\nremove = true";
        assert_eq!(
            check_project(&[("base", BASE), ("dev", dev)]),
            "dev:3:1: environment `base` has no host `wbe1`\n  hint: did you mean `web1`?\n\
             dev:5:1: environment `base` has no host `zebra`\n  \
             hint: `remove` drops a host that the extended environment has"
        );
    }

    #[test]
    fn removing_needs_a_base_and_stands_alone() {
        assert_eq!(
            check("[hosts.a]\nremove = true\n[hosts.b]\nremove = 1\n[hosts.c]\nremove = false"),
            "2:1: `remove` without an environment to remove the host from\n  \
             hint: set `extends`, or leave the host out\n\
             4:10: key `remove`: expected a boolean, found an integer (1)"
        );
        let dev = "extends = 'base'\n[hosts.web1]\nremove = true\njobs = 1";
        assert_eq!(
            check_project(&[("base", BASE), ("dev", dev)]),
            "dev:2:8: a host that is removed takes no other keys"
        );
    }

    #[test]
    fn a_chain_of_bases_is_followed_and_told() {
        let files = [
            ("dev", "extends = 'mid'\n[hosts.a]\njobs = 3"),
            ("mid", "extends = 'low'\n[hosts.a]\njobs = 2\nport = 2"),
            ("low", "[hosts.a]\njobs = 1\nport = 1\nuser = 'low'"),
        ];
        assert_eq!(check_project(&files), "a user=low port=2 jobs=3");
        assert_eq!(chain_of(&files), ["dev", "mid", "low"]);
    }

    #[test]
    fn a_cycle_is_printed_as_the_chain_it_is() {
        assert_eq!(
            check_project(&[
                ("dev", "extends = 'b'"),
                ("b", "extends = 'c'"),
                ("c", "extends = 'b'")
            ]),
            "c:1:11: environments extend each other: dev -> b -> c -> b"
        );
        assert_eq!(
            check_project(&[("dev", "extends = 'dev'")]),
            "dev:1:11: environments extend each other: dev -> dev"
        );
    }

    #[test]
    fn a_missing_base_is_told_where_it_is_named_beside_the_other_mistakes() {
        assert_eq!(
            check_project(&[("base", BASE), ("dev", "extends = 'bsae'\n[hosts.a]\njobs = 0")]),
            "dev:1:11: there is no environment `bsae`\n  \
             hint: did you mean `base`? the project has `base`, `dev`\n\
             dev:3:8: key `jobs`: 0 is less than 1"
        );
        assert_eq!(
            check_project(&[("dev", "extends = '../x'\n[hosts.a]")]),
            "dev:1:11: `../x` is no name of an environment\n  hint: a name starts with a letter or \
             digit and holds letters, digits, `-`, `_`, `.`"
        );
    }

    #[test]
    fn mistakes_in_the_base_and_above_it_are_reported_together() {
        assert_eq!(
            check_project(&[("base", "[hosts.a\n"), ("dev", "extends = 'base'\nhost = 1")]),
            "base:1:9: not valid TOML: unclosed table, expected `]`\n\
             dev:2:1: unknown key `host`\n  hint: did you mean `hosts`?"
        );
        assert_eq!(
            check_project(&[
                ("base", "[hosts.a]\nport = 0"),
                ("dev", "extends = 'base'\nx = 1\n[hosts.a]\njobs = 0")
            ]),
            "base:2:8: key `port`: 0 is no port\n\
             dev:2:1: unknown key `x`\n  hint: known keys: `extends`, `environment`, `hosts`, \
             `components`, `addresses`, `rollout`\n\
             dev:4:8: key `jobs`: 0 is less than 1"
        );
    }

    #[test]
    fn what_an_unreadable_base_would_have_held_is_not_missed() {
        assert_eq!(
            check("extends = 1\n[hosts.a]\nremove = true\n[components.app]"),
            "1:11: key `extends`: expected a string, found an integer (1)"
        );
    }

    #[test]
    fn a_text_alone_cannot_extend() {
        assert_eq!(
            check("extends = 'base'"),
            "1:11: cannot extend `base`: the environment is read from a text"
        );
    }

    #[test]
    fn attributes_that_a_base_sets_for_what_is_gone_are_no_mistake() {
        let base = "[hosts.a]\ncomponents = ['app']\nattributes.app.x = 1\n[components.app]\ny = 1";
        let dev = "extends = 'base'\n[hosts.a]\ncomponents = ['db']";
        assert_eq!(check_project(&[("base", base), ("dev", dev)]), "a db");
    }

    #[test]
    fn a_base_may_be_turned_local() {
        let base = "[hosts.a]\nuser = 'x'\nport = 22";
        let dev = "extends = 'base'\nenvironment.connect = 'local'";
        assert_eq!(
            check_project(&[("base", base), ("dev", dev)]),
            "a connect=local user=x port=22"
        );
    }

    #[test]
    fn the_upper_answer_as_whom_to_converge_replaces_the_lower_one() {
        let base = "[environment]\nservice_user = 'app'\n[hosts.a]\nsudo = true\n[hosts.b]";
        let dev = "extends = 'base'\nenvironment.sudo = true\nhosts.a.service_user = 'web'";
        assert_eq!(
            check_project(&[("base", base), ("dev", dev)]),
            "a service_user=web\nb sudo=true"
        );
    }
}
