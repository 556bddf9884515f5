//! What a lab consists of.

/// The hosts of a lab, and what the coordinator has.
///
/// A number of hosts or an array of [`HostSpec`] is one, too.
#[derive(Debug, Clone, Default)]
pub struct LabSpec {
    pub(super) hosts: Vec<HostSpec>,
    pub(super) control_master: bool,
}

impl LabSpec {
    /// Has the user of the coordinator keep connections by a `ControlMaster` of their own.
    #[must_use]
    pub fn control_master(mut self) -> Self {
        self.control_master = true;
        self
    }
}

impl From<usize> for LabSpec {
    /// So many hosts, named `host1`, `host2`, …
    fn from(count: usize) -> Self {
        let hosts = (1..=count).map(|number| HostSpec::new(format!("host{number}"))).collect();
        Self { hosts, ..Self::default() }
    }
}

impl From<Vec<HostSpec>> for LabSpec {
    fn from(hosts: Vec<HostSpec>) -> Self {
        Self { hosts, ..Self::default() }
    }
}

impl<const N: usize> From<[HostSpec; N]> for LabSpec {
    fn from(hosts: [HostSpec; N]) -> Self {
        Vec::from(hosts).into()
    }
}

/// A host. Without anything else, root may log in.
#[derive(Debug, Clone)]
pub struct HostSpec {
    pub(super) name: String,
    pub(super) users: Vec<User>,
    pub(super) sh: Option<Shell>,
    pub(super) sshd: Vec<String>,
    pub(super) file_systems: Vec<(String, FileSystem)>,
    pub(super) behind: Option<String>,
}

/// What is special about a path.
#[derive(Debug, Clone, Copy)]
pub(super) enum FileSystem {
    Small { megabytes: u32 },
    NoExec,
    ReadOnly,
}

impl HostSpec {
    /// A host of this name, which the coordinator resolves.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            users: Vec::new(),
            sh: None,
            sshd: Vec::new(),
            file_systems: Vec::new(),
            behind: None,
        }
    }

    /// Adds a user. The first one that may log in is the one that `ssh NAME` takes.
    #[must_use]
    pub fn user(mut self, user: User) -> Self {
        self.users.push(user);
        self
    }

    /// Makes `/bin/sh` this shell.
    #[must_use]
    pub fn sh(mut self, shell: Shell) -> Self {
        self.sh = Some(shell);
        self
    }

    /// Adds a line to `sshd_config`, such as `MaxStartups 2:100:3`.
    #[must_use]
    pub fn sshd(mut self, line: impl Into<String>) -> Self {
        self.sshd.push(line.into());
        self
    }

    /// Gives a path, which may begin with `~USER`, a file system of its own that is soon full.
    #[must_use]
    pub fn small(self, path: impl Into<String>, megabytes: u32) -> Self {
        self.file_system(path, FileSystem::Small { megabytes })
    }

    /// Lets nothing be executed below a path, which may begin with `~USER`.
    #[must_use]
    pub fn no_exec(self, path: impl Into<String>) -> Self {
        self.file_system(path, FileSystem::NoExec)
    }

    /// Lets nothing be written below a path, which may begin with `~USER`.
    #[must_use]
    pub fn read_only(self, path: impl Into<String>) -> Self {
        self.file_system(path, FileSystem::ReadOnly)
    }

    fn file_system(mut self, path: impl Into<String>, kind: FileSystem) -> Self {
        self.file_systems.push((path.into(), kind));
        self
    }

    /// Puts the host into a network that is reached through another host alone.
    #[must_use]
    pub fn behind(mut self, gateway: impl Into<String>) -> Self {
        self.behind = Some(gateway.into());
        self
    }

    pub(super) fn login_user(&self) -> &str {
        self.users.iter().find(|user| user.has_key).map_or("root", |user| &user.name)
    }
}

/// A user of a host, with a home directory and, but for services, the coordinator's key.
#[derive(Debug, Clone)]
pub struct User {
    pub(super) name: String,
    pub(super) shell: Shell,
    pub(super) has_key: bool,
    pub(super) banner: Option<String>,
    /// Lines of sudoers.
    pub(super) sudo: Vec<String>,
}

impl User {
    /// A user that logs in with the coordinator's key and has bash.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            shell: Shell::Bash,
            has_key: true,
            banner: None,
            sudo: Vec::new(),
        }
    }

    /// A user that owns a service and cannot log in.
    pub fn service(name: impl Into<String>) -> Self {
        Self { shell: Shell::None, has_key: false, ..Self::new(name) }
    }

    /// Sets the login shell.
    #[must_use]
    pub fn shell(mut self, shell: Shell) -> Self {
        self.shell = shell;
        self
    }

    /// Says something before each command that comes in over ssh, on standard output.
    #[must_use]
    pub fn banner(mut self, text: impl Into<String>) -> Self {
        self.banner = Some(text.into());
        self
    }

    /// Lets sudo become another user (`ALL`: any) without a password.
    #[must_use]
    pub fn may_become(mut self, user: &str) -> Self {
        self.sudo.push(format!("{} ALL=({user}) NOPASSWD: ALL", self.name));
        self
    }

    /// Lets sudo become another user with a password, which the user does not have.
    #[must_use]
    pub fn may_become_with_password(mut self, user: &str) -> Self {
        self.sudo.push(format!("{} ALL=({user}) ALL", self.name));
        self
    }

    /// Has sudo insist on a terminal.
    #[must_use]
    pub fn sudo_wants_terminal(mut self) -> Self {
        self.sudo.push(format!("Defaults:{} requiretty", self.name));
        self
    }
}

/// A shell that a host has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shell {
    /// Debian's `/bin/sh`.
    Dash,
    /// GNU bash, which reads its start-up file for every command over ssh.
    Bash,
    /// The Z shell, which does the same.
    Zsh,
    /// The one of busybox.
    Busybox,
    /// None: the user cannot log in.
    None,
}

impl Shell {
    /// Its path on a host.
    pub fn path(self) -> &'static str {
        match self {
            Self::Dash => "/bin/dash",
            Self::Bash => "/bin/bash",
            Self::Zsh => "/bin/zsh",
            Self::Busybox => "/usr/local/bin/ash",
            Self::None => "/usr/sbin/nologin",
        }
    }
}
