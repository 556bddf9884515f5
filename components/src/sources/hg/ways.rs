//! How Mercurial reaches a server.

use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::{demand, fail, fault};

use super::HgCheckout;
use crate::purge::Purge;
use crate::sources::checkout::{check_url, private_file, private_path, split_url, whole_key};

impl HgCheckout {
    /// Refuses addresses that Mercurial reads in another way than they look.
    pub(super) fn check_url(&self) -> Result {
        check_url(&self.url)?;
        let whole = self.url.contains("://") || self.url.starts_with('/');
        if !whole || self.url.contains('#') {
            return Err(fault!(
                code::ADDRESS_FORM,
                "`{}` is no whole address of a repository",
                self.url
            ))
            .hint("write it as `https://…`, `ssh://…` or an absolute path, without `#`");
        }
        Ok(())
    }

    /// The files that Mercurial needs to reach the server: beside the checkout, where its user can go.
    pub(super) fn add_ways(&self, scope: &mut Scope<'_>) -> Result {
        let mut files = Vec::new();
        if let Some(key) = &self.ssh_key {
            files.push(("key", whole_key(key)?));
        }
        if let Some(hosts) = &self.known_hosts {
            files.push(("known_hosts", hosts.clone()));
        }
        if let Some((user, password)) = &self.login {
            files.push(("login", self.login_settings(user, password.as_str()?)?.into()));
        }
        for (what, content) in files {
            let path = private_path(self.path(), "hg", what)?;
            if self.absent {
                scope.add(Purge::new(path));
            } else {
                scope.add(private_file(path, content, self.user.as_deref()));
            }
        }
        Ok(())
    }

    /// The settings that tell Mercurial whom it is for the server.
    fn login_settings(&self, user: &str, password: &str) -> Result<Secret> {
        let http = split_url(&self.url).filter(|(scheme, ..)| scheme.starts_with("http"));
        let Some((scheme, _, host)) = http else {
            fail!(
                code::OPTIONS_CLASH,
                "a login is for a URL that begins with `https://` or `http://`"
            );
        };
        for (what, value) in [("user", user), ("password", password)] {
            let plain = !value.is_empty() && value.trim() == value && !value.contains(['\n', '\r']);
            demand!(
                plain,
                code::OPTION_VALUE,
                "the {what} of the login is empty, has two lines, or begins or ends with a space"
            );
        }
        // Mercurial would look for a variable, or for a home.
        let plain = !user.contains('$') && !user.starts_with('~');
        demand!(plain, code::OPTION_VALUE, "the user of a login has a `$`, or begins with `~`");
        Ok(Secret::new(format!(
            "[auth]\ntogusa.prefix = {host}\ntogusa.schemes = {scheme}\n\
             togusa.username = {user}\ntogusa.password = {password}\n"
        )))
    }
}
