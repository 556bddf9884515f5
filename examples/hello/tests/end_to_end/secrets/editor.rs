//! The editor: what it is given, what comes of mistakes, what is left behind.

use std::fs::{self, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::unistd::Pid;

use super::{PASSWORD, Place, VALUE, holds};

#[test]
fn the_editor_sees_a_private_file_in_memory_that_is_gone_afterwards() {
    let place = Place::new();
    let seen = place.project.home("seen");
    let script = format!(
        "stat -c '%a %n' \"$(dirname \"$1\")\" \"$1\" > {}\nsed -i s/horse/donkey/ \"$1\"",
        seen.display()
    );
    let editor = place.editor(&script);
    let ran = place.project.finish(place.command("secrets edit dev").env("EDITOR", editor));
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert_eq!(ran.err, format!("changed 1 secret: `{PASSWORD}`\n"));
    assert_eq!(place.get(PASSWORD), b"correct donkey battery");
    let seen = fs::read_to_string(seen).unwrap();
    let lines: Vec<&str> = seen.lines().collect();
    let runtime = place.runtime.path().display().to_string();
    assert!(lines[0].starts_with(&format!("700 {runtime}/togusa-secrets-")), "{seen}");
    assert!(lines[1].starts_with("600 ") && lines[1].ends_with("/dev-secrets.toml"), "{seen}");
    assert_eq!(place.private_files(), 0);
    assert!(!holds(&place.project.path("environments"), b"donkey"));
}

#[test]
fn after_a_mistake_the_text_is_kept_until_it_is_encrypted_or_given_up() {
    let place = Place::new();
    // The first time the text is broken, the second time mended, which shows that it was kept.
    let editor = place.editor(
        "if grep -q broken \"$1\"; then sed -i 's/ broken/ \"donkey\"/' \"$1\"; \
         else sed -i 's/= \"correct.*/= broken/' \"$1\"; fi",
    );
    let before = place.file();
    for (answers, code, value) in
        [("what\nq\n", 2, VALUE), ("y\nq\n", 2, VALUE), ("", 2, VALUE), ("e\n", 0, "donkey")]
    {
        let mut command = place.command("secrets edit dev");
        command.env("VISUAL", &editor).env("EDITOR", "false");
        let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(answers.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{answers:?}: {told}");
        assert!(told.contains("dev-secrets.toml:9:12: not valid TOML"), "{told}");
        assert_eq!(told.contains("the edit was given up"), code == 2, "{told}");
        assert_eq!(place.file() == before, code == 2);
        assert_eq!(place.get(PASSWORD), value.as_bytes());
        assert_eq!(place.private_files(), 0);
    }
}

#[test]
fn an_editor_that_fails_changes_nothing() {
    let place = Place::new();
    let before = place.file();
    let editor = place.editor("sed -i s/horse/donkey/ \"$1\"\nexit 3");
    let in_shell = format!("A='b c' {editor}");
    for (editor, told) in [
        (editor.as_str(), "ended with exit status: 3"),
        (&in_shell, "ended with exit status: 3"),
        ("no-such-editor", "cannot start the editor `no-such-editor`"),
    ] {
        let ran = place.project.finish(place.command("secrets edit dev").env("EDITOR", editor));
        assert_eq!(ran.code, Some(2));
        assert!(ran.err.contains(told), "{}", ran.err);
        assert_eq!((place.file() == before, place.private_files()), (true, 0));
    }
}

/// An edit whose editor has changed the text and waits.
struct Waiting {
    child: Child,
    /// Lets the editor go on.
    pipe: PathBuf,
}

impl Waiting {
    fn new(place: &Place) -> Self {
        let (ready, pipe) = (place.project.home("ready"), place.project.home("go"));
        for path in [&ready, &pipe] {
            nix::unistd::mkfifo(path, Mode::S_IRWXU).unwrap();
        }
        let editor = place.editor(&format!(
            "sed -i s/horse/donkey/ \"$1\"\necho > {}\nread -r _ < {}",
            ready.display(),
            pipe.display()
        ));
        let mut command = place.command("secrets edit dev");
        let child = command.env("EDITOR", editor).stderr(Stdio::piped()).spawn().unwrap();
        let mut text = String::new();
        fs::File::open(ready).unwrap().read_to_string(&mut text).unwrap();
        Self { child, pipe }
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).unwrap();
    }

    /// Waits until the editor listens, and lets it go on.
    fn go_on(&self) {
        let pipe = OpenOptions::new().write(true).open(&self.pipe);
        writeln!(pipe.unwrap()).unwrap();
    }
}

#[test]
fn while_somebody_edits_nobody_else_changes_the_secrets() {
    let place = Place::new();
    let mut waiting = Waiting::new(&place);
    for command in ["set dev components.site.x --file /dev/null", "rotate dev", "edit dev"] {
        let ran = place.expect(2, &format!("secrets {command}"));
        assert!(
            ran.err.starts_with(
                "error[T0218]: the secrets of `dev` are being changed by another command"
            ),
            "{}",
            ran.err
        );
    }
    assert_eq!(place.get(PASSWORD), VALUE.as_bytes());
    waiting.go_on();
    assert!(waiting.child.wait().unwrap().success());
    assert_eq!(place.get(PASSWORD), b"correct donkey battery");
}

#[test]
fn a_request_to_end_removes_the_text_and_changes_nothing() {
    for signal in [Signal::SIGTERM, Signal::SIGHUP] {
        let place = Place::new();
        let before = place.file();
        let mut waiting = Waiting::new(&place);
        assert_eq!(place.private_files(), 1);
        waiting.signal(signal);
        assert_eq!(waiting.child.wait().unwrap().code(), Some(130));
        assert_eq!((place.file() == before, place.private_files()), (true, 0), "{signal}");
    }
}

#[test]
fn ctrl_c_is_for_the_editor() {
    let place = Place::new();
    let waiting = Waiting::new(&place);
    waiting.signal(Signal::SIGINT);
    waiting.go_on();
    let output = waiting.child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(place.get(PASSWORD), b"correct donkey battery");
    assert_eq!(place.private_files(), 0);
}

#[test]
fn what_a_killed_edit_left_in_memory_is_removed_by_the_next() {
    let place = Place::new();
    let before = place.file();
    let mut waiting = Waiting::new(&place);
    waiting.signal(Signal::SIGKILL);
    waiting.child.wait().unwrap();
    waiting.go_on();
    assert_eq!(place.private_files(), 1);
    assert_eq!(place.file(), before);
    assert!(!holds(&place.project.path("environments"), b"donkey"));
    let ran = place.project.finish(place.command("secrets edit dev").env("EDITOR", "true"));
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert_eq!((place.file() == before, place.private_files()), (true, 0));
}
