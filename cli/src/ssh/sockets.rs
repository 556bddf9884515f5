//! The private directory in which the sockets of kept connections lie.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use nix::unistd::Uid;
use togusa_core::problem::{Problem, code};
use togusa_core::system;
use tokio::time::{Instant, sleep};

/// The longest name of a connection with what ssh adds to it for a moment: `A-B.RANDOM`.
const LONGEST_NAME: usize = 12 + 1 + 12 + 1 + 16;

/// The longest path of a socket, with the zero byte at its end.
const LONGEST_PATH: usize = 108;

/// How long the log of a connection that is gone stays, and what ssh said of a host.
const AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// The private directory of a user's connections.
///
/// A connection NAME has its socket at `NAME` and what its ssh printed at `NAME.log`, which is
/// also locked by who starts it. What ssh makes of a host lies at `STEM.answer`.
#[derive(Clone, Debug)]
pub struct Sockets {
    directory: PathBuf,
}

impl Sockets {
    /// The directory of the present user: `$XDG_RUNTIME_DIR/togusa`, else `/tmp/togusa-UID`.
    ///
    /// # Errors
    /// The directory cannot be made or others could reach into it.
    pub fn of_user() -> Result<Self, Problem> {
        let user = Uid::effective().as_raw();
        let runtime = system::variable("XDG_RUNTIME_DIR").map(PathBuf::from);
        // Below `su` or `sudo` the variable may name the directory of another user.
        let is_own = |path: &PathBuf| fs::metadata(path).is_ok_and(|found| found.uid() == user);
        let runtime = runtime.filter(is_own).map(|path| path.join("togusa"));
        let directory = runtime
            .filter(|path| fits(path))
            .unwrap_or_else(|| PathBuf::from(format!("/tmp/togusa-{user}")));
        Self::within(&directory)
    }

    /// A directory of the caller's choice, which is made if it is not there.
    ///
    /// # Errors
    /// The directory cannot be made, is too deep for sockets, or others could reach into it.
    pub fn within(directory: &Path) -> Result<Self, Problem> {
        let refuse = |why: String| {
            let message = format!("cannot keep connections in `{}`: {why}", directory.display());
            Problem::new(code::KEPT_CONNECTIONS, message)
        };
        if !fits(directory) {
            return Err(refuse("its path is too long for a socket".to_owned())
                .hint("set `XDG_RUNTIME_DIR` to a short path"));
        }
        match DirBuilder::new().mode(0o700).create(directory) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(refuse(error.to_string())
                    .hint("set `XDG_RUNTIME_DIR` to a directory of your own"));
            }
            _ => {}
        }
        let found = directory.symlink_metadata().map_err(|error| refuse(error.to_string()))?;
        let is_private =
            found.is_dir() && found.uid() == Uid::effective().as_raw() && found.mode() & 0o077 == 0;
        if !is_private {
            let message = refuse("others could use the connections".to_owned());
            return Err(message.hint(format!(
                "it must be a directory of your own with mode 0700: `ls -ld {0}` shows it; remove \
                 it, or set `XDG_RUNTIME_DIR` to a directory of your own",
                directory.display()
            )));
        }
        Ok(Self { directory: directory.to_owned() })
    }

    /// The socket of a connection.
    pub fn socket(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// What ssh printed while it made the connection and since.
    pub fn log(&self, name: &str) -> PathBuf {
        self.directory.join(format!("{name}.log"))
    }

    /// What ssh makes of the hosts whose connections have names with this stem.
    pub fn answer(&self, stem: &str) -> PathBuf {
        self.directory.join(format!("{stem}.answer"))
    }

    /// The directory itself.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The names of connections whose socket is there.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            if let Ok(name) = entry?.file_name().into_string()
                && !name.contains('.')
            {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    /// Waits until nobody else starts this connection, in this process or another.
    ///
    /// # Errors
    /// The log cannot be written, or another holds it longer than `limit`.
    pub async fn lock(&self, name: &str, limit: Duration) -> io::Result<File> {
        let path = self.log(name);
        let end = Instant::now() + limit;
        loop {
            let file = File::options().create(true).append(true).open(&path)?;
            match file.try_lock() {
                // It may have been swept away between opening and locking.
                Ok(()) if is_at(&file, &path) => return Ok(file),
                Ok(()) => continue,
                Err(TryLockError::Error(error)) => return Err(error),
                Err(TryLockError::WouldBlock) if Instant::now() > end => {
                    let text = "another togusa has been starting this connection for too long";
                    return Err(io::Error::new(io::ErrorKind::TimedOut, text));
                }
                Err(TryLockError::WouldBlock) => sleep(Duration::from_millis(20)).await,
            }
        }
    }

    /// Removes logs of connections that have been gone for a day, and answers that are as old.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn sweep(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.directory)? {
            let path = entry?.path();
            let is_ours = path.extension().is_some_and(|found| found == "log" || found == "answer");
            let is_old = |path: &Path| {
                let age = fs::metadata(path).and_then(|found| found.modified());
                age.is_ok_and(|age| SystemTime::now().duration_since(age).is_ok_and(|a| a > AGE))
            };
            if !is_ours || path.with_extension("").exists() || !is_old(&path) {
                continue;
            }
            if let Ok(file) = File::options().append(true).open(&path)
                && file.try_lock().is_ok()
                && let Err(error) = fs::remove_file(&path)
                && error.kind() != io::ErrorKind::NotFound
            {
                return Err(error);
            }
        }
        Ok(())
    }
}

fn fits(directory: &Path) -> bool {
    directory.as_os_str().len() + 1 + LONGEST_NAME < LONGEST_PATH
}

fn is_at(file: &File, path: &Path) -> bool {
    let (Ok(open), Ok(named)) = (file.metadata(), fs::metadata(path)) else { return false };
    (open.dev(), open.ino()) == (named.dev(), named.ino())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn a_directory_that_others_could_reach_into_is_refused() {
        let temporary = tempfile::tempdir().unwrap();
        let directory = temporary.path().join("d");
        Sockets::within(&directory).unwrap();
        assert_eq!(fs::metadata(&directory).unwrap().mode() & 0o777, 0o700);
        Sockets::within(&directory).unwrap();

        fs::set_permissions(&directory, fs::Permissions::from_mode(0o750)).unwrap();
        let problem = Sockets::within(&directory).unwrap_err();
        assert!(problem.message.contains("others could use"), "{problem}");

        fs::set_permissions(&directory, fs::Permissions::from_mode(0o700)).unwrap();
        symlink(&directory, temporary.path().join("link")).unwrap();
        Sockets::within(&temporary.path().join("link")).unwrap_err();
        Sockets::within(&temporary.path().join("x".repeat(60))).unwrap_err();
    }

    #[test]
    fn an_old_log_is_swept_away_unless_its_connection_is_there() {
        let temporary = tempfile::tempdir().unwrap();
        let sockets = Sockets::within(&temporary.path().join("d")).unwrap();
        let long_ago = SystemTime::now() - 2 * AGE;
        for (name, modified) in [("new", SystemTime::now()), ("old", long_ago), ("kept", long_ago)]
        {
            let file = File::create(sockets.log(name)).unwrap();
            file.set_modified(modified).unwrap();
        }
        File::create(sockets.socket("kept")).unwrap();
        let answer = |name| File::create(sockets.answer(name)).unwrap();
        drop(answer("young"));
        answer("aged").set_modified(long_ago).unwrap();

        sockets.sweep().unwrap();

        let is_there = |name| sockets.log(name).exists();
        assert!(is_there("new") && is_there("kept") && !is_there("old"));
        assert!(sockets.answer("young").exists() && !sockets.answer("aged").exists());
        assert_eq!(sockets.names().unwrap(), ["kept"]);
    }
}
