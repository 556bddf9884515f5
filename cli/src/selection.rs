//! Which roots a run is about: `--host` and `--component` against what the model holds.

use std::collections::BTreeSet;

use glob::Pattern;
use togusa_core::environment::{Environment, Host};
use togusa_core::model::Model;
use togusa_core::names::{HostName, RootId, nearest};
use togusa_core::problem::{Problem, code};

use crate::failure::Failure;
use crate::text::names;

const SHOWN: usize = 20;

/// The roots that match: all of them where no glob is given, else those whose host matches one of
/// `hosts` and whose name matches one of `components`.
///
/// # Errors
/// A glob is malformed or matches nothing, or both kinds together leave nothing. The failure holds
/// all such mistakes and names what exists.
pub fn select(
    roots: &BTreeSet<RootId>,
    hosts: &[String],
    components: &[String],
) -> Result<BTreeSet<RootId>, Failure> {
    let mut problems = Vec::new();
    let known = roots.iter().map(|root| root.host.as_str()).collect();
    let hosts = matching("host", hosts, &known, &mut problems);
    let known = roots.iter().map(|root| root.root.as_str()).collect();
    let components = matching("component", components, &known, &mut problems);
    if !problems.is_empty() {
        return Err(Failure::wrong_use(problems));
    }
    let selected: BTreeSet<_> = roots
        .iter()
        .filter(|root| hosts.contains(root.host.as_str()))
        .filter(|root| components.contains(root.root.as_str()))
        .cloned()
        .collect();
    if selected.is_empty() && !roots.is_empty() {
        let hosts = names(&hosts, SHOWN);
        let problem = Problem::new(
            code::NOTHING_SELECTED,
            format!("no selected host has a selected component: {hosts}"),
        );
        let elsewhere: BTreeSet<_> =
            roots.iter().filter(|root| components.contains(root.root.as_str())).collect();
        let hint = names(elsewhere.into_iter().map(RootId::to_string), SHOWN);
        return Err(Failure::wrong_use(
            [problem.hint(format!("these match by component: {hint}"))],
        ));
    }
    Ok(selected)
}

/// The hosts of an environment that match any of the globs, or all; ignored ones are left out.
///
/// # Errors
/// A glob is none or matches nothing, or every host that matches is ignored.
pub fn select_hosts<'a>(
    environment: &'a Environment,
    globs: &[String],
) -> Result<Vec<&'a Host>, Failure> {
    let mut problems = Vec::new();
    let known = environment.hosts.keys().map(HostName::as_str).collect();
    let selected = matching("host", globs, &known, &mut problems);
    if !problems.is_empty() {
        return Err(Failure::wrong_use(problems));
    }
    let matching = environment.hosts.values().filter(|host| selected.contains(host.name.as_str()));
    let hosts: Vec<_> = matching.filter(|host| !host.ignore).collect();
    if hosts.is_empty() {
        let problem = Problem::new(
            code::ALL_IGNORED,
            format!("every such host is ignored: {}", names(&selected, SHOWN)),
        );
        return Err(Failure::wrong_use([problem.hint("remove `ignore` in environment.toml")]));
    }
    Ok(hosts)
}

/// The host of this name, also one that is ignored.
///
/// # Errors
/// There is none; the nearest one is named.
pub fn find_host<'a>(environment: &'a Environment, name: &str) -> Result<&'a Host, Failure> {
    environment.hosts.get(name).ok_or_else(|| {
        let known = || environment.hosts.keys().map(HostName::as_str);
        let problem = Problem::new(
            code::UNKNOWN_HOST,
            format!("there is no host `{name}` in `{}`", environment.name),
        );
        let hint = match nearest(name, known()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("it has {}", names(known(), SHOWN)),
        };
        Failure::wrong_use([problem.hint(hint)])
    })
}

/// The root of the given name: `COMPONENT@HOST`, or the component alone where one host has it.
///
/// # Errors
/// There is none, or several; the nearest ones are named.
pub fn find_component(model: &Model, text: &str) -> Result<RootId, Failure> {
    let wrong = |message: String, hint: String| {
        Err(Failure::wrong_use([Problem::new(code::NO_SUCH_COMPONENT, message).hint(hint)]))
    };
    let known = || model.roots().map(|root| root.root.as_str()).collect::<BTreeSet<_>>();
    let (component, host) = match text.split_once('@') {
        Some((component, host)) => (component, Some(host)),
        None => (text, None),
    };
    let having: Vec<_> = model.roots().filter(|root| root.root.as_str() == component).collect();
    let ids = |roots: &[&RootId]| names(roots.iter().map(ToString::to_string), SHOWN);
    let Some(host) = host else {
        return match having[..] {
            [one] => Ok(one.clone()),
            [] => {
                let hint = nearest(component, known()).map_or_else(
                    || format!("there are {}", names(known(), SHOWN)),
                    |near| format!("did you mean `{near}`?"),
                );
                wrong(format!("no host has component `{component}`"), hint)
            }
            _ => wrong(
                format!("{} hosts have component `{component}`", having.len()),
                format!("name one of {}", ids(&having)),
            ),
        };
    };
    if let Some(root) = having.iter().find(|root| root.host.as_str() == host) {
        return Ok((*root).clone());
    }
    find_host(model.environment(), host)?;
    let there: Vec<_> = model.roots().filter(|root| root.host.as_str() == host).collect();
    let hint = match nearest(component, there.iter().map(|root| root.root.as_str())) {
        Some(near) => format!("did you mean `{near}@{host}`?"),
        None if having.is_empty() => format!("it has {}", ids(&there)),
        None => format!("there are {}", ids(&having)),
    };
    wrong(format!("host `{host}` has no component `{component}`"), hint)
}

fn matching<'a>(
    kind: &str,
    globs: &[String],
    known: &BTreeSet<&'a str>,
    problems: &mut Vec<Problem>,
) -> BTreeSet<&'a str> {
    if globs.is_empty() {
        return known.clone();
    }
    let mut matches = BTreeSet::new();
    for glob in globs {
        let pattern = match Pattern::new(glob) {
            Ok(pattern) => pattern,
            Err(error) => {
                let message = format!("`--{kind} {glob}` is no glob: {}", error.msg);
                problems.push(Problem::new(code::SELECTION_PATTERN, message));
                continue;
            }
        };
        let mut found = known.iter().filter(|name| pattern.matches(name)).peekable();
        if found.peek().is_none() {
            problems.push(no_match(kind, glob, known));
        }
        matches.extend(found);
    }
    matches
}

fn no_match(kind: &str, glob: &str, known: &BTreeSet<&str>) -> Problem {
    let problem =
        Problem::new(code::NOTHING_SELECTED, format!("`--{kind} {glob}` matches no {kind}"));
    match nearest(glob, known.iter().copied()) {
        Some(near) => problem.hint(format!("did you mean `{near}`?")),
        None => problem.hint(format!("there are {}", names(known, SHOWN))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::Paint;

    fn check(hosts: &[&str], components: &[&str]) -> String {
        let roots = [("web1", "nginx"), ("web1", "app"), ("web2", "app"), ("db1", "postgres")]
            .map(|(host, root)| RootId::new(host, root));
        let owned = |globs: &[&str]| globs.iter().map(|&glob| glob.to_owned()).collect::<Vec<_>>();
        match select(&roots.into(), &owned(hosts), &owned(components)) {
            Ok(selected) => {
                let names: Vec<_> = selected.iter().map(RootId::to_string).collect();
                names.join(" ")
            }
            Err(failure) => failure.render(Paint(false)),
        }
    }

    #[test]
    fn without_globs_everything_is_selected() {
        assert_eq!(check(&[], &[]), "postgres@db1 app@web1 nginx@web1 app@web2");
    }

    #[test]
    fn globs_of_one_kind_add_up_and_the_kinds_restrict_each_other() {
        assert_eq!(check(&["web1", "db?"], &[]), "postgres@db1 app@web1 nginx@web1");
        assert_eq!(check(&["web*"], &["app"]), "app@web1 app@web2");
        assert_eq!(check(&["*[!2]"], &["app"]), "app@web1");
    }

    #[test]
    fn every_glob_that_matches_nothing_is_named_with_what_exists() {
        insta::assert_snapshot!(check(&["web1", "wbe1", "mail*"], &["[", "redis-sentinel"]), @r"
        error[T0008]: `--component [` is no glob: invalid range pattern
        error[T0006]: `--component redis-sentinel` matches no component
          hint: there are `app`, `nginx`, `postgres`
        error[T0006]: `--host mail*` matches no host
          hint: there are `db1`, `web1`, `web2`
        error[T0006]: `--host wbe1` matches no host
          hint: did you mean `web1`?
        ");
    }

    #[test]
    fn a_selection_that_leaves_nothing_is_an_error() {
        insta::assert_snapshot!(check(&["web*"], &["postgres"]), @r"
        error[T0006]: no selected host has a selected component: `web1`, `web2`
          hint: these match by component: `postgres@db1`
        ");
    }
}
