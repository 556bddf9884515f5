//! A project of local hosts, each of which waits for a gate of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use portable_pty::CommandBuilder;
use tempfile::TempDir;
use togusa_core::system;

use super::terminal::Terminal;

pub struct Project {
    directory: TempDir,
}

impl Project {
    /// A project with these hosts; to each name belong lines of attributes of its root.
    pub fn new(hosts: &[(&str, &str)]) -> Self {
        // The length of its name decides where lines that show it are broken.
        let project = Self { directory: TempDir::new_in("/tmp").unwrap() };
        let mut text = "[environment]\nconnect = \"local\"\n".to_owned();
        for (host, attributes) in hosts {
            let gate = project.gate(host);
            text += &format!(
                "[hosts.{host}]\ncomponents = [\"shown\"]\n[hosts.{host}.attributes.shown]\ngate = \
                 {gate:?}\n{attributes}\n"
            );
        }
        let environment = project.path("project/environments/test");
        fs::create_dir_all(&environment).unwrap();
        fs::create_dir(project.path("home")).unwrap();
        fs::write(environment.join("environment.toml"), text).unwrap();
        project
    }

    fn path(&self, below: &str) -> PathBuf {
        self.directory.path().join(below)
    }

    fn gate(&self, host: &str) -> PathBuf {
        self.path(&format!("gate-{host}"))
    }

    /// Lets a host go on.
    pub fn open(&self, host: &str) {
        fs::write(self.gate(host), "").unwrap();
    }

    /// The program in a terminal, with these variables beside the usual ones.
    pub fn terminal(&self, arguments: &str, columns: u16, variables: &[(&str, &str)]) -> Terminal {
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_lab-subject"));
        command.args(arguments.split_whitespace());
        command.cwd(self.path("project"));
        command.env_clear();
        for (name, value) in self.variables().iter().chain(&[("TERM".into(), "xterm".into())]) {
            command.env(name, value);
        }
        variables.iter().for_each(|(name, value)| command.env(name, value));
        Terminal::start(command, columns)
    }

    /// What the program prints where no terminal is: exit code, then both streams.
    #[expect(clippy::disallowed_methods, reason = "the program that is tested")]
    pub fn piped(&self, arguments: &str) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lab-subject"));
        command.args(arguments.split_whitespace()).current_dir(self.path("project")).env_clear();
        let output = command.envs(self.variables()).stdin(Stdio::null()).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let code = output.status.code();
        format!(
            "exit {code:?}\n[stdout]\n{}[stderr]\n{}",
            text(&output.stdout),
            text(&output.stderr)
        )
    }

    fn variables(&self) -> Vec<(String, String)> {
        let path = system::variable("PATH").unwrap_or_default();
        let home = Path::display(&self.path("home")).to_string();
        vec![("PATH".into(), path), ("HOME".into(), home), ("USER".into(), "jo".into())]
    }

    /// A text without what differs from run to run: directories, durations, the wheels that turn.
    pub fn steady(&self, text: &str) -> String {
        let text = text.replace(&self.directory.path().display().to_string(), "DIR");
        let mut steady = String::new();
        let mut is_slowest = false;
        for line in text.lines() {
            // How long something took, and that it took long, is up to the machine.
            is_slowest = line.starts_with("slowest:") || is_slowest && !is_after_slowest(line);
            // What is looked at is told a few times a second, and so only of what takes its time.
            if is_slowest || line.ends_with("= current") {
                continue;
            }
            let line = without_durations(line);
            steady += line.replace("[dim]  (# s)[/]", "").replace("  (# s)", "").trim_end();
            steady.push('\n');
        }
        steady
    }
}

/// Whether a line stands behind the names of what was slow, which may take more than one each.
fn is_after_slowest(line: &str) -> bool {
    let starts = ["db  Shown > Command(\"restart", "[", "failed:", "converged:", "skipped "];
    starts.iter().any(|start| line.starts_with(start))
}

/// Digits before ` s`, and the beginning of a line of progress: its wheel and its time.
fn without_durations(line: &str) -> String {
    let mut line = line.to_owned();
    if let Some(rest) = line.strip_prefix(|c: char| ('\u{2800}'..'\u{2900}').contains(&c)) {
        let after = rest.trim_start().trim_start_matches(|c: char| c.is_ascii_alphanumeric());
        line = format!("*  #s{after}");
    }
    let mut shown = String::new();
    let mut parts = line.split(" s").peekable();
    while let Some(part) = parts.next() {
        let is_duration = parts.peek().is_some_and(|next| !next.starts_with(char::is_alphanumeric));
        let number = part.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
        let is_duration = is_duration && number.len() < part.len();
        shown += if is_duration { number } else { part };
        shown += if is_duration { "#" } else { "" };
        shown += if parts.peek().is_some() { " s" } else { "" };
    }
    shown
}
