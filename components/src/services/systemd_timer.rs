//! Timers of systemd.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use togusa_core::fault::CodeExt as _;
use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::{demand, fault};

use crate::file::{File, Text};
use crate::purge::Purge;

use super::systemd::check_name;
use super::{SystemdService, SystemdUnit};

/// A command that systemd runs at set times.
///
/// | attribute | default |
/// |---|---|
/// | `on_calendar` | none; several may be given, as `man systemd.time` writes them |
/// | `on_boot` | none: so long after the machine started |
/// | `every` | none: so long after the command last began |
/// | `persistent` | no; yes: what was missed while the machine was off is made up for |
/// | `randomized_delay` | none: up to so much later |
/// | `user`, `directory` | root, `/`; for `of_user` the user and its home |
/// | `env` | none; a value may be a secret |
/// | `of_user` | no: it is one of the system |
///
/// One of `on_calendar`, `on_boot` and `every` must be given. It consists of a service `NAME.service`
/// of type oneshot, a timer `NAME.timer`, and, if there are variables, a file `NAME.env` in the
/// root's work directory that only the converging user can read; systemd reads it before it becomes
/// another user. Each is verified and updated as [`SystemdUnit`], [`SystemdService`] and
/// [`File`](crate::File) are; a changed timer is restarted, a changed command is used when it runs
/// next. A timer of the system needs root.
///
/// **Needs**: `systemctl`; root for a timer of the system.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     let backup = SystemdTimer::new("backup", ["/opt/shop/backup", "--to", "/srv/backup"]);
///     scope.add(backup.on_calendar("*-*-* 03:30:00").persistent().user("postgres"));
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct SystemdTimer {
    name: String,
    command: Vec<String>,
    on_calendar: Vec<String>,
    on_boot: Option<Duration>,
    every: Option<Duration>,
    persistent: bool,
    randomized_delay: Option<Duration>,
    user: Option<String>,
    directory: Option<String>,
    env: BTreeMap<String, Text>,
    of_user: bool,
    absent: bool,
}

impl SystemdTimer {
    /// A timer by its name without a kind, and a command: the path of a program and its arguments.
    pub fn new(
        name: impl Into<String>,
        command: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        Self {
            name: name.into(),
            command: command.into_iter().map(Into::into).collect(),
            on_calendar: Vec::new(),
            on_boot: None,
            every: None,
            persistent: false,
            randomized_delay: None,
            user: None,
            directory: None,
            env: BTreeMap::new(),
            of_user: false,
            absent: false,
        }
    }

    /// Runs it at these times: `daily`, `Mon *-*-* 06:00:00`. May be given several times.
    #[must_use]
    pub fn on_calendar(mut self, times: impl Into<String>) -> Self {
        self.on_calendar.push(times.into());
        self
    }

    /// Runs it so long after the machine started.
    #[must_use]
    pub fn on_boot(mut self, after: Duration) -> Self {
        self.on_boot = Some(after);
        self
    }

    /// Runs it so long after it last began; the first time when the timer is started.
    #[must_use]
    pub fn every(mut self, time: Duration) -> Self {
        self.every = Some(time);
        self
    }

    /// Makes up for what was missed while the machine was off.
    #[must_use]
    pub fn persistent(mut self) -> Self {
        self.persistent = true;
        self
    }

    /// Spreads the times by up to so much.
    #[must_use]
    pub fn randomized_delay(mut self, delay: Duration) -> Self {
        self.randomized_delay = Some(delay);
        self
    }

    /// Runs the command as another user.
    #[must_use]
    pub fn user(mut self, name: impl Into<String>) -> Self {
        self.user = Some(name.into());
        self
    }

    /// Sets the directory that the command runs in, an absolute path.
    #[must_use]
    pub fn directory(mut self, path: impl Into<String>) -> Self {
        self.directory = Some(path.into());
        self
    }

    /// Sets an environment variable: a text, or a secret.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<Text>) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }

    /// Makes it a timer of the converging user.
    #[must_use]
    pub fn of_user(mut self) -> Self {
        self.of_user = true;
        self
    }

    /// Stops the timer and removes it with its service and its variables.
    #[must_use]
    pub fn absent(mut self) -> Self {
        self.absent = true;
        self
    }

    fn timer(&self) -> String {
        let mut text = format!("[Unit]\nDescription=Times of {}\n\n[Timer]\n", self.name);
        for times in &self.on_calendar {
            let _ = writeln!(text, "OnCalendar={times}");
        }
        let mut set = |name: &str, time: Option<Duration>| {
            if let Some(time) = time {
                let _ = writeln!(text, "{name}={}ms", time.as_millis());
            }
        };
        set("OnBootSec", self.on_boot);
        set("OnActiveSec", self.every.map(|_| Duration::ZERO));
        set("OnUnitActiveSec", self.every);
        set("RandomizedDelaySec", self.randomized_delay);
        if self.persistent {
            text += "Persistent=true\n";
        }
        text + "\n[Install]\nWantedBy=timers.target\n"
    }

    fn service(&self) -> Result<String> {
        let mut text = format!("[Unit]\nDescription={}\n\n[Service]\nType=oneshot\n", self.name);
        if let Some(user) = &self.user {
            let _ = writeln!(text, "User={}", escaped(user));
        }
        if let Some(directory) = &self.directory {
            let _ = writeln!(text, "WorkingDirectory={}", escaped(directory));
        }
        if !self.env.is_empty() {
            text += "EnvironmentFile={{ variables }}\n";
        }
        let words: Result<Vec<String>> = self.command.iter().map(|word| quoted(word)).collect();
        let line = words?.join(" ");
        // What the template syntax would take for its own is given to it as a text.
        Ok(text + "ExecStart={{ command }}\n")
            .map(|text| text.replace("{{ command }}", &raw(&line)))
    }

    /// The variables as systemd reads them from a file.
    fn variables(&self) -> Result<Vec<u8>> {
        let mut text = Vec::new();
        for (name, value) in &self.env {
            let value = std::str::from_utf8(value.bytes())
                .with_context(|| format!("the variable `{name}` is not UTF-8"))
                .code(code::OPTION_VALUE)?;
            let value = value.replace('\\', "\\\\").replace('"', "\\\"");
            let value = value.replace('$', "\\$").replace('`', "\\`");
            text.extend_from_slice(format!("{name}=\"{value}\"\n").as_bytes());
        }
        Ok(text)
    }

    fn variables_file(&self) -> String {
        format!("{}.env", self.name)
    }

    fn check(&self) -> Result {
        check_name(&self.name)?;
        let lines = self.on_calendar.iter().chain(&self.user).chain(&self.directory);
        demand!(
            !lines.clone().any(|text| text.contains('\n')),
            code::OPTION_VALUE,
            "a text holds a line break"
        );
        if self.absent {
            return Ok(());
        }
        if self.on_calendar.is_empty() && self.on_boot.is_none() && self.every.is_none() {
            return Err(fault!(code::OPTION_MISSING, "nothing says when it runs"))
                .hint("give it `.on_calendar(…)`, `.every(…)` or `.on_boot(…)`");
        }
        let is_path = self.command.first().is_some_and(|program| program.starts_with('/'));
        if !is_path {
            return Err(fault!(
                code::OPTION_VALUE,
                "its command does not begin with the path of a program"
            ))
            .hint("systemd wants it absolute: `/usr/bin/env`");
        }
        Ok(())
    }
}

/// A value in which systemd sees nothing special.
fn escaped(text: &str) -> String {
    text.replace('%', "%%")
}

/// One word of a command line of systemd.
fn quoted(word: &str) -> Result<String> {
    demand!(!word.contains(['\n', '\0']), code::OPTION_VALUE, "an argument holds a line break");
    let word = escaped(word).replace('$', "$$").replace('\\', "\\\\").replace('"', "\\\"");
    let plain = !word.is_empty() && !word.contains([' ', '\t', '\'', ';', '"', '\\', '#']);
    Ok(if plain { word } else { format!("\"{word}\"") })
}

/// A text that a template leaves as it is.
fn raw(text: &str) -> String {
    match text.contains("{{") || text.contains("{%") || text.contains("{#") {
        true => format!("{{% raw %}}{text}{{% endraw %}}"),
        false => text.to_owned(),
    }
}

impl Component for SystemdTimer {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some(self.name.as_str().into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        self.check()?;
        let mine = |unit: SystemdUnit| if self.of_user { unit.of_user() } else { unit };
        let timer = format!("{}.timer", self.name);
        let running = SystemdService::new(&timer);
        let running = if self.of_user { running.of_user() } else { running };
        if self.absent {
            scope.add(running.disabled().stopped());
            scope.add(mine(SystemdUnit::new(&timer)).absent());
            scope.add(mine(SystemdUnit::new(&self.name)).absent());
            let variables = scope.path(self.variables_file());
            scope.add(Purge::new(variables));
            return Ok(());
        }
        let mut variables = String::new();
        if !self.env.is_empty() {
            let secret = Secret::new(self.variables()?);
            let file = scope.add(File::new(self.variables_file()).content(secret));
            variables = file.path().as_str().to_owned();
        }
        scope.check_arguments(&Exec::new("systemd").args(&self.command))?;
        let path = scope.path(&variables);
        let service = SystemdUnit::new(&self.name);
        let service = service.inline_template(self.service()?, context! { variables => path });
        scope.add(mine(service));
        let unit = scope.add(mine(SystemdUnit::new(&timer).content(self.timer())));
        scope.on_change(&unit).add(running);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_command_are_written_as_systemd_reads_them() {
        let timer = SystemdTimer::new("t", ["/bin/echo", "a b", "100%", "$HOME", "\"", "{{ x }}"])
            .on_calendar("daily")
            .every(Duration::from_millis(1500))
            .persistent()
            .user("app")
            .env("A", "a\"b$c");
        assert_eq!(
            timer.timer(),
            "[Unit]\nDescription=Times of t\n\n[Timer]\nOnCalendar=daily\nOnActiveSec=0ms\n\
             OnUnitActiveSec=1500ms\nPersistent=true\n\n[Install]\nWantedBy=timers.target\n"
        );
        assert_eq!(
            timer.service().unwrap(),
            "[Unit]\nDescription=t\n\n[Service]\nType=oneshot\nUser=app\n\
             EnvironmentFile={{ variables }}\n\
             ExecStart={% raw %}/bin/echo \"a b\" 100%% $$HOME \"\\\"\" \"{{ x }}\"{% endraw %}\n"
        );
        assert_eq!(timer.variables().unwrap(), b"A=\"a\\\"b\\$c\"\n");
    }
}
