//! Programs below supervisord.

mod section;
mod status;
mod words;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use togusa_core::fault::CodeExt as _;
use togusa_core::host::Output;
use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::{demand, fail, fault};

use crate::file::{File, Text};
use crate::location::Location;
use crate::purge::Purge;
use crate::services::text;
use crate::waiting::{seconds, wait};

use status::{State, Statuses};

/// How often it is looked what has become of a program.
const INTERVAL: Duration = Duration::from_millis(200);

/// How long a program may take beyond its start time, while supervisord tries it again.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program that supervisord runs, and starts again when it ends.
///
/// | attribute | default |
/// |---|---|
/// | `args` | none; secrets are refused, give them as variables |
/// | `env` | none beyond what supervisord has; a value may be a secret |
/// | `directory` | the root's work directory |
/// | `user` | the one that supervisord runs as |
/// | `log` | supervisord's own choice; standard error goes there too |
/// | `start_time` | 1 s, whole seconds: `startsecs` |
/// | `stop_signal`, `stop_timeout` | `TERM`, 10 s, whole seconds; then SIGKILL for all that it started |
/// | `autorestart` | yes; else it is started again after a crash alone |
/// | `reload_signal` | none: a trigger restarts it |
/// | `option` | none: any other line of its section |
/// | `include_directory` | `/etc/supervisor/conf.d` |
/// | `config` | `/etc/supervisor/supervisord.conf` |
///
/// Its section stands in `NAME.conf` in the include directory, mode `0600` if it holds a secret.
/// `verify` compares that file, and looks at one `supervisorctl status` for all programs of the
/// host: it must be `RUNNING`. `update` writes the file, has supervisord read and take it
/// (`reread`, `update NAME`), or starts it; a trigger restarts it, or sends its reload signal. It is
/// seen through its start time; the tail of its log stands in the error. It is `healthy` while it is
/// `RUNNING`.
///
/// It needs the programs of the package `supervisor`, a supervisord that runs, and the right to
/// write there and to use its socket, which is root's usually.
///
/// **Needs**: `supervisorctl`, and the right to speak with supervisord.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>, password: Secret) -> Result {
///     let conf = scope.add(File::new("app.toml").content("workers = 2\n"));
///     let app = SupervisorProgram::new("app", "/opt/app/app").env("PASSWORD", password);
///     scope.on_change(&conf).add(app.user("app").reload_signal("HUP"));
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct SupervisorProgram {
    name: String,
    program: String,
    args: Vec<String>,
    env: BTreeMap<String, Text>,
    directory: Option<Location>,
    user: Option<String>,
    log: Option<Location>,
    start_time: Duration,
    stop_signal: String,
    stop_timeout: Duration,
    crash_alone: bool,
    reload_signal: Option<String>,
    options: BTreeMap<String, String>,
    include_directory: Location,
    config: Location,
    absent: bool,
    config_path: Option<HostPath>,
}

impl SupervisorProgram {
    /// A program by the name that supervisord gives it, and its path.
    pub fn new(name: impl Into<String>, program: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            program: program.into(),
            args: Vec::new(),
            env: BTreeMap::new(),
            directory: None,
            user: None,
            log: None,
            start_time: Duration::from_secs(1),
            stop_signal: "TERM".into(),
            stop_timeout: Duration::from_secs(10),
            crash_alone: false,
            reload_signal: None,
            options: BTreeMap::new(),
            include_directory: "/etc/supervisor/conf.d".into(),
            config: "/etc/supervisor/supervisord.conf".into(),
            absent: false,
            config_path: None,
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets an environment variable: a text, or a secret.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<Text>) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }

    /// Sets the directory that it runs in.
    #[must_use]
    pub fn directory(mut self, path: impl Into<Location>) -> Self {
        self.directory = Some(path.into());
        self
    }

    /// Runs it as another user.
    #[must_use]
    pub fn user(mut self, name: impl Into<String>) -> Self {
        self.user = Some(name.into());
        self
    }

    /// Sets the file that takes what it prints.
    #[must_use]
    pub fn log(mut self, path: impl Into<Location>) -> Self {
        self.log = Some(path.into());
        self
    }

    /// Sets how long it must run to count as started.
    #[must_use]
    pub fn start_time(mut self, time: Duration) -> Self {
        self.start_time = time;
        self
    }

    /// Sets the signal that ends it.
    #[must_use]
    pub fn stop_signal(mut self, signal: impl Into<String>) -> Self {
        self.stop_signal = signal.into();
        self
    }

    /// Sets how long it may take to end before it is killed.
    #[must_use]
    pub fn stop_timeout(mut self, timeout: Duration) -> Self {
        self.stop_timeout = timeout;
        self
    }

    /// Starts it again only if it ended with a code other than 0.
    #[must_use]
    pub fn restart_after_crash_alone(mut self) -> Self {
        self.crash_alone = true;
        self
    }

    /// Sets the signal that makes it read its configuration again; a trigger sends it instead of
    /// restarting the program.
    #[must_use]
    pub fn reload_signal(mut self, signal: impl Into<String>) -> Self {
        self.reload_signal = Some(signal.into());
        self
    }

    /// Sets another option of its section, such as `priority`.
    #[must_use]
    pub fn option(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.options.insert(name.into(), value.into());
        self
    }

    /// Sets the directory that supervisord includes.
    #[must_use]
    pub fn include_directory(mut self, path: impl Into<Location>) -> Self {
        self.include_directory = path.into();
        self
    }

    /// Sets the configuration of supervisord, which says where it can be reached.
    #[must_use]
    pub fn config(mut self, path: impl Into<Location>) -> Self {
        self.config = path.into();
        self
    }

    /// Stops it, and takes it from supervisord.
    #[must_use]
    pub fn absent(mut self) -> Self {
        self.absent = true;
        self
    }

    /// The file of the section.
    fn section_file(&self, scope: &mut Scope<'_>) -> Result<File> {
        let directory = match &self.directory {
            Some(directory) => directory.resolve(scope)?,
            None => scope.work_directory(),
        };
        let log = self.log.as_ref().map(|log| log.resolve(scope)).transpose()?;
        let is_secret = self.env.values().any(Text::is_secret);
        let text = self.environment()?;
        let context = context! { directory, log => log };
        let context = match is_secret {
            true => context.with("environment", Secret::new(text)),
            false => context.with("environment", text),
        };
        let file = File::new(self.file_path(scope)?);
        Ok(file.inline_template(self.section()?, context).mode(if is_secret {
            0o600
        } else {
            0o644
        }))
    }

    fn file_path(&self, scope: &Scope<'_>) -> Result<HostPath> {
        Ok(self.include_directory.resolve(scope)?.join(format!("{}.conf", self.name)))
    }

    fn config_path(&self) -> Result<&HostPath> {
        self.config_path
            .as_ref()
            .context("the program was not configured")
            .code(code::NOT_CONFIGURED)
    }

    fn control(&self, probe: &Probe<'_>, args: &[&str]) -> Result<Exec> {
        Ok(status::supervisorctl(probe, self.config_path()?).args(args.iter().copied()))
    }

    /// Runs supervisorctl; what it complains of stands on its standard output.
    fn run(&self, machine: &Machine<'_>, args: &[&str]) -> Result<Output> {
        let exec = self.control(machine, args)?;
        let output = status::explained(machine.run(&exec.accept([0, 1, 2, 3, 4, 7])))?;
        let said = output.stdout_text();
        let complaint =
            said.lines().find(|line| line.contains("ERROR") || line.starts_with("error:"));
        match complaint {
            Some(complaint) => {
                Err(fault!(code::SUPERVISOR_REFUSES, "supervisord says: {}", complaint.trim()))
                    .hint("correct what it complains of in its files")
            }
            None => Ok(output),
        }
    }

    fn state(&self, probe: &Probe<'_>) -> Result<Option<State>> {
        Ok(status::all_now(probe, self.config_path()?)?.remove(&self.name))
    }

    /// Reloads or restarts what runs as it should.
    fn move_running(&self, machine: &Machine<'_>, before: &State) -> Result {
        if let Some(signal) = &self.reload_signal {
            let signal = signal.strip_prefix("SIG").unwrap_or(signal);
            self.run(machine, &["signal", signal, &self.name])?;
            return self.see_reloaded(machine, before, signal);
        }
        self.order(machine, "restart")?;
        let now = self.state(machine)?;
        let is_new = now.is_some_and(|now| now.pid != before.pid);
        demand!(
            is_new,
            code::SERVICE_NOT_RUNNING,
            "`{}` is still the same process after its restart",
            self.name
        );
        Ok(())
    }

    /// Starts or restarts it. What supervisorctl says of a failure is less than what is seen
    /// afterwards, and one that comes up all the same has not failed.
    fn order(&self, machine: &Machine<'_>, order: &str) -> Result {
        let told = self.run(machine, &[order, &self.name]);
        self.see_through(machine)?;
        match told {
            Err(error) if !status::is_harmless(&error.to_string()) => Err(error),
            _ => Ok(()),
        }
    }

    /// Sees whether it survives its reload for as long as it must run to count as started.
    fn see_reloaded(&self, machine: &Machine<'_>, before: &State, signal: &str) -> Result {
        let ended = wait(machine, self.start_time, INTERVAL, || {
            let now = self.state(machine)?;
            let same = now.as_ref().is_some_and(|now| now.is_running() && now.pid == before.pid);
            Ok(if same { Err(String::new()) } else { Ok(now) })
        })?;
        let Ok(now) = ended else { return Ok(()) };
        let now = now.map_or("unknown".into(), |now| now.to_string());
        let what = format!("did not survive its reload by signal {signal}: {now}");
        Err(self.log_tail(machine)?.context(format!("`{}` {what}", self.name)))
    }

    /// Waits until it runs; fails with the tail of its log when it does not.
    fn see_through(&self, machine: &Machine<'_>) -> Result {
        let mut last = "unknown to supervisord".to_owned();
        let limit = self.start_time + PATIENCE;
        let seen = wait(machine, limit, INTERVAL, || {
            let Some(state) = self.state(machine)? else { return Ok(Err(String::new())) };
            let done = state.is_running() || state.is_final();
            last = state.to_string();
            Ok(if done { Ok(state.is_running()) } else { Err(String::new()) })
        })?;
        if seen == Ok(true) {
            return Ok(());
        }
        let time = seconds(self.start_time);
        let text = format!("`{}` does not stay up for {time}: {last}", self.name);
        Err(self.log_tail(machine)?.context(text))
    }

    fn log_tail(&self, probe: &Probe<'_>) -> Result<anyhow::Error> {
        let shown = probe.query(&self.control(probe, &["tail", &self.name])?);
        // The tail only adds to an error that is told anyway.
        Ok(fault!(
            code::SERVICE_NOT_RUNNING,
            "{}",
            match shown {
                Ok(output) => text::tail("its log", &output.stdout_text()),
                Err(error) => format!("its log cannot be read: {error:#}"),
            }
        ))
    }
}

impl Component for SupervisorProgram {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some(self.name.as_str().into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        self.check()?;
        scope.check_arguments(&Exec::new(&self.program).args(&self.args))?;
        self.config_path = Some(self.config.resolve(scope)?);
        scope.manages("supervisor-program", self.name.clone());
        if self.absent {
            let removed = scope.add(Purge::new(self.file_path(scope)?));
            scope.on_change(&removed).update_self();
            return Ok(());
        }
        let file = self.section_file(scope)?;
        let file = scope.add(file);
        scope.on_change(&file).update_self();
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let state = Statuses::of(probe, self.config_path()?)?.remove(&self.name);
        Ok(match (self.absent, state) {
            (true, Some(state)) => Verdict::stale(Change::remove(format!("process, {state}"))),
            (true, None) => Verdict::current(),
            (false, None) => Verdict::stale(Change::create("process")),
            (false, Some(state)) => {
                let change = Change::property("state", &state, "RUNNING");
                Verdict::expect(state.is_running(), change)
            }
        })
    }

    fn healthy(&self, probe: &Probe<'_>) -> Result {
        if self.absent {
            return Ok(());
        }
        let name = &self.name;
        match Statuses::of(probe, self.config_path()?)?.remove(name) {
            Some(state) if state.is_running() => Ok(()),
            Some(state) => fail!(code::UNHEALTHY, "`{name}` does not run: {state}"),
            None => fail!(code::UNHEALTHY, "supervisord does not know `{name}`"),
        }
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        let _alone = machine.exclusive("supervisor");
        let before = self.state(machine)?;
        self.run(machine, &["reread"])?;
        let updated = match self.run(machine, &["update", &self.name]) {
            // It was neither there nor is it now.
            Err(error) if self.absent && error.to_string().contains("no such group") => {
                return Ok(());
            }
            result => result?,
        };
        if self.absent {
            return Ok(());
        }
        let Some(now) = self.state(machine)? else {
            return Err(fault!(
                code::SUPERVISOR_REFUSES,
                "supervisord does not know `{}`",
                self.name
            ))
            .hint("see that it includes the files of `.include_directory(…)`");
        };
        // Where there was nothing to take, it is one of the other triggers that may have come.
        let is_old = |before: &State| before.is_up() && updated.stdout_text().trim().is_empty();
        match before.filter(is_old) {
            Some(before) if before.is_running() && before.pid == now.pid => {
                self.move_running(machine, &before)
            }
            _ if now.is_final() => self.order(machine, "start"),
            // It may have been started before what the trigger tells of.
            Some(_) => self.order(machine, "restart"),
            None => self.see_through(machine),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_section_is_what_supervisord_reads() {
        let program = SupervisorProgram::new("web", "/opt/web")
            .args(["--title", "a b", "100%", "{{ x }}"])
            .env("A", "50%")
            .env("B", "c d")
            .stop_signal("SIGINT")
            .option("priority", "5");
        let expected = "[program:web]\n\
            command = {% raw %}/opt/web --title 'a b' 100%% '{{ x }}'{% endraw %}\n\
            directory = {{ directory }}\nredirect_stderr = true\nautostart = true\n\
            autorestart = true\nstartsecs = 1\nstopsignal = INT\nstopwaitsecs = 10\n\
            stopasgroup = false\nkillasgroup = true\npriority = 5\n\
            environment = {{ environment }}\n";
        assert_eq!(program.section().unwrap(), expected);
        assert_eq!(program.environment().unwrap(), "A=\"50%%\",B=\"c d\"");
        let error = program.env("C", "a\"b").environment().unwrap_err();
        assert!(format!("{error:#}").contains("`C` holds a quote"));
        let cut = SupervisorProgram::new("web", "/opt/web").env("D", "a #b");
        assert!(format!("{:#}", cut.environment().unwrap_err()).contains("`#` behind a blank"));
        assert!(cut.option("priority", "5 ; five").check().is_err());
    }
}
