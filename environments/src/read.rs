//! Gives the merged tables their meaning, key by key.

mod addresses;
mod host;
pub(crate) mod keys;
mod rollouts;
mod roots;
mod settings;
mod words;

use std::collections::BTreeSet;
use std::time::Duration;

use togusa_core::environment::{Connect, Environment};
use togusa_core::names::nearest;
use togusa_core::problem::{Problem, code};

use crate::extends::Merged;
use crate::keys::Section;
use host::HostReader;
use keys::{optional, reader};
use settings::Settings;

/// Reads the environment; what is wrong is added to the problems and left out.
pub(crate) fn environment(
    project: &str,
    name: &str,
    merged: &Merged,
    problems: &mut Vec<Problem>,
) -> Environment {
    let mut environment = Environment::new(project, name);
    let table = &merged.all.environment;
    keys::no_others(table, Section::Environment, keys::elsewhere_than_environment, problems);
    let mut reader = reader(table);
    let settings = Settings::read(&mut reader);
    environment.confirm = optional(&mut reader, "confirm").unwrap_or_default();
    environment.require_clean = optional(&mut reader, "require_clean").unwrap_or_default();
    environment.keep_connections = optional::<Duration>(&mut reader, "keep_connections");
    problems.extend(reader.finish());
    environment.addresses = addresses::policy(&merged.all.addresses, problems);
    environment.secret_files.clone_from(&merged.all.secret_files);
    let complete = hosts(merged, &settings, &mut environment, problems);
    rollouts::rollouts(merged, complete, &mut environment, problems);
    environment
}

/// Reads the hosts; the answer says whether all of them, and of their components, could be read.
fn hosts(
    merged: &Merged,
    settings: &Settings,
    environment: &mut Environment,
    problems: &mut Vec<Problem>,
) -> bool {
    let mut complete = merged.complete;
    for (name, level) in &merged.all.hosts {
        let own = merged.own.hosts.get(name).map(|host| &host.own);
        let reader = HostReader { name, level, own, components: &merged.all.components, settings };
        let (host, whole) = reader.read(problems);
        complete &= whole;
        environment.hosts.insert(host.name.clone(), host);
    }
    place_targets(environment);
    if !complete {
        return false;
    }
    if environment.hosts.is_empty() {
        problems.push(
            Problem::new(
                code::NO_HOSTS,
                format!("environment `{}` has no hosts", environment.name),
            )
            .hint("add a section `[hosts.NAME]` with the host's `components`"),
        );
        return false;
    }
    unused_components(merged, environment, problems);
    true
}

/// Puts every deployment into a folder of its own below what `target_directory` says.
fn place_targets(environment: &mut Environment) {
    let (project, name) = (&environment.project, &environment.name);
    let local = environment.hosts.values().filter(|host| host.connect == Connect::Local).count();
    for host in environment.hosts.values_mut() {
        let base = host.target_directory.trim_end_matches('/');
        let target = format!("{base}/{project}/{name}");
        let shares = local > 1 && host.connect == Connect::Local;
        host.target_directory = if shares { format!("{target}/{}", host.name) } else { target };
    }
}

/// Reports attributes and rollouts of a component that no host has; a base may have hosts that were
/// removed.
fn unused_components(merged: &Merged, environment: &Environment, problems: &mut Vec<Problem>) {
    let roots = environment.hosts.values().flat_map(|host| &host.roots);
    let used: BTreeSet<&str> = roots.map(|root| root.name.as_str()).collect();
    for (name, entry) in merged.own.components.0.iter().chain(&merged.own.rollouts.0) {
        if used.contains(name.as_str()) {
            continue;
        }
        let problem =
            Problem::new(code::UNUSED_ATTRIBUTES, format!("no host has component `{name}`"))
                .at(entry.name_origin.clone());
        problems.push(match nearest(name, used.iter().copied()) {
            Some(near) => problem.hint(format!("did you mean `{near}`?")),
            None => problem.hint("add it to the `components` of a host, or remove the section"),
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::tests::check;

    #[test]
    fn an_environment_without_hosts_is_an_error() {
        let told = "environment `dev` has no hosts\n  \
                    hint: add a section `[hosts.NAME]` with the host's `components`";
        assert_eq!(check(""), told);
        assert_eq!(check("[hosts]"), told);
    }

    #[test]
    fn the_environment_has_keys_of_its_own() {
        assert_eq!(
            check(
                "[environment]\nconfirm = true\nrequire_clean = true\nkeep_connections = '5m'\n[hosts.a]"
            ),
            "confirm\nrequire_clean\nkeep_connections=300s\na"
        );
        assert_eq!(
            check(
                "[environment]\nconfirm = 1\nrequire_clean = 'x'\nkeep_connections = 5\n[hosts.a]"
            ),
            "2:11: key `confirm`: expected a boolean, found an integer (1)\n\
             3:17: key `require_clean`: expected a boolean, found a string (\"x\")\n\
             4:20: key `keep_connections`: expected a duration such as \"10s\", found an integer (5)"
        );
    }

    #[test]
    fn several_local_hosts_get_a_target_directory_each() {
        assert_eq!(
            check(
                "[environment]\nconnect = 'local'\n[hosts.a]\n[hosts.b]\nignore = true\n[hosts.c]\nconnect = 'ssh'"
            ),
            "a connect=local in=~/deployment/shop/dev/a\n\
             b connect=local ignore=true in=~/deployment/shop/dev/b\n\
             c"
        );
    }

    #[test]
    fn attributes_for_a_component_that_no_host_has_are_an_error() {
        assert_eq!(
            check("[hosts.a]\ncomponents = ['app']\n[components.ap]\n[components.zebra]\n"),
            "3:13: no host has component `ap`\n  hint: did you mean `app`?\n\
             4:13: no host has component `zebra`\n  \
             hint: add it to the `components` of a host, or remove the section"
        );
    }

    #[test]
    fn attributes_of_a_component_whose_host_is_wrong_are_no_second_mistake() {
        assert_eq!(
            check("[hosts.a]\ncomponents = 'app'\nattributes.app.x = 1\n[components.app]"),
            "2:14: key `components`: expected an array, found a string (\"app\")"
        );
    }
}
