use std::path::Path;

use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use super::*;

/// A project whose only host is asked of the real ssh, with a configuration of the test's own.
struct Trial {
    directory: TempDir,
    host: Host,
    runtime: Runtime,
}

impl Trial {
    fn new(config: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let host = Host { ssh_config: Some("config".to_owned()), ..Host::local("web1", "t") };
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let trial = Self { directory, host, runtime };
        trial.write("config", config);
        trial
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path().join(name), text).unwrap();
    }

    fn sockets(&self) -> Sockets {
        Sockets::within(&self.path().join("s")).unwrap()
    }

    fn destination(&self) -> Destination {
        Destination::of(&self.host, self.path(), None)
    }

    /// What a new run resolves the host to, and whether it asks ssh for that.
    fn run(&self) -> (Resolved, bool) {
        let answers = Answers::new(&self.sockets(), Places::of_user());
        let destination = self.destination();
        let asks = answers.kept(&destination).is_none();
        let limits = Limits::default();
        let resolved = answers.resolve(&self.host, &destination, &limits);
        (self.runtime.block_on(resolved).unwrap(), asks)
    }

    fn asks(&self) -> bool {
        self.run().1
    }
}

#[test]
fn ssh_is_asked_again_once_its_configuration_has_changed() {
    let trial = Trial::new("Include DIR/*.conf DIR/none\nHost web1\n ControlPath c\n");
    let directory = trial.path().display().to_string();
    trial.write("config", &format!("Include {directory}/*.conf {directory}/none\n"));
    let (before, asked) = trial.run();
    assert!(asked);
    let (again, asked) = trial.run();
    assert!(!asked && again.name == before.name && before.control_path.is_none());

    trial.write("a.conf", &format!("Include {directory}/b\n"));
    assert!(trial.asks());
    trial.write("b", "ProxyJump jump1\n");
    let (jumps, asked) = trial.run();
    assert!(asked && jumps.name != before.name && jumps.sshd == "through jump1");
    assert!(!trial.asks());
    trial.write("b", "ProxyJump jump2\n");
    let (other, asked) = trial.run();
    assert!(asked && other.name != jumps.name && other.sshd == "through jump2");

    fs::remove_file(trial.path().join("a.conf")).unwrap();
    let (as_before, asked) = trial.run();
    assert!(asked && as_before.name == before.name);
    assert!(!trial.asks());
}

#[test]
fn what_files_do_not_tell_is_asked_each_time() {
    for config in [
        "Match exec true\n Port 1\n",
        "Match final all\n Port 1\n",
        "CanonicalizeHostname yes\nCanonicalDomains example.invalid\n",
        "Host *\n ControlPath /tmp/${HOME}/c\n",
    ] {
        let trial = Trial::new(config);
        assert!(trial.asks(), "{config}");
        assert!(trial.asks(), "{config}");
    }
}

#[test]
fn an_answer_that_is_damaged_or_of_another_host_is_ignored() {
    let trial = Trial::new("Port 2222\n");
    trial.run();
    let path = trial.sockets().answer(&trial.destination().stem);
    let good = fs::read_to_string(&path).unwrap();
    let damaged = ["", "\n", &good[..good.len() - 1], &good.replace("port 2222", "port 2223")];
    for text in damaged {
        fs::write(&path, text).unwrap();
        let (resolved, asked) = trial.run();
        assert!(asked && resolved.sshd == "web1:2222", "{text}");
        assert!(!trial.asks());
    }
    fs::write(&path, b"\xff\xfe").unwrap();
    assert!(trial.asks());

    let mut other =
        Destination::of(&Host { port: Some(1), ..trial.host.clone() }, trial.path(), None);
    other.stem = trial.destination().stem;
    let answers = Answers::new(&trial.sockets(), Places::of_user());
    assert!(answers.kept(&trial.destination()).is_some() && answers.kept(&other).is_none());
}

#[test]
fn runs_at_once_do_not_disturb_each_other() {
    let trial = Trial::new("Port 2222\n");
    trial.sockets();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let (directory, host) = (trial.path().to_owned(), trial.host.clone());
                let sockets = Sockets::within(&directory.join("s")).unwrap();
                let runtime = Builder::new_current_thread().enable_all().build().unwrap();
                for _ in 0..5 {
                    let answers = Answers::new(&sockets, Places::of_user());
                    let destination = Destination::of(&host, &directory, None);
                    let limits = Limits::default();
                    let resolved = answers.resolve(&host, &destination, &limits);
                    assert_eq!(runtime.block_on(resolved).unwrap().sshd, "web1:2222");
                    fs::remove_file(sockets.answer(&destination.stem)).ok();
                }
            });
        }
    });
    trial.run();
    assert!(!trial.asks());
    let left = fs::read_dir(trial.path().join("s")).unwrap().count();
    assert_eq!(left, 1, "a temporary file was left behind");
}
