//! What systemd tells of its units, and how it is told what to do with them.

mod linger;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use togusa_core::demand;
use togusa_core::host::{Output, Snapshot};
use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::system;

use crate::foreign;
use crate::privilege::require_root;
use crate::services::text;

pub(super) use linger::Linger;

/// What is asked of each unit.
const PROPERTIES: &str = "--property=Id,Names,LoadState,ActiveState,SubState,UnitFileState,\
                          NeedDaemonReload,InvocationID,NRestarts";

/// How long a start or stop may take; systemd has limits of its own, which usually end it before.
const TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// The one that looks after a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manager {
    /// That of the system.
    System,
    /// That of the converging user.
    User,
}

/// A unit as systemd sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Unit {
    pub(super) names: Vec<String>,
    /// `loaded`, `not-found`, `masked`, `bad-setting`, `error`.
    pub(super) load: String,
    /// `active`, `inactive`, `failed`, `activating`, `reloading`, …
    pub(super) active: String,
    /// What `active` means for its kind of unit: `running`, `exited`, `auto-restart`, …
    pub(super) sub: String,
    /// `enabled`, `disabled`, `static`, `masked`, …; empty if no file says it.
    pub(super) file_state: String,
    pub(super) needs_reload: bool,
    /// What tells this run of it from all others.
    pub(super) invocation: String,
    /// How often it was started again because it ended.
    pub(super) restarts: u32,
}

impl Unit {
    pub(super) fn is_active(&self) -> bool {
        ["active", "reloading", "refreshing"].contains(&&*self.active)
    }

    /// `active (running)`.
    pub(super) fn state(&self) -> String {
        format!("{} ({})", self.active, self.sub)
    }
}

/// Reads what `systemctl show` prints: a block for each unit, lines of `NAME=value`.
fn parse_show(text: &str) -> Vec<Unit> {
    let mut units = Vec::new();
    for block in text.split("\n\n") {
        let mut unit = Unit::default();
        for (name, value) in block.lines().filter_map(|line| line.split_once('=')) {
            let text = value.to_owned();
            match name {
                "Names" => unit.names = value.split(' ').map(str::to_owned).collect(),
                "LoadState" => unit.load = text,
                "ActiveState" => unit.active = text,
                "SubState" => unit.sub = text,
                "UnitFileState" => unit.file_state = text,
                "NeedDaemonReload" => unit.needs_reload = value == "yes",
                "InvocationID" => unit.invocation = text,
                "NRestarts" => unit.restarts = value.parse().unwrap_or(0),
                _ => {}
            }
        }
        if !unit.names.is_empty() {
            units.push(unit);
        }
    }
    units
}

/// Reads what `systemctl list-unit-files` prints: unit and state.
fn parse_files(text: &str) -> BTreeMap<String, String> {
    let words = text.lines().map(|line| line.split_whitespace());
    words.filter_map(|mut words| Some((words.next()?.into(), words.next()?.into()))).collect()
}

/// All units that are loaded, and all that have a file: those of the system, or of the user.
struct Units<const OF_USER: bool> {
    loaded: BTreeMap<String, Arc<Unit>>,
    files: BTreeMap<String, String>,
}

impl<const OF_USER: bool> Snapshot for Units<OF_USER> {
    fn take(probe: &Probe<'_>) -> Result<Self> {
        let manager = if OF_USER { Manager::User } else { Manager::System };
        let shown = manager.query(probe, &["show", "*", PROPERTIES])?;
        let mut loaded = BTreeMap::new();
        for unit in parse_show(&shown.stdout_text()).into_iter().map(Arc::new) {
            loaded.extend(unit.names.iter().map(|name| (name.clone(), Arc::clone(&unit))));
        }
        let list = ["list-unit-files", "--no-legend", "--no-pager", "--full", "--plain"];
        let files = parse_files(&manager.query(probe, &list)?.stdout_text());
        Ok(Self { loaded, files })
    }
}

impl<const OF_USER: bool> Units<OF_USER> {
    /// A unit, if what was asked for all of them tells it.
    fn get(&self, name: &str) -> Option<Unit> {
        if let Some(unit) = self.loaded.get(name) {
            return Some((**unit).clone());
        }
        // What another name means is not told before that is asked for by itself.
        let state = self.files.get(name).filter(|state| *state != "alias")?;
        let load = if state == "masked" { "masked" } else { "loaded" };
        Some(Unit {
            names: vec![name.to_owned()],
            load: load.into(),
            active: "inactive".into(),
            sub: "dead".into(),
            file_state: state.clone(),
            ..Unit::default()
        })
    }

    fn instance_needs_reload(&self, template: &str) -> bool {
        let Some((start, end)) = template.split_once('@') else { return false };
        let is_of = |name: &str| {
            name.split_once('@').is_some_and(|(one, rest)| one == start && rest.ends_with(end))
        };
        self.loaded.iter().any(|(name, unit)| is_of(name) && unit.needs_reload)
    }
}

impl Manager {
    /// A command to it.
    fn systemctl(self) -> Exec {
        self.of(foreign::program("systemctl"))
    }

    /// A program of systemd that speaks with it.
    pub(super) fn of(self, exec: Exec) -> Exec {
        let exec = exec.timeout(TIMEOUT);
        match self {
            Self::System => exec,
            Self::User => {
                let directory = format!("/run/user/{}", system::user_id());
                exec.arg("--user").env("XDG_RUNTIME_DIR", directory)
            }
        }
    }

    /// Refuses what systemd would refuse.
    pub(super) fn require_right(self, probe: &Probe<'_>) -> Result {
        match self {
            Self::System => require_root(probe, "change the services of the system"),
            Self::User => Ok(()),
        }
    }

    pub(super) fn query(self, probe: &Probe<'_>, args: &[&str]) -> Result<Output> {
        self.explained(probe.query(&self.systemctl().args(args.iter().copied())))
    }

    pub(super) fn run(self, machine: &Machine<'_>, args: &[&str]) -> Result<Output> {
        self.require_right(machine)?;
        self.explained(machine.run(&self.systemctl().args(args.iter().copied())))
    }

    fn explained(self, result: Result<Output>) -> Result<Output> {
        let result = foreign::of_package(result, "systemd");
        let Err(error) = result else { return result };
        let said = foreign::failure(&error).map(|failure| failure.stderr_tail.clone());
        let said = said.unwrap_or_default();
        if said.contains("not been booted with systemd") || said.contains("connect to bus") {
            return match self {
                Self::System => Err(error).hint(
                    "systemd does not run on this machine; `Program` and `SupervisorProgram` need \
                     none",
                ),
                Self::User => Err(error).hint(
                    "the user's own systemd does not run; `loginctl enable-linger USER` starts it, \
                     now and at each boot",
                ),
            };
        }
        Err(error)
    }

    /// A unit, from one look at all of them where that tells it.
    pub(super) fn unit(self, probe: &Probe<'_>, name: &str) -> Result<Unit> {
        let known = match self {
            Self::System => probe.snapshot::<Units<false>>()?.get(name),
            Self::User => probe.snapshot::<Units<true>>()?.get(name),
        };
        // What is not loaded and has no file of its own: an instance of a template, or nothing.
        known.map_or_else(|| self.unit_now(probe, name), Ok)
    }

    /// Whether the file of a unit has changed since systemd loaded it. A template is never loaded
    /// itself: then it is that of one of its instances.
    pub(super) fn needs_reload(self, probe: &Probe<'_>, name: &str) -> Result<bool> {
        if !name.contains("@.") {
            return Ok(self.unit(probe, name)?.needs_reload);
        }
        Ok(match self {
            Self::System => probe.snapshot::<Units<false>>()?.instance_needs_reload(name),
            Self::User => probe.snapshot::<Units<true>>()?.instance_needs_reload(name),
        })
    }

    /// A unit as it is at this moment.
    pub(super) fn unit_now(self, probe: &Probe<'_>, name: &str) -> Result<Unit> {
        let shown = self.query(probe, &["show", name, PROPERTIES])?;
        let unit = parse_show(&shown.stdout_text()).into_iter().next();
        unit.with_context(|| format!("`systemctl show {name}` told of no unit"))
    }

    /// The last lines that a unit wrote, or what there is in their place.
    pub(super) fn journal(self, probe: &Probe<'_>, name: &str) -> String {
        let exec = self.of(foreign::program("journalctl"));
        let exec = exec.args(["--no-pager", "--quiet", "--output=cat", "--lines=20", "--unit"]);
        let heading = format!("the journal of `{name}`");
        match probe.query(&exec.arg(name)) {
            Ok(output) => text::tail(&heading, &output.stdout_text()),
            // It only adds to an error that is told anyway.
            Err(error) => format!("{heading} cannot be read: {error:#}"),
        }
    }

    /// How units of this manager are told apart in the record of what is managed.
    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::System => "systemd-unit",
            Self::User => "systemd-user-unit",
        }
    }
}

/// The full name of a unit: one without a kind is a service.
pub(super) fn full_name(name: &str) -> String {
    const KINDS: [&str; 7] =
        [".service", ".timer", ".socket", ".target", ".path", ".mount", ".slice"];
    match KINDS.iter().any(|kind| name.ends_with(kind)) {
        true => name.to_owned(),
        false => format!("{name}.service"),
    }
}

/// Refuses what is no name of a unit.
pub(super) fn check_name(name: &str) -> Result {
    let plain = |c: char| c.is_ascii_alphanumeric() || ":-_.\\@".contains(c);
    let begins_well = !name.starts_with(['-', '.', '@']);
    demand!(
        name.len() < 256 && begins_well && name.chars().all(plain),
        code::NOT_A_NAME,
        "`{name}` is no unit"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A fixture without what says where it comes from.
    fn recorded(text: &str) -> String {
        text.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect()
    }

    fn units() -> Units<false> {
        let shown = parse_show(&recorded(include_str!("systemd/fixtures/show-all.txt")));
        let loaded = shown.into_iter().map(|unit| (unit.names[0].clone(), Arc::new(unit)));
        let files = recorded(include_str!("systemd/fixtures/list-unit-files.txt"));
        Units { loaded: loaded.collect(), files: parse_files(&files) }
    }

    #[test]
    fn what_systemd_tells_of_all_units_is_read() {
        let units = units();
        for (name, state, file_state, needs_reload) in [
            ("demo.service", "active (running)", "enabled", false),
            ("inst@7.service", "active (running)", "enabled", false),
            ("fails.service", "failed (failed)", "disabled", false),
            ("loop.service", "activating (auto-restart)", "static", false),
            ("static.service", "active (running)", "static", true),
            ("tick.timer", "active (waiting)", "enabled", false),
            ("idle.service", "inactive (dead)", "disabled", false),
            ("masked.service", "inactive (dead)", "masked", false),
        ] {
            let unit = units.get(name).unwrap();
            assert_eq!((&*unit.state(), &*unit.file_state), (state, file_state), "{name}");
            assert_eq!(unit.needs_reload, needs_reload, "{name}");
        }
        assert_eq!(units.get("demo.service").unwrap().invocation.len(), 32);
        assert_eq!(units.get("nope.service"), None);
        assert_eq!(units.get("inst@8.service"), None);
        assert!(!units.get("loop.service").unwrap().is_active());
    }

    #[test]
    fn another_name_of_a_unit_that_is_not_loaded_is_asked_for_by_itself() {
        let files = parse_files("mysql.service alias -\nmariadb.service enabled enabled\n");
        let units = Units::<false> { loaded: BTreeMap::new(), files };
        assert_eq!(units.get("mysql.service"), None);
        assert!(units.get("mariadb.service").is_some());
    }

    #[test]
    fn a_template_has_to_be_loaded_again_with_its_instances() {
        let mut units = units();
        assert!(!units.instance_needs_reload("inst@.service"));
        let changed = Unit { needs_reload: true, ..units.get("inst@7.service").unwrap() };
        units.loaded.insert("inst@7.service".into(), Arc::new(changed));
        assert!(units.instance_needs_reload("inst@.service"));
        assert!(!units.instance_needs_reload("other@.service"));
    }

    #[test]
    fn what_systemd_tells_of_single_units_is_read() {
        let shown = parse_show(&recorded(include_str!("systemd/fixtures/show-named.txt")));
        let told: Vec<_> =
            shown.iter().map(|unit| (&*unit.names[0], &*unit.load, &*unit.file_state)).collect();
        assert_eq!(
            told,
            [
                ("bad.service", "bad-setting", "static"),
                ("masked.service", "masked", "masked"),
                ("nope.service", "not-found", ""),
                ("inst@8.service", "loaded", "disabled"),
            ]
        );
    }

    #[test]
    fn a_name_without_a_kind_is_that_of_a_service() {
        assert_eq!(full_name("nginx"), "nginx.service");
        assert_eq!(full_name("backup.timer"), "backup.timer");
        assert_eq!(full_name("app.web"), "app.web.service");
        assert!(check_name("getty@tty1.service").is_ok());
        for wrong in ["-x", "a b", "a/b", "a\n"] {
            assert!(check_name(wrong).is_err(), "{wrong}");
        }
    }
}
