use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use togusa_tests::lab::Lab;

use crate::wait_until;

/// What a lab holds on the machine: processes and namespaces.
struct Held {
    namespaces: BTreeSet<PathBuf>,
}

const KINDS: [&str; 4] = ["net", "mnt", "uts", "pid"];

fn namespace(pid: &str, kind: &str) -> Option<PathBuf> {
    fs::read_link(Path::new("/proc").join(pid).join("ns").join(kind)).ok()
}

fn pids() -> impl Iterator<Item = String> {
    fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let name = entry.unwrap().file_name().into_string().unwrap();
        name.parse::<i32>().is_ok().then_some(name)
    })
}

impl Held {
    /// The namespaces of these processes that this test does not live in itself.
    fn by(pids: impl IntoIterator<Item = String>) -> Self {
        let of = |pid: String| KINDS.map(|kind| (kind, namespace(&pid, kind)));
        let own = |kind: &str| namespace("self", kind);
        let namespaces = pids.into_iter().flat_map(of).filter(|(kind, id)| *id != own(kind));
        Self { namespaces: namespaces.filter_map(|(_, id)| id).collect() }
    }

    /// Processes that are, or hold something open, in one of the namespaces.
    fn rest(&self) -> Vec<String> {
        let is_in = |pid: &String| {
            KINDS
                .iter()
                .any(|kind| namespace(pid, kind).is_some_and(|id| self.namespaces.contains(&id)))
        };
        pids().filter(is_in).collect()
    }

    fn assert_gone(&self) {
        assert!(self.namespaces.len() >= 8, "{:?}", self.namespaces);
        wait_until("the end of all processes", || self.rest().is_empty());
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
        assert!(!mounts.contains("/run/lab"), "{mounts}");
    }
}

fn below(pid: i32) -> Vec<String> {
    let mut found = vec![pid.to_string()];
    let mut next = 0;
    while let Some(parent) = found.get(next).cloned() {
        next += 1;
        found.extend(pids().filter(|pid| {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields);
            fields.split(' ').nth(1) == Some(&parent)
        }));
    }
    found
}

/// Starts the program `lab` with two hosts, in a process group of its own.
#[expect(clippy::disallowed_methods, reason = "starts the process that is killed")]
fn another(command: &str) -> (Child, Held) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_lab"))
        .args(["2", "sh", "-c", command])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .process_group(0)
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "up\n");
    let held = Held::by(below(i32::try_from(child.id()).unwrap()));
    (child, held)
}

/// Busy ones that ignore what they can: a session, a daemon on a host, a daemon here.
const BUSY: &str = "trap '' INT TERM HUP; ssh host1 'trap \"\" HUP; sleep 1000 & echo up; wait' & \
                    setsid sleep 1000 & ssh -fN -o ControlMaster=yes -o ControlPath=~/m host2; wait";

#[test]
fn nothing_is_left_when_the_test_process_is_killed() {
    for signal in [Signal::SIGKILL, Signal::SIGTERM] {
        let (mut child, held) = another(BUSY);
        kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal).unwrap();
        child.wait().unwrap();
        held.assert_gone();
    }
}

#[test]
fn nothing_is_left_after_an_interrupt_from_the_terminal() {
    let (mut child, held) = another(BUSY);
    kill(Pid::from_raw(-i32::try_from(child.id()).unwrap()), Signal::SIGINT).unwrap();
    child.wait().unwrap();
    held.assert_gone();
}

#[test]
fn nothing_is_left_after_a_panic_or_when_a_lab_is_dropped() {
    for panics in [true, false] {
        let held = std::thread::spawn(move || {
            let lab = Lab::start(2);
            let _busy = lab.command("ssh").args(["host1", "sleep 1000"]).spawn();
            let stations = [&*lab, &*lab["host1"], &*lab["host2"]];
            for station in stations {
                station.sh("trap '' HUP TERM; sleep 1000 &");
            }
            let held =
                Held::by(stations.iter().flat_map(|s| s.processes()).map(|p| p.pid.to_string()));
            if panics {
                std::panic::panic_any(held);
            }
            held
        });
        let held = match held.join() {
            Ok(held) => held,
            Err(panic) => *panic.downcast::<Held>().unwrap(),
        };
        assert!(held.rest().is_empty(), "{:?} are left", held.rest());
        held.assert_gone();
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "takes rights away from a process")]
fn a_machine_that_forbids_namespaces_is_told_with_a_remedy() {
    for (without, remedy) in [
        (["--bounding-set", "-sys_admin"], "run the tests on a machine, or in a container, whose"),
        (["--reuid", "65534"], "run the tests as root"),
    ] {
        let mut lab = Command::new("setpriv");
        lab.args(without).args([env!("CARGO_BIN_EXE_lab"), "1", "true"]);
        let output = lab.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(remedy), "{said}");
    }
}
