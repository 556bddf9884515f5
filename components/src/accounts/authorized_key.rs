//! Keys that let a user in.

mod lines;

use std::borrow::Cow;

use togusa_core::demand;
use togusa_core::prelude::*;
use togusa_core::problem::code;

use super::public_key::PublicKey;
use super::ssh_file::SshFile;
use super::tools;
use crate::location::Location;

use lines::{Line, Wanted};

/// Keys that let somebody in as a user, by `authorized_keys`.
///
/// | attribute | default |
/// |---|---|
/// | `key` | one is given at once; with more of them the same holds for all |
/// | `options` | none: other options are removed |
/// | `exclusive` | no: other keys are left alone |
/// | `file` | `~/.ssh/authorized_keys` of the user |
///
/// A key is the same whatever its comment, which is kept right if the key is given with one. Keys
/// that are not exclusive leave all other lines as they are.
///
/// `verify` reads the file, and of the user's own also owner and mode: sshd ignores it, and all in
/// `.ssh`, if others may write there. `update` puts a new file in its place, and makes `.ssh`. For
/// another user than the converging one it needs root.
///
/// **Needs**: root for another user than the converging one.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>, keys: &[String], backup: &str) -> Result {
///     scope.add(AuthorizedKey::all("deploy", keys).exclusive());
///     let options = ["restrict", "command=\"/usr/local/bin/backup --serve\""];
///     scope.add(AuthorizedKey::new("backup", backup).options(options));
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct AuthorizedKey {
    user: String,
    keys: Vec<String>,
    options: Vec<String>,
    exclusive: bool,
    absent: bool,
    file: Option<Location>,
    path: Option<HostPath>,
    parsed: Vec<PublicKey>,
}

impl AuthorizedKey {
    /// One key, as a line of a file like `id_ed25519.pub`.
    pub fn new(user: impl Into<String>, key: impl Into<String>) -> Self {
        Self::all(user, [key])
    }

    /// Several keys.
    pub fn all(user: impl Into<String>, keys: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            user: user.into(),
            keys: keys.into_iter().map(Into::into).collect(),
            options: Vec::new(),
            exclusive: false,
            absent: false,
            file: None,
            path: None,
            parsed: Vec::new(),
        }
    }

    /// Sets what the keys may do, as `man sshd` says: `restrict`, `from="10.0.0.0/8"`.
    #[must_use]
    pub fn options(mut self, options: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.options = options.into_iter().map(Into::into).collect();
        self
    }

    /// Removes all other keys from the file.
    #[must_use]
    pub fn exclusive(mut self) -> Self {
        self.exclusive = true;
        self
    }

    /// Removes the keys.
    #[must_use]
    pub fn absent(mut self) -> Self {
        self.absent = true;
        self
    }

    /// Sets another file, for an sshd that is told to read it; owner and mode are left alone, and a new
    /// one can be read by all.
    #[must_use]
    pub fn file(mut self, path: impl Into<Location>) -> Self {
        self.file = Some(path.into());
        self
    }

    fn file_on(&self, probe: &Probe<'_>) -> Result<SshFile> {
        match &self.path {
            Some(path) => Ok(SshFile::at(path.clone())),
            None => SshFile::of(probe, &self.user, "authorized_keys"),
        }
    }

    /// What the file shall hold, and how that differs.
    fn edit(&self, text: &str) -> (String, Vec<Change>) {
        let (keys, options) = (&*self.parsed, self.options.join(","));
        let wanted = Wanted { keys, options, exclusive: self.exclusive, absent: self.absent };
        wanted.edit(text)
    }

    fn check(&self) -> Result {
        tools::check_name("user", &self.user)?;
        demand!(
            !self.absent || !self.exclusive,
            code::OPTIONS_CLASH,
            "`.exclusive()` means nothing to absent keys"
        );
        demand!(!self.keys.is_empty() || self.exclusive, code::OPTION_MISSING, "no key is given");
        for option in &self.options {
            // Read as the start of a line it must be one word.
            let line = format!("{option} {}", "ssh-ed25519 AAAA");
            let is_word = Line::split_options(&line).is_some_and(|(first, _)| first == option);
            demand!(
                is_word && !option.contains('\n'),
                code::OPTION_VALUE,
                "`{option}` is no option of a key"
            );
        }
        Ok(())
    }
}

impl Component for AuthorizedKey {
    fn key(&self) -> Option<Cow<'_, str>> {
        let [key] = &*self.keys else { return Some((&*self.user).into()) };
        match PublicKey::find(key) {
            Some(key) if key.comment.is_empty() => Some(format!("{}: {}", self.user, key.short())),
            Some(key) => Some(format!("{}: {}", self.user, key.comment)),
            None => Some(self.user.clone()),
        }
        .map(Into::into)
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        self.check()?;
        for key in &self.keys {
            let key = PublicKey::parse(key)?;
            // Lists of keys are put together from several, which may name the same person.
            if !self.parsed.iter().any(|other| other.is_same(&key)) {
                self.parsed.push(key);
            }
        }
        self.path = self.file.as_ref().map(|file| file.resolve(scope)).transpose()?;
        if !self.absent {
            for key in &self.parsed {
                scope.manages("authorized-key", format!("{} {} {}", self.user, key.kind, key.blob));
            }
        }
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        if self.absent && self.path.is_none() && !SshFile::has_owner(probe, &self.user)? {
            return Ok(Verdict::current());
        }
        let file = self.file_on(probe)?;
        let (_, mut changes) = self.edit(&file.read(probe)?);
        if !self.absent {
            changes.extend(file.access(probe)?);
        }
        Ok(changes.into())
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        let file = self.file_on(machine)?;
        let _alone = machine.exclusive(&file.name());
        let (text, _) = self.edit(&file.read(machine)?);
        file.write(machine, &text)
    }
}
