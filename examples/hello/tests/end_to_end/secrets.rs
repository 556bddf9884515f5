//! The commands for secrets, with keys, editors, terminals and kills as users have them.

mod commands;
mod editor;
mod kills;

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::project::{Project, Ran};

const PASSWORD: &str = "components.site.password";
const CERTIFICATE: &str = "components.site.certificate";
const VALUE: &str = "correct horse battery";

/// A project whose environment `dev` has the SSH key of its user as member, and two secrets.
struct Place {
    project: Project,
    /// A directory in memory, as a session of the user has it.
    runtime: TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self {
            project: Project::new(),
            runtime: tempfile::Builder::new().tempdir_in("/dev/shm").unwrap(),
        };
        place.ssh_key("id_ed25519", "");
        place.expect(0, "secrets add dev jo ../home/.ssh/id_ed25519.pub");
        place.set(PASSWORD, VALUE.as_bytes());
        place.set(CERTIFICATE, &[0xff; 20_000]);
        place
    }

    fn ssh_key(&self, name: &str, passphrase: &str) {
        let directory = self.project.home(".ssh");
        fs::create_dir_all(&directory).unwrap();
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", passphrase, "-f"])
            .arg(directory.join(name))
            .status();
        assert!(made.unwrap().success());
    }

    fn command(&self, arguments: &str) -> Command {
        let mut command = self.project.command(arguments);
        command.env("XDG_RUNTIME_DIR", self.runtime.path());
        command
    }

    fn run(&self, arguments: &str) -> Ran {
        self.project.finish(&mut self.command(arguments))
    }

    fn expect(&self, code: i32, arguments: &str) -> Ran {
        let ran = self.run(arguments);
        assert_eq!(ran.code, Some(code), "{arguments}\n{}{}", ran.out, ran.err);
        ran
    }

    /// Sets a value through standard input.
    fn set(&self, path: &str, value: &[u8]) {
        let mut command = self.command(&format!("secrets set dev {path} --file -"));
        let mut child = command.stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(value).unwrap();
        assert!(child.wait().unwrap().success());
    }

    fn get(&self, path: &str) -> Vec<u8> {
        let output = self.command(&format!("secrets get dev {path}")).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    fn file(&self) -> String {
        fs::read_to_string(self.project.path("environments/dev/secrets.toml")).unwrap()
    }

    /// An editor that is a shell script; the file is `$1`.
    fn editor(&self, script: &str) -> String {
        let path = self.project.home("editor");
        fs::write(&path, format!("#!/bin/sh\nset -eu\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path.display().to_string()
    }

    /// What lies in the user's directory in memory.
    fn private_files(&self) -> usize {
        fs::read_dir(self.runtime.path()).unwrap().count()
    }
}

/// Whether any file below a directory holds a text.
fn holds(directory: &Path, text: &[u8]) -> bool {
    fs::read_dir(directory).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return holds(&path, text);
        }
        fs::read(&path).unwrap().windows(text.len()).any(|part| part == text)
    })
}
