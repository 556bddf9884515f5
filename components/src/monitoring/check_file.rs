//! Checks that agents run.

use std::borrow::Cow;
use std::time::Duration;

use serde_json::json;
use togusa_core::demand;
use togusa_core::prelude::*;
use togusa_core::problem::code;

use crate::file::File;
use crate::location::Location;
use crate::purge::Purge;

/// The definition of a check in a file of its own, for an agent of monitoring.
///
/// | attribute | default |
/// |---|---|
/// | `directory` | `/etc/nagios/nrpe.d`, `/etc/sensu/conf.d`, `/etc/icinga2/conf.d` |
/// | `interval` | 60 s; NRPE has none, for its server says when |
/// | `timeout` | that of the agent; NRPE has one for all |
/// | `handler` | none; of Sensu |
/// | `host` | that of Icinga itself, `NodeName` |
/// | `owner`, `group`, `mode` | root's, `0644`; a command that holds a secret wants `0640` and the agent's group |
///
/// [`nrpe`](Self::nrpe) writes `command[NAME]=…`, [`sensu`](Self::sensu) a check in JSON that the client
/// runs by itself, [`icinga`](Self::icinga) a `CheckCommand` with a `Service` of the same name, whose
/// command is read as a shell reads it. The file is `NAME.cfg`, `NAME.json` or `NAME.conf`.
///
/// There is nothing to verify but the file. An agent reads its files when it starts: add the service that
/// runs it behind the check, by `scope.on_change(&check)`. NRPE 4.1.0 answered with such a command, and
/// Icinga 2.13.6 found such a check valid and read its command as it was meant (`icinga2 daemon -C`,
/// `icinga2 object list`). The format of Sensu is that of the manual of Sensu Core 1, which was not run.
///
/// **Needs**: root for the directories of the system.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     let plugin = "/usr/lib/nagios/plugins/check_disk -w 20% -c 10% -p /srv";
///     let disk = scope.add(CheckFile::nrpe("check_srv", plugin));
///     scope.on_change(&disk).add(SystemdService::new("nagios-nrpe-server").reload());
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct CheckFile {
    name: String,
    command: String,
    agent: Agent,
    directory: Option<Location>,
    interval: Duration,
    timeout: Option<Duration>,
    handlers: Vec<String>,
    host: Option<String>,
    owner: Option<String>,
    group: Option<String>,
    mode: u32,
    absent: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Agent {
    Nrpe,
    Sensu,
    Icinga,
}

impl Agent {
    fn directory(self) -> &'static str {
        match self {
            Self::Nrpe => "/etc/nagios/nrpe.d",
            Self::Sensu => "/etc/sensu/conf.d",
            Self::Icinga => "/etc/icinga2/conf.d",
        }
    }

    fn suffix(self) -> &'static str {
        match self {
            Self::Nrpe => "cfg",
            Self::Sensu => "json",
            Self::Icinga => "conf",
        }
    }
}

impl CheckFile {
    fn new(agent: Agent, name: impl Into<String>, command: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            command: command.into(),
            agent,
            directory: None,
            interval: Duration::from_secs(60),
            timeout: None,
            handlers: Vec::new(),
            host: None,
            owner: None,
            group: None,
            mode: 0o644,
            absent: false,
        }
    }

    /// A command that the server of Nagios may ask NRPE for.
    pub fn nrpe(name: impl Into<String>, command: impl Into<String>) -> Self {
        Self::new(Agent::Nrpe, name, command)
    }

    /// A check of a client of Sensu.
    pub fn sensu(name: impl Into<String>, command: impl Into<String>) -> Self {
        Self::new(Agent::Sensu, name, command)
    }

    /// A service of Icinga 2, with its command.
    pub fn icinga(name: impl Into<String>, command: impl Into<String>) -> Self {
        Self::new(Agent::Icinga, name, command)
    }

    /// Sets the directory of the file.
    #[must_use]
    pub fn directory(mut self, path: impl Into<Location>) -> Self {
        self.directory = Some(path.into());
        self
    }

    /// Sets how often it runs, in whole seconds.
    #[must_use]
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Sets how long it may take, in whole seconds.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Adds a handler of Sensu.
    #[must_use]
    pub fn handler(mut self, name: impl Into<String>) -> Self {
        self.handlers.push(name.into());
        self
    }

    /// Sets the host that Icinga shows the service on.
    #[must_use]
    pub fn host(mut self, name: impl Into<String>) -> Self {
        self.host = Some(name.into());
        self
    }

    /// Sets whose the file is.
    #[must_use]
    pub fn owner(mut self, name: impl Into<String>) -> Self {
        self.owner = Some(name.into());
        self
    }

    /// Sets the group of the file.
    #[must_use]
    pub fn group(mut self, name: impl Into<String>) -> Self {
        self.group = Some(name.into());
        self
    }

    /// Sets the mode of the file.
    #[must_use]
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = mode;
        self
    }

    /// Removes it.
    #[must_use]
    pub fn absent(mut self) -> Self {
        self.absent = true;
        self
    }

    fn text(&self) -> String {
        let (name, command) = (&self.name, &self.command);
        match self.agent {
            Agent::Nrpe => format!("command[{name}]={command}\n"),
            Agent::Sensu => {
                let mut check = json!({
                    "command": command,
                    "interval": self.interval.as_secs(),
                    "standalone": true,
                });
                if let Some(timeout) = self.timeout {
                    check["timeout"] = timeout.as_secs().into();
                }
                if !self.handlers.is_empty() {
                    check["handlers"] = self.handlers.clone().into();
                }
                format!("{:#}\n", json!({ "checks": { &**name: check } }))
            }
            Agent::Icinga => {
                let timeout = self.timeout.map(|it| format!("  timeout = {}s\n", it.as_secs()));
                let host = self.host.as_deref().map_or("NodeName".into(), quoted);
                let shell = ["/bin/sh", "-c", &**command].map(quoted).join(", ");
                let (named, timeout) = (quoted(name), timeout.unwrap_or_default());
                format!(
                    "object CheckCommand {named} {{\n  command = [ {shell} ]\n{timeout}}}\n\n\
                     object Service {named} {{\n  host_name = {host}\n  check_command = {named}\n  \
                     check_interval = {}s\n}}\n",
                    self.interval.as_secs()
                )
            }
        }
    }

    fn check(&self) -> Result {
        let name = &self.name;
        let plain = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        demand!(
            name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(plain),
            code::NOT_A_NAME,
            "`{name}` cannot be the name of a check"
        );
        if self.absent {
            return Ok(());
        }
        let command = &self.command;
        demand!(
            !command.trim().is_empty() && !command.contains(['\n', '\0']),
            code::OPTION_VALUE,
            "the command of the check is not one line"
        );
        demand!(self.interval.as_secs() > 0, code::OPTION_VALUE, "the interval is below a second");
        let for_other = |what: &str, asked: bool| -> Result {
            demand!(!asked, code::OPTIONS_CLASH, "the agent of this check has no {what}");
            Ok(())
        };
        for_other("handlers", !self.handlers.is_empty() && self.agent != Agent::Sensu)?;
        for_other("host", self.host.is_some() && self.agent != Agent::Icinga)?;
        for_other("timeout", self.timeout.is_some() && self.agent == Agent::Nrpe)
    }
}

/// A text of Icinga, which would read `$…$` as a macro.
fn quoted(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "$$");
    format!("\"{text}\"")
}

impl Component for CheckFile {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some((&*self.name).into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        self.check()?;
        let directory = self.directory.take().unwrap_or_else(|| self.agent.directory().into());
        let directory = directory.as_str().trim_end_matches('/').to_owned();
        let path = format!("{directory}/{}.{}", self.name, self.agent.suffix());
        if self.absent {
            scope.add(Purge::new(path));
            return Ok(());
        }
        let mut file = File::new(path).content(self.text()).mode(self.mode);
        if let Some(owner) = &self.owner {
            file = file.owner(owner);
        }
        if let Some(group) = &self.group {
            file = file.group(group);
        }
        scope.add(file);
        Ok(())
    }
}
