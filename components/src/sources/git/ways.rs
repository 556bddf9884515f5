//! How git reaches a server.

use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::{demand, fail, fault};

use super::GitCheckout;
use crate::file::{File, Text};

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
        let private = |path: HostPath, content: Text| {
            let file = File::new(path).content(content).mode(0o600).sensitive();
            match &self.user {
                Some(user) => file.owner(user),
                None => file,
            }
        };
        let path = |what| login_path(self.path(), what);
        if let Some(key) = &self.ssh_key {
            let key = match key.as_str()? {
                // Without the end of its last line ssh does not read it.
                text if !text.ends_with('\n') => Secret::new(format!("{text}\n")).into(),
                _ => key.clone(),
            };
            scope.add(private(path("key")?, key));
        }
        if let Some(hosts) = &self.known_hosts {
            scope.add(private(path("known_hosts")?, hosts.clone()));
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
            scope.add(private(path("login")?, line.into()));
        }
        Ok(())
    }
}

/// Where a private file of a checkout lies: beside it.
pub(super) fn login_path(checkout: &HostPath, what: &str) -> Result<HostPath> {
    let directory = checkout.parent().context("a checkout has a directory above it")?;
    Ok(directory.join(format!(".{}.git-{what}", checkout.file_name())))
}

/// The scheme of a URL, who asks, and whom.
pub(super) fn split_url(url: &str) -> Option<(&str, &str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let host = rest.split('/').next().unwrap_or_default();
    let (user, host) = host.rsplit_once('@').unwrap_or(("", host));
    Some((scheme, user, host))
}

/// Refuses what git would take for something else, and what everybody could read.
pub(super) fn check_url(url: &str) -> Result {
    let plain = !url.is_empty() && !url.starts_with('-') && !url.contains('\n');
    demand!(plain, code::ADDRESS_FORM, "the URL of the repository is empty or begins with `-`");
    if split_url(url).is_some_and(|(_, user, _)| user.contains(':')) {
        return Err(fault!(code::PASSWORD_IN_URL, "the URL of the repository holds a password"))
            .hint("give the password by `.login(…)`, and the URL without it");
    }
    Ok(())
}

impl Login {
    /// The command line of ssh, as git's own shell reads it: it asks nothing, and takes no host for
    /// known that is not.
    pub(super) fn ssh_command(&self) -> String {
        let mut command = "ssh -o BatchMode=yes".to_owned();
        if let Some(key) = &self.key {
            command.push_str(&format!(" -i {} -o IdentitiesOnly=yes", quoted(key)));
        }
        if let Some(hosts) = &self.known_hosts {
            let option = format!("UserKnownHostsFile=\"{hosts}\"");
            command.push_str(&format!(" -o {} -o StrictHostKeyChecking=yes", quoted(&option)));
        }
        command
    }

    /// Settings of git for its own command line; they name the file with the password.
    pub(super) fn settings(&self) -> Vec<String> {
        let Some(file) = &self.file else { return Vec::new() };
        let helper = format!("credential.helper=store --file={}", quoted(file));
        // The empty one forgets the helpers of the user.
        ["-c", "credential.helper=", "-c", &helper].map(str::to_owned).into()
    }
}

/// A text as one word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
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
    fn ssh_is_told_where_key_and_hosts_are() {
        assert_eq!(Login::default().ssh_command(), "ssh -o BatchMode=yes");
        let login =
            Login { key: Some("/a b/k".into()), known_hosts: Some("/h".into()), file: None };
        assert_eq!(
            login.ssh_command(),
            "ssh -o BatchMode=yes -i '/a b/k' -o IdentitiesOnly=yes \
             -o 'UserKnownHostsFile=\"/h\"' -o StrictHostKeyChecking=yes"
        );
    }

    #[test]
    fn a_url_is_told_apart_and_holds_no_password() {
        let parts = ("https", "me", "a.org:80");
        assert_eq!(split_url("https://me@a.org:80/x@y.git"), Some(parts));
        assert_eq!(split_url("git@a.org:x.git"), None);
        for url in ["https://me@a.org/x", "ssh://git@a.org:22/x", "git@a.org:x", "/srv/x:y@z"] {
            assert!(check_url(url).is_ok(), "{url}");
        }
        let error = format!("{:#}", check_url("https://me:hunter2@a.org/x").unwrap_err());
        assert!(error.contains("holds a password") && !error.contains("hunter2"), "{error}");
    }

    #[test]
    fn a_password_is_encoded_for_a_url() {
        assert_eq!(encoded("a:b@c/é-1"), "a%3Ab%40c%2F%C3%A9-1");
    }
}
