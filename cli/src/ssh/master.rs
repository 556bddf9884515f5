//! The ssh that holds a connection; ssh itself calls it the master.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::{Pid, Uid};
use openssh_mux_client::{Connection, Error};
use tokio::process::Command;
use tokio::time::timeout;

use super::destination::Destination;
use togusa_core::system::program;

/// How long a living master takes to answer at most.
const ANSWER: Duration = Duration::from_secs(1);

/// How long a login may take after the connection was opened.
const LOGIN: Duration = Duration::from_secs(20);

/// How long a connection that is not kept stays without a command. Zero would mean for ever.
const SHORTEST: u64 = 5;

/// As much of a log is read.
const LAST_WORDS: u64 = 64 * 1024;

/// A log that is longer is emptied.
const LONGEST_LOG: u64 = 1024 * 1024;

/// What is behind a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// The master with this process id answers.
    Alive(u32),
    /// Nobody listens.
    Absent,
    /// Something listens and does not answer.
    Hung,
}

/// Why a connection could not be made.
#[derive(Debug)]
pub enum NotStarted {
    /// ssh gave up and printed this.
    Ended(String),
    /// ssh neither gave up nor was done within this time.
    Slow(Duration, String),
    /// ssh itself could not be run.
    NotRun(io::Error),
    /// The socket or the log of the connection cannot be made.
    NoPlace(io::Error),
}

/// How a connection is made.
#[derive(Debug)]
pub struct Start<'a> {
    /// Where to.
    pub destination: &'a Destination,
    /// Where the master is to listen.
    pub socket: &'a Path,
    /// Where ssh writes to; it is emptied.
    pub log: &'a Path,
    /// How long it stays without a command.
    pub keep: Duration,
    /// How long opening it may take.
    pub timeout: Duration,
    /// Whether another ssh makes the way there.
    pub proxied: bool,
}

/// The value of ssh's `ControlPersist`, in seconds.
pub fn persistence(keep: Duration) -> u64 {
    if keep.is_zero() { SHORTEST } else { keep.as_secs().max(1) }
}

/// Asks whether a master is behind a socket.
pub async fn look(socket: &Path) -> Found {
    let answer = async { Connection::connect(socket).await?.send_alive_check().await };
    match timeout(ANSWER, answer).await {
        Ok(Ok(pid)) => Found::Alive(pid.get()),
        // So many wait already that no further one is let in.
        Ok(Err(Error::IOError(error))) if error.kind() == io::ErrorKind::WouldBlock => Found::Hung,
        Ok(Err(_)) => Found::Absent,
        Err(_) => Found::Hung,
    }
}

/// Makes a connection and leaves its master in the background.
///
/// # Errors
/// See [`NotStarted`].
pub async fn start(start: &Start<'_>) -> Result<(), NotStarted> {
    let log = File::options().create(true).append(true).open(start.log);
    let log = log.and_then(|log| log.set_len(0).map(|()| log)).map_err(NotStarted::NoPlace)?;
    let options = [
        "BatchMode=yes".to_owned(),
        format!("ControlPersist={}", persistence(start.keep)),
        format!("ConnectTimeout={}", start.timeout.as_secs().max(1)),
        "ServerAliveInterval=5".to_owned(),
        "ServerAliveCountMax=3".to_owned(),
        // A port that is already forwarded elsewhere must not fail a deployment.
        "ClearAllForwardings=yes".to_owned(),
        "LogLevel=INFO".to_owned(),
    ];
    let mut further = ["-M", "-N", "-f", "-S"].map(OsStr::new).to_vec();
    further.extend([start.socket.as_os_str(), OsStr::new("-E"), start.log.as_os_str()]);
    if start.proxied {
        // Else ssh throws away what the ssh to the jump host says.
        further.push(OsStr::new("-v"));
    }
    further.extend(options.iter().flat_map(|option| ["-o".as_ref(), OsStr::new(option)]));

    let mut ssh = Command::from(program("ssh"));
    ssh.args(start.destination.arguments(further)).current_dir(&start.destination.root);
    ssh.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    // In a group of its own, so that Ctrl-C reaches the coordinator alone.
    ssh.process_group(0).kill_on_drop(true);
    let mut child = ssh.spawn().map_err(NotStarted::NotRun)?;
    let limit = start.timeout + LOGIN;
    let Ok(status) = timeout(limit, child.wait()).await else {
        kill_group(child.id());
        return Err(NotStarted::Slow(limit, printed(start.log)));
    };
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(NotStarted::Ended(printed(start.log))),
        Err(error) => Err(NotStarted::NotRun(error)),
    }
}

/// The end of what ssh wrote to its log.
pub fn printed(log: &Path) -> String {
    let read = || {
        let mut file = File::open(log)?;
        file.seek(SeekFrom::Start(file.metadata()?.len().saturating_sub(LAST_WORDS)))?;
        let mut text = Vec::new();
        file.take(LAST_WORDS).read_to_end(&mut text).map(|_| text)
    };
    // A log that cannot be read leaves the error without its cause, which is better than none.
    String::from_utf8_lossy(&read().unwrap_or_else(|_: io::Error| Vec::new())).into_owned()
}

/// Empties the log of a connection that is kept for long. Its master goes on at the new end.
pub fn trim(log: &Path) {
    if fs::metadata(log).is_ok_and(|found| found.len() > LONGEST_LOG) {
        // What cannot be emptied now is with the next command.
        let _ = File::options().write(true).open(log).and_then(|file| file.set_len(0));
    }
}

/// Lets a master take no further commands: it ends with the last one that runs. Tells whether it
/// did. With `pid`, another master at the same socket is left alone.
pub async fn stop(socket: &Path, pid: Option<u32>) -> bool {
    let ask = async {
        let mut connection = Connection::connect(socket).await?;
        let found = connection.send_alive_check().await?.get();
        if pid.is_some_and(|pid| pid != found) {
            return Ok(false);
        }
        connection.request_stop_listening().await.map(|()| true)
    };
    // A master that is gone needs no stopping, and one that hangs cannot be stopped.
    matches!(timeout(ANSWER, ask).await, Ok(Ok(true)))
}

/// Ends the master with this process id, and whatever goes on over it, if it is the one at the
/// socket.
pub async fn end(socket: &Path, pid: u32) {
    if look(socket).await == Found::Alive(pid)
        && let Ok(pid) = i32::try_from(pid)
    {
        // Who is gone by now needs no ending.
        let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
    }
}

/// Makes the place of a socket free, whatever is behind it. The caller holds its lock. Tells
/// whether a master was given up.
///
/// # Errors
/// The socket cannot be removed.
pub async fn give_up(socket: &Path) -> io::Result<bool> {
    let found = look(socket).await;
    let given_up = match found {
        Found::Alive(pid) => stop(socket, Some(pid)).await,
        Found::Hung => {
            kill_if_stopped(socket);
            true
        }
        Found::Absent => false,
    };
    match fs::remove_file(socket) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(given_up),
    }
}

/// Kills the master of a socket if it is stopped. One that is only slow may be at work for another
/// deployment; it ends when it has been idle for its time.
fn kill_if_stopped(socket: &Path) {
    for pid in stopped_masters(socket) {
        // Who is gone by now needs no killing.
        let _ = kill(pid, Signal::SIGKILL);
    }
}

fn stopped_masters(socket: &Path) -> Vec<Pid> {
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    let ids = processes.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let is_master = |pid: &i32| {
        let directory = format!("/proc/{pid}");
        let read = |name: &str| fs::read(format!("{directory}/{name}")).unwrap_or_default();
        let is_own =
            fs::metadata(&directory).is_ok_and(|found| found.uid() == Uid::effective().as_raw());
        is_own && is_stopped(&read("stat")) && holds(&read("cmdline"), socket)
    };
    ids.filter(is_master).map(Pid::from_raw).collect()
}

/// Reads the state from `/proc/PID/stat`: `PID (NAME) STATE …`, where NAME may hold anything.
fn is_stopped(stat: &[u8]) -> bool {
    let state = stat.iter().rposition(|byte| *byte == b')').and_then(|end| stat.get(end + 2));
    matches!(state, Some(b'T' | b't'))
}

/// Whether a command line is one of an ssh that was started for the socket. One that went to the
/// background with a command in the foreground calls itself `ssh: SOCKET [mux]`.
fn holds(command_line: &[u8], socket: &Path) -> bool {
    let mut words = command_line.split(|byte| *byte == 0);
    let program = words.next().unwrap_or_default();
    if program == format!("ssh: {} [mux]", socket.display()).as_bytes() {
        return true;
    }
    program.rsplit(|byte| *byte == b'/').next() == Some(b"ssh")
        && words.any(|word| word == socket.as_os_str().as_bytes())
}

/// Kills a process that leads a group, with all that it started.
pub fn kill_group(leader: Option<u32>) {
    if let Some(Ok(group)) = leader.map(i32::try_from) {
        // Who is gone by now needs no killing.
        let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_stopped_ssh_of_this_socket_is_killed() {
        let socket = Path::new("/run/togusa/a-b");
        let line = b"/usr/bin/ssh\0-M\0-S\0/run/togusa/a-b\0-N\0";
        assert!(holds(line, socket));
        assert!(holds(b"ssh: /run/togusa/a-b [mux]\0\0\0", socket));
        assert!(!holds(line, Path::new("/run/togusa/a")));
        assert!(!holds(b"vim\0/run/togusa/a-b\0", socket));
        assert!(!holds(b"", socket));

        assert!(is_stopped(b"12 (ssh) T 1 12"));
        assert!(!is_stopped(b"12 (a) T b) S 1 12"));
        assert!(!is_stopped(b""));
    }

    #[test]
    fn a_log_is_read_from_its_end_and_does_not_grow_for_ever() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "x".repeat(70_000) + "last words").unwrap();
        assert_eq!(printed(file.path()).len(), 65_536);
        assert!(printed(file.path()).ends_with("last words"));
        trim(file.path());
        assert!(!printed(file.path()).is_empty());

        fs::write(file.path(), vec![b'x'; 1_100_000]).unwrap();
        trim(file.path());
        assert_eq!(printed(file.path()), "");
        assert_eq!(printed(Path::new("no-such-log")), "");
    }

    #[test]
    fn no_time_is_not_for_ever() {
        assert_eq!(persistence(Duration::ZERO), 5);
        assert_eq!(persistence(Duration::from_millis(100)), 1);
        assert_eq!(persistence(Duration::from_secs(600)), 600);
    }
}
