//! Commands with guards.

mod guard;

use std::borrow::Cow;
use std::time::Duration;

use togusa_core::fault;
use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::secret;

use crate::location::Location;

use guard::Guard;

/// How long the key of a command may be, in characters.
const LONGEST_KEY: usize = 60;

/// A command that runs when its guards say so.
///
/// A command without a guard would run every time, so that one must be given:
/// - [`unless`](Self::unless): it runs if a check fails;
/// - [`creates`](Self::creates): it runs if a file is missing, and with
///   [`newer_than`](Self::newer_than) also if that file is older than one of its inputs;
/// - [`only_if`](Self::only_if): it runs only while a condition holds, beside the other guards or
///   alone;
/// - [`on_trigger_only`](Self::on_trigger_only): it runs only when something triggers it.
///
/// One reason to run is enough, every condition must hold, and a trigger runs it whatever the
/// guards say. After it ran, no guard may want it to run again: else it has not converged.
///
/// | attribute | default |
/// |---|---|
/// | `directory` | the root's work directory; also where checks run that set none |
/// | `timeout` | an hour |
/// | `stdin` | closed |
/// | `accept` | exit code 0 alone |
/// | `user` | the converging user |
///
/// `verify` runs the checks, or looks at the files. `update` runs the command without a shell,
/// unless it was made by [`shell`](Self::shell), in a process group of its own; its output is shown
/// while it runs. Another user needs `sudo`.
///
/// What a command brought about is absent by what removes it: another command, or a `Purge`.
///
/// **Needs**: nothing but the command; `sudo` for another user.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     scope.add(Command::shell("sort words > sorted").creates("sorted").newer_than(["words"]));
///     scope.add(
///         Command::new(Exec::new("./manage").arg("migrate"))
///             .named("migrate")
///             .unless(Exec::new("./manage").args(["migrate", "--check"])),
///     );
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Command {
    exec: Exec,
    name: Option<String>,
    script: Option<String>,
    guards: Vec<Guard>,
    newer_than: Vec<Location>,
    on_trigger_only: bool,
    directory: Option<Location>,
    work_directory: Option<HostPath>,
    file: Option<ScriptFile>,
}

/// A file that the command runs.
#[derive(Debug)]
struct ScriptFile {
    path: HostPath,
    /// `None`: what its first line says, else `sh`.
    interpreter: Option<String>,
}

impl ScriptFile {
    /// The interpreter with the file as its first argument.
    fn running(&self, exec: &Exec, probe: &Probe<'_>) -> Result<Exec> {
        let exec = exec.clone().first_arg(probe.local(&self.path).to_string_lossy());
        if let Some(interpreter) = &self.interpreter {
            return Ok(exec.program(interpreter));
        }
        let content = probe.read(&self.path)?;
        let first = content.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let first = String::from_utf8_lossy(first);
        let Some(line) = first.strip_prefix("#!").map(str::trim).filter(|line| !line.is_empty())
        else {
            return Ok(exec.program("sh"));
        };
        // As the system reads it: what follows the program is one argument.
        Ok(match line.split_once([' ', '\t']) {
            None => exec.program(line),
            Some((program, argument)) => exec.program(program).first_arg(argument.trim()),
        })
    }
}

impl Command {
    /// A program with its arguments.
    pub fn new(exec: Exec) -> Self {
        Self {
            exec,
            name: None,
            script: None,
            guards: Vec::new(),
            newer_than: Vec::new(),
            on_trigger_only: false,
            directory: None,
            work_directory: None,
            file: None,
        }
    }

    /// Runs a file by an interpreter, with the arguments that the command has.
    pub(crate) fn running(mut self, path: &HostPath, interpreter: Option<String>) -> Self {
        self.file = Some(ScriptFile { path: path.clone(), interpreter });
        self
    }

    /// Adds arguments.
    pub(crate) fn args(mut self, args: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.exec = self.exec.args(args);
        self
    }

    /// A text that `sh` runs.
    pub fn shell(script: impl Into<String>) -> Self {
        let script = script.into();
        Self { script: Some(script.clone()), ..Self::new(Exec::shell(script)) }
    }

    /// Sets the name that tells it from others; default: the beginning of its command line.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Runs it if a check fails: exits with a code that the check does not accept, or cannot be
    /// found.
    #[must_use]
    pub fn unless(mut self, check: Exec) -> Self {
        self.guards.push(Guard::Unless(check));
        self
    }

    /// Runs it only if a condition holds: exits with a code that it accepts.
    #[must_use]
    pub fn only_if(mut self, condition: Exec) -> Self {
        self.guards.push(Guard::OnlyIf(condition));
        self
    }

    /// Runs it if a file is missing that it creates; a relative path lies in the root's work
    /// directory, wherever the command runs. May be given several times.
    #[must_use]
    pub fn creates(mut self, path: impl Into<Location>) -> Self {
        let guard = Guard::Creates { location: path.into(), inputs: Vec::new(), resolved: None };
        self.guards.push(guard);
        self
    }

    /// Runs it also if what it creates is older than one of these files.
    #[must_use]
    pub fn newer_than(mut self, inputs: impl IntoIterator<Item = impl Into<Location>>) -> Self {
        self.newer_than.extend(inputs.into_iter().map(Into::into));
        self
    }

    /// Runs it only when a trigger is pending: `scope.on_change(&conf).add(…)`.
    #[must_use]
    pub fn on_trigger_only(mut self) -> Self {
        self.on_trigger_only = true;
        self
    }

    /// Sets the directory to run in.
    #[must_use]
    pub fn directory(mut self, path: impl Into<Location>) -> Self {
        self.directory = Some(path.into());
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.exec = self.exec.env(name, value);
        self
    }

    /// Runs it as another user; checks run as the converging one unless they say otherwise.
    #[must_use]
    pub fn user(mut self, name: impl Into<String>) -> Self {
        self.exec = self.exec.user(name);
        self
    }

    /// Sets how long it may take.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.exec = self.exec.timeout(timeout);
        self
    }

    /// Lets it take as long as it wants.
    #[must_use]
    pub fn without_timeout(mut self) -> Self {
        self.exec = self.exec.without_timeout();
        self
    }

    /// Sets what it reads on its standard input.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.exec = self.exec.stdin(bytes);
        self
    }

    /// Sets the exit codes that are no failure.
    #[must_use]
    pub fn accept(mut self, codes: impl IntoIterator<Item = i32>) -> Self {
        self.exec = self.exec.accept(codes);
        self
    }

    /// Hides its arguments, variables, input and output.
    #[must_use]
    pub fn sensitive(mut self) -> Self {
        self.exec = self.exec.sensitive();
        self.script = None;
        self
    }

    /// Whether a plan looks at a host on which the root was never deployed: no condition that runs
    /// in its work directory can hold there.
    fn waits_for_work_directory(&self, probe: &Probe<'_>) -> Result<bool> {
        let Some(work) = self.work_directory.as_ref().filter(|_| self.directory.is_none()) else {
            return Ok(false);
        };
        Ok(probe.entry(work)?.is_none())
    }

    fn check_guards(&mut self) -> Result {
        if self.on_trigger_only && !self.guards.is_empty() {
            return Err(fault!(
                code::OPTIONS_CLASH,
                "a guard means nothing to a command that only triggers run"
            ))
            .hint("leave out `.on_trigger_only()`: a trigger runs a guarded command too");
        }
        if !self.on_trigger_only && self.guards.is_empty() && self.newer_than.is_empty() {
            return Err(fault!(code::NO_GUARD, "a command without a guard would run every time"))
                .hint(
                    "give it `.unless(…)`, `.creates(…)`, `.only_if(…)` or `.on_trigger_only()`",
                );
        }
        let given = std::mem::take(&mut self.newer_than);
        let mut used = given.is_empty();
        for guard in &mut self.guards {
            if let Guard::Creates { inputs, .. } = guard {
                inputs.clone_from(&given);
                used = true;
            }
        }
        if !used {
            return Err(fault!(
                code::OPTIONS_CLASH,
                "`.newer_than(…)` means nothing without `.creates(…)`"
            ))
            .hint("name the file that the command makes from these");
        }
        Ok(())
    }
}

/// A command as a key: the beginning of its first line, with secrets masked.
pub(crate) fn shortened(full: String) -> String {
    let full = secret::masked(full);
    let full = full.trim();
    let line = full.lines().next().unwrap_or_default();
    let short: String = line.chars().take(LONGEST_KEY).collect();
    if short.len() < full.len() { format!("{short}…") } else { short }
}

impl Component for Command {
    fn key(&self) -> Option<Cow<'_, str>> {
        if let Some(name) = &self.name {
            return Some(name.into());
        }
        let full = self.script.clone().unwrap_or_else(|| self.exec.to_string());
        Some(shortened(full).into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        self.check_guards()?;
        scope.check_arguments(&self.exec)?;
        let directory = match &self.directory {
            Some(directory) => {
                let directory = directory.resolve(scope)?;
                self.exec = self.exec.clone().directory(&directory);
                directory
            }
            None => scope.work_directory(),
        };
        self.exec = self.exec.clone().default_directory(&directory);
        self.work_directory = Some(scope.work_directory());
        self.guards.iter_mut().try_for_each(|guard| guard.resolve(&directory, scope))
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let (conditions, reasons): (Vec<_>, Vec<_>) =
            self.guards.iter().partition(|guard| guard.is_condition());
        if !conditions.is_empty() && self.waits_for_work_directory(probe)? {
            return Ok(Verdict::current());
        }
        let mut held = Verdict::current();
        for condition in conditions {
            let verdict = condition.judge(probe)?;
            if verdict.is_current() {
                return Ok(verdict);
            }
            held = held.and(verdict);
        }
        let mut found = Verdict::current();
        for reason in &reasons {
            found = found.and(reason.judge(probe)?);
        }
        Ok(if reasons.is_empty() { held } else { found })
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        match &self.file {
            None => machine.run(&self.exec),
            Some(file) => machine.run(&file.running(&self.exec, machine)?),
        }
        .map(|_| ())
    }
}
