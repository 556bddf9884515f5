//! A host: its files, its start and restart.

use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::directory::Directory;
use super::network::Place;
use super::process;
use super::program::Running;
use super::relay::Relay;
use super::spec::{FileSystem, HostSpec, Shell};
use super::station::{Inside, Station};

const INSTALL: &str = include_str!("install.sh");
pub(super) const START_SSHD: &str = include_str!("sshd.sh");

/// The script of the first process of each host.
pub(super) const BOOT: &str = "/run/lab/boot.sh";

/// A host of the lab. What it shares with the coordinator is in [`Station`], its faults in the
/// methods after [`Host::cut`].
#[derive(Debug)]
pub struct Host {
    pub(super) station: Station,
    pub(super) place: Place,
    pub(super) directory: Arc<Directory>,
    pub(super) relay: Mutex<Option<Relay>>,
    is_behind: bool,
    user: String,
    init: Mutex<Running>,
}

impl Deref for Host {
    type Target = Station;

    fn deref(&self) -> &Station {
        &self.station
    }
}

impl Host {
    /// Makes the files of the host and starts it.
    pub(super) fn start(spec: &HostSpec, place: &Place, hosts: &str, at: &Arc<Directory>) -> Self {
        let script = format!("{INSTALL}{}", settings(spec, hosts));
        let directory = format!("{}/{}", super::HOSTS, spec.name);
        let mut install = at.station.command("sh");
        at.station.sh(&format!("mkdir {directory}"));
        install.current_dir(&directory).args(["-c", &script, "sh", &spec.name]);
        install.output().succeeded();
        let (init, inside) = boot(&spec.name, &at.station);
        let variables = vec![
            ("HOME", "/root".to_owned()),
            ("LANG", "C.UTF-8".to_owned()),
            ("LOGNAME", "root".to_owned()),
            ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned()),
            ("USER", "root".to_owned()),
        ];
        Self {
            station: Station::new(&spec.name, variables, inside),
            place: place.clone(),
            directory: Arc::clone(at),
            relay: Mutex::default(),
            is_behind: spec.behind.is_some(),
            user: spec.login_user().to_owned(),
            init: Mutex::new(init),
        }
    }

    /// Its address. One behind a gateway cannot be reached from the coordinator.
    pub fn address(&self) -> Ipv4Addr {
        self.place.address
    }

    /// The user that `ssh NAME` logs in as.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Whether it is reached through another host alone.
    pub fn is_behind(&self) -> bool {
        self.is_behind
    }

    /// Its public host key: algorithm and key.
    pub fn host_key(&self) -> String {
        let line = self.read("/etc/ssh/ssh_host_ed25519_key.pub");
        line.split(' ').take(2).collect::<Vec<_>>().join(" ").trim_end().to_owned()
    }

    /// Kills all of its processes and starts it again, as a reboot does: files stay, but for those
    /// in `/tmp`, `/run` and `/dev`.
    ///
    /// Its connections end as they do when processes are killed. For one that loses power, say
    /// `cut` before and `restore` after.
    pub fn restart(&self) {
        let mut init = self.lock_init();
        let Inside { init: first, .. } = self.station.now_inside();
        if init.is_running() {
            kill(Pid::from_raw(first), Signal::SIGKILL).expect("a host can be killed");
        }
        init.wait();
        let (restarted, inside) = boot(self.name(), &self.directory.station);
        *init = restarted;
        self.station.replace_inside(inside);
    }

    fn lock_init(&self) -> MutexGuard<'_, Running> {
        self.init.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes that it received from and sent to its network so far.
    pub fn traffic(&self) -> Traffic {
        let devices = self.sh("cat /proc/net/dev");
        let counters = devices.lines().find_map(|line| line.trim().strip_prefix("eth0:"));
        let counters: Vec<u64> = counters
            .map(|line| line.split_whitespace().map_while(|count| count.parse().ok()).collect())
            .unwrap_or_default();
        let [received, _, _, _, _, _, _, _, sent, ..] = counters[..] else {
            panic!("the host has no counters of its network: {devices}");
        };
        Traffic { received, sent }
    }
}

/// Bytes over a host's network, with all headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traffic {
    /// Those that the host received.
    pub received: u64,
    /// Those that the host sent.
    pub sent: u64,
}

pub(super) fn boot_script() -> String {
    // The shell's `wait` takes leave of every orphan.
    let stay = "echo up\nexec >/dev/null 2>&1\nwhile :; do sleep infinity & wait $! || :; done\n";
    format!("{}{START_SSHD}{stay}", include_str!("boot.sh"))
}

fn boot(name: &str, at: &Station) -> (Running, Inside) {
    let mut boot = at.command("ip");
    boot.args(["netns", "exec", name]);
    boot.args(["unshare", "--mount", "--uts", "--pid", "--fork", "--kill-child"]);
    boot.args(["/bin/dash", BOOT, name]);
    let running = boot.current_dir("/").spawn();
    running.wait_until_printed("up\n");
    let Some(init) = process::child_of(running.pid()) else {
        panic!("the host `{name}` has no process");
    };
    (running, Inside::of(init))
}

/// The part of the script of installation that is special to one host.
fn settings(spec: &HostSpec, hosts: &str) -> String {
    let mut script = String::new();
    let mut add = |line: String| writeln!(script, "{line}").expect("a string can grow");
    let sshd = spec.sshd.join("\n");
    add(format!("cat >etc/hosts <<'END'\n127.0.0.1 localhost\n{hosts}END"));
    add(format!(
        "cat >etc/ssh/sshd_config <<'END'\n{sshd}\n\
         HostKey /etc/ssh/ssh_host_ed25519_key\n\
         AuthorizedKeysFile /etc/ssh/authorized_keys/%u\n\
         PasswordAuthentication no\n\
         KbdInteractiveAuthentication no\n\
         UsePAM no\n\
         PrintMotd no\n\
         AcceptEnv LANG LC_*\n\
         PidFile /run/sshd.pid\n\
         Subsystem sftp /usr/lib/openssh/sftp-server\nEND"
    ));
    let shells = spec.users.iter().map(|user| user.shell).chain(spec.sh);
    if shells.into_iter().any(|shell| shell == Shell::Busybox) {
        add(format!("ln -s \"$(command -v busybox)\" .{}", Shell::Busybox.path()));
    }
    if let Some(shell) = spec.sh {
        add(format!("ln -sfn {} bin/sh", shell.path()));
    }
    for user in &spec.users {
        add(format!("add_user {} {}", user.name, user.shell.path()));
        if user.has_key {
            add(format!("add_key {}", user.name));
        }
        if let Some(banner) = &user.banner {
            assert!(!banner.contains('\''), "a banner cannot hold a quote: {banner}");
            add(format!("add_banner {} {} '{banner}'", user.name, user.shell.path()));
        }
        for rule in &user.sudo {
            add(format!("echo '{rule}' >>etc/sudoers"));
        }
    }
    for (path, kind) in &spec.file_systems {
        add(match kind {
            FileSystem::Small { megabytes } => format!("small '{path}' {megabytes}"),
            FileSystem::NoExec => format!("restrict '{path}' noexec"),
            FileSystem::ReadOnly => format!("restrict '{path}' ro"),
        });
    }
    script
}
