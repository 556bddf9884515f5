//! Jobs of cron.

mod schedule;
mod table;

use std::borrow::Cow;
use std::collections::BTreeMap;

use togusa_core::fault::CodeExt as _;
use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::system;
use togusa_core::{demand, fault};

use crate::config::{ConfigFile, verify_absent};
use crate::privilege::{is_root, require_root};

use table::{Crontab, Job};

/// One job of cron.
///
/// For root it is a file `/etc/cron.d/NAME`; for anybody else a few lines between marks in the
/// crontab of the converging user, where all else is left alone. In a sandbox it is a file below
/// that, and nothing runs.
///
/// | attribute | default |
/// |---|---|
/// | `user` | the converging user; another one needs root |
/// | `env` | nothing beside what cron itself sets |
///
/// A schedule has the five fields of cron (minute, hour, day of the month, month, day of the week)
/// or is `@reboot`, `@hourly`, `@daily`, `@weekly`, `@monthly` or `@yearly`; it is read before any
/// host is touched. The command is one line for `/bin/sh`; a `%` in it is itself, and so is a `\`.
///
/// `verify` reads the file with its mode and owner, or runs `crontab -l`, once for all jobs of a
/// host. `update` puts a new file in its place, or runs `crontab`, of the package `cron`; cron sees
/// by itself that there is something new. A job that holds a secret is readable for root alone.
///
/// **Needs**: `cron`; root for other users.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     let backup = Cron::new("shop-backup", "30 2 * * mon-fri", "/srv/shop/backup $(date +%F)");
///     scope.add(backup.user("shop").env("MAILTO", "ops@example.org"));
///     scope.add(Cron::new("shop-report", "@daily", "/srv/shop/report").absent());
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Cron {
    name: String,
    schedule: String,
    command: String,
    user: Option<String>,
    env: BTreeMap<String, Value>,
    absent: bool,
    path: Option<HostPath>,
    sandboxed: bool,
}

/// The value of a variable.
#[derive(Clone, Debug)]
enum Value {
    Clear(String),
    Secret(Secret),
}

impl Value {
    fn text(&self) -> &str {
        match self {
            Self::Clear(text) => text,
            Self::Secret(secret) => secret.expose(),
        }
    }
}

impl Cron {
    /// A job by its name, its schedule and its command.
    pub fn new(
        name: impl Into<String>,
        schedule: impl Into<String>,
        command: impl Into<String>,
    ) -> Self {
        Self {
            name: name.into(),
            schedule: schedule.into(),
            command: command.into(),
            user: None,
            env: BTreeMap::new(),
            absent: false,
            path: None,
            sandboxed: false,
        }
    }

    /// Runs it as another user.
    #[must_use]
    pub fn user(mut self, name: impl Into<String>) -> Self {
        self.user = Some(name.into());
        self
    }

    /// Sets a variable of its environment. `MAILTO`, `SHELL` and `CRON_TZ`, which tell cron
    /// something, count for a job of root alone.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.insert(name.into(), Value::Clear(value.into()));
        self
    }

    /// Sets a variable of its environment to a secret.
    #[must_use]
    pub fn secret_env(mut self, name: impl Into<String>, value: impl Into<Secret>) -> Self {
        self.env.insert(name.into(), Value::Secret(value.into()));
        self
    }

    /// Removes it.
    #[must_use]
    pub fn absent(mut self) -> Self {
        self.absent = true;
        self
    }

    fn job(&self) -> Job<'_> {
        let env = self.env.iter().map(|(name, value)| (&**name, value.text())).collect();
        Job { name: &self.name, schedule: &self.schedule, command: &self.command, env }
    }

    /// The file that it is, unless it stands in a crontab.
    fn file(&self) -> Option<&HostPath> {
        self.path.as_ref().filter(|_| self.sandboxed || is_root())
    }

    fn file_text(&self, probe: &Probe<'_>) -> String {
        let own = || probe.user_name(system::user_id());
        self.job().file(&self.user.clone().unwrap_or_else(own))
    }

    /// Refuses the jobs of others, and what a crontab cannot say of one job.
    fn check_own(&self, probe: &Probe<'_>) -> Result {
        let own = probe.user_name(system::user_id());
        if self.user.as_ref().is_some_and(|user| *user != own) {
            return require_root(probe, "look after the jobs of other users");
        }
        match self.env.keys().find(|name| table::SPECIAL.contains(&name.as_str())) {
            Some(name) if !self.absent => Err(fault!(
                code::CRON_VARIABLE,
                "`{name}` would count for all jobs in the crontab of `{own}`"
            ))
            .hint("set it there by hand, or converge as root: `sudo = true` for the host"),
            _ => Ok(()),
        }
    }

    fn check(&self) -> Result {
        let name = &self.name;
        let is_name =
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
        demand!(
            is_name,
            code::NOT_A_NAME,
            "`{name}` cannot be the name of a job: letters, digits, `-` and `_`"
        );
        if let Some(user) = &self.user {
            let is_user = !user.is_empty() && !user.contains(char::is_whitespace);
            demand!(is_user, code::NOT_A_NAME, "`{user}` cannot be the name of a user");
        }
        if self.absent {
            return Ok(());
        }
        schedule::check(&self.schedule)?;
        let command = self.command.trim();
        demand!(!command.is_empty(), code::OPTION_MISSING, "the command is empty");
        if command.contains('\n') {
            return Err(fault!(code::OPTION_VALUE, "the command has more than one line"))
                .hint("put it into a script, and run that");
        }
        for (name, value) in &self.env {
            let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            demand!(is_name, code::NOT_A_NAME, "`{name}` cannot be the name of a variable");
            let fits = !value.text().contains('\n');
            demand!(
                fits,
                code::OPTION_VALUE,
                "variable `{name}` has more than one line, which cron cannot read"
            );
        }
        self.job().check_length()
    }

    /// Refuses a user that is not there, whose job cron would leave out without a word.
    fn check_user(&self, probe: &Probe<'_>) -> Result {
        let Some(user) = self.user.as_ref().filter(|_| !self.sandboxed) else { return Ok(()) };
        match probe.user_id(user)? {
            Some(_) => Ok(()),
            None => Err(fault!(code::NO_ACCOUNT, "there is no user `{user}`"))
                .hint("create the account in an earlier component"),
        }
    }
}

impl Component for Cron {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some((&*self.name).into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        self.check()?;
        let path = format!("/etc/cron.d/{}", self.name);
        let mapped = scope.path(&path);
        self.sandboxed = mapped.as_str() != path;
        self.path = Some(mapped);
        if !self.absent {
            scope.manages("cron", &self.name);
        }
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        match self.file() {
            Some(path) if self.absent => verify_absent(probe, path),
            Some(path) => {
                self.check_user(probe)?;
                ConfigFile::new(path, &self.file_text(probe)).verify(probe)
            }
            None => {
                self.check_own(probe)?;
                let present = &probe.snapshot::<Crontab>()?.0;
                let job = self.job();
                let wanted = (!self.absent).then(|| job.lines());
                let present = table::lines_of(present, &self.name);
                let is_sensitive = |text: &String| probe.is_sensitive(text.as_bytes());
                Ok(match (present, wanted) {
                    (present, wanted) if present == wanted => Verdict::current(),
                    (None, _) => Verdict::stale(Change::create("job in the crontab")),
                    (_, None) => Verdict::stale(Change::remove("job in the crontab")),
                    (Some(present), Some(wanted)) => {
                        Verdict::stale(if is_sensitive(&present) || is_sensitive(&wanted) {
                            Change::Sensitive
                        } else {
                            Change::text(&present, &wanted)
                        })
                    }
                })
            }
        }
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        match self.file() {
            Some(path) if self.absent => machine.remove(path),
            Some(path) => {
                self.check_user(machine)?;
                if self.sandboxed {
                    machine.create_leading(path)?;
                }
                let directory = path.parent().map(|parent| machine.entry(&parent)).transpose()?;
                directory
                    .flatten()
                    .context("there is no directory `/etc/cron.d`")
                    .code(code::NO_PROGRAM)
                    .hint("install cron: package `cron`")?;
                ConfigFile::new(path, &self.file_text(machine)).write(machine)
            }
            None => {
                self.check_own(machine)?;
                let job = self.job();
                let wanted = (!self.absent).then(|| job.lines());
                table::change(machine, &self.name, wanted.as_deref())
            }
        }
    }
}
