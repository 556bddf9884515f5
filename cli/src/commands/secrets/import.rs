use std::io;

use togusa_core::problem::{Problem, Problems, code};
use togusa_environments::secrets::batou;

use super::values::read;
use super::{note, store, warn_of_other_key, wrong};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;
use crate::text::count;

/// Set secrets from a batou `secrets.cfg` in clear text on standard input
///
/// `[NAME]` becomes `components.NAME`, `[host:NAME]` becomes `hosts.NAME.data`. Members are not
/// taken over. With `batou secrets decrypttostdout ENV | … secrets import ENV` no clear text
/// touches a disk. Needs no private key.
#[derive(Debug, clap::Args)]
pub struct Import {
    /// The environment's name
    pub environment: String,
}

impl Import {
    /// Encrypts all values at once.
    ///
    /// # Errors
    /// What cannot be read of the text; nothing was set.
    pub fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let store = store(session, &self.environment)?;
        store.require()?;
        let input = read(io::stdin().lock(), "standard input")?;
        let text = std::str::from_utf8(&input)
            .map_err(|_| wrong(Problem::new(code::NOT_UTF8, "standard input is not UTF-8")))?;
        let values = batou::read("secrets.cfg", text)?;
        let problems: Vec<_> = values.iter().filter_map(|(path, _)| path.check().err()).collect();
        if !problems.is_empty() {
            return Err(Problems::new(problems).into());
        }
        warn_of_other_key(session, &store)?;
        let all = values.iter().map(|(path, value)| (path, value.as_bytes()));
        store.lock().map_err(wrong)?.set_all(all)?;
        let many = count(values.len(), "secret");
        note(session, &format!("set {many} of `{}`", self.environment));
        Ok(Exit::Success)
    }
}
