//! The private keys of who runs a command, and how their passphrases are asked for.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead as _, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use togusa_core::system::{self, IDENTITY_VARIABLE};
use togusa_environments::secrets::{Identities, Prompt};
use zeroize::Zeroizing;

use crate::ui::{Stream, Ui};

/// The keys that are tried: those of `--identity`, else that of `TOGUSA_IDENTITY`, else the usual
/// SSH keys and the file of age keys.
pub fn identities(files: &[PathBuf], ui: &Ui) -> Identities {
    let given = (files.is_empty()).then(|| system::variable(IDENTITY_VARIABLE)).flatten();
    let home = system::variable("HOME").map(PathBuf::from);
    let none = Identities::new(Arc::new(Terminal { ui: ui.clone() }));
    if !files.is_empty() {
        let with = |all: Identities, file: &PathBuf| {
            all.with_file(format!("`{}`", file.display()), file.clone())
        };
        return files.iter().fold(none, with);
    }
    if let Some(given) = given.map(Zeroizing::new) {
        if is_content(&given) {
            return none.with_text(IDENTITY_VARIABLE, given);
        }
        let file = expanded(&given, home.as_deref());
        return none.with_file(format!("`{}` of {IDENTITY_VARIABLE}", file.display()), file);
    }
    let Some(home) = home else { return none };
    let config =
        system::variable("XDG_CONFIG_HOME").map_or_else(|| home.join(".config"), PathBuf::from);
    none.with_file("`~/.ssh/id_ed25519`", home.join(".ssh/id_ed25519"))
        .with_file("`~/.ssh/id_rsa`", home.join(".ssh/id_rsa"))
        .with_file(
            format!("`{}`", config.join("togusa/identity").display()),
            config.join("togusa/identity"),
        )
}

/// Whether a text is a key itself rather than a path to one.
fn is_content(text: &str) -> bool {
    let text = text.trim();
    let starts = ["AGE-", "-----BEGIN ", "#"];
    starts.iter().any(|start| text.starts_with(start)) || text.contains('\n')
}

fn expanded(path: &str, home: Option<&Path>) -> PathBuf {
    match (path.trim().strip_prefix("~/"), home) {
        (Some(below), Some(home)) => home.join(below),
        _ => PathBuf::from(path.trim()),
    }
}

/// Asks on the terminal that the process belongs to, whatever its streams are.
struct Terminal {
    ui: Ui,
}

impl Prompt for Terminal {
    fn passphrase(&self, question: &str) -> Option<Zeroizing<String>> {
        hidden(question)
    }

    fn text(&self, question: &str) -> Option<String> {
        if !io::stdin().is_terminal() {
            return None;
        }
        self.ui.write(Stream::Notes, &format!("{question}: "));
        let mut answer = String::new();
        // An input that cannot be read is no answer.
        let read = io::stdin().lock().read_line(&mut answer).ok()?;
        (read > 0).then(|| answer.trim_end_matches(['\r', '\n']).to_owned())
    }

    fn confirm(&self, question: &str, yes: &str, no: Option<&str>) -> Option<bool> {
        let no = no.unwrap_or("no");
        let answer = self.text(&format!("{question} ({yes}/{no})"))?;
        Some(answer.eq_ignore_ascii_case(yes) || answer.eq_ignore_ascii_case("y"))
    }

    fn tell(&self, message: &str) {
        self.ui.write(Stream::Notes, &format!("{message}\n"));
    }
}

impl fmt::Debug for Terminal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Terminal")
    }
}

/// Asks for a text without showing it; `None`: there is no terminal, or nothing was typed.
pub fn hidden(question: &str) -> Option<Zeroizing<String>> {
    // A process without a terminal cannot ask, which is what `None` says.
    let silenced = Silenced::new().ok()?;
    let answer = rpassword::prompt_password(format!("{question}: ")).ok().map(Zeroizing::new)?;
    drop(silenced);
    (!answer.is_empty()).then_some(answer)
}

/// The terminal, which does not show what is typed, also not what is typed before the question.
struct Silenced {
    terminal: File,
    before: Termios,
}

impl Silenced {
    fn new() -> io::Result<Self> {
        let terminal = File::options().read(true).write(true).open("/dev/tty")?;
        let before = tcgetattr(&terminal)?;
        let mut silent = before.clone();
        silent.local_flags.remove(LocalFlags::ECHO);
        tcsetattr(&terminal, SetArg::TCSANOW, &silent)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Silenced {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing any more.
        let _ = tcsetattr(&self.terminal, SetArg::TCSANOW, &self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_told_from_the_path_of_one() {
        for content in ["AGE-SECRET-KEY-1X", "-----BEGIN OPENSSH PRIVATE KEY-----", "# c\nx", "\n#"]
        {
            assert!(is_content(content), "{content}");
        }
        for path in ["~/.ssh/key", "keys/ci", "/etc/age"] {
            assert!(!is_content(path), "{path}");
        }
        assert_eq!(expanded("~/a\n", Some(Path::new("/x"))), Path::new("/x/a"));
        assert_eq!(expanded("a", None), Path::new("a"));
    }
}
