use std::path::Path;

use serde_json::json;
use togusa_core::problem::{Problem, code};
use togusa_environments::secrets::members::{public_key, public_keys};

use super::{lock, note, store, wrong};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;
use crate::text::count;
use crate::ui::Stream;

/// List who can decrypt
#[derive(Debug, clap::Args)]
pub struct Members {
    /// The environment's name
    pub environment: String,
}

impl Members {
    /// Prints a line for each key of each member.
    ///
    /// # Errors
    /// The file of secrets is wrong, or there is none.
    pub fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let file = store(session, &self.environment)?.require()?;
        let ui = &session.ui;
        if ui.choices.json {
            ui.write(Stream::Data, &format!("{}\n", json!(file.members().0)));
            return Ok(Exit::Success);
        }
        for (name, keys) in &file.members().0 {
            for key in keys {
                ui.write(Stream::Data, &format!("{name} {key}\n"));
            }
        }
        Ok(Exit::Success)
    }
}

/// Let somebody decrypt; the first member begins the file
///
/// A key is one of age, `ssh-ed25519` or `ssh-rsa`, in quotes, or a file with one or more of them,
/// one a line. All but the first member are added by somebody who can decrypt.
#[derive(Debug, clap::Args)]
pub struct Add {
    /// The environment's name
    pub environment: String,
    /// What to call the member
    pub name: String,
    /// Public keys, or files of them
    #[arg(required = true, value_name = "KEY|FILE")]
    pub keys: Vec<String>,
}

impl Add {
    /// Adds the member.
    ///
    /// # Errors
    /// A key is none, the member is there already, or no identity can decrypt.
    pub fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let mut keys = Vec::new();
        for given in &self.keys {
            for key in self::keys(given).map_err(wrong)? {
                if !keys.contains(&key) {
                    keys.push(key);
                }
            }
        }
        let locked = lock(session, &self.environment)?;
        let many = count(keys.len(), "key");
        locked.add_member(&self.name, keys, session.identities())?;
        note(session, &format!("added `{}` to `{}` with {many}", self.name, self.environment));
        Ok(Exit::Success)
    }
}

fn keys(given: &str) -> Result<Vec<String>, Problem> {
    let is_path = given.ends_with(".pub") || given.starts_with(['/', '.', '~']);
    let exists = Path::new(given).exists();
    if is_path && !exists {
        return Err(Problem::new(code::KEY_FILE, format!("there is no file `{given}`"))
            .hint("`ssh-keygen -t ed25519` makes a key; its public half is in the file `….pub`"));
    }
    // A pipe is read as well: a shell gives the output of a command as one.
    if !exists {
        return public_key(given).map(|key| vec![key]).map_err(|problem| {
            let hint = problem.hint.unwrap_or_default();
            Problem { hint: None, ..problem }
                .hint(format!("{hint}; there is no file of that name either"))
        });
    }
    let text = std::fs::read_to_string(given).map_err(|error| {
        let problem = Problem::new(code::KEY_FILE, format!("cannot read `{given}`"));
        Problem { causes: vec![error.to_string()], ..problem }
    })?;
    public_keys(given, &text)
}

/// Take the right to decrypt from somebody
///
/// Makes a new key and encrypts everything anew. What the member could decrypt until now stays
/// known: it is in the history of the repository. The secrets to replace are listed.
#[derive(Debug, clap::Args)]
pub struct Remove {
    /// The environment's name
    pub environment: String,
    /// The member's name
    pub name: String,
}

impl Remove {
    /// Removes the member and prints what it knew.
    ///
    /// # Errors
    /// There is no such member, no identity can decrypt, or a value cannot be decrypted.
    pub fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let locked = lock(session, &self.environment)?;
        let file = locked.remove_member(&self.name, session.identities())?;
        let known: Vec<String> = file.paths().map(ToString::to_string).collect();
        let ui = &session.ui;
        let (name, environment) = (&self.name, &self.environment);
        note(
            session,
            &format!(
                "removed `{name}` from `{environment}`; everything is encrypted with a new key"
            ),
        );
        if ui.choices.json {
            ui.write(Stream::Data, &format!("{}\n", json!(known)));
            return Ok(Exit::Success);
        }
        if !known.is_empty() {
            note(session, &format!("`{name}` knows these; replace them where they are used:"));
        }
        known.iter().for_each(|path| ui.write(Stream::Data, &format!("{path}\n")));
        Ok(Exit::Success)
    }
}

/// Make a new key and encrypt everything anew
#[derive(Debug, clap::Args)]
pub struct Rotate {
    /// The environment's name
    pub environment: String,
}

impl Rotate {
    /// Replaces the key.
    ///
    /// # Errors
    /// No identity can decrypt, or a value cannot be decrypted.
    pub fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let file = lock(session, &self.environment)?.rotate(session.identities())?;
        let many = count(file.paths().count(), "secret");
        note(session, &format!("encrypted {many} of `{}` with a new key", self.environment));
        Ok(Exit::Success)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::fd::AsRawFd as _;

    use super::*;

    #[test]
    fn keys_come_from_a_pipe_as_from_a_file() {
        let key = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
        let (reader, mut writer) = std::io::pipe().unwrap();
        writeln!(writer, "# bob\n{key}").unwrap();
        drop(writer);
        assert_eq!(keys(&format!("/dev/fd/{}", reader.as_raw_fd())).unwrap(), [key]);
    }

    #[test]
    fn what_cannot_be_read_is_told_with_the_cause() {
        let problem = keys("/").unwrap_err();
        assert_eq!(problem.message, "cannot read `/`");
        assert_eq!(keys("/nowhere").unwrap_err().message, "there is no file `/nowhere`");
    }
}
