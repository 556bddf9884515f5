//! What the tests of all files share: one way to load, one text to compare.

use std::fmt::Write;
use std::path::Path;

use proptest::prelude::*;
use tempfile::TempDir;
use togusa_core::address::Family;
use togusa_core::environment::{Environment, Host};
use togusa_core::problem::Problems;
use togusa_core::rollout::Rollout;

use crate::secrets::Access;
use crate::{Loaded, from_str, load};

/// Loads a text as environment `dev` of project `shop`; mistakes come without the file's name.
pub(crate) fn check(text: &str) -> String {
    let told = told(from_str("shop", "dev", text));
    told.lines()
        .map(|line| line.strip_prefix("dev:").unwrap_or(line))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Loads environment `dev` of a project with these environments; mistakes name them as `NAME:`.
pub(crate) fn check_project(files: &[(&str, &str)]) -> String {
    told(
        load(project(files).path(), "shop", "dev", Access::Placeholders)
            .map(|loaded| loaded.environment),
    )
}

pub(crate) fn chain_of(files: &[(&str, &str)]) -> Vec<String> {
    load(project(files).path(), "shop", "dev", Access::Placeholders)
        .map(|Loaded { chain, .. }| chain)
        .unwrap()
}

pub(crate) fn project(files: &[(&str, &str)]) -> TempDir {
    let project = tempfile::tempdir().unwrap();
    for (name, text) in files {
        write(project.path(), name, text);
    }
    project
}

fn write(root: &Path, name: &str, text: &str) {
    let folder = root.join("environments").join(name);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("environment.toml"), text).unwrap();
}

fn told(loaded: Result<Environment, Problems>) -> String {
    match loaded {
        Ok(environment) => shown(&environment),
        Err(problems) => {
            problems.to_string().replace("environments/", "").replace("/environment.toml:", ":")
        }
    }
}

/// A line per host with what differs from a host that only has a name.
fn shown(environment: &Environment) -> String {
    let mut text = String::new();
    let mut flag = |name: &str, set: bool| {
        if set {
            writeln!(text, "{name}").unwrap();
        }
    };
    flag("confirm", environment.confirm);
    flag("require_clean", environment.require_clean);
    if let Some(kept) = environment.keep_connections {
        writeln!(text, "keep_connections={kept:?}").unwrap();
    }
    let addresses = &environment.addresses;
    if (addresses.v4, addresses.v6) != (Family::Required, Family::Optional) {
        writeln!(text, "v4={:?} v6={:?}", addresses.v4, addresses.v6).unwrap();
    }
    for (name, given) in &addresses.overrides {
        let v4 = given.v4.map(|v4| format!(" {v4}")).unwrap_or_default();
        let v6 = given.v6.map(|v6| format!(" {v6}")).unwrap_or_default();
        writeln!(text, "{name} ={v4}{v6}").unwrap();
    }
    for (name, rollout) in &environment.rollouts {
        writeln!(text, "{name}: {}", shown_rollout(rollout)).unwrap();
    }
    for host in environment.hosts.values() {
        writeln!(text, "{}", shown_host(host)).unwrap();
    }
    text.trim_end().to_owned()
}

fn shown_rollout(rollout: &Rollout) -> String {
    let mut text = "batch".to_owned();
    for batch in &rollout.batch {
        write!(text, " {batch}").unwrap();
    }
    if let Some(minimum) = rollout.minimum_up {
        write!(text, " minimum {minimum}").unwrap();
    }
    let Rollout { max_failed, settle, timeout, .. } = rollout;
    write!(text, " failed {max_failed} settle {settle:?} timeout {timeout:?}").unwrap();
    text += if rollout.confirm { " confirm" } else { "" };
    text += &rollout.group.as_ref().map(|group| format!(" group {group}")).unwrap_or_default();
    text + if rollout.once { " once" } else { "" }
}

fn shown_host(host: &Host) -> String {
    let mut words = vec![format!("{}", host.name)];
    let mut set = |name: &str, value: Option<String>| {
        words.extend(value.map(|value| format!("{name}={value}")));
    };
    set("connect", (host.connect != Default::default()).then(|| "local".into()));
    set("address", host.address.clone());
    set("user", host.user.clone());
    set("service_user", host.service_user.clone());
    set("sudo", host.sudo.then(|| "true".into()));
    set("port", host.port.map(|port| port.to_string()));
    set("ssh_config", host.ssh_config.clone());
    set("store", host.store.clone());
    set("target", host.target.clone());
    set("sandbox", host.sandbox.clone());
    set("platform", host.platform.clone());
    set("jobs", (host.jobs != 4).then(|| host.jobs.to_string()));
    set("timeout", (host.timeout.as_secs() != 10).then(|| format!("{:?}", host.timeout)));
    set("data", (!host.data.0.is_empty()).then(|| host.data.to_json().to_string()));
    set("ignore", host.ignore.then(|| "true".into()));
    let target = &host.target_directory;
    set("in", (target != "~/deployment/shop/dev").then(|| target.clone()));
    for root in &host.roots {
        let ignore = if root.ignore { "!" } else { "" };
        let features: String = root.features.iter().map(|name| format!(":{name}")).collect();
        let attributes = match root.attributes.0.is_empty() {
            true => String::new(),
            false => root.attributes.to_json().to_string(),
        };
        words.push(format!("{ignore}{}{features}{attributes}", root.name));
    }
    words.join(" ")
}

#[test]
fn the_environment_of_the_design_loads() {
    assert_eq!(
        check(
            r#"
            [environment]
            connect = "ssh"
            user = "deploy"
            service_user = "app"
            target_directory = "~/deployment"
            platform = "debian"
            jobs = 8
            timeout = "15s"

            [hosts.web1]
            components = ["nginx", "app:web"]
            address = "10.0.0.11"
            data = { rack = "b4" }

            [hosts."app[01-02]"]
            components = ["app"]

            [components.app]
            workers = 8

            [hosts.web1.attributes.app]
            workers = 2
            "#
        ),
        "app01 user=deploy service_user=app platform=debian jobs=8 timeout=15s app{\"workers\":8}\n\
         app02 user=deploy service_user=app platform=debian jobs=8 timeout=15s app{\"workers\":8}\n\
         web1 address=10.0.0.11 user=deploy service_user=app platform=debian jobs=8 timeout=15s \
         data={\"rack\":\"b4\"} nginx app:web{\"workers\":2}"
    );
}

#[test]
fn mistakes_of_all_sections_are_reported_together_in_the_order_of_the_file() {
    assert_eq!(
        check(
            r#"
enviroment = 1
[environment]
jobs = "x"
[hosts.web1]
components = ["app:"]
colour = 1
[hosts."app[2-1]"]
[components]
app = 3
[addresses]
web1 = "1.2.3"
"#
        ),
        "2:1: unknown key `enviroment`\n  hint: did you mean `environment`?\n\
         4:8: key `jobs`: expected an integer, found a string (\"x\")\n\
         6:15: key `components.0`: \"app:\" names an empty feature\n\
         7:1: unknown key `colour`\n  hint: known keys: `components`, `address`, `data`, \
         `attributes`, `ignore`, `remove`, `connect`, `user`, `service_user`, `sudo`, \
         `target_directory`, `platform`, `jobs`, `timeout`, `port`, `ssh_config`, `store`, \
         `target`, `sandbox`\n\
         8:8: host range `app[2-1]`: 2 comes after 1\n\
         10:7: key `components.app`: expected a table, found an integer (3)\n\
         12:8: key `web1`: \"1.2.3\" is no IPv4 or IPv6 address"
    );
}

proptest! {
    #[test]
    fn any_text_loads_or_is_refused_with_a_reason(text in ".{0,200}") {
        if let Err(problems) = from_str("shop", "dev", &text) {
            prop_assert!(!problems.list.is_empty());
        }
    }

    #[test]
    fn any_pile_of_lines_loads_or_is_refused_with_a_reason(
        lines in prop::collection::vec(prop::sample::select(LINES), 0..12)
    ) {
        match from_str("shop", "dev", &lines.join("\n")) {
            Ok(environment) => prop_assert!(!environment.hosts.is_empty()),
            Err(problems) => prop_assert!(!problems.list.is_empty()),
        }
    }
}

const LINES: &[&str] = &[
    "[environment]",
    "[hosts.web1]",
    "[hosts.\"app[01-03]\"]",
    "[hosts.\"app[02-09]\"]",
    "[hosts.app02]",
    "[[hosts]]",
    "[components.app]",
    "[rollout.app]",
    "[rollout.app01]",
    "batch = [1, '25%']",
    "minimum_up = '75%'",
    "once = true",
    "[addresses]",
    "[hosts.web1.attributes.app]",
    "[hosts.web1.attributes]",
    "components = [\"app\", \"!db:x\"]",
    "components = 3",
    "remove = true",
    "sudo = true",
    "service_user = \"ü\"",
    "connect = \"local\"",
    "user = \"x\"",
    "web1 = [\"10.0.0.1\", \"::1\"]",
    "a.b.c = 1979-05-27",
    "'' = nan",
    "x = [1,",
    "]",
];
