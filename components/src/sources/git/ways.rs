//! How git reaches a server.

use togusa_core::fail;
use togusa_core::prelude::*;
use togusa_core::problem::code;

use super::GitCheckout;
use crate::purge::Purge;
use crate::sources::checkout::{
    private_file, private_path, quoted, split_url, ssh_command, whole_key,
};

/// Files that git and ssh read, as real paths.
#[derive(Debug, Default)]
pub(super) struct Login {
    pub(super) key: Option<String>,
    pub(super) known_hosts: Option<String>,
    pub(super) file: Option<String>,
}

impl GitCheckout {
    /// The files that git needs to reach the server: beside the checkout, where its user can go.
    pub(super) fn add_ways(&self, scope: &mut Scope<'_>) -> Result {
        let mut files = Vec::new();
        if let Some(key) = &self.ssh_key {
            files.push(("key", whole_key(key)?));
        }
        if let Some(hosts) = &self.known_hosts {
            files.push(("known_hosts", hosts.clone()));
        }
        if let Some((user, password)) = &self.login {
            let http = split_url(&self.url).filter(|(scheme, ..)| scheme.starts_with("http"));
            let Some((scheme, _, host)) = http else {
                fail!(
                    code::OPTIONS_CLASH,
                    "a login is for a URL that begins with `https://` or `http://`"
                );
            };
            let (user, password) = (encoded(user), encoded(password.as_str()?));
            let line = Secret::new(format!("{scheme}://{user}:{password}@{host}\n"));
            files.push(("login", line.into()));
        }
        for (what, content) in files {
            let path = login_path(self.path(), what)?;
            if self.absent {
                scope.add(Purge::new(path));
            } else {
                scope.add(private_file(path, content, self.user.as_deref()));
            }
        }
        Ok(())
    }
}

/// Where a private file of a checkout lies: beside it.
pub(super) fn login_path(checkout: &HostPath, what: &str) -> Result<HostPath> {
    private_path(checkout, "git", what)
}

impl Login {
    /// The command line of ssh, as git's own shell reads it.
    pub(super) fn ssh_command(&self) -> String {
        ssh_command(self.key.as_deref(), self.known_hosts.as_deref())
    }

    /// Settings of git for its own command line; they name the file with the password.
    pub(super) fn settings(&self) -> Vec<String> {
        let Some(file) = &self.file else { return Vec::new() };
        let helper = format!("credential.helper=store --file={}", quoted(file));
        // The empty one forgets the helpers of the user.
        ["-c", "credential.helper=", "-c", &helper].map(str::to_owned).into()
    }
}

/// A text as part of a URL.
pub(super) fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        byte if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
            char::from(byte).to_string()
        }
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_encoded_for_a_url() {
        assert_eq!(encoded("a:b@c/é-1"), "a%3Ab%40c%2F%C3%A9-1");
    }
}
