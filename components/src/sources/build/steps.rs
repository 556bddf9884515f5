//! What is run to build something.

use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::{demand, fault};

use super::{Build, Built, Way};
use crate::sources::tools::{is_missing, needing};

impl Build {
    fn step(&self, program: &str, directory: &HostPath) -> Exec {
        let exec = Exec::new(program).directory(directory).timeout(self.timeout);
        self.env.iter().fold(exec, |exec, (name, value)| exec.env(name, value))
    }

    /// Takes all steps in a copy of the source.
    pub(super) fn steps(&self, machine: &Machine<'_>, directory: &HostPath) -> Result {
        let jobs = self.jobs.unwrap_or(machine.facts().cores).max(1);
        match self.way {
            Way::Make => self.make(machine, directory, jobs),
            Way::Cargo => {
                let local = |path: &HostPath| machine.local(path).to_string_lossy().into_owned();
                let (root, kept) = (local(self.path()), local(&self.memory()?.path("target")));
                let install =
                    self.step("cargo", directory).args(["install", "--locked", "--force"]);
                let install =
                    install.args(["--path", ".", "--root", &*root, "--target-dir", &*kept]);
                let install = install.args(["--jobs".to_owned(), jobs.to_string()]);
                needing(machine.run(&install.args(&self.args)), "cargo").map(|_| ())
            }
            Way::Npm => {
                let npm = |command: &[&str]| {
                    let npm = self.step("npm", directory).args(command.iter().copied());
                    npm.args(["--no-audit", "--no-fund", "--no-update-notifier"])
                };
                needing(machine.run(&npm(&["ci"])), "npm")?;
                let run = npm(&["run", &*self.script]);
                let run = run.args((!self.args.is_empty()).then_some("--")).args(&self.args);
                needing(machine.run(&run), "npm")?;
                self.take(machine, &directory.join(&self.output))
            }
        }
    }

    /// Makes what npm built the prefix.
    fn take(&self, machine: &Machine<'_>, output: &HostPath) -> Result {
        let local = |path: &HostPath| machine.local(path).to_string_lossy().into_owned();
        let there = machine.entry(output)?.is_some_and(|entry| entry.is_directory());
        if !there {
            let (script, output) = (&self.script, &self.output);
            return Err(fault!(code::NO_FILE, "script `{script}` made no directory `{output}`"))
                .hint("name the one that it makes with `.output(…)`");
        }
        // Beside its place, where nobody sees it half copied.
        let new = self.path().parent().context("a prefix has a directory above it")?;
        let new = new.join(format!(".{}.togusa-new", self.path().file_name()));
        machine.remove(&new)?;
        machine.create_leading(&new)?;
        let copy = Exec::new("cp").args(["-a", "--", &local(output), &local(&new)]);
        needing(machine.run(&copy), "coreutils")?;
        machine.remove(self.path())?;
        let into_place = Exec::new("mv").args(["-T", "--", &local(&new), &local(self.path())]);
        needing(machine.run(&into_place), "coreutils").map(|_| ())
    }

    /// Refuses to put what npm built in the place of something else.
    pub(super) fn check_place(&self, machine: &Machine<'_>) -> Result {
        let place = self.path();
        let built = self.memory()?.read::<Built>(machine)?;
        let prefix = format!("prefix {}", machine.local(place).display());
        let own = built.is_some_and(|it| it.options.split(", ").next() == Some(&*prefix));
        if self.way != Way::Npm || own {
            return Ok(());
        }
        let empty = match machine.entry(place)? {
            Some(entry) => entry.is_directory() && machine.list(place)?.is_empty(),
            None => true,
        };
        let local = machine.local(place);
        demand!(empty, code::IN_THE_WAY, "`{}` holds what was not built here", local.display());
        Ok(())
    }

    fn make(&self, machine: &Machine<'_>, directory: &HostPath, jobs: usize) -> Result {
        if let Some(args) = &self.configure {
            let prefix = format!("--prefix={}", machine.local(self.path()).display());
            let configure = self.step("./configure", directory).arg(prefix).args(args);
            machine.run(&configure).map_err(|error| match is_missing(&error) {
                true => {
                    error.context("the source has no `configure`: is it a `.without_configure()`?")
                }
                false => error,
            })?;
        }
        let make = || self.step("make", directory).args(&self.make_args);
        needing(machine.run(&make().first_arg(format!("-j{jobs}"))), "make")?;
        needing(machine.run(&make().args(&self.install_args)), "make")?;
        Ok(())
    }
}
