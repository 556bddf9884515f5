//! A copy of the project with a home of its own, and the program to run on it.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

const DEPLOY: &str = "deploy dev --json";

pub struct Project {
    directory: TempDir,
}

/// How a run of the program ended.
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Project {
    pub fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let project = Self { directory };
        copy(Path::new(env!("CARGO_MANIFEST_DIR")), &project.path(""));
        fs::create_dir(project.home("")).unwrap();
        project
    }

    /// A path in the project.
    pub fn path(&self, below: &str) -> PathBuf {
        self.directory.path().join("project").join(below)
    }

    /// A path in the home directory.
    pub fn home(&self, below: &str) -> PathBuf {
        self.directory.path().join("home").join(below)
    }

    /// A path in the work directory of root `site`.
    pub fn site(&self, below: &str) -> PathBuf {
        self.home("deployment/hello/dev/work/site").join(below)
    }

    pub fn write(&self, path: &str, text: &str) {
        fs::write(self.path(path), text).unwrap();
    }

    pub fn replace(&self, path: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(path)).unwrap();
        assert!(text.contains(from), "`{path}` has no `{from}`");
        self.write(path, &text.replace(from, to));
    }

    /// Appends a line to the environment `dev`.
    pub fn extend(&self, lines: &str) {
        let path = "environments/dev/environment.toml";
        let text = fs::read_to_string(self.path(path)).unwrap();
        self.write(path, &format!("{text}{lines}\n"));
    }

    /// Whether nothing was deployed.
    pub fn is_untouched(&self) -> bool {
        fs::read_dir(self.home("")).unwrap().next().is_none()
    }

    /// The program in the project's directory, with nothing else of this process's environment.
    pub fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hello"));
        command.args(arguments.split_whitespace()).current_dir(self.path("")).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.home("")).env("USER", "jo").stdin(Stdio::null());
        command
    }

    pub fn run(&self, arguments: &str) -> Ran {
        self.finish(&mut self.command(arguments))
    }

    pub fn finish(&self, command: &mut Command) -> Ran {
        let output = command.output().unwrap();
        let text = |bytes: &[u8]| self.filtered(&String::from_utf8_lossy(bytes));
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        Ran { code: output.status.code(), out, err }
    }

    /// Runs and expects an exit code.
    pub fn expect(&self, code: i32, arguments: &str) -> Ran {
        let ran = self.run(arguments);
        assert_eq!(ran.code, Some(code), "{arguments}\n{}{}", ran.out, ran.err);
        ran
    }

    /// Without what differs from run to run.
    pub fn filtered(&self, text: &str) -> String {
        let directory = self.directory.path().display().to_string();
        let text = text.replace(&directory, "[tmp]");
        let text = masked(&text, "jo@", |c| c != ',', "[host]");
        let text = masked(&text, "process ", |c| c.is_ascii_digit(), "[pid]");
        let text = masked(&text, "as user `", |c| c != '`', "[user]");
        ["after ", "for ", "failed  "].iter().fold(text, |text, before| {
            masked(&text, before, |c| c.is_ascii_digit() || c == '.', "[time]")
        })
    }

    /// Lets the build wait, in a process below another, until it is told to go on.
    pub fn block_build(&self) {
        let [go, alive, group] =
            ["go", "alive", "group"].map(|name| self.directory.path().join(name));
        // However this process ends, nothing waits for it any more.
        symlink(format!("/proc/{}", std::process::id()), &alive).unwrap();
        let script = format!(
            "echo $$ > {}\necho waiting\n\
             sh -c 'until [ -e {} ]; do [ -e {} ] || exit 1; sleep 0.02; done' & wait $! || exit 1\n\
             mkdir -p public\n: > public/checksums\n",
            group.display(),
            go.display(),
            alive.display()
        );
        self.write("site/src/build.sh", &script);
    }

    /// Lets the build go on.
    pub fn unblock_build(&self) {
        fs::write(self.directory.path().join("go"), "").unwrap();
    }

    /// The processes of the build that was begun last.
    pub fn processes_of_build(&self) -> Vec<i32> {
        let group = fs::read_to_string(self.directory.path().join("group")).unwrap();
        let is_of_build = |pid: &i32| {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields);
            let mut fields = fields.split(' ');
            fields.next().is_some_and(|state| !"ZX".contains(state))
                && fields.nth(1) == Some(group.trim())
        };
        let entries = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().file_name());
        entries.filter_map(|name| name.to_str()?.parse().ok()).filter(is_of_build).collect()
    }

    /// Starts a deployment and returns when its build waits.
    pub fn start_and_wait(&self) -> Running {
        self.wait_for_build(self.command(DEPLOY))
    }

    /// The same, by a program that is given the command behind its own arguments.
    pub fn start_below(&self, program: &str, arguments: &[&str]) -> Running {
        let plain = self.command(DEPLOY);
        let mut command = Command::new(program);
        command.args(arguments).arg(plain.get_program()).args(plain.get_args()).env_clear();
        command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.current_dir(self.path("")).stdin(Stdio::null());
        self.wait_for_build(command)
    }

    fn wait_for_build(&self, mut command: Command) -> Running {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while !line.contains("\"waiting\"") {
            line.clear();
            let length = out.read_line(&mut line).unwrap();
            assert_ne!(length, 0, "the deployment ended early: {:?}", child.wait_with_output());
        }
        Running { child, out }
    }
}

/// A deployment that waits.
pub struct Running {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Running {
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).unwrap();
    }

    /// Waits for the next line that the program notes.
    pub fn note(&mut self) -> String {
        let err = self.child.stderr.as_mut().unwrap();
        let mut line = Vec::new();
        let mut byte = [0];
        while line.last() != Some(&b'\n') && err.read(&mut byte).unwrap() > 0 {
            line.push(byte[0]);
        }
        String::from_utf8(line).unwrap()
    }

    /// Waits for the end; exit code and all that came to the two streams since.
    pub fn end(mut self) -> Ran {
        let (mut out, mut err) = (String::new(), String::new());
        self.out.read_to_string(&mut out).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        Ran { code: self.child.wait().unwrap().code(), out, err }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended, unless the test fails.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Replaces what follows each `before`, as far as it is made of such characters.
fn masked(text: &str, before: &str, part: impl Fn(char) -> bool, with: &str) -> String {
    let mut masked = String::new();
    for (number, piece) in text.split(before).enumerate() {
        let rest = piece.trim_start_matches(&part);
        if number > 0 {
            masked += before;
        }
        masked += if number > 0 && rest.len() < piece.len() { with } else { "" };
        masked += if number > 0 { rest } else { piece };
    }
    masked
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}
