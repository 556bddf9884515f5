//! Groups.

use std::borrow::Cow;
use std::collections::BTreeSet;

use togusa_core::prelude::*;

use super::database::Database;
use super::tools;

/// One group of the system.
///
/// | attribute | default |
/// |---|---|
/// | `gid` | of a new group what the system chooses; else left as it is |
/// | `system` | no: the number of a new group is one for people |
/// | `members` | left as they are; else exactly these users, beside those whose primary group it is |
///
/// `verify` reads `/etc/group`. `update` runs `groupadd`, `groupmod`, `gpasswd` or `groupdel` of
/// shadow, or `addgroup` or `delgroup` of busybox, and needs root. With another number the group
/// loses the files that it has: they keep the old one.
///
/// **Needs**: root; `groupadd` and its like, or busybox.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     scope.add(Group::new("shop").system());
///     scope.add(Group::new("operators").gid(2000).members(["anna", "bert"]));
///     scope.add(Group::new("interns").absent());
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Group {
    name: String,
    gid: Option<u32>,
    system: bool,
    members: Option<BTreeSet<String>>,
    absent: bool,
}

impl Group {
    /// A group of that name.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), gid: None, system: false, members: None, absent: false }
    }

    /// Sets its number.
    #[must_use]
    pub fn gid(mut self, gid: u32) -> Self {
        self.gid = Some(gid);
        self
    }

    /// Gives a new group a number from those for services.
    #[must_use]
    pub fn system(mut self) -> Self {
        self.system = true;
        self
    }

    /// Sets all its members; they must exist. To put a user into a group and leave others alone, say
    /// so in the [`User`](super::User).
    #[must_use]
    pub fn members(mut self, users: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.members = Some(users.into_iter().map(Into::into).collect());
        self
    }

    /// Removes it. The primary group of a user cannot be removed.
    #[must_use]
    pub fn absent(mut self) -> Self {
        self.absent = true;
        self
    }

    fn numbered<'a>(&self, option: &'a str) -> impl Iterator<Item = String> + use<'a> {
        self.gid.into_iter().flat_map(move |gid| [option.to_owned(), gid.to_string()])
    }

    fn create(&self, machine: &Machine<'_>) -> Result {
        let system = |option: &'static str| Some(option).filter(|_| self.system);
        let groupadd = Exec::new("groupadd").args(self.numbered("--gid")).args(system("--system"));
        let addgroup = tools::busybox("addgroup").args(self.numbered("-g")).args(system("-S"));
        tools::run(machine, groupadd.arg(&self.name), Some(addgroup.arg(&self.name)))
    }
}

impl Component for Group {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some((&*self.name).into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        tools::check_name("group", &self.name)?;
        let members = self.members.iter().flatten();
        members.into_iter().try_for_each(|member| tools::check_name("user", member))?;
        if !self.absent {
            scope.manages("group", &self.name);
        }
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let database = probe.snapshot::<Database>()?;
        let mut verdict = Verdict::current();
        let present = match database.group(&self.name) {
            Some(_) if self.absent => return Ok(Verdict::stale(Change::remove("group"))),
            None if self.absent => return Ok(verdict),
            present => present,
        };
        match (present, self.gid) {
            (None, Some(gid)) => verdict.push(Change::create(format!("group (gid {gid})"))),
            (None, None) => verdict.push(Change::create("group")),
            (Some(present), Some(gid)) if present.gid != gid => {
                verdict.push(Change::property("gid", present.gid, gid));
            }
            _ => {}
        }
        if let Some(members) = &self.members {
            let listed = present.map(|present| present.members.clone()).unwrap_or_default();
            if listed != *members {
                verdict.push(tools::names_change("members", &listed, members));
            }
        }
        Ok(verdict)
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        let _alone = tools::alone(machine)?;
        let database = machine.snapshot::<Database>()?;
        let present = database.group(&self.name);
        if self.absent {
            let Some(_) = present else { return Ok(()) };
            let groupdel = Exec::new("groupdel").arg(&self.name);
            let delgroup = tools::busybox("delgroup").arg(&self.name);
            return tools::run(machine, groupdel, Some(delgroup));
        }
        match (present, self.gid) {
            (None, _) => self.create(machine)?,
            (Some(present), Some(gid)) if present.gid != gid => {
                let groupmod = Exec::new("groupmod").args(self.numbered("--gid")).arg(&self.name);
                tools::run(machine, groupmod, None)?;
            }
            _ => {}
        }
        let listed = present.map(|present| present.members.clone()).unwrap_or_default();
        match &self.members {
            Some(members) if *members != listed => {
                let members = members.iter().map(String::as_str).collect::<Vec<_>>().join(",");
                let gpasswd = Exec::new("gpasswd").args(["--members", &*members, &*self.name]);
                tools::run(machine, gpasswd, None)
            }
            _ => Ok(()),
        }
    }
}
