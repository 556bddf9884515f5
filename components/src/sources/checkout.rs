//! What checkouts have in common, whatever keeps their history.

use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::{demand, fault};

use crate::file::{File, Text};

/// What becomes of what was changed by hand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum LocalChanges {
    Refuse,
    Keep,
    Clobber,
}

/// Where a private file of a checkout lies: beside it.
pub(super) fn private_path(checkout: &HostPath, tool: &str, what: &str) -> Result<HostPath> {
    let directory = checkout.parent().context("a checkout has a directory above it")?;
    Ok(directory.join(format!(".{}.{tool}-{what}", checkout.file_name())))
}

/// A file that nobody but the user of the checkout can read.
pub(super) fn private_file(path: HostPath, content: Text, user: Option<&str>) -> File {
    let file = File::new(path).content(content).mode(0o600).sensitive();
    match user {
        Some(user) => file.owner(user),
        None => file,
    }
}

/// A private key as ssh reads it: not without the end of its last line.
pub(super) fn whole_key(key: &Text) -> Result<Text> {
    Ok(match key.as_str()? {
        text if !text.ends_with('\n') => Secret::new(format!("{text}\n")).into(),
        _ => key.clone(),
    })
}

/// The command line of ssh, as the shell of its caller reads it: it asks nothing, and takes no host
/// for known that is not.
pub(super) fn ssh_command(key: Option<&str>, known_hosts: Option<&str>) -> String {
    let mut command = "ssh -o BatchMode=yes".to_owned();
    if let Some(key) = key {
        command.push_str(&format!(" -i {} -o IdentitiesOnly=yes", quoted(key)));
    }
    if let Some(hosts) = known_hosts {
        let option = format!("UserKnownHostsFile=\"{hosts}\"");
        command.push_str(&format!(" -o {} -o StrictHostKeyChecking=yes", quoted(&option)));
    }
    command
}

/// The scheme of a URL, who asks, and whom.
pub(super) fn split_url(url: &str) -> Option<(&str, &str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let host = rest.split('/').next().unwrap_or_default();
    let (user, host) = host.rsplit_once('@').unwrap_or(("", host));
    Some((scheme, user, host))
}

/// Refuses what a program would take for something else, and what everybody could read.
pub(super) fn check_url(url: &str) -> Result {
    let plain = !url.is_empty() && !url.starts_with('-') && !url.contains('\n');
    demand!(plain, code::ADDRESS_FORM, "the URL of the repository is empty or begins with `-`");
    if split_url(url).is_some_and(|(_, user, _)| user.contains(':')) {
        return Err(fault!(code::PASSWORD_IN_URL, "the URL of the repository holds a password"))
            .hint(LOGIN_HINT);
    }
    Ok(())
}

/// Refuses a URL that holds a secret.
pub(super) fn check_secrets(url: &str, program: &str, scope: &Scope<'_>) -> Result {
    scope.check_arguments(&Exec::new(program).arg(url)).map_err(|error| {
        match Err::<(), _>(error).hint(LOGIN_HINT) {
            Err(error) => error,
            Ok(()) => fault!(code::PASSWORD_IN_URL, "the URL holds a secret"),
        }
    })
}

const LOGIN_HINT: &str = "give the password by `.login(…)`, and the URL without it";

/// A text as one word of a shell.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// The beginning of a commit.
pub(super) fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}

/// The first of some names, and how many more there are.
pub(super) fn listed(names: &[String]) -> String {
    let shown: Vec<_> =
        names.iter().take(3).map(|name| format!("`{}`", name.escape_debug())).collect();
    let more = names.len().saturating_sub(3);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("{}{more}", shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ssh_is_told_where_key_and_hosts_are() {
        assert_eq!(ssh_command(None, None), "ssh -o BatchMode=yes");
        assert_eq!(
            ssh_command(Some("/a b/k"), Some("/h")),
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
}
