//! Hosts that are known by their keys.

mod lines;

use std::borrow::Cow;

use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::{demand, fail, fault};

use super::public_key::PublicKey;
use super::ssh_file::SshFile;
use super::tools;
use crate::location::Location;

use lines::Wanted;

/// The keys of a host that ssh connects to, by `known_hosts`.
///
/// | attribute | default |
/// |---|---|
/// | `key` | at least one, of different types, unless the host is to be forgotten |
/// | `port` | 22 |
/// | `user` | all users, by `/etc/ssh/ssh_known_hosts`; else this one, by `~/.ssh/known_hosts` |
/// | `file` | what `user` says |
/// | `hashed` | no: new lines name the host, so that who reads them knows where ssh goes |
///
/// The host's other key of the same type is replaced, which is how a host whose key was changed is
/// believed again; keys of other types, patterns, and lines for authorities are left alone. A line
/// that names several hosts goes on naming the others. Hashed names are found too.
///
/// `verify` reads the file. `update` puts a new one in its place, as the owner of that file, and
/// makes `.ssh`; for all users or another one it needs root. No program asks the host for its key:
/// who could send another host in its place could send another key as well. `ssh-keyscan HOST`
/// prints what to compare with what the host's administrator says.
///
/// **Needs**: root for all users or another one.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>, key: &str) -> Result {
///     scope.add(KnownHost::new("git.example.org").key(key));
///     scope.add(KnownHost::new("backup").port(2222).key(key).user("backup").hashed());
///     scope.add(KnownHost::new("old.example.org").absent());
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct KnownHost {
    host: String,
    port: u16,
    keys: Vec<String>,
    user: Option<String>,
    file: Option<Location>,
    hashed: bool,
    absent: bool,
    path: Option<HostPath>,
    parsed: Vec<PublicKey>,
}

impl KnownHost {
    /// A host, by the name or address that ssh is given.
    pub fn new(host: impl Into<String>) -> Self {
        Self {
            host: host.into(),
            port: 22,
            keys: Vec::new(),
            user: None,
            file: None,
            hashed: false,
            absent: false,
            path: None,
            parsed: Vec::new(),
        }
    }

    /// Adds a key of the host, as a line of its `ssh_host_ed25519_key.pub`.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.keys.push(key.into());
        self
    }

    /// Sets the port.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Makes it known to one user instead of all.
    #[must_use]
    pub fn user(mut self, name: impl Into<String>) -> Self {
        self.user = Some(name.into());
        self
    }

    /// Sets another file; its owner and mode are left alone, and a new one can be read by all.
    #[must_use]
    pub fn file(mut self, path: impl Into<Location>) -> Self {
        self.file = Some(path.into());
        self
    }

    /// Hides the host's name in new lines.
    #[must_use]
    pub fn hashed(mut self) -> Self {
        self.hashed = true;
        self
    }

    /// Forgets the host: the keys that are given, or all.
    #[must_use]
    pub fn absent(mut self) -> Self {
        self.absent = true;
        self
    }

    /// The host as a line names it.
    fn name(&self) -> String {
        let host = self.host.to_lowercase();
        if self.port == 22 { host } else { format!("[{host}]:{}", self.port) }
    }

    fn file_on(&self, probe: &Probe<'_>) -> Result<SshFile> {
        match (&self.path, &self.user) {
            (None, Some(user)) => SshFile::of(probe, user, "known_hosts"),
            (Some(path), _) => Ok(SshFile::at(path.clone())),
            (None, None) => fail!(code::NOT_CONFIGURED, "the host was not configured"),
        }
    }

    fn check(&self) -> Result {
        let host = &self.host;
        let is_host = !host.is_empty()
            && !host.starts_with(['#', '@', '|', '-', '['])
            && !host.contains(|c: char| c.is_whitespace() || ",*?!".contains(c));
        demand!(is_host, code::NOT_A_NAME, "`{host}` is no name or address of a host");
        if self.keys.is_empty() && !self.absent {
            return Err(fault!(code::OPTION_MISSING, "no key of the host is given"))
                .hint("give it `.key(…)`: it is never asked for over the network");
        }
        self.user.iter().try_for_each(|user| tools::check_name("user", user))
    }
}

impl Component for KnownHost {
    fn key(&self) -> Option<Cow<'_, str>> {
        let of = self.user.as_ref().map(|user| format!(" of {user}")).unwrap_or_default();
        Some(format!("{}{of}", self.name()).into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        self.check()?;
        self.parsed = self.keys.iter().map(|key| PublicKey::parse(key)).collect::<Result<_>>()?;
        for (at, key) in self.parsed.iter().enumerate() {
            let twice = self.parsed[..at].iter().any(|other| other.kind == key.kind);
            demand!(!twice, code::OPTIONS_CLASH, "two keys are of type `{}`", key.kind);
        }
        self.path = match (&self.file, &self.user) {
            (Some(file), _) => Some(file.resolve(scope)?),
            (None, Some(_)) => None,
            (None, None) => Some(scope.path("/etc/ssh/ssh_known_hosts")),
        };
        if !self.absent {
            let of = self.user.as_deref().unwrap_or("all");
            scope.manages("known-host", format!("{of} {}", self.name()));
        }
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        if let (true, None, Some(user)) = (self.absent, &self.path, &self.user)
            && !SshFile::has_owner(probe, user)?
        {
            return Ok(Verdict::current());
        }
        let text = self.file_on(probe)?.read(probe)?;
        let name = self.name();
        Ok(Wanted { name: &name, keys: &self.parsed, absent: self.absent }.changes(&text).into())
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        let file = self.file_on(machine)?;
        let _alone = machine.exclusive(&file.name());
        let name = self.name();
        let wanted = Wanted { name: &name, keys: &self.parsed, absent: self.absent };
        let written = if self.hashed { lines::hash(&name)? } else { name.clone() };
        file.write(machine, &wanted.edit(&file.read(machine)?, &written))
    }
}
