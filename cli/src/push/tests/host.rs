//! A host: a home of its own, a login shell, and what its programs see.

use std::cell::Cell;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;
use togusa_core::digest::Digest;
use togusa_core::problem::Problem;

use crate::push::{
    AgentBinary, Machine, Progress, Start, StartError, converse, start_command, tag,
};

/// Long enough for any machine; a test that comes to it has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is run as `sh`.
pub const SHS: [&str; 5] = ["dash", "bash", "zsh", "mksh", "busybox"];

#[expect(clippy::disallowed_methods, reason = "the tests start what sshd would start")]
pub fn command(program: &str) -> Command {
    Command::new(program)
}

/// An agent that says its arguments, then what it hears; of some size, which is random bytes.
///
/// One that was uploaded goes to its place before, and says no more of that.
pub fn agent(name: &str, padding: usize) -> AgentBinary {
    let install =
        "[ \"$4 $#\" = '--uploaded 5' ] && /bin/mv \"$5\" \"${5%/*}/$3\" && set -- $1 $2 $3";
    let speak = format!("printf '%s' \"{name} $*.\"; exec /bin/cat; exit");
    program(format!("#!/bin/sh\n{install}\n{speak}\n").as_bytes(), name, padding)
}

/// A program of any content, before some random bytes.
pub fn program(content: &[u8], name: &str, padding: usize) -> AgentBinary {
    let mut program = content.to_vec();
    let mut state = 88_172_645_463_325_252_u64;
    program.extend(
        std::iter::repeat_with(|| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[0]
        })
        .take(padding),
    );
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&program).unwrap();
    AgentBinary {
        digest: Digest::of(&program).to_string(),
        target: format!("{name}-target"),
        size: program.len() as u64,
        compressed: gzip.finish().unwrap(),
        build: "1".into(),
    }
}

pub struct Host {
    pub home: TempDir,
    /// What runs the command, as its last argument.
    pub login: Vec<String>,
    /// `PATH`, if it is not the one of the tests.
    pub path: Option<PathBuf>,
    /// The id of another user who logs in.
    pub user: Option<u32>,
}

impl Host {
    pub fn new(login: &[&str]) -> Self {
        let login = login.iter().map(|&word| word.to_owned()).collect();
        Self { home: tempfile::tempdir().unwrap(), login, path: None, user: None }
    }

    /// Lets the host know these programs alone, by links to them.
    pub fn with_programs(mut self, programs: &[(&str, &str)]) -> Self {
        let directory = self.home.path().join("bin");
        fs::create_dir(&directory).unwrap();
        for (name, program) in programs {
            symlink(which(program), directory.join(name)).unwrap();
        }
        self.path = Some(directory);
        self
    }

    /// Puts the given program before the others in `PATH`.
    pub fn with_first(self, name: &str, program: &str) -> Self {
        let mut host = self.with_programs(&[(name, program)]);
        let mut path: OsString = host.path.take().unwrap().into();
        path.push(":/usr/sbin:/usr/bin:/sbin:/bin");
        host.path = Some(path.into());
        host
    }

    pub fn store(&self) -> PathBuf {
        self.home.path().join("store")
    }

    /// The place of a binary.
    pub fn place(&self, agent: &AgentBinary) -> PathBuf {
        self.store().join("agents/shop").join(&agent.digest)
    }

    /// What lies where binaries are kept, sorted.
    pub fn kept(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.store().join("agents/shop")) else { return Vec::new() };
        let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string();
        let mut names: Vec<_> = entries.map(|entry| name(entry).unwrap()).collect();
        names.sort();
        names
    }

    pub fn start(&self, agent: &AgentBinary) -> Start {
        Start {
            tag: tag().unwrap(),
            digest: agent.digest.clone(),
            store: "~/store".into(),
            user: None,
            project: "shop".into(),
            replace: false,
        }
    }

    pub fn spawn(&self, start: &Start) -> Child {
        let [program, arguments @ ..] = &self.login[..] else { panic!("no login shell") };
        let mut command = command(which(program).to_str().unwrap());
        command.args(arguments).arg(start_command(start));
        command.env("HOME", self.home.path()).current_dir(self.home.path());
        if let Some(path) = &self.path {
            command.env("PATH", path);
        }
        if let Some(user) = self.user {
            command.uid(user).gid(user);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    /// Starts an agent and gives the binary for the host when it is asked for.
    pub fn talk(&self, start: &Start, binary: &AgentBinary) -> Talk {
        self.talk_within(start, PATIENCE, &mut |_| Ok(Arc::new(binary.clone())))
    }

    pub fn talk_within(
        &self,
        start: &Start,
        first_word: Duration,
        binary: &mut dyn FnMut(&Machine) -> Result<Arc<AgentBinary>, Problem>,
    ) -> Talk {
        let mut child = self.spawn(start);
        let (sent, received) = (Cell::new(0), Cell::new(0));
        let reader = Counted { stream: child.stdout.take().unwrap(), count: &received };
        let writer = Counted { stream: child.stdin.take().unwrap(), count: &sent };
        let (mut asked, mut progress) = (Vec::new(), Vec::new());
        let result = converse(
            &start.tag,
            reader,
            writer,
            first_word,
            &mut |machine| {
                asked.push(machine.clone());
                binary(machine)
            },
            &mut |step| progress.push(step),
        );
        let said = result.map(|(mut reader, mut writer)| {
            // An agent that ended at once is told by what it said.
            let _ = writer.write_all(b"frames");
            drop(writer);
            let mut said = String::new();
            reader.read_to_string(&mut said).unwrap();
            said
        });
        let silent = matches!(said, Err(StartError::Silent));
        if silent {
            child.kill().unwrap();
        }
        let output = child.wait_with_output().unwrap();
        Talk {
            said,
            asked,
            progress,
            sent: sent.get(),
            received: received.get(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            exit: output.status.code(),
        }
    }
}

/// What came of a start.
#[derive(Debug)]
pub struct Talk {
    /// All that the agent said.
    pub said: Result<String, StartError>,
    pub asked: Vec<Machine>,
    pub progress: Vec<Progress>,
    /// Bytes that went to the host, and that came from it.
    pub sent: usize,
    pub received: usize,
    pub stderr: String,
    pub exit: Option<i32>,
}

impl Talk {
    /// The agent runs and stands at its first frame.
    #[track_caller]
    pub fn assert_runs(&self, name: &str, agent: &AgentBinary) {
        let expected = format!("{name} agent --digest {}.frames", agent.digest);
        assert_eq!(self.said.as_ref().ok(), Some(&expected), "{self:?}");
        assert_eq!((self.exit, &*self.stderr), (Some(0), ""));
    }

    /// The host was sent the agent, with one question and nothing else.
    #[track_caller]
    pub fn assert_pushed(&self, agent: &AgentBinary) {
        assert_eq!(self.asked, [this_machine()], "{self:?}");
        let bytes = agent.compressed.len() as u64;
        let pushing = Progress::Pushing { target: agent.target.clone(), bytes };
        assert_eq!(self.progress, [pushing, Progress::Pushed], "{self:?}");
    }

    /// The host refused: the problem as it is shown.
    #[track_caller]
    pub fn refused(&self) -> String {
        match &self.said {
            Err(StartError::Refused(problem)) => problem.to_string(),
            _ => panic!("not refused: {self:?}"),
        }
    }
}

fn this_machine() -> Machine {
    let uname = nix::sys::utsname::uname().unwrap();
    let text = |word: &std::ffi::OsStr| word.to_str().unwrap().to_owned();
    Machine { system: text(uname.sysname()), machine: text(uname.machine()) }
}

/// A program by its name, wherever it lies; a test that needs it fails without it.
pub fn which(program: &str) -> PathBuf {
    let directories = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"].map(Path::new);
    let mut places = directories.iter().map(|directory| directory.join(program));
    places
        .find(|place| place.exists())
        .unwrap_or_else(|| panic!("`{program}` is missing: tests/run installs what the tests need"))
}

/// Counts what goes through a stream.
struct Counted<'a, S> {
    stream: S,
    count: &'a Cell<usize>,
}

impl<S: Read> Read for Counted<'_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.stream.read(buffer)?;
        self.count.set(self.count.get() + count);
        Ok(count)
    }
}

impl<S: Write> Write for Counted<'_, S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.stream.write(bytes)?;
        self.count.set(self.count.get() + count);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

impl<S: AsFd> AsFd for Counted<'_, S> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}
