//! What the coordinator and the hosts have in common: one can run programs and look at files there.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::namespaces::Namespaces;
use super::process::Process;
use super::program::Program;

/// A machine of the lab, seen by its root user.
#[derive(Debug)]
pub struct Station {
    name: String,
    variables: Vec<(&'static str, String)>,
    inside: Mutex<Inside>,
}

/// Where the processes of a station live. A restart makes it anew.
#[derive(Debug, Clone)]
pub(super) struct Inside {
    pub namespaces: Arc<Namespaces>,
    /// The first process, in the counting of the test.
    pub init: i32,
}

impl Inside {
    pub(super) fn of(init: i32) -> Self {
        match Namespaces::of(init) {
            Ok(namespaces) => Self { namespaces: Arc::new(namespaces), init },
            Err(error) => panic!("the first process of the lab is gone: {error}"),
        }
    }
}

impl Station {
    pub(super) fn new(name: &str, variables: Vec<(&'static str, String)>, inside: Inside) -> Self {
        Self { name: name.to_owned(), variables, inside: Mutex::new(inside) }
    }

    pub(super) fn now_inside(&self) -> Inside {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn replace_inside(&self, inside: Inside) {
        *self.inside.lock().unwrap_or_else(PoisonError::into_inner) = inside;
    }

    /// Its name; the coordinator's is `coordinator`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A program to be run as root, with the environment of a fresh login, at home.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Program {
        let mut command = Program::new(self.now_inside().namespaces, program.as_ref());
        command.env_clear();
        for (name, value) in &self.variables {
            command.env(name, value);
            if *name == "HOME" {
                command.current_dir(value);
            }
        }
        command
    }

    /// Runs a shell script as root, without ssh, and gives what it printed.
    ///
    /// It stops at the first command that fails, with a panic that shows what was printed. For a
    /// script that may fail, use `command("sh")`.
    #[track_caller]
    pub fn sh(&self, script: &str) -> String {
        self.command("/bin/sh").arg("-ec").arg(script).output().succeeded()
    }

    /// Does `work` in a thread in which paths and sockets are those of the station.
    ///
    /// Other than [`Station::sh`] it starts no process. The thread may start no further threads.
    pub fn inside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        self.now_inside().namespaces.enter(work)
    }

    /// The content of a file, whose path may begin with `~` or `~USER`.
    #[track_caller]
    pub fn read(&self, path: &str) -> String {
        let read = self.inside(|| fs::read_to_string(expand(path)));
        read.unwrap_or_else(|error| panic!("cannot read `{path}` on {}: {error}", self.name))
    }

    /// Writes a file, with the directories that it needs, as root. The path may begin with `~` or
    /// `~USER`.
    #[track_caller]
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let content = content.as_ref();
        let written = self.inside(|| {
            let path = expand(path);
            path.parent().map_or(Ok(()), fs::create_dir_all)?;
            fs::write(path, content)
        });
        written.unwrap_or_else(|error| panic!("cannot write `{path}` on {}: {error}", self.name));
    }

    /// Whether there is something at a path, which may begin with `~` or `~USER`.
    pub fn exists(&self, path: &str) -> bool {
        self.inside(|| expand(path).symlink_metadata().is_ok())
    }

    /// All processes, but for the two by which the lab holds the station.
    pub fn processes(&self) -> Vec<Process> {
        let Inside { namespaces, init } = self.now_inside();
        Process::within(&namespaces, init)
    }

    /// The processes whose command line contains a text.
    pub fn processes_with(&self, text: &str) -> Vec<Process> {
        let mut processes = self.processes();
        processes.retain(|process| process.command.contains(text));
        processes
    }
}

/// Replaces `~USER` by the home directory, as the list of users where the thread is tells it.
fn expand(path: &str) -> PathBuf {
    let Some(below) = path.strip_prefix('~') else { return path.into() };
    let (user, below) = below.split_once('/').unwrap_or((below, ""));
    let user = if user.is_empty() { "root" } else { user };
    let users = fs::read_to_string("/etc/passwd").expect("the list of users can be read");
    let home = users.lines().find_map(|line| {
        let fields: Vec<_> = line.split(':').collect();
        (fields.first() == Some(&user)).then(|| fields.get(5).copied()).flatten()
    });
    let home = home.unwrap_or_else(|| panic!("there is no user `{user}`"));
    Path::new(home).join(below)
}
