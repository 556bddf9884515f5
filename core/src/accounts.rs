//! The users and groups of the system, found without the C library.
//!
//! A static binary cannot ask the C library: it would load the modules of another one. So the files
//! are read here, and what they lack is asked of `getent`, which knows LDAP, SSSD and systemd.

mod files;

use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{LazyLock, Mutex, PoisonError};

use files::{Line, Table};

use crate::system;

/// The accounts of this system.
pub(crate) static SYSTEM: LazyLock<Accounts> =
    LazyLock::new(|| Accounts::new("/etc/passwd", "/etc/group", "getent"));

/// Users and groups; one that was found is known until the files change, others are asked for again.
pub(crate) struct Accounts {
    users: Database,
    groups: Database,
}

impl Accounts {
    fn new(
        passwd: impl Into<PathBuf>,
        group: impl Into<PathBuf>,
        getent: impl Into<PathBuf>,
    ) -> Self {
        let getent = getent.into();
        Self {
            users: Database::new("passwd", passwd.into(), getent.clone()),
            groups: Database::new("group", group.into(), getent),
        }
    }

    /// The number of the user of that name.
    ///
    /// # Errors
    /// The accounts cannot be read, or `getent` fails.
    pub(crate) fn user_id(&self, name: &str) -> io::Result<Option<u32>> {
        self.users.id(name)
    }

    /// The number of the group of that name.
    ///
    /// # Errors
    /// As for [`user_id`](Self::user_id).
    pub(crate) fn group_id(&self, name: &str) -> io::Result<Option<u32>> {
        self.groups.id(name)
    }

    /// The name of a user.
    ///
    /// # Errors
    /// As for [`user_id`](Self::user_id).
    pub(crate) fn user_name(&self, id: u32) -> io::Result<Option<String>> {
        self.users.name(id)
    }

    /// The name of a group.
    ///
    /// # Errors
    /// As for [`user_id`](Self::user_id).
    pub(crate) fn group_name(&self, id: u32) -> io::Result<Option<String>> {
        self.groups.name(id)
    }

    /// Whether the files know the group, and nobody in it but that user.
    ///
    /// # Errors
    /// The files cannot be read.
    pub(crate) fn is_group_of_one(&self, group: u32, user: u32) -> io::Result<bool> {
        let users = self.users.read(|table| {
            let alone = table.lines().all(|line| line.group != Some(group) || line.id == user);
            let name = table.by_id(user).map(|line| line.name.clone());
            (alone, name)
        })?;
        let (alone, name) = users;
        self.groups.read(|table| {
            table.by_id(group).is_some_and(|line| {
                alone && line.members.iter().all(|member| Some(member) == name.as_ref())
            })
        })
    }
}

/// One of the two files, and what `getent` told beyond it.
struct Database {
    name: &'static str,
    getent: PathBuf,
    file: PathBuf,
    table: Mutex<Table>,
}

impl Database {
    fn new(name: &'static str, file: PathBuf, getent: PathBuf) -> Self {
        Self { name, getent, file, table: Mutex::default() }
    }

    fn id(&self, name: &str) -> io::Result<Option<u32>> {
        if name.is_empty() || name.starts_with('-') || name.contains([':', '\n', '\0']) {
            return Ok(None);
        }
        let known = |table: &Table| table.by_name(name).map(|line| line.id);
        if let Some(id) = self.find(known)? {
            return Ok(Some(id));
        }
        // `getent` takes a number for the number of an account, which is not what was asked.
        if name.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(None);
        }
        let found = self.ask(name)?;
        Ok(found.map(|line| self.keep(Line { name: name.to_owned(), ..line }).id))
    }

    fn name(&self, id: u32) -> io::Result<Option<String>> {
        let known = |table: &Table| table.by_id(id).map(|line| line.name.clone());
        if let Some(name) = self.find(known)? {
            return Ok(Some(name));
        }
        let found = self.ask(&id.to_string())?.filter(|line| line.id == id);
        Ok(found.map(|line| self.keep(line).name))
    }

    /// Looks into what is known; what is not there is looked for in the file as it is now.
    fn find<T>(&self, look: impl Fn(&Table) -> Option<T>) -> io::Result<Option<T>> {
        if let Some(found) = self.read(&look)? {
            return Ok(Some(found));
        }
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        table.load(&self.file)?;
        Ok(look(&table))
    }

    fn read<T>(&self, look: impl FnOnce(&Table) -> T) -> io::Result<T> {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        table.refresh(&self.file)?;
        Ok(look(&table))
    }

    fn keep(&self, line: Line) -> Line {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        table.keep(line.clone());
        line
    }

    /// What the system knows beyond its files; nothing where there is no `getent`.
    fn ask(&self, key: &str) -> io::Result<Option<Line>> {
        let mut command = system::program(&self.getent);
        command.args([self.name, key]).env("LC_ALL", "C.UTF-8").stdin(Stdio::null());
        let output = match command.output() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            output => output?,
        };
        match output.status.code() {
            Some(0) => {}
            // The key was not found.
            Some(2) => return Ok(None),
            _ => {
                let said = String::from_utf8_lossy(&output.stderr);
                let said = said.trim();
                let said = if said.is_empty() { String::new() } else { format!(": {said}") };
                let (status, name) = (output.status, self.name);
                return Err(io::Error::other(format!(
                    "`getent {name} {key}` ended with {status}{said}"
                )));
            }
        }
        let text = String::from_utf8_lossy(&output.stdout);
        let line = text.lines().find_map(Line::read);
        let unreadable =
            || io::Error::other(format!("`getent {} {key}` printed no account", self.name));
        line.ok_or_else(unreadable).map(Some)
    }
}

#[cfg(test)]
mod tests;
