//! The users and groups of a host.

use anyhow::{Context, Result};

use crate::accounts::SYSTEM;
use crate::fault::{CodeExt, HintExt};
use crate::host::Probe;
use crate::problem::code;

/// Accounts may be made by the same run, so that one which is missing is looked for each time.
impl Probe<'_> {
    /// The number of a user; a name that is itself a number needs no account.
    ///
    /// # Errors
    /// The system's accounts cannot be read.
    pub fn user_id(&self, name: &str) -> Result<Option<u32>> {
        let id = SYSTEM.user_id(name).with_context(|| format!("cannot look up user `{name}`"))?;
        Ok(id.or_else(|| name.parse().ok()))
    }

    /// The number of a group; a name that is itself a number needs no group.
    ///
    /// # Errors
    /// The system's groups cannot be read.
    pub fn group_id(&self, name: &str) -> Result<Option<u32>> {
        let id = SYSTEM.group_id(name).with_context(|| format!("cannot look up group `{name}`"))?;
        Ok(id.or_else(|| name.parse().ok()))
    }

    /// The name of a user, or its number as text if there is no such account.
    pub fn user_name(&self, uid: u32) -> String {
        SYSTEM.user_name(uid).ok().flatten().unwrap_or_else(|| uid.to_string())
    }

    /// The name of a group, or its number as text if there is no such group.
    pub fn group_name(&self, gid: u32) -> String {
        SYSTEM.group_name(gid).ok().flatten().unwrap_or_else(|| gid.to_string())
    }

    /// The number of a user that must exist, if one is named.
    pub(super) fn wanted_user(&self, name: Option<&str>) -> Result<Option<u32>> {
        let Some(name) = name else { return Ok(None) };
        let id = self.user_id(name)?.with_context(|| format!("there is no user `{name}`"));
        let id = id.code(code::NO_ACCOUNT);
        id.hint("create the account in an earlier component").map(Some)
    }

    /// The number of a group that must exist, if one is named.
    pub(super) fn wanted_group(&self, name: Option<&str>) -> Result<Option<u32>> {
        let Some(name) = name else { return Ok(None) };
        let id = self.group_id(name)?.with_context(|| format!("there is no group `{name}`"));
        let id = id.code(code::NO_ACCOUNT);
        id.hint("create the group in an earlier component").map(Some)
    }
}

#[cfg(test)]
mod tests {
    use crate::host::site::tests::TestSite;

    #[test]
    fn accounts_are_found_by_name_and_by_number() {
        let test = TestSite::new();
        let probe = test.probe();

        assert_eq!(probe.user_id("root").unwrap(), Some(0));
        assert_eq!(probe.user_name(0), "root");
        assert_eq!(probe.group_name(0), "root");
        assert_eq!(probe.user_id("no-such-user").unwrap(), None);
        assert_eq!(probe.user_id("54321").unwrap(), Some(54321));
        assert_eq!(probe.user_name(54321), "54321");
        assert_eq!(probe.group_id("54321").unwrap(), Some(54321));
    }
}
