//! What the programs that look after packages have in common.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use togusa_core::demand;
use togusa_core::host::ExecError;
use togusa_core::prelude::*;
use togusa_core::problem::code;

use super::wanted::Wanted;
use crate::foreign;
use crate::privilege::require_root;

/// How long an installation may take, beside the time that it waits for others.
const TIMEOUT: Duration = Duration::from_secs(60 * 60);

/// How long another program may hold the packages.
const LOCK_TIMEOUT: Duration = Duration::from_secs(10 * 60);

/// What a component is told of its packages.
#[derive(Debug)]
pub(super) struct Packages {
    pub(super) all: Vec<Wanted>,
    pub(super) options: Vec<String>,
    pub(super) absent: bool,
    pub(super) lock_timeout: Duration,
}

impl Packages {
    pub(super) fn new(packages: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let packages = packages.into_iter();
        Self {
            all: packages.map(|package| Wanted::parse(package.as_ref())).collect(),
            options: Vec::new(),
            absent: false,
            lock_timeout: LOCK_TIMEOUT,
        }
    }

    /// The names, as they stand for the component.
    pub(super) fn names(&self) -> String {
        let names: Vec<_> = self.all.iter().map(|wanted| &*wanted.name).collect();
        names.join(" ")
    }
}

/// What is installed: the versions of each name.
#[derive(Debug, Default)]
pub(super) struct Versions(BTreeMap<String, Vec<String>>);

impl Versions {
    pub(super) fn insert(&mut self, name: impl Into<String>, version: impl Into<String>) {
        self.0.entry(name.into()).or_default().push(version.into());
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    fn of(&self, name: &str) -> &[String] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }
}

/// A program that looks after packages.
pub(super) trait Manager: Component {
    /// The program.
    const PROGRAM: &'static str;
    /// Whose packages they are: `Fedora, RHEL and their like`.
    const OF: &'static str;
    /// What names are made of beside letters, digits, `-`, `.` and `_`.
    const IN_NAMES: &'static str;
    /// Whether only root may change packages.
    const OF_ROOT: bool = true;

    fn packages(&self) -> &Packages;

    /// What is installed, by one query for all components of the host.
    fn installed(&self, probe: &Probe<'_>) -> Result<Arc<Versions>>;

    /// Forgets what was installed.
    fn forget(&self, machine: &Machine<'_>);

    /// Whether an installed package stands for a name that none has.
    fn provides(&self, _probe: &Probe<'_>, _name: &str) -> Result<bool> {
        Ok(false)
    }

    /// Whether a version is the one that was asked for.
    fn is_version(there: &str, wanted: &str) -> bool {
        there == wanted
    }

    /// Refuses a version that the program cannot be asked for.
    fn check_version(_wanted: &Wanted, _version: &str) -> Result {
        Ok(())
    }

    fn install(&self, machine: &Machine<'_>, packages: &[Wanted]) -> Result;

    fn remove(&self, machine: &Machine<'_>, names: &[String]) -> Result;
}

pub(super) fn configure<M: Manager>(manager: &M, scope: &mut Scope<'_>) -> Result {
    check(manager)?;
    let packages = manager.packages();
    scope.check_arguments(&Exec::new(M::PROGRAM).args(&packages.options))?;
    if !packages.absent {
        packages.all.iter().for_each(|wanted| scope.manages(M::PROGRAM, &wanted.name));
    }
    Ok(())
}

/// Refuses what cannot be, without a look at a host.
pub(super) fn check<M: Manager>(manager: &M) -> Result {
    let packages = manager.packages();
    demand!(!packages.all.is_empty(), code::OPTION_MISSING, "no package is named");
    for wanted in &packages.all {
        let name = &wanted.name;
        let usual = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        let is_name = name.starts_with(|c: char| !"-._".contains(c))
            && name.chars().all(|c| usual(c) || M::IN_NAMES.contains(c));
        demand!(
            is_name,
            code::NOT_A_NAME,
            "`{name}` cannot be the name of a package of `{}`",
            M::PROGRAM
        );
        let Some(version) = &wanted.version else { continue };
        demand!(
            !packages.absent,
            code::OPTIONS_CLASH,
            "package `{name}` is to be absent and has version `{version}`"
        );
        let is_version = version.starts_with(|c: char| c.is_ascii_alphanumeric())
            && version.chars().all(|c| c.is_ascii_alphanumeric() || ".+-:~^_,".contains(c));
        demand!(
            is_version,
            code::OPTION_VALUE,
            "`{version}` cannot be a version of package `{name}`"
        );
        M::check_version(wanted, version)?;
    }
    Ok(())
}

/// The packages that differ, and how.
fn changes<M: Manager>(manager: &M, probe: &Probe<'_>) -> Result<Vec<(Wanted, Change)>> {
    let (packages, installed) = (manager.packages(), remedied::<M, _>(manager.installed(probe))?);
    let mut changes = Vec::new();
    for wanted in &packages.all {
        let Wanted { name, version } = wanted;
        let there = installed.of(name);
        let change = match (version, packages.absent) {
            (_, true) if there.is_empty() => continue,
            (_, true) => Change::remove(format!("package {name} {}", there.join(", "))),
            (None, false)
                if there.is_empty() && remedied::<M, _>(manager.provides(probe, name))? =>
            {
                continue;
            }
            (_, false) if there.is_empty() => {
                Change::create(format!("package {}", wanted.joined(" ")))
            }
            (Some(version), false) if !there.iter().any(|it| M::is_version(it, version)) => {
                Change::property(format!("version of {name}"), there.join(", "), version)
            }
            _ => continue,
        };
        changes.push((wanted.clone(), change));
    }
    Ok(changes)
}

pub(super) fn verify<M: Manager>(manager: &M, probe: &Probe<'_>) -> Result<Verdict> {
    Ok(changes(manager, probe)?.into_iter().map(|(_, change)| change).collect())
}

pub(super) fn update<M: Manager>(manager: &M, machine: &Machine<'_>) -> Result {
    if M::OF_ROOT {
        require_root(machine, "change packages")?;
    }
    let _alone = machine.exclusive(M::PROGRAM);
    manager.forget(machine);
    let stale = changes(manager, machine)?.into_iter().map(|(wanted, _)| wanted);
    if !manager.packages().absent {
        let stale: Vec<_> = stale.collect();
        return if stale.is_empty() { Ok(()) } else { manager.install(machine, &stale) };
    }
    let stale: Vec<_> = stale.map(|wanted| wanted.name).collect();
    if stale.is_empty() { Ok(()) } else { manager.remove(machine, &stale) }
}

/// The program that changes packages, which may be where only root has programs.
pub(super) fn program<M: Manager>(manager: &M) -> Exec {
    foreign::program(M::PROGRAM).timeout(TIMEOUT + manager.packages().lock_timeout)
}

/// Asks a program of the host.
pub(super) fn ask(probe: &Probe<'_>, query: &Exec) -> Result<String> {
    let output = probe.query(query)?;
    demand!(!output.truncated, code::DEFECT, "{query} tells of more packages than can be read");
    Ok(output.stdout_text())
}

/// Runs a command; again as long as it fails with these words, because another program is at it.
pub(super) fn run<M: Manager>(
    manager: &M,
    machine: &Machine<'_>,
    command: &Exec,
    busy: Option<&str>,
) -> Result {
    let start = Instant::now();
    loop {
        let error = match remedied::<M, _>(machine.run(command)) {
            Err(error) if busy.is_some_and(|words| says(&error, words)) => error,
            done => return done.map(|_| ()),
        };
        if start.elapsed() >= manager.packages().lock_timeout {
            return Err(error)
                .hint("another program holds the packages, or was killed and left its lock");
        }
        machine.pause(Duration::from_secs(1))?;
    }
}

/// Whether a command failed with these words.
pub(super) fn says(error: &anyhow::Error, words: &str) -> bool {
    foreign::failure(error).is_some_and(|failure| {
        failure.stderr_tail.contains(words) || failure.stdout_tail.contains(words)
    })
}

/// Says what is wrong with a host that has no such program.
fn remedied<M: Manager, T>(result: Result<T>) -> Result<T> {
    match result {
        Err(error) if matches!(error.downcast_ref(), Some(ExecError::NotFound { .. })) => {
            Err(error).hint(format!(
                "`{}` looks after packages of {}; `Package` chooses what looks after those of the \
                 host",
                M::PROGRAM,
                M::OF
            ))
        }
        result => result,
    }
}
