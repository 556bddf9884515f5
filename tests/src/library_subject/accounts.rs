//! Roots of accounts.

use togusa::prelude::*;

pub(super) fn register(registry: Registry) -> Registry {
    registry.with::<AGroup>("group")
}

/// One group.
#[derive(Debug, Attributes)]
struct AGroup {
    #[attribute(name = "group")]
    group_name: String,
    gid: Option<u32>,
    #[attribute(default = false)]
    system: bool,
    members: Option<Vec<String>>,
    #[attribute(default = false)]
    absent: bool,
}

impl Component for AGroup {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let mut group = Group::new(&*self.group_name);
        if let Some(gid) = self.gid {
            group = group.gid(gid);
        }
        if self.system {
            group = group.system();
        }
        if let Some(members) = &self.members {
            group = group.members(members);
        }
        if self.absent {
            group = group.absent();
        }
        scope.add(group);
        Ok(())
    }
}
