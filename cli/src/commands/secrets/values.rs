use std::io::{self, IsTerminal as _, Read as _};
use std::path::PathBuf;

use serde_json::json;
use togusa_core::problem::{Problem, code};
use togusa_environments::secrets::LARGEST;
use zeroize::Zeroizing;

use super::{lock, note, path, store, warn_of_other_key, wrong};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::identities::hidden;
use crate::session::Session;
use crate::ui::Stream;

/// Set one secret; needs no private key
///
/// The value comes from a file, from standard input without its last line end, or is asked for on
/// the terminal without being shown. It never stands on a command line.
#[derive(Debug, clap::Args)]
pub struct Set {
    /// The environment's name
    pub environment: String,
    /// Where it belongs, such as `components.app.password`
    pub path: String,
    /// Take the content of a file as it is; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
}

impl Set {
    /// Encrypts the value.
    ///
    /// # Errors
    /// The path leads nowhere, there is no value, or the file cannot be written.
    pub fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let path = path(&self.path)?;
        let store = store(session, &self.environment)?;
        store.require()?;
        let value = self.value()?;
        warn_of_other_key(session, &store)?;
        store.lock().map_err(wrong)?.set(&path, &value)?;
        let empty = if value.is_empty() { " to an empty value" } else { "" };
        note(session, &format!("set `{path}` of `{}`{empty}", self.environment));
        Ok(Exit::Success)
    }

    fn value(&self) -> Result<Zeroizing<Vec<u8>>, Failure> {
        match &self.file {
            Some(file) if file.as_os_str() == "-" => read(io::stdin().lock(), "standard input"),
            Some(file) => {
                let name = format!("`{}`", file.display());
                let opened =
                    std::fs::File::open(file).map_err(|error| unreadable(&name, &error))?;
                read(opened, &name)
            }
            None if io::stdin().is_terminal() => {
                let value = hidden(&format!("value of {}", self.path));
                let value = value
                    .ok_or_else(|| wrong(Problem::new(code::NO_VALUE, "no value was given")))?;
                Ok(Zeroizing::new(value.as_bytes().to_vec()))
            }
            None => {
                let mut value = read(io::stdin().lock(), "standard input")?;
                if value.last() == Some(&b'\n') {
                    value.pop();
                }
                Ok(value)
            }
        }
    }
}

/// Reads a value, and no more than a secret can have.
pub(super) fn read(from: impl io::Read, name: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut value = Zeroizing::new(Vec::new());
    from.take(LARGEST as u64 + 1)
        .read_to_end(&mut value)
        .map_err(|error| unreadable(name, &error))?;
    if value.len() > LARGEST {
        let message = format!("{name} has more than {LARGEST} bytes, which is the most");
        return Err(wrong(Problem::new(code::SECRET_TOO_LARGE, message)));
    }
    Ok(value)
}

fn unreadable(name: &str, error: &io::Error) -> Failure {
    let problem = Problem::new(code::NO_VALUE, format!("cannot read {name}"));
    wrong(Problem { causes: vec![error.to_string()], ..problem })
}

/// Print one secret
#[derive(Debug, clap::Args)]
pub struct Get {
    /// The environment's name
    pub environment: String,
    /// Where it belongs, such as `components.app.password`
    pub path: String,
}

impl Get {
    /// Prints the value as it is; on a terminal its line is ended.
    ///
    /// # Errors
    /// There is no such secret, or it cannot be decrypted.
    pub fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let path = path(&self.path)?;
        let file = store(session, &self.environment)?.require()?;
        let key = file.unlock(session.identities()).map_err(wrong)?;
        let value = file.get(&key, &path).map_err(wrong)?;
        session.ui.write_bytes(Stream::Data, &value);
        if io::stdout().is_terminal() && !value.ends_with(b"\n") {
            session.ui.write(Stream::Data, "\n");
        }
        Ok(Exit::Success)
    }
}

/// Remove one secret; needs no private key
#[derive(Debug, clap::Args)]
pub struct Unset {
    /// The environment's name
    pub environment: String,
    /// Where it belongs, such as `components.app.password`
    pub path: String,
}

impl Unset {
    /// Removes the value.
    ///
    /// # Errors
    /// There is no such secret, or the file cannot be written.
    pub fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let path = path(&self.path)?;
        lock(session, &self.environment)?.unset(&path)?;
        note(session, &format!("removed `{path}` of `{}`", self.environment));
        Ok(Exit::Success)
    }
}

/// List the names of secrets, never their values; needs no private key
#[derive(Debug, clap::Args)]
pub struct List {
    /// The environment's name
    pub environment: String,
}

impl List {
    /// Prints the paths, one per line.
    ///
    /// # Errors
    /// The file of secrets is wrong.
    pub fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let file = store(session, &self.environment)?.read()?;
        let paths: Vec<String> =
            file.iter().flat_map(|file| file.paths()).map(ToString::to_string).collect();
        let ui = &session.ui;
        if ui.choices.json {
            ui.write(Stream::Data, &format!("{}\n", json!(paths)));
        } else {
            paths.iter().for_each(|path| ui.write(Stream::Data, &format!("{path}\n")));
        }
        Ok(Exit::Success)
    }
}
