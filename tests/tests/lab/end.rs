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

/// The processes of a lab, and all others in namespaces of it.
struct Held {
    namespaces: BTreeSet<PathBuf>,
    processes: BTreeSet<Started>,
}

/// Process id, start and command line. Ids of processes and namespaces are used again.
type Started = (String, String, String);

const KINDS: [&str; 4] = ["net", "mnt", "uts", "pid"];

fn namespaces(pid: &str) -> impl Iterator<Item = PathBuf> {
    let directory = Path::new("/proc").join(pid).join("ns");
    KINDS.into_iter().filter_map(move |kind| fs::read_link(directory.join(kind)).ok())
}

fn pids() -> impl Iterator<Item = String> {
    fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let name = entry.unwrap().file_name().into_string().unwrap();
        name.parse::<i32>().is_ok().then_some(name)
    })
}

/// The fields of `/proc/PID/stat` after the name; none of a process that is gone.
fn fields(pid: &str) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    Some(fields.split(' ').map(str::to_owned).collect())
}

/// A process, unless it has ended.
fn started(pid: String) -> Option<Started> {
    let fields = fields(&pid)?;
    let command = fs::read_to_string(format!("/proc/{pid}/cmdline")).ok()?.replace('\0', " ");
    (!["Z", "X"].contains(&&*fields[0])).then(|| (pid, fields[19].clone(), command))
}

impl Held {
    /// By what these processes hold.
    fn by(pids_of_lab: impl IntoIterator<Item = String>) -> Self {
        let own: BTreeSet<_> = namespaces("self").collect();
        let of_lab = pids_of_lab.into_iter().flat_map(|pid| namespaces(&pid).collect::<Vec<_>>());
        let held: BTreeSet<_> = of_lab.filter(|namespace| !own.contains(namespace)).collect();
        let is_in = |pid: &String| namespaces(pid).any(|namespace| held.contains(&namespace));
        let processes = pids().filter(is_in).filter_map(started).collect();
        Self { namespaces: held, processes }
    }

    fn rest(&self) -> Vec<Started> {
        let now: BTreeSet<_> = pids().filter_map(started).collect();
        self.processes.intersection(&now).cloned().collect()
    }

    fn assert_gone(&self) {
        assert!(self.namespaces.len() >= 8, "{:?}", self.namespaces);
        assert!(self.processes.len() >= 8, "{:?}", self.processes);
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
        found.extend(pids().filter(|pid| fields(pid).is_some_and(|fields| fields[1] == parent)));
    }
    found
}

/// Starts the program `lab` with two hosts, in a process group of its own.
#[expect(clippy::disallowed_methods, reason = "starts the process that is killed")]
fn another(command: &str) -> (Child, Held) {
    // What a shell has started in the background ignores interrupts.
    let mut child = Command::new("env")
        .args(["--default-signal=INT", env!("CARGO_BIN_EXE_lab"), "2", "sh", "-c", command])
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
