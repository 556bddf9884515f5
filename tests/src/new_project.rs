//! Projects made by `togusa new`, and the commands in them: what a user has who begins.
//!
//! They lie below `target/start` and are built there, so that what they share is compiled once. The
//! versions of other crates are those of this workspace, and no network is needed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use togusa_core::system;

use crate::built::is_current;

/// A new project, with a home of its own.
#[derive(Debug)]
pub struct NewProject {
    name: &'static str,
    directory: PathBuf,
}

/// How a command ended.
#[derive(Debug)]
pub struct Ran {
    /// The exit code; `None` after a signal.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

/// The installed command, built like the test that asks for it.
pub fn togusa() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let profile = profile();
        let program = profile.join("togusa");
        if !is_current(&program) {
            let mut cargo = command(cargo());
            cargo.args(["build", "--quiet", "--locked", "--offline", "--bin", "togusa"]);
            cargo.args(["--package", "togusa", "--target-dir"]);
            cargo.arg(profile.parent().unwrap_or(&profile)).current_dir(env!("CARGO_MANIFEST_DIR"));
            finish(&mut cargo).expect(0);
        }
        program
    })
}

impl NewProject {
    /// Makes a project. Each test has a name of its own for it, as the programs of all lie in one
    /// directory.
    pub fn new(name: &'static str) -> Self {
        let project = Self { name, directory: target().join("projects").join(name) };
        if project.directory.exists() {
            fs::remove_dir_all(&project.directory).expect("the last project can be removed");
        }
        fs::create_dir_all(project.home("")).expect("a home can be made");
        let mut new = project.togusa("new");
        finish(new.arg(name).current_dir(&project.directory)).expect(0);
        let versions = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock");
        fs::copy(versions, project.path("Cargo.lock")).expect("versions can be copied");
        project
    }

    /// A path in the project.
    pub fn path(&self, below: &str) -> PathBuf {
        self.directory.join(self.name).join(below)
    }

    /// A path in the home directory.
    pub fn home(&self, below: &str) -> PathBuf {
        self.directory.join("home").join(below)
    }

    /// The project's program, where cargo puts it.
    pub fn program(&self) -> PathBuf {
        target().join("debug").join(self.name)
    }

    /// Writes a file of the project, with the directories that it needs.
    #[track_caller]
    pub fn write(&self, path: &str, text: impl AsRef<str>) {
        let path = self.path(path);
        let write = || {
            path.parent().map_or(Ok(()), fs::create_dir_all)?;
            fs::write(&path, text.as_ref())
        };
        write().unwrap_or_else(|error| panic!("cannot write `{}`: {error}", path.display()));
    }

    /// The text of a file of the project.
    #[track_caller]
    pub fn read(&self, path: &str) -> String {
        let path = self.path(path);
        fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("cannot read `{}`: {error}", path.display()))
    }

    /// Changes a file of the project.
    #[track_caller]
    pub fn replace(&self, path: &str, from: &str, to: &str) {
        let text = self.read(path);
        assert!(text.contains(from), "`{path}` has no `{from}`");
        self.write(path, text.replace(from, to));
    }

    /// A command in the project's directory, with nothing of this process's environment that is not
    /// named here.
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = command(program.as_ref());
        command.env_clear().env("PATH", system::variable("PATH").unwrap_or_default());
        command.env("HOME", self.home("")).env("USER", "jo").env("CARGO_TARGET_DIR", target());
        command.env("CARGO_NET_OFFLINE", "true").current_dir(self.path(""));
        for (variable, directory) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
            let home = || Some(system::variable("HOME")? + "/" + directory);
            command.env(variable, system::variable(variable).or_else(home).unwrap_or_default());
        }
        command
    }

    /// The installed command in the project's directory, with arguments separated by blanks.
    pub fn togusa(&self, arguments: &str) -> Command {
        let mut command = self.command(togusa());
        // Before there is a project.
        if !self.path("").exists() {
            command.current_dir(&self.directory);
        }
        command.args(arguments.split_whitespace());
        command
    }

    /// Runs the installed command.
    pub fn run(&self, arguments: &str) -> Ran {
        self.finish(&mut self.togusa(arguments))
    }

    /// Runs a command to its end; what differs from run to run is replaced.
    pub fn finish(&self, command: &mut Command) -> Ran {
        let ran = finish(command);
        Ran { code: ran.code, out: self.plain(&ran.out), err: self.plain(&ran.err) }
    }

    fn plain(&self, text: &str) -> String {
        let [project, directory, target] =
            [&self.path(""), &self.directory, target()].map(|it| it.display().to_string());
        let text = text.replace(project.trim_end_matches('/'), "[project]");
        let text = text.replace(&directory, "[tmp]").replace(&target, "[target]");
        let waits = |line: &&str| !line.trim_start().starts_with("Blocking waiting for file lock");
        text.split_inclusive('\n').filter(waits).collect()
    }
}

impl Ran {
    /// Panics unless it ended so, with all that it printed.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}stderr:\n{}", self.out, self.err);
        self
    }

    /// Whether cargo compiled something.
    pub fn compiled(&self) -> bool {
        self.err.contains("Compiling ")
    }
}

/// Runs a command to its end.
#[track_caller]
pub fn finish(command: &mut Command) -> Ran {
    let output: Output = command
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ran { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
}

/// Cargo, as the test itself was built with it.
pub fn cargo() -> &'static Path {
    Path::new(env!("CARGO"))
}

/// Where new projects lie and are built.
pub fn target() -> &'static PathBuf {
    static TARGET: OnceLock<PathBuf> = OnceLock::new();
    TARGET.get_or_init(|| profile().with_file_name("start"))
}

/// The directory of the programs that belong to this test.
fn profile() -> PathBuf {
    let test = std::env::current_exe().expect("the test has a file");
    test.ancestors().nth(2).expect("the test lies in a target directory").to_owned()
}

#[expect(clippy::disallowed_methods, reason = "the one home of the commands in new projects")]
fn command(program: impl AsRef<Path>) -> Command {
    Command::new(program.as_ref())
}
