//! How ssh is told about a host, and what the user's configuration makes of that.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use togusa_core::digest::Digest;
use togusa_core::environment::Host;
use togusa_core::problem::{Problem, code};
use togusa_core::system::program;
use tokio::process::Command;
use tokio::time::timeout;

use super::diagnosis::diagnose;
use super::master::kill_group;
use super::{PATIENCE, no_ssh};

/// A host as ssh is told about it.
#[derive(Clone, Debug)]
pub struct Destination {
    /// `-F FILE -l USER -p PORT`, as far as the environment says so.
    options: Vec<OsString>,
    address: String,
    /// The file that stands in for the configuration of user and system.
    pub file: Option<PathBuf>,
    /// The project's directory, where ssh runs: relative paths in its configuration lie there.
    pub root: PathBuf,
    /// Says which host this is, whatever the user's configuration makes of it.
    pub stem: String,
}

/// What `ssh -G` says about a host.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// The name of the connection: another configuration has another name.
    pub name: String,
    /// Where the user's own connection would be found.
    pub control_path: Option<PathBuf>,
    /// Says which sshd takes the connection: the one of a jump host, if there is one.
    pub sshd: String,
    /// Whether another program makes the connection, such as the ssh to a jump host.
    pub proxied: bool,
}

impl Destination {
    /// The destination of a host whose `ssh_config` is relative to `root`.
    pub fn of(host: &Host, root: &Path, home: Option<&Path>) -> Self {
        let mut options = Vec::<OsString>::new();
        let file = host.ssh_config.as_ref().map(|file| config_file(file, root, home));
        if let Some(file) = &file {
            options.extend(["-F".into(), file.into()]);
        }
        if let Some(user) = &host.user {
            options.extend(["-l".into(), user.into()]);
        }
        if let Some(port) = host.port {
            options.extend(["-p".into(), port.to_string().into()]);
        }
        let address = host.address().to_owned();
        let words = options.iter().map(|option| option.as_encoded_bytes());
        let words: Vec<_> = words.chain([address.as_bytes()]).collect();
        let stem = Digest::of(&words.join(&0)).short();
        Self { options, address, file, root: root.to_owned(), stem }
    }

    /// The arguments of an ssh to the host, with further options among them.
    pub fn arguments<'a>(
        &'a self,
        further: impl IntoIterator<Item = &'a OsStr>,
    ) -> impl Iterator<Item = &'a OsStr> {
        let address = [OsStr::new("--"), OsStr::new(&self.address)];
        self.options.iter().map(OsString::as_os_str).chain(further).chain(address)
    }

    /// Asks ssh what it makes of the host, and which files say so: what it prints, and what it
    /// tells of its own doing.
    ///
    /// # Errors
    /// ssh is not installed, or refuses its configuration.
    pub async fn ask(&self, host: &Host) -> Result<(Vec<u8>, Vec<u8>), Problem> {
        let mut ssh = Command::from(program("ssh"));
        ssh.args(self.arguments(["-v", "-G"].map(OsStr::new))).current_dir(&self.root);
        // A `Match exec` of the configuration must not read what the user types.
        ssh.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = ssh.process_group(0).spawn().map_err(|error| no_ssh(&error))?;
        let (group, limit) = (child.id(), host.timeout + PATIENCE);
        let Ok(output) = timeout(limit, child.wait_with_output()).await else {
            kill_group(group);
            let message = format!("`ssh -G` was not done after {} s", limit.as_secs());
            return Err(Problem::new(code::SSH_CONFIG, message)
                .hint("see what `Match exec` and `CanonicalizeHostname` do in ssh_config")
                .on(&host.name));
        };
        let output = output.map_err(|error| no_ssh(&error))?;
        if !output.status.success() {
            return Err(diagnose(host, &String::from_utf8_lossy(&output.stderr)));
        }
        Ok((output.stdout, output.stderr))
    }

    /// What ssh has printed when it was [asked](Self::ask).
    pub fn read(&self, printed: &[u8]) -> Resolved {
        let text = String::from_utf8_lossy(printed);
        let value = |key: &str| {
            let mut lines = text.lines().filter_map(|line| line.split_once(' '));
            let value = lines.find(|(found, _)| *found == key).map(|(_, value)| value);
            value.filter(|value| *value != "none")
        };
        let proxy = value("proxyjump").map(|hosts| hosts.split(',').next().unwrap_or(hosts));
        let proxy = proxy.or(value("proxycommand"));
        let (name, port) = (value("hostname").unwrap_or_default(), value("port"));
        Resolved {
            // All that ssh says counts: what changes the way to the host changes one of its words.
            name: format!("{}-{}", self.stem, Digest::of(printed).short()),
            control_path: value("controlpath").map(|path| self.root.join(path)),
            sshd: proxy.map_or_else(
                || format!("{name}:{}", port.unwrap_or_default()),
                |proxy| format!("through {proxy}"),
            ),
            proxied: proxy.is_some(),
        }
    }
}

fn config_file(file: &str, root: &Path, home: Option<&Path>) -> PathBuf {
    match (file.strip_prefix("~/"), home) {
        (Some(below), Some(home)) => home.join(below),
        _ => root.join(file),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(host: &Host) -> Vec<String> {
        let home = Path::new("/h");
        let destination = Destination::of(host, Path::new("/p"), Some(home));
        destination.arguments([]).map(|word| word.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn ssh_is_told_what_the_environment_says_and_no_more() {
        let mut host = Host::local("web1", "t");
        assert_eq!(words(&host), ["--", "web1"]);

        host.address = Some("10.0.0.1".to_owned());
        (host.user, host.port) = (Some("deploy".to_owned()), Some(2222));
        host.ssh_config = Some("ssh/config".to_owned());
        let rest = ["-l", "deploy", "-p", "2222", "--", "10.0.0.1"];
        assert_eq!(words(&host), [&["-F", "/p/ssh/config"], &rest[..]].concat());

        host.ssh_config = Some("~/config".to_owned());
        assert_eq!(words(&host), [&["-F", "/h/config"], &rest[..]].concat());
        host.ssh_config = Some("/etc/x".to_owned());
        assert_eq!(words(&host), [&["-F", "/etc/x"], &rest[..]].concat());
    }

    #[test]
    fn another_word_of_the_configuration_is_another_connection() {
        let host = Host::local("web1", "t");
        let destination = Destination::of(&host, Path::new("/p"), None);
        let read = |text: &str| destination.read(text.as_bytes());
        let plain = read("hostname a\nport 22\nproxyjump none\ncontrolpath none\n");
        assert_eq!(plain.sshd, "a:22");
        assert!(plain.control_path.is_none() && !plain.proxied);

        let jumped = read("hostname a\nport 22\nproxyjump j,k\ncontrolpath /c/x\n");
        assert_eq!(jumped.sshd, "through j");
        assert_eq!(jumped.control_path, Some("/c/x".into()));
        assert!(jumped.proxied && jumped.name != plain.name);
        assert_eq!(jumped.name.split_once('-').unwrap().0, destination.stem);
    }
}
