//! Users.

mod expiry;
mod home;
mod password;

use std::borrow::Cow;
use std::collections::BTreeSet;

use togusa_core::host::Ownership;
use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::{demand, fail};

use super::database::{Database, Shadow, UserLine};
use super::tools;

use expiry::Expiry;
use password::Password;

/// With this `usermod` takes the files along.
const MOVE_HOME: &str = "--move-home";

/// One user of the system.
///
/// | attribute | default |
/// |---|---|
/// | `uid` | of a new user what the system chooses; else left as it is |
/// | `group` | of a new user a group of the same name, which is made if it is missing; else left |
/// | `groups` | left as they are; else exactly these, or with `append` at least these |
/// | `home` | of a new user what the system chooses; else left |
/// | `create_home` | yes, but for a system user |
/// | `move_home` | no: with another `home` the files stay where they are |
/// | `shell`, `comment` | of a new user what the system chooses; else left |
/// | `system` | no: the number of a new user is one for people |
/// | `password` | of a new user none; else left. A hash, as `openssl passwd -6` prints it |
/// | `locked` | left as it is |
/// | `expires` | left as it is; else the first day on which it cannot log in, or never |
///
/// `verify` reads `/etc/passwd` and `/etc/group`, and looks whether the home directory is there; only
/// for `password`, `locked` and `expires` it reads `/etc/shadow`, which needs root. `update` needs
/// root. It runs `useradd`, `usermod`, `userdel`, `gpasswd` and `chpasswd` of shadow; where these
/// are missing busybox makes and removes users, but cannot change them. A hash is handed over on
/// standard input. A home directory that was lost comes back empty.
///
/// **Needs**: root; `useradd` and its like, or busybox.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>, password: &Secret) -> Result {
///     scope.add(User::new("shop").system().home("/srv/shop").shell("/usr/sbin/nologin"));
///     let anna = User::new("anna").comment("Anna Berg").groups(["adm", "sudo"]).append();
///     scope.add(anna.shell("/bin/bash").password(password.clone()).expires("2031-12-31"));
///     scope.add(User::new("bert").absent().remove_home());
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct User {
    name: String,
    uid: Option<u32>,
    group: Option<String>,
    groups: Option<BTreeSet<String>>,
    append: bool,
    home: Option<String>,
    create_home: Option<bool>,
    move_home: bool,
    shell: Option<String>,
    comment: Option<String>,
    system: bool,
    password: Password,
    expires: Option<Expiry>,
    absent: bool,
    remove_home: bool,
}

impl User {
    /// A user of that name.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            uid: None,
            group: None,
            groups: None,
            append: false,
            home: None,
            create_home: None,
            move_home: false,
            shell: None,
            comment: None,
            system: false,
            password: Password::default(),
            expires: None,
            absent: false,
            remove_home: false,
        }
    }

    /// Sets the number. When it changes, the files in the home directory change with it; others
    /// keep the old one.
    #[must_use]
    pub fn uid(mut self, uid: u32) -> Self {
        self.uid = Some(uid);
        self
    }

    /// Sets the primary group, by name or number.
    #[must_use]
    pub fn group(mut self, name: impl Into<String>) -> Self {
        self.group = Some(name.into());
        self
    }

    /// Sets the groups that it is in, beside the primary one. They must exist.
    #[must_use]
    pub fn groups(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.groups = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Lets it stay in other groups than those that are set.
    #[must_use]
    pub fn append(mut self) -> Self {
        self.append = true;
        self
    }

    /// Sets the home directory, as an absolute path.
    #[must_use]
    pub fn home(mut self, path: impl Into<String>) -> Self {
        let path = path.into();
        // As `usermod` writes it.
        let plain = path.trim_end_matches('/');
        self.home = Some(if plain.is_empty() { path } else { plain.to_owned() });
        self
    }

    /// Sets whether the home directory is made if it is missing.
    #[must_use]
    pub fn create_home(mut self, create: bool) -> Self {
        self.create_home = Some(create);
        self
    }

    /// Takes the files along when the home directory becomes another.
    #[must_use]
    pub fn move_home(mut self) -> Self {
        self.move_home = true;
        self
    }

    /// Sets the shell.
    #[must_use]
    pub fn shell(mut self, path: impl Into<String>) -> Self {
        self.shell = Some(path.into());
        self
    }

    /// Sets the comment, usually the full name.
    #[must_use]
    pub fn comment(mut self, text: impl Into<String>) -> Self {
        self.comment = Some(text.into());
        self
    }

    /// Gives a new user a number from those for services, and no home directory unless
    /// [`create_home`](Self::create_home) asks for one.
    #[must_use]
    pub fn system(mut self) -> Self {
        self.system = true;
        self
    }

    /// Sets the hash of the password.
    #[must_use]
    pub fn password(mut self, hash: impl Into<Secret>) -> Self {
        self.password.hash = Some(hash.into());
        self
    }

    /// Lets no password in, whatever it is. An sshd without PAM refuses keys too.
    #[must_use]
    pub fn locked(mut self) -> Self {
        self.password.locked = Some(true);
        self
    }

    /// Lets the password in again.
    #[must_use]
    pub fn unlocked(mut self) -> Self {
        self.password.locked = Some(false);
        self
    }

    /// Sets the first day on which it cannot log in: `2031-12-31`.
    #[must_use]
    pub fn expires(mut self, day: impl Into<String>) -> Self {
        self.expires = Some(Expiry::On(day.into()));
        self
    }

    /// Lets it log in for ever.
    #[must_use]
    pub fn never_expires(mut self) -> Self {
        self.expires = Some(Expiry::Never);
        self
    }

    /// Removes it; its files stay where they are. Nothing may run as that user.
    #[must_use]
    pub fn absent(mut self) -> Self {
        self.absent = true;
        self
    }

    /// Removes the home directory with an absent user, unless it belongs to somebody else.
    #[must_use]
    pub fn remove_home(mut self) -> Self {
        self.remove_home = true;
        self
    }

    fn creates_home(&self) -> bool {
        self.create_home.unwrap_or(!self.system)
    }

    fn uses_shadow(&self) -> bool {
        self.password.is_managed() || self.expires.is_some()
    }

    /// Whether a number or name is the group that it shall have.
    fn other_group<'a>(&'a self, present: &UserLine, database: &Database) -> Option<&'a str> {
        let wanted = self.group.as_deref()?;
        let gid = database.group(wanted).map(|line| line.gid).or_else(|| wanted.parse().ok());
        (gid != Some(present.gid)).then_some(wanted)
    }

    /// The groups that it is in, and those that it shall be in, if these are others.
    fn other_groups(&self, database: &Database) -> Option<[BTreeSet<String>; 2]> {
        let listed = database.groups_of(&self.name);
        let mut wanted = self.groups.clone()?;
        if self.append {
            wanted.extend(listed.iter().cloned());
        }
        (listed != wanted).then_some([listed, wanted])
    }

    fn verify_absent(&self, probe: &Probe<'_>, present: Option<&UserLine>) -> Result<Verdict> {
        let mut verdict = Verdict::current();
        if present.is_some() {
            verdict.push(Change::remove("user"));
        }
        let home = present.map(|line| line.home.clone()).filter(|_| self.remove_home);
        let left = self.left_home(probe)?.map(|home| probe.local(&home).display().to_string());
        if let Some(home) = left.or(home) {
            verdict.push(Change::remove(format!("home directory `{home}` with all that it holds")));
        }
        Ok(verdict)
    }

    /// What a new user gets, for the verdict.
    fn created(&self) -> Change {
        let shown = |name: &str, value: Option<&dyn std::fmt::Display>| {
            value.map(|value| format!("{name} {value}"))
        };
        let with = [
            shown("uid", self.uid.as_ref().map(|it| it as _)),
            shown("group", self.group.as_ref().map(|it| it as _)),
            shown("home", self.home.as_ref().map(|it| it as _)),
            shown("shell", self.shell.as_ref().map(|it| it as _)),
            shown("comment", self.comment.as_ref().map(|it| it as _)),
        ];
        let with: Vec<_> = with.into_iter().flatten().collect();
        let what = if self.system { "system user" } else { "user" };
        Change::create(match with.as_slice() {
            [] => what.to_owned(),
            with => format!("{what} ({})", with.join(", ")),
        })
    }

    fn create(&self, machine: &Machine<'_>, database: &Database) -> Result {
        let option = |name: &str, value: &Option<String>| {
            value.iter().flat_map(|value| [name.to_owned(), value.clone()]).collect::<Vec<_>>()
        };
        let uid = self.uid.map(|uid| uid.to_string());
        let own = database.group(&self.name).map(|_| self.name.clone());
        let group = self.group.clone().or(own);
        let mut useradd = Exec::new("useradd")
            .args(option("--uid", &uid))
            .args(option("--gid", &group))
            .args(option("--home-dir", &self.home))
            .args(option("--shell", &self.shell))
            .args(option("--comment", &self.comment))
            .arg(if self.creates_home() { "--create-home" } else { "--no-create-home" });
        if group.is_none() {
            useradd = useradd.arg("--user-group");
        }
        let mut adduser = tools::busybox("adduser")
            .arg("-D")
            .args(option("-u", &uid))
            .args(option("-G", &group))
            .args(option("-h", &self.home))
            .args(option("-s", &self.shell))
            .args(option("-g", &self.comment));
        if !self.creates_home() {
            adduser = adduser.arg("-H");
        }
        if self.system {
            (useradd, adduser) = (useradd.arg("--system"), adduser.arg("-S"));
        }
        tools::run(machine, useradd.arg(&self.name), Some(adduser.arg(&self.name)))
    }

    /// What `usermod` is to change.
    fn modified(&self, present: &UserLine, database: &Database) -> Vec<String> {
        let mut args = Vec::new();
        let mut change = |option: &str, to: String| args.extend([option.to_owned(), to]);
        if let Some(uid) = self.uid.filter(|uid| *uid != present.uid) {
            change("--uid", uid.to_string());
        }
        if let Some(group) = self.other_group(present, database) {
            change("--gid", group.to_owned());
        }
        for (option, wanted, present) in [
            ("--home", &self.home, &present.home),
            ("--shell", &self.shell, &present.shell),
            ("--comment", &self.comment, &present.comment),
        ] {
            if let Some(wanted) = wanted.as_ref().filter(|wanted| *wanted != present) {
                change(option, wanted.clone());
            }
        }
        if self.move_home && args.iter().any(|arg| arg == "--home") {
            args.push(MOVE_HOME.to_owned());
        }
        args
    }

    fn change_groups(&self, machine: &Machine<'_>, database: &Database) -> Result {
        let Some([listed, wanted]) = self.other_groups(database) else { return Ok(()) };
        for group in wanted.difference(&listed) {
            let gpasswd = Exec::new("gpasswd").args(["--add", &*self.name, group]);
            let addgroup = tools::busybox("addgroup").args([&*self.name, group]);
            tools::run(machine, gpasswd, Some(addgroup))?;
        }
        for group in listed.difference(&wanted) {
            let gpasswd = Exec::new("gpasswd").args(["--delete", &*self.name, group]);
            let delgroup = tools::busybox("delgroup").args([&*self.name, group]);
            tools::run(machine, gpasswd, Some(delgroup))?;
        }
        Ok(())
    }

    fn remove(&self, machine: &Machine<'_>, database: &Database) -> Result {
        let present = database.user(&self.name);
        self.check_removal(machine, database, present)?;
        if present.is_some() {
            let with_home = |option: &'static str| Some(option).filter(|_| self.remove_home);
            let userdel = Exec::new("userdel").args(with_home("--remove"));
            let deluser = tools::busybox("deluser").args(with_home("--remove-home"));
            tools::run(machine, userdel.arg(&self.name), Some(deluser.arg(&self.name)))?;
        }
        self.check_removal(machine, &*machine.snapshot::<Database>()?, None)?;
        let left = self.left_home(machine)?;
        left.map_or(Ok(()), |home| machine.remove(&home))
    }

    fn check(&self) -> Result {
        tools::check_name("user", &self.name)?;
        let groups = self.group.iter().filter(|group| group.parse::<u32>().is_err());
        groups
            .chain(self.groups.iter().flatten())
            .try_for_each(|group| tools::check_name("group", group))?;
        for (what, text) in
            [("home", &self.home), ("shell", &self.shell), ("comment", &self.comment)]
        {
            let Some(text) = text else { continue };
            let fits = !text.contains([':', '\n']);
            demand!(
                fits,
                code::OPTION_VALUE,
                "`{text}` cannot be the {what} of a user: it holds `:` or a line break"
            );
            let is_path = what == "comment" || text.starts_with('/');
            demand!(
                is_path,
                code::OPTION_VALUE,
                "`{text}` cannot be the {what} of a user: it is no absolute path"
            );
        }
        if self.append && self.groups.is_none() {
            fail!(code::OPTIONS_CLASH, "`.append()` means nothing without `.groups(…)`");
        }
        if self.remove_home && !self.absent {
            fail!(code::OPTIONS_CLASH, "`.remove_home()` means nothing without `.absent()`");
        }
        self.password.check()?;
        self.expires.as_ref().map_or(Ok(()), |expires| expires.days().map(|_| ()))
    }
}

impl Component for User {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some((&*self.name).into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        self.check()?;
        if !self.absent {
            scope.manages("user", &self.name);
        }
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let database = probe.snapshot::<Database>()?;
        let present = database.user(&self.name);
        if self.absent {
            return self.verify_absent(probe, present);
        }
        let mut verdict = Verdict::current();
        match present {
            None => verdict.push(self.created()),
            Some(present) => {
                if let Some(uid) = self.uid.filter(|uid| *uid != present.uid) {
                    verdict.push(Change::property("uid", present.uid, uid));
                }
                if let Some(group) = self.other_group(present, &database) {
                    let from = database.group_name(present.gid);
                    verdict.push(Change::property("group", from, group));
                }
                for (name, wanted, present) in [
                    ("home", &self.home, &present.home),
                    ("shell", &self.shell, &present.shell),
                    ("comment", &self.comment, &present.comment),
                ] {
                    if let Some(wanted) = wanted.as_ref().filter(|wanted| *wanted != present) {
                        verdict.push(Change::property(name, tools::shown(present), wanted));
                    }
                }
                if let Some(home) = self.lost_home(probe, Some(present))? {
                    let home = probe.local(&home);
                    verdict.push(Change::create(format!("home directory `{}`", home.display())));
                }
            }
        }
        if let Some([listed, wanted]) = self.other_groups(&database) {
            verdict.push(tools::names_change("groups", &listed, &wanted));
        }
        if self.uses_shadow() {
            let line = probe.snapshot::<Shadow>()?.of(&self.name);
            verdict = verdict.and(self.password.changes(&line));
            if let Some(expires) = &self.expires {
                verdict = verdict.and(expires.change(line.expires)?);
            }
        }
        Ok(verdict)
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        let _alone = tools::alone(machine)?;
        let mut database = machine.snapshot::<Database>()?;
        if self.absent {
            return self.remove(machine, &database);
        }
        if database.user(&self.name).is_none() {
            self.create(machine, &database)?;
            database = machine.snapshot::<Database>()?;
        }
        let present = database.user(&self.name).with_context(|| {
            format!("user `{}` was made, but is not in `/etc/passwd`", self.name)
        })?;
        let mut changes = self.modified(present, &database);
        if let Some(expires) = &self.expires {
            let line = machine.snapshot::<Shadow>()?.of(&self.name);
            if !expires.change(line.expires)?.is_current() {
                changes.extend(["--expiredate".to_owned(), expires.argument().to_owned()]);
            }
        }
        if changes.iter().any(|change| change == MOVE_HOME) {
            self.prepare_move(machine, present)?;
        }
        if !changes.is_empty() {
            tools::run(machine, Exec::new("usermod").args(changes).arg(&self.name), None)?;
        }
        self.change_groups(machine, &database)?;
        let database = machine.snapshot::<Database>()?;
        let present = database.user(&self.name);
        if let Some(home) = self.lost_home(machine, present)? {
            machine.create_leading(&home)?;
            let group = present.map(|line| line.gid.to_string());
            let ownership = Ownership { mode: Some(0o700), owner: Some(self.name.clone()), group };
            machine.create_directory(&home, &ownership)?;
        }
        self.password.update(machine, &self.name)
    }
}
