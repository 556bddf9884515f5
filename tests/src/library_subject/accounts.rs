//! Roots of accounts.

use togusa::prelude::*;

pub(super) fn register(registry: Registry) -> Registry {
    registry
        .with::<AGroup>("group")
        .with::<AUser>("user")
        .with::<AuthorizedKeys>("authorized-keys")
        .with::<AHost>("known-host")
}

/// One group.
#[derive(Debug, Attributes)]
struct AGroup {
    group: String,
    gid: Option<u32>,
    #[attribute(default = false)]
    system: bool,
    members: Option<Vec<String>>,
    #[attribute(default = false)]
    absent: bool,
}

impl Component for AGroup {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let group = Group::new(&*self.group);
        set!(group: gid = self.gid, members = self.members.as_ref());
        ask!(group: system if self.system, absent if self.absent);
        scope.add(group);
        Ok(())
    }
}

/// One user.
#[derive(Debug, Attributes)]
struct AUser {
    user: String,
    uid: Option<u32>,
    group: Option<String>,
    groups: Option<Vec<String>>,
    #[attribute(default = false)]
    append: bool,
    home: Option<String>,
    create_home: Option<bool>,
    #[attribute(default = false)]
    move_home: bool,
    shell: Option<String>,
    comment: Option<String>,
    #[attribute(default = false)]
    system: bool,
    password: Option<Secret>,
    locked: Option<bool>,
    expires: Option<String>,
    #[attribute(default = false)]
    absent: bool,
    #[attribute(default = false)]
    remove_home: bool,
}

impl Component for AUser {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let user = User::new(&*self.user);
        set!(user:
            uid = self.uid,
            group = self.group.as_deref(),
            groups = self.groups.as_ref(),
            home = self.home.as_deref(),
            create_home = self.create_home,
            shell = self.shell.as_deref(),
            comment = self.comment.as_deref(),
            password = self.password.clone(),
            expires = self.expires.as_deref().filter(|day| *day != "never"),
        );
        ask!(user:
            append if self.append,
            move_home if self.move_home,
            system if self.system,
            locked if self.locked == Some(true),
            unlocked if self.locked == Some(false),
            never_expires if self.expires.as_deref() == Some("never"),
            absent if self.absent,
            remove_home if self.remove_home,
        );
        scope.add(user);
        Ok(())
    }
}

/// Keys of one user.
#[derive(Debug, Attributes)]
struct AuthorizedKeys {
    user: String,
    keys: Vec<String>,
    options: Option<Vec<String>>,
    file: Option<String>,
    #[attribute(default = false)]
    exclusive: bool,
    #[attribute(default = false)]
    absent: bool,
}

impl Component for AuthorizedKeys {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let keys = AuthorizedKey::all(&*self.user, &self.keys);
        set!(keys: options = self.options.as_ref(), file = self.file.as_ref());
        ask!(keys: exclusive if self.exclusive, absent if self.absent);
        scope.add(keys);
        Ok(())
    }
}

/// Keys of one host.
#[derive(Debug, Attributes)]
struct AHost {
    host: String,
    keys: Vec<String>,
    port: Option<u16>,
    user: Option<String>,
    #[attribute(default = false)]
    hashed: bool,
    #[attribute(default = false)]
    absent: bool,
}

impl Component for AHost {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let host = KnownHost::new(&*self.host);
        let host = self.keys.iter().fold(host, |host, key| host.key(key));
        set!(host: port = self.port, user = self.user.as_ref());
        ask!(host: hashed if self.hashed, absent if self.absent);
        scope.add(host);
        Ok(())
    }
}
