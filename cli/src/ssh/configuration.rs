//! All that decides what `ssh -G` says of a host, as far as files can tell.
//!
//! Where something else may have a say, such as a command of `Match exec`, a name that is looked
//! up, or an environment variable, there is no such thing, and ssh is to be asked. So it is, too,
//! for what is written in a way that releases of ssh read differently.

use std::collections::BTreeSet;
use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern, glob_with};
use nix::sys::utsname::uname;
use togusa_core::digest::Digest;
use togusa_core::system;

use super::keyword::{Doubt, includes};

/// How deep files include others; ssh refuses more.
const DEEPEST: usize = 16;

/// No configuration is longer, in bytes.
const LONGEST: u64 = 1024 * 1024;

/// What the C library reads for ssh: who the user is, and which port `ssh` has.
const OF_LIBRARY: [&str; 3] = ["/etc/passwd", "/etc/nsswitch.conf", "/etc/services"];

/// As the C library understands patterns.
const OPTIONS: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

/// Where ssh and its configuration lie.
#[derive(Clone, Debug)]
pub struct Places {
    /// The program that is found as `ssh`.
    pub program: PathBuf,
    /// The home of the user.
    pub home: PathBuf,
    /// The directory of the configuration for all users.
    pub system: PathBuf,
}

/// What ssh reads before it says what it makes of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configuration {
    /// Another one where anything has changed that ssh would see.
    pub digest: Digest,
    files: BTreeSet<PathBuf>,
    /// Patterns that nothing matches, as ssh may write them.
    unmatched: BTreeSet<String>,
    /// What ssh must show to be one that reads these files, by what it says of known hosts.
    defaults: Vec<(PathBuf, &'static str, PathBuf)>,
}

impl Places {
    /// Where they are for the present user; `None` if that is not plain to see.
    pub fn of_user() -> Option<Self> {
        let path = system::variable("PATH")?;
        let found = path.split(':').map(|directory| Path::new(directory).join("ssh"));
        let runs = |path: &PathBuf| {
            fs::metadata(path).is_ok_and(|found| found.is_file() && found.mode() & 0o111 != 0)
        };
        // ssh runs in a directory of its own, where a relative path would be another one.
        let program = found.into_iter().find(|path| path.is_relative() || runs(path))?;
        let home = PathBuf::from(system::variable("HOME")?);
        let is_plain = program.is_absolute() && home.is_absolute();
        is_plain.then(|| Self { program, home, system: "/etc/ssh".into() })
    }
}

impl Configuration {
    /// Reads the configuration of the user and of the system, or `file` in their place.
    ///
    /// # Errors
    /// Files alone do not tell what ssh says.
    pub fn read(places: &Places, file: Option<&Path>) -> Result<Self, Doubt> {
        let mut reading = Reading::new(places);
        reading.surroundings()?;
        let mut defaults = Vec::new();
        if let Some(file) = file {
            reading.file(file, true, 0)?;
        } else {
            let own = places.home.join(".ssh/config");
            let system = places.system.join("ssh_config");
            reading.file(&own, true, 0)?;
            reading.file(&system, false, 0)?;
            let known = places.home.join(".ssh/known_hosts");
            defaults.push((own, "userknownhostsfile ", known));
            let known = places.system.join("ssh_known_hosts");
            defaults.push((system, "globalknownhostsfile ", known));
        }
        let Reading { seen, files, unmatched, .. } = reading;
        Ok(Self { digest: Digest::of(&seen), files, unmatched, defaults })
    }

    /// Whether ssh has read just this and nothing else, by what it printed for `-v -G`.
    pub fn explains(&self, printed: &str, said: &str) -> bool {
        let mut read = BTreeSet::new();
        for line in said.lines().filter_map(|line| line.strip_prefix("debug1: ")) {
            if let Some(path) = line.strip_prefix("Reading configuration data ") {
                read.insert(PathBuf::from(path));
            } else if let Some(line) = line.strip_suffix(" matched no files") {
                let pattern = line.split_once(": include ").map(|(_, pattern)| pattern);
                if !pattern.is_some_and(|pattern| self.unmatched.contains(pattern)) {
                    return false;
                }
            } else if line.starts_with("Executing command") {
                return false;
            }
        }
        let value = |key: &str| printed.lines().find_map(|line| line.strip_prefix(key));
        let is_default = |(file, key, known): &(PathBuf, &str, PathBuf)| {
            let first = value(key).and_then(|files| files.split(' ').next());
            read.contains(file) || first.is_some_and(|first| Path::new(first) == known)
        };
        let is_canonical = value("canonicalizehostname ");
        read == self.files
            && is_canonical.is_some_and(|answer| ["false", "no"].contains(&answer))
            && self.defaults.iter().all(is_default)
    }
}

struct Reading<'a> {
    places: &'a Places,
    /// All that was found, one thing behind the other.
    seen: Vec<u8>,
    files: BTreeSet<PathBuf>,
    unmatched: BTreeSet<String>,
}

impl<'a> Reading<'a> {
    fn new(places: &'a Places) -> Self {
        Self { places, seen: Vec::new(), files: BTreeSet::new(), unmatched: BTreeSet::new() }
    }

    /// Adds a part, so that no two lists of parts look alike.
    fn add(&mut self, part: &[u8]) {
        self.seen.extend(part.len().to_le_bytes());
        self.seen.extend(part);
    }

    fn surroundings(&mut self) -> Result<(), Doubt> {
        let Places { program, home, .. } = self.places;
        // Another program may do anything before it runs ssh.
        let mut start = [0; 4];
        File::open(program).and_then(|mut file| file.read_exact(&mut start)).map_err(|_| Doubt)?;
        if start != *b"\x7fELF" {
            return Err(Doubt);
        }
        for path in [program.as_path()].into_iter().chain(OF_LIBRARY.map(Path::new)) {
            self.add(path.as_os_str().as_bytes());
            match fs::metadata(path) {
                Ok(found) => self.add(&state_of(&found)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => self.add(b""),
                Err(_) => return Err(Doubt),
            }
        }
        self.add(home.as_os_str().as_bytes());
        for variable in ["USER", "LOGNAME"] {
            self.add(system::variable(variable).unwrap_or_default().as_bytes());
        }
        // A ControlPath may hold the name of this machine, and who asks.
        self.add(uname().map_err(|_| Doubt)?.nodename().as_bytes());
        self.add(&nix::unistd::getuid().as_raw().to_le_bytes());
        Ok(())
    }

    /// Reads a file and what it includes.
    fn file(&mut self, path: &Path, of_user: bool, depth: usize) -> Result<(), Doubt> {
        if depth > DEEPEST {
            return Err(Doubt);
        }
        self.add(path.as_os_str().as_bytes());
        let found = match fs::metadata(path) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.add(b"");
                return Ok(());
            }
            Err(_) => return Err(Doubt),
        };
        // A pipe could be read only once.
        if !found.is_file() || found.len() > LONGEST {
            return Err(Doubt);
        }
        let text = fs::read_to_string(path).map_err(|_| Doubt)?;
        // ssh refuses a file that others may write.
        self.add(&found.mode().to_le_bytes());
        self.add(&found.uid().to_le_bytes());
        self.add(text.as_bytes());
        self.files.insert(path.to_owned());
        for line in text.split('\n') {
            for pattern in includes(line)? {
                self.include(&pattern, of_user, depth)?;
            }
        }
        Ok(())
    }

    fn include(&mut self, pattern: &str, of_user: bool, depth: usize) -> Result<(), Doubt> {
        let literal = |path: &Path| path.to_str().map(Pattern::escape).ok_or(Doubt);
        let (written, whole) = if pattern.starts_with('/') {
            (pattern.to_owned(), pattern.to_owned())
        } else if of_user {
            let below = match pattern.strip_prefix('~') {
                Some(below) if below.starts_with('/') => below.to_owned(),
                Some(_) => return Err(Doubt),
                None => format!("/.ssh/{pattern}"),
            };
            (format!("~{below}"), literal(&self.places.home)? + &below)
        } else if pattern.starts_with('~') {
            return Err(Doubt);
        } else {
            let system = &self.places.system;
            (format!("{}/{pattern}", system.display()), format!("{}/{pattern}", literal(system)?))
        };
        let mut found = Vec::new();
        for path in glob_with(&whole, OPTIONS).map_err(|_| Doubt)? {
            found.push(path.map_err(|_| Doubt)?);
        }
        if found.is_empty() {
            self.unmatched.extend([written, whole]);
        }
        found.iter().try_for_each(|path| self.file(path, of_user, depth + 1))
    }
}

/// What changes with a file.
fn state_of(found: &Metadata) -> Vec<u8> {
    let numbers = [found.dev(), found.ino(), found.size(), u64::from(found.mode())].into_iter();
    let times = [found.mtime(), found.mtime_nsec(), found.ctime(), found.ctime_nsec()];
    numbers.chain(times.map(i64::cast_unsigned)).flat_map(u64::to_le_bytes).collect()
}

#[cfg(test)]
mod tests;
