//! A place of its own for each test: keys, configuration, sockets.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use togusa::core::environment::Host;
use togusa::ssh::{Channel, Connections};

use super::masters::masters_in;

pub const KEEP: Duration = Duration::from_secs(60);

/// Keys, an ssh_config and known hosts; what is still connected at the end is disconnected.
pub struct Place {
    directory: TempDir,
    /// What the configuration says of each host, before what it says of all.
    config: Mutex<String>,
}

impl Place {
    pub fn new() -> Self {
        let place = Self { directory: tempfile::tempdir().unwrap(), config: Mutex::default() };
        place.make_key("key");
        place.configure("");
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Makes a pair of keys and gives the public one.
    pub fn make_key(&self, name: &str) -> String {
        let path = self.path(name);
        let made = program("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-f"])
            .arg(&path)
            .status()
            .expect("the tests need `ssh-keygen`: apt-get install openssh-client");
        assert!(made.success());
        fs::read_to_string(path.with_extension("pub")).unwrap()
    }

    /// Adds to the configuration; the first value that it names for a host counts.
    pub fn configure(&self, more: &str) {
        let mut config = self.config.lock().unwrap();
        config.push_str(more);
        let common = format!(
            "\nHost *\n  IdentityFile {0}/key\n  IdentitiesOnly yes\n  UserKnownHostsFile \
             {0}/known_hosts\n",
            self.directory.path().display()
        );
        fs::write(self.path("config"), format!("{config}{common}")).unwrap();
    }

    /// Accepts a host key at an address.
    pub fn know(&self, address: &str, port: u16, key: &str) {
        let mut file =
            File::options().create(true).append(true).open(self.path("known_hosts")).unwrap();
        writeln!(file, "[{address}]:{port} {key}").unwrap();
    }

    pub fn forget_host_keys(&self) {
        fs::write(self.path("known_hosts"), "").unwrap();
    }

    /// A host that ssh finds in the configuration of this place.
    pub fn host(&self, name: &str) -> Host {
        let mut host = Host::local(name, "unused");
        host.ssh_config = Some("config".to_owned());
        host
    }

    pub fn connections(&self, keep: Duration) -> Connections {
        Connections::within(&self.sockets(), keep, self.directory.path()).unwrap()
    }

    pub fn sockets(&self) -> PathBuf {
        self.path("s")
    }

    /// An ssh by hand, without our sockets.
    pub fn ssh(&self, arguments: &[&str]) -> Command {
        let mut ssh = program("ssh");
        ssh.arg("-F").arg(self.path("config")).args(["-o", "BatchMode=yes"]).args(arguments);
        ssh.stdin(Stdio::null());
        ssh
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.sockets().exists() {
            return;
        }
        let connections = Connections::within(&self.sockets(), KEEP, Path::new("/")).unwrap();
        drop(connections.disconnect(None));
        for master in masters_in(&self.sockets()) {
            master.kill();
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one home of the programs of this test")]
pub fn program(name: &str) -> Command {
    Command::new(name)
}

/// Reads all that a command prints and its exit code.
pub fn finish(channel: Channel) -> (String, String, i32) {
    let Channel { stdin, mut stdout, mut stderr, ended, .. } = channel;
    drop(stdin);
    let (mut printed, mut errors) = (String::new(), String::new());
    stdout.read_to_string(&mut printed).unwrap();
    stderr.read_to_string(&mut errors).unwrap();
    (printed, errors, ended().unwrap())
}

/// Starts a command that must succeed; tells what it printed and whether it was resumed.
pub fn say(connections: &Connections, host: &Host, command: &str) -> (String, bool) {
    let channel = connections.start(host, command).unwrap_or_else(|problem| panic!("{problem}"));
    let resumed = channel.resumed;
    let (printed, errors, code) = finish(channel);
    assert_eq!(code, 0, "{errors}");
    (printed.trim().to_owned(), resumed)
}

/// Waits until something holds; a generous limit finds what never will.
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < Duration::from_secs(30), "not after 30 s: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
