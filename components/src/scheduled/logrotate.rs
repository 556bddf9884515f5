//! Rotation of logs.

use std::borrow::Cow;

use togusa_core::fault::CodeExt as _;
use togusa_core::host::{ExecError, Ownership};
use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::{demand, fault};

use super::cron::Cron;
use crate::config::{ConfigFile, verify_absent};
use crate::location::Location;

/// Where logrotate lies: a user's own path may lack the programs of the system.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// How logs are rotated.
///
/// It is a file `/etc/logrotate.d/NAME`, which the system's own logrotate reads every day, as root.
/// With [`by_cron`](Self::by_cron) all is the converging user's own: the file, the state of
/// logrotate, and a job of cron that runs it.
///
/// | attribute | default |
/// |---|---|
/// | `log` | none: at least one must be given |
/// | `every` | `day` |
/// | `rotate` | 14 old logs are kept |
/// | `compress` | yes, from the second old log on |
/// | `directive` | `missingok` and `notifempty` are always there |
/// | `post_rotate` | nothing is run |
///
/// `verify` reads the file. `update` has `logrotate --debug`, of the package `logrotate`, read the
/// new one first: what it refuses never takes the place of the old one. Below `/etc` it needs root;
/// with `by_cron` the package `cron`. In a sandbox, where nobody reads the file, it needs nothing.
///
/// **Needs**: `logrotate`; root for its usual directory.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     scope.add(
///         Logrotate::new("shop")
///             .log("/var/log/shop/*.log")
///             .every("week")
///             .rotate(8)
///             .directive("create 0640 shop adm")
///             .post_rotate("systemctl kill --signal=USR1 shop"),
///     );
///     scope.add(Logrotate::new("own").log("logs/app.log").by_cron("15 3 * * *"));
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Logrotate {
    name: String,
    logs: Vec<Location>,
    every: String,
    rotate: u32,
    compress: bool,
    directives: Vec<String>,
    post_rotate: Option<String>,
    by_cron: Option<String>,
    absent: bool,
    resolved: Option<Resolved>,
}

/// Where things lie on the host.
#[derive(Debug)]
struct Resolved {
    logs: Vec<HostPath>,
    file: HostPath,
    /// Where a new file is read before it is in place.
    draft: HostPath,
    leading: bool,
    sandboxed: bool,
}

impl Logrotate {
    /// A rotation by its name.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            logs: Vec::new(),
            every: "day".into(),
            rotate: 14,
            compress: true,
            directives: Vec::new(),
            post_rotate: None,
            by_cron: None,
            absent: false,
            resolved: None,
        }
    }

    /// Adds a log, also by a pattern; a relative one lies in the root's work directory.
    #[must_use]
    pub fn log(mut self, path: impl Into<Location>) -> Self {
        self.logs.push(path.into());
        self
    }

    /// Sets how often logs are rotated: every `hour`, `day`, `week`, `month` or `year`, or when
    /// they reach a size, such as `100M`.
    #[must_use]
    pub fn every(mut self, period: impl Into<String>) -> Self {
        self.every = period.into();
        self
    }

    /// Sets how many old logs are kept.
    #[must_use]
    pub fn rotate(mut self, count: u32) -> Self {
        self.rotate = count;
        self
    }

    /// Leaves old logs as they are.
    #[must_use]
    pub fn uncompressed(mut self) -> Self {
        self.compress = false;
        self
    }

    /// Adds a line, as `man logrotate` has them: `copytruncate`, `su app app`.
    #[must_use]
    pub fn directive(mut self, line: impl Into<String>) -> Self {
        self.directives.push(line.into());
        self
    }

    /// Runs a script of `sh` after logs were rotated, once for all of them.
    #[must_use]
    pub fn post_rotate(mut self, script: impl Into<String>) -> Self {
        self.post_rotate = Some(script.into());
        self
    }

    /// Rotates as the converging user, by a job of cron with this schedule.
    #[must_use]
    pub fn by_cron(mut self, schedule: impl Into<String>) -> Self {
        self.by_cron = Some(schedule.into());
        self
    }

    /// Removes it; the logs stay.
    #[must_use]
    pub fn absent(mut self) -> Self {
        self.absent = true;
        self
    }

    /// The line that says when.
    fn when(&self) -> Option<String> {
        let period = match &*self.every {
            "hour" => "hourly",
            "day" => "daily",
            "week" => "weekly",
            "month" => "monthly",
            "year" => "yearly",
            size => {
                let number = size.strip_suffix(['k', 'M', 'G']).unwrap_or(size);
                let is_size = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
                return is_size.then(|| format!("size {size}"));
            }
        };
        Some(period.to_owned())
    }

    fn check(&self) -> Result {
        let name = &self.name;
        let is_name =
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
        demand!(
            is_name,
            code::NOT_A_NAME,
            "`{name}` cannot be the name of a rotation: letters, digits, `-` and `_`"
        );
        if self.absent {
            return Ok(());
        }
        demand!(!self.logs.is_empty(), code::OPTION_MISSING, "no `.log(…)` is given");
        for line in &self.directives {
            demand!(
                !line.contains(['\n', '{', '}']),
                code::OPTION_VALUE,
                "`{line}` is not one directive"
            );
        }
        self.when()
            .with_context(|| format!("logs cannot be rotated every `{}`", self.every))
            .code(code::OPTION_VALUE)
            .hint("say `hour`, `day`, `week`, `month` or `year`, or a size like `100M`")
            .map(|_| ())
    }

    fn text(&self, probe: &Probe<'_>) -> Result<String> {
        let Resolved { logs, .. } = self.resolved()?;
        let mut text = format!("# Rotation `{}`, kept by togusa.\n", self.name);
        for log in logs {
            text.push_str(&format!("\"{}\"\n", probe.local(log).display()));
        }
        text.push_str("{\n");
        let when = self.when().context("the period was not checked")?;
        let mut lines = vec![when, format!("rotate {}", self.rotate)];
        lines.extend(["missingok", "notifempty"].map(str::to_owned));
        if self.compress {
            lines.extend(["compress", "delaycompress"].map(str::to_owned));
        }
        lines.extend(self.directives.iter().cloned());
        lines.iter().for_each(|line| text.push_str(&format!("    {line}\n")));
        if let Some(script) = &self.post_rotate {
            let script: String =
                script.trim_end().lines().map(|it| format!("        {it}\n")).collect();
            text.push_str(&format!("    sharedscripts\n    postrotate\n{script}    endscript\n"));
        }
        text.push_str("}\n");
        Ok(text)
    }

    fn resolved(&self) -> Result<&Resolved> {
        self.resolved.as_ref().context("the rotation was not configured").code(code::NOT_CONFIGURED)
    }

    /// Has logrotate read a text that is not in place yet.
    fn try_out(&self, machine: &Machine<'_>, text: &str) -> Result {
        let Resolved { draft, .. } = self.resolved()?;
        machine.create_leading(draft)?;
        machine.write(draft, text, &Ownership { mode: Some(0o600), ..Ownership::default() })?;
        let path = machine.local(draft).display().to_string();
        // In debug mode nothing is rotated, and no state is written.
        let exec = Exec::new("logrotate").args(["--debug", "--state", "/dev/null", &path]);
        let exec = exec.env("PATH", PATH);
        let tried = match machine.query(&exec) {
            Err(error) if matches!(error.downcast_ref(), Some(ExecError::NotFound { .. })) => {
                Err(error).hint("install it: package `logrotate`")
            }
            Err(error) => Err(error)
                .context("logrotate refuses this rotation")
                .code(code::CONFIGURATION_REFUSED),
            Ok(output) => {
                // Older ones only print what they refuse.
                let said = output.stderr_text();
                let refused = said.lines().find(|line| line.starts_with("error:"));
                refused.map_or(Ok(()), |line| {
                    Err(fault!(
                        code::CONFIGURATION_REFUSED,
                        "logrotate refuses this rotation: {line}"
                    ))
                })
            }
        };
        machine.remove(draft)?;
        tried
    }
}

impl Component for Logrotate {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some((&*self.name).into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        self.check()?;
        let logs = self.logs.iter().map(|log| log.resolve(scope)).collect::<Result<_>>()?;
        let own = scope.work_directory().join("logrotate");
        let draft = own.join(format!("{}.draft", self.name));
        let system = format!("/etc/logrotate.d/{}", self.name);
        let mapped = scope.path(&system);
        let sandboxed = mapped.as_str() != system;
        let (file, leading) = match &self.by_cron {
            Some(_) => (own.join(format!("{}.conf", self.name)), true),
            None => (mapped, sandboxed),
        };
        if let Some(schedule) = &self.by_cron {
            let state = own.join(format!("{}.state", self.name));
            // `~` is what the shell of cron takes it for, too.
            let [state, conf] = [&state, &file].map(|path| shell_word(path.as_str()));
            let command = format!("logrotate --state {state} {conf}");
            let job =
                Cron::new(format!("logrotate-{}", self.name), schedule, command).env("PATH", PATH);
            scope.add(if self.absent { job.absent() } else { job });
        }
        if !self.absent {
            scope.manages("logrotate", file.as_str());
        }
        self.resolved = Some(Resolved { logs, file, draft, leading, sandboxed });
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let path = &self.resolved()?.file;
        if self.absent {
            return verify_absent(probe, path);
        }
        ConfigFile::new(path, &self.text(probe)?).verify(probe)
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        let Resolved { file: path, leading, sandboxed, .. } = self.resolved()?;
        if self.absent {
            return machine.remove(path);
        }
        let text = self.text(machine)?;
        if !sandboxed {
            self.try_out(machine, &text)?;
        }
        if *leading {
            machine.create_leading(path)?;
        }
        ConfigFile::new(path, &text).write(machine)
    }
}

/// A path as one word of a shell; a `~` at its start is left to the shell.
fn shell_word(path: &str) -> String {
    let (home, rest) = path.strip_prefix("~/").map_or(("", path), |rest| ("~/", rest));
    format!("{home}'{}'", rest.replace('\'', r"'\''"))
}
