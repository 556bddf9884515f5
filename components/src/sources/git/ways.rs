//! How git reaches a server.

use togusa_core::prelude::*;

/// Files that git and ssh read, as real paths.
#[derive(Debug, Default)]
pub(super) struct Login {
    pub(super) key: Option<String>,
    pub(super) known_hosts: Option<String>,
    pub(super) file: Option<String>,
}

/// Where a private file of a checkout lies: beside it.
pub(super) fn login_path(checkout: &HostPath, what: &str) -> Result<HostPath> {
    let directory = checkout.parent().context("a checkout has a directory above it")?;
    Ok(directory.join(format!(".{}.git-{what}", checkout.file_name())))
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
    fn a_password_is_encoded_for_a_url() {
        assert_eq!(encoded("a:b@c/é-1"), "a%3Ab%40c%2F%C3%A9-1");
    }
}
