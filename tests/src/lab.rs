//! Real SSH hosts, for tests and benchmarks.
//!
//! A lab is a coordinator and some hosts. Each host is a real sshd in network, mount, host name and
//! process namespaces of its own; its root file system is an overlay over the machine's, of which
//! it sees the installed system alone. Users, files, processes and addresses of a host are its own.
//!
//! ```no_run
//! use std::time::Duration;
//! use togusa_tests::lab::{HostSpec, Lab, Shell, User};
//!
//! let lab = Lab::start([
//!     HostSpec::new("web").user(User::new("deploy").shell(Shell::Zsh).may_become("app"))
//!         .user(User::service("app")),
//!     HostSpec::new("db").small("~root", 4).sshd("MaxStartups 2:100:3"),
//! ]);
//! lab.write("~/project/environment.toml", "…");
//! let run = lab.command("ssh").args(["web", "sudo -n -u app id"]).spawn();
//! lab["db"].cut();
//! assert!(run.wait().succeeded().contains("(app)"));
//! lab["db"].restore();
//! lab["web"].slow(Duration::from_millis(200));
//! assert!(lab["web"].processes_with("agent").is_empty());
//! assert_eq!(lab["web"].sh("hostname"), "web\n");
//! ```
//!
//! `Lab::start(3)` is enough where three hosts without anything special will do. Lab and [`Host`]
//! share what [`Station`] offers: commands, scripts, files, processes.
//!
//! - **Coordinator**: programs started by [`Station::command`] of the lab run on the machine itself,
//!   as root, in the lab's network. They see the machine's files, but a home directory, `/run` and
//!   host names of their own. `ssh NAME` works: key, `known_hosts` and `config` are in `~/.ssh`.
//!   Paths of the machine, also those in a temporary directory of the test, are the same inside;
//!   what is in `~` is reached with [`Station::read`] and [`Station::write`].
//! - **Processes** are started directly in the namespaces. [`Running`] holds the very program, not
//!   something that started it, and [`Process`] has the ids that the test can signal.
//! - **The end**: all of it, with every mount, network and file, goes when the lab is dropped or the
//!   test process ends, however it ends.
//! - **Networks** of labs are apart, so that they may run at the same time with equal addresses. None
//!   of them leads anywhere else, and names are looked up in `/etc/hosts` alone.
//!
//! `cargo run -p togusa-tests --bin lab 3` opens a shell on the coordinator of a lab.

mod directory;
mod faults;
mod host;
mod interrupts;
mod namespaces;
mod network;
mod process;
mod program;
mod relay;
mod requirements;
mod session;
mod spec;
mod station;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::ops::{Deref, Index};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::thread;

pub use nix::sys::signal::Signal;
use nix::sys::signal::kill;
use nix::unistd::Pid;
use togusa_core::system;

use directory::{Directory, Entry};
pub use host::{Host, Traffic};
pub use process::Process;
pub use program::{Output, Program, Running};
pub use session::main;
pub use spec::{HostSpec, LabSpec, Shell, User};
use station::Inside;
pub use station::Station;

const COORDINATOR: &str = include_str!("lab/coordinator.sh");
/// The home directory of the coordinator's user.
const HOME: &str = "/run/lab/home";
/// Where the files of the hosts are.
const HOSTS: &str = "/run/lab/hosts";

/// Variables of the test that its programs get, so that cargo works in a lab.
const PASSED_ON: [&str; 5] =
    ["CARGO_TARGET_DIR", "LLVM_PROFILE_FILE", "RUSTFLAGS", "RUSTUP_TOOLCHAIN", "RUST_BACKTRACE"];

/// A coordinator and its hosts.
#[derive(Debug)]
pub struct Lab {
    // Dropped first: all ends at once then, and not host by host.
    #[expect(dead_code, reason = "is there for its end alone")]
    supervisor: Supervisor,
    hosts: Vec<Host>,
    directory: Arc<Directory>,
}

impl Lab {
    /// Starts the hosts and waits until they can be logged in to.
    ///
    /// Panics if the machine forbids namespaces or lacks a program, and says what helps.
    pub fn start(spec: impl Into<LabSpec>) -> Self {
        let spec = spec.into();
        requirements::check();
        interrupts::let_through();
        let supervisor = Supervisor::start();
        let inside = Inside::of(supervisor.init.as_raw());
        let station = Station::new("coordinator", variables(), inside);
        let places = network::places(&spec.hosts);
        network::set_up(&spec.hosts, &places, &station);
        let names = places.iter().map(|(name, place)| format!("{} {name}\n", place.address));
        let names: String = names.collect();
        station.write(host::BOOT, host::boot_script());
        let directory = Arc::new(Directory::new(station, &spec));
        let start = |host| Host::start(host, &places[&host.name], &names, &directory);
        let hosts: Vec<_> = thread::scope(|scope| {
            let started: Vec<_> =
                spec.hosts.iter().map(|host| scope.spawn(move || start(host))).collect();
            let hosts = started.into_iter().map(|host| host.join());
            hosts
                .map(|host| host.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect()
        });
        let entry = |host: &Host| Entry::new(host.name(), &host.place, host.host_key());
        directory.set(hosts.iter().map(entry).collect());
        Self { supervisor, hosts, directory }
    }

    /// The hosts, in the order in which they were named.
    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    /// The path of the user's `ssh_config` inside the lab, which also does for `-F`.
    pub fn ssh_config(&self) -> String {
        format!("{HOME}/.ssh/config")
    }
}

impl Deref for Lab {
    type Target = Station;

    fn deref(&self) -> &Station {
        &self.directory.station
    }
}

impl Index<&str> for Lab {
    type Output = Host;

    /// The host of this name.
    fn index(&self, name: &str) -> &Host {
        let host = self.hosts.iter().find(|host| host.name() == name);
        host.unwrap_or_else(|| panic!("the lab has no host `{name}`"))
    }
}

/// Variables of a fresh login, and those that the tools of Rust need to be found.
fn variables() -> Vec<(&'static str, String)> {
    let mut variables = vec![
        ("HOME", HOME.to_owned()),
        ("LANG", "C.UTF-8".to_owned()),
        ("LOGNAME", "root".to_owned()),
        ("PATH", requirements::path()),
        ("USER", "root".to_owned()),
        ("XDG_RUNTIME_DIR", "/run/user/0".to_owned()),
    ];
    let home = system::variable("HOME").unwrap_or_default();
    for (name, below) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
        let value = system::variable(name).unwrap_or_else(|| format!("{home}/{below}"));
        variables.push((name, value));
    }
    let passed_on = PASSED_ON.into_iter().filter_map(|name| Some((name, system::variable(name)?)));
    variables.extend(passed_on);
    variables
}

/// Holds the namespaces of the lab. All processes in them end with it, and it ends with the test.
#[derive(Debug)]
struct Supervisor {
    unshare: Child,
    /// The first process of the lab.
    init: Pid,
    /// What the first process waits for the end of: the system closes it with the test process.
    lifeline: Option<ChildStdin>,
}

impl Supervisor {
    #[expect(clippy::disallowed_methods, reason = "makes the namespaces in which all else runs")]
    fn start() -> Self {
        // A file keeps the script out of the command line, where tests look for other things.
        let mut script = tempfile::NamedTempFile::new().expect("a temporary file can be made");
        script.write_all(COORDINATOR.as_bytes()).expect("a temporary file can be written");
        let mut unshare = Command::new("unshare")
            .args(["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"])
            .arg("/bin/dash")
            .arg(script.path())
            .env("PATH", requirements::path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("unshare can be started");
        let lifeline = unshare.stdin.take();
        let mut line = String::new();
        if let Some(stdout) = unshare.stdout.take() {
            BufReader::new(stdout).read_line(&mut line).expect("a pipe can be read");
        }
        let parent = i32::try_from(unshare.id()).expect("process ids are small");
        let init = process::child_of(parent).filter(|_| line == "up\n").map(Pid::from_raw);
        let Some(init) = init else {
            drop(lifeline);
            let mut said = String::new();
            if let Some(mut stderr) = unshare.stderr.take() {
                stderr.read_to_string(&mut said).expect("a pipe can be read");
            }
            unshare.wait().expect("a child can be waited for");
            panic!(
                "this machine refuses the namespaces of a lab: {}\n\
                 run the tests on a machine, or in a container, whose root may make them \
                 (docker run --privileged)",
                said.trim()
            );
        };
        Self { unshare, init, lifeline }
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.lifeline.take();
        // If it has ended by itself, its process id may be another's by now.
        if matches!(self.unshare.try_wait(), Ok(None)) {
            // It may end in between, for it has lost its lifeline.
            let _ = kill(self.init, Signal::SIGKILL);
        }
        self.unshare.wait().expect("a child can be waited for");
    }
}
