//! The user's editor on a private file.

use std::io;
use std::path::Path;
use std::process::{Child, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;
use togusa_core::problem::{Problem, code};
use togusa_core::system::{self, program};

use super::private_file::PrivateFile;
use super::wrong;
use crate::failure::Failure;
use crate::signals;

/// What only a shell understands in the name of an editor.
const OF_SHELL: &[char] =
    &['"', '\'', '\\', '$', '`', '&', '|', ';', '<', '>', '(', ')', '~', '*', '='];

/// The private file; removed when this is dropped, or the process is asked to end.
pub struct Held(Arc<Mutex<Option<PrivateFile>>>);

impl Held {
    /// Holds a file.
    pub fn new(file: PrivateFile) -> Self {
        Self(Arc::new(Mutex::new(Some(file))))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        locked(&self.0).take();
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The user's editor, which a request to end does not leave behind.
pub struct Editor {
    command: String,
    running: Arc<Mutex<Option<Child>>>,
    /// Whether the user is asked something.
    asking: Arc<AtomicBool>,
}

impl Editor {
    /// Finds the editor; from now on a request to end the process ends it and removes the file.
    ///
    /// # Errors
    /// The system takes no handler for signals.
    pub fn new(held: &Held) -> Result<Self, Failure> {
        let command = system::variable("VISUAL").or_else(|| system::variable("EDITOR"));
        let command = command.unwrap_or_else(|| "vi".to_owned());
        let running = Arc::new(Mutex::new(None::<Child>));
        let asking = Arc::new(AtomicBool::new(false));
        let (child, file, asked) = (Arc::clone(&running), Arc::clone(&held.0), Arc::clone(&asking));
        signals::end_editing(move |by_keyboard| {
            // Ctrl-C in an editor is for the editor, which gets it too; and what it left is saved in
            // less time than it takes to press a key.
            if by_keyboard && !asked.load(Ordering::SeqCst) {
                return false;
            }
            let child = locked(&child);
            if let Some(child) = child.as_ref() {
                // It may have ended by itself; until it is waited for, nobody else has its number.
                let _ = kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGTERM);
            }
            locked(&file).take();
            // Who waits for the editor must not go on: the process ends now.
            std::mem::forget(child);
            true
        })
        .map_err(|error| failed("cannot listen for signals", &error))?;
        Ok(Self { command, running, asking })
    }

    /// Asks the user something, which Ctrl-C ends together with the process.
    pub fn asking<R>(&self, ask: impl FnOnce() -> R) -> R {
        self.asking.store(true, Ordering::SeqCst);
        let answer = ask();
        self.asking.store(false, Ordering::SeqCst);
        answer
    }

    /// Runs the editor and waits for its end.
    ///
    /// # Errors
    /// It cannot be started, or says by its exit code that it failed.
    pub fn edit(&self, path: &Path) -> Result<(), Failure> {
        let message = format!("cannot start the editor `{}`", self.command);
        let hint = "VISUAL or EDITOR names another editor; the secrets are as they were";
        let status = self.start(path).and_then(|pid| self.wait(pid)).map_err(|error| {
            let problem = Problem::new(code::EDIT_ENDED, message);
            wrong(Problem { causes: vec![error.to_string()], ..problem }.hint(hint))
        })?;
        if status.success() {
            return Ok(());
        }
        let problem = Problem::new(
            code::EDIT_ENDED,
            format!("the editor `{}` ended with {status}", self.command),
        );
        Err(wrong(problem.hint(hint)))
    }

    fn start(&self, path: &Path) -> io::Result<Pid> {
        let mut words = self.command.split_whitespace();
        let mut command = if self.command.contains(OF_SHELL) {
            let mut shell = program("/bin/sh");
            shell.args(["-c", &format!("{} \"$@\"", self.command), "editor"]);
            shell
        } else {
            let mut editor = program(words.next().unwrap_or("vi"));
            editor.args(words);
            editor
        };
        // A signal that comes now waits until it can be seen that the editor runs.
        let mut running = locked(&self.running);
        let child = running.insert(command.arg(path).spawn()?);
        Ok(Pid::from_raw(child.id().cast_signed()))
    }

    /// Waits for the editor without holding it, so that a signal can end it.
    fn wait(&self, pid: Pid) -> io::Result<ExitStatus> {
        let ended = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
        while let Err(error) = waitid(Id::Pid(pid), ended) {
            if error != Errno::EINTR {
                return Err(error.into());
            }
        }
        let child = locked(&self.running).take();
        child.ok_or_else(|| io::Error::other("it is gone"))?.wait()
    }
}

/// A failure that the system reported.
pub fn failed(message: &str, error: &io::Error) -> Failure {
    let problem = Problem::new(code::EDIT_ENDED, message);
    wrong(Problem { causes: vec![error.to_string()], ..problem })
}
