//! Servers of Redis.

mod running;

use std::borrow::Cow;
use std::collections::BTreeMap;

use togusa_core::demand;
use togusa_core::prelude::*;
use togusa_core::problem::code;

use crate::directory::Directory;
use crate::file::File;
use crate::location::Location;
use crate::purge::Purge;
use crate::services::{Program, SystemdService};

use running::{Server, Settings, is_same, quoted};

/// A server of Redis: its files, that it runs, and the configuration that it runs with.
///
/// | attribute | default |
/// |---|---|
/// | `port` | 6379 |
/// | `bind` | `127.0.0.1 -::1`: this host alone |
/// | `password` | none: whoever reaches it may do everything |
/// | `setting` | those of Redis |
/// | `directory` | `NAME` in the work directory; holds the configuration and what Redis keeps |
/// | `unit` | none: a [`Program`] runs it; else a unit of systemd, such as `redis-server` |
/// | `config` | `redis.conf` in the directory; `/etc/redis/redis.conf` is what the unit of Debian reads |
/// | `owner` | the converging user; the user of the unit must read the files |
///
/// The password stands in a file beside the configuration, which nobody but the owner can read, and
/// which the configuration includes.
///
/// `verify` asks the running server by `CONFIG GET`, once, after its files and its process are right: what
/// somebody changed by `CONFIG SET` of what is given here is seen and set back. It is asked where it shall
/// listen: one that was moved to another port cannot be reached, which is an error. Settings that Redis
/// tells in another way than they are written, or not at all, are left out:
/// `client-output-buffer-limit`, `include`, `loadmodule`, `notify-keyspace-events`,
/// `oom-score-adj-values`, `rename-command`, `replicaof`, `slaveof`, `user`. A change of the files
/// restarts the server. The password goes to `redis-cli` by the variable `REDISCLI_AUTH`, and all else by
/// its standard input. All of this is tried out with Redis 7.0.
///
/// [`absent`](Self::absent) stops it and removes its configuration; what it kept stays.
///
/// **Needs**: `redis-server`, `redis-cli`; what [`Program`] or [`SystemdService`] needs.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>, password: &Secret) -> Result {
///     let cache = Redis::new("cache").port(6380).password(password);
///     scope.add(cache.setting("maxmemory", "100mb").setting("maxmemory-policy", "allkeys-lru"));
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Redis {
    name: String,
    port: u16,
    bind: String,
    password: Option<Secret>,
    settings: BTreeMap<String, String>,
    directory: Option<Location>,
    unit: Option<String>,
    config: Option<Location>,
    owner: Option<String>,
    absent: bool,
}

/// Paths are known on the host alone.
const TEMPLATE: &str = "{{ text }}dir \"{{ directory }}\"\ninclude \"{{ included }}\"\n";

impl Redis {
    /// A server by a name of one's own.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            port: 6379,
            bind: "127.0.0.1 -::1".into(),
            password: None,
            settings: BTreeMap::new(),
            directory: None,
            unit: None,
            config: None,
            owner: None,
            absent: false,
        }
    }

    /// Sets the port.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Sets the addresses that it listens on, with spaces between them.
    #[must_use]
    pub fn bind(mut self, addresses: impl Into<String>) -> Self {
        self.bind = addresses.into();
        self
    }

    /// Asks everybody for a password (`requirepass`).
    #[must_use]
    pub fn password(mut self, password: &Secret) -> Self {
        self.password = Some(password.clone());
        self
    }

    /// Sets a setting by the name that it has in `redis.conf`; may be given several times.
    #[must_use]
    pub fn setting(mut self, name: impl Into<String>, value: impl ToString) -> Self {
        self.settings.insert(name.into(), value.to_string());
        self
    }

    /// Sets the directory of its configuration and its data.
    #[must_use]
    pub fn directory(mut self, path: impl Into<Location>) -> Self {
        self.directory = Some(path.into());
        self
    }

    /// Lets systemd run it: by a unit that is there, such as `redis-server`.
    #[must_use]
    pub fn unit(mut self, name: impl Into<String>) -> Self {
        self.unit = Some(name.into());
        self
    }

    /// Sets the file of its configuration.
    #[must_use]
    pub fn config(mut self, path: impl Into<Location>) -> Self {
        self.config = Some(path.into());
        self
    }

    /// Sets whose the files are.
    #[must_use]
    pub fn owner(mut self, name: impl Into<String>) -> Self {
        self.owner = Some(name.into());
        self
    }

    /// Stops it and removes its configuration.
    #[must_use]
    pub fn absent(mut self) -> Self {
        self.absent = true;
        self
    }

    /// What it listens on and is set to, in the order of the file.
    fn wanted(&self) -> impl Iterator<Item = (&str, &str)> {
        let settings = self.settings.iter().map(|(name, value)| (&**name, &**value));
        std::iter::once(("bind", &*self.bind)).chain(settings)
    }

    /// The configuration but for its paths.
    fn text(&self) -> String {
        let mut text = format!("# Kept by togusa.\nport {}\ndaemonize no\n", self.port);
        for (name, value) in self.wanted() {
            // Several words are several values.
            let words: Vec<_> = value.split_whitespace().map(quoted).collect();
            let words = if words.is_empty() { "\"\"".into() } else { words.join(" ") };
            text.push_str(&format!("{name} {words}\n"));
        }
        text
    }

    /// How it is reached from this host.
    fn server(&self) -> Server<'_> {
        let socket = self.settings.get("unixsocket").filter(|_| self.port == 0);
        let at = match socket {
            Some(path) => vec!["-s".into(), path.clone()],
            None => {
                let all = |address: &&str| !["*", "0.0.0.0", "::", "::*"].contains(address);
                let first = self.bind.split_whitespace().map(|it| it.trim_start_matches('-'));
                let host = first.take(1).find(all).unwrap_or("127.0.0.1").to_owned();
                vec!["-h".into(), host, "-p".into(), self.port.to_string()]
            }
        };
        Server { at, password: self.password.as_ref() }
    }

    /// What the running server has otherwise.
    fn differing(&self, running: &Settings) -> Vec<(&str, Cow<'_, str>)> {
        let other = |(name, wanted): &(&str, Cow<'_, str>)| {
            running.get(*name).is_some_and(|running| !is_same(name, running, wanted))
        };
        // Only one that is reached by its socket can have another port.
        let port = std::iter::once(("port", self.port.to_string().into()));
        let settings = self.wanted().map(|(name, value)| (name, value.into()));
        let mut all: Vec<_> = port.chain(settings).filter(other).collect();
        if let Some(password) = &self.password
            && running.get("requirepass").is_none_or(|running| running != password.expose())
        {
            all.push(("requirepass", password.expose().into()));
        }
        all
    }

    fn check(&self) -> Result {
        let plain = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        let is_name = |name: &str| !name.is_empty() && name.chars().all(plain);
        let name = &self.name;
        demand!(
            is_name(name) && !name.starts_with('.'),
            code::NOT_A_NAME,
            "`{name}` is no name for a server"
        );
        for (name, value) in self.wanted() {
            demand!(is_name(name), code::NOT_A_NAME, "`{name}` cannot be a setting of Redis");
            demand!(
                !value.contains(['\n', '\r', '\0']),
                code::OPTION_VALUE,
                "the setting `{name}` is not one line"
            );
            let own = ["port", "bind", "dir", "daemonize", "include", "requirepass"];
            demand!(
                name == "bind" || !own.contains(&name),
                code::OPTIONS_CLASH,
                "`{name}` is set by a method of its own"
            );
        }
        demand!(
            !self.settings.contains_key("bind"),
            code::OPTIONS_CLASH,
            "`bind` is set by a method of its own"
        );
        demand!(
            self.port != 0 || self.settings.contains_key("unixsocket"),
            code::OPTION_MISSING,
            "without a port it needs the setting `unixsocket`"
        );
        let empty = self.password.as_ref().is_some_and(|password| password.expose().is_empty());
        demand!(!empty, code::OPTION_VALUE, "the password is empty");
        Ok(())
    }
}

impl Component for Redis {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some((&*self.name).into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        self.check()?;
        let directory = self.directory.take().unwrap_or_else(|| self.name.as_str().into());
        let directory = directory.resolve(scope)?;
        let config = match &self.config {
            Some(config) => config.resolve(scope)?,
            None => directory.join("redis.conf"),
        };
        let beside = config.parent().context("the configuration lies in no directory")?;
        let included = beside.join(format!("{}.secret.conf", self.name));
        let program =
            || Program::new(&self.name, "redis-server").arg(config.file_name()).directory(&beside);
        let stopped = |unit: &String| SystemdService::new(unit).stopped().any_enablement();
        if self.absent {
            match &self.unit {
                Some(unit) => drop(scope.add(stopped(unit))),
                None => drop(scope.add(program().absent())),
            }
            scope.add(Purge::new(&included));
            scope.add(Purge::new(&config));
            return Ok(());
        }
        let owned = |file: File| match &self.owner {
            Some(owner) => file.owner(owner),
            None => file,
        };
        let data = Directory::new(&directory).mode(0o750);
        scope.add(match &self.owner {
            Some(owner) => data.owner(owner),
            None => data,
        });
        let secret = self.password.as_ref().map_or_else(String::new, |password| {
            format!("requirepass {}\n", quoted(password.expose()))
        });
        let secret = File::new(&included).content(secret).mode(0o600).sensitive();
        let secret = scope.add(owned(secret));
        let context = context! {
            text => self.text(),
            directory => &directory,
            included => &included,
        };
        let text = File::new(&config).inline_template(TEMPLATE, context).mode(0o640);
        let text = scope.add(owned(text));
        let changed = scope.on_change(&text).on_change(&secret);
        match &self.unit {
            Some(unit) => drop(changed.add(SystemdService::new(unit))),
            None => {
                let ping = Exec::new("redis-cli").args(self.server().at).arg("ping");
                drop(changed.add(program().ready_when(ping)));
            }
        }
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        if self.absent {
            return Ok(Verdict::current());
        }
        let running = self.server().settings(probe)?;
        let all = self.differing(&running).into_iter();
        let changes = all.map(|(name, wanted)| match name {
            "requirepass" => "password of the running server".into(),
            _ => {
                let there = running.get(name).map_or("", String::as_str);
                Change::property(format!("running {name}"), quoted(there), quoted(&wanted))
            }
        });
        Ok(changes.collect())
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        if self.absent {
            return Ok(());
        }
        let running = self.server().settings(machine)?;
        let differing = self.differing(&running);
        self.server().set(machine, differing.iter().map(|(name, value)| (*name, &**value)))
    }
}
