//! The commands for secrets, one file each.

mod check;
mod edit;
mod editor;
mod import;
mod members;
mod private_file;
mod values;

use togusa_core::problem::{Problem, Problems, code};
use togusa_environments::secrets::{Locked, SecretPath, Store, public_key_in};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::git;
use crate::session::Session;
use crate::ui::{Stream, Verbosity};
use crate::view::problem_lines;

pub use check::Check;
pub use edit::Edit;
pub use import::Import;
pub use members::{Add, Members, Remove, Rotate};
pub use values::{Get, List, Set, Unset};

/// Look at the secrets of an environment and change them
///
/// Secrets lie encrypted in `environments/NAME/secrets.toml`, in the shape of the environment.
/// Anybody can add one; the members whose keys are listed there can decrypt them.
#[derive(Debug, clap::Args)]
pub struct Secrets {
    /// What to do with them.
    #[command(subcommand)]
    pub action: Action,
}

/// What to do with secrets.
#[derive(Debug, clap::Subcommand)]
#[expect(missing_docs, reason = "a doc comment here would replace the help of the `Args` struct")]
pub enum Action {
    Edit(Edit),
    Set(Set),
    Get(Get),
    Unset(Unset),
    List(List),
    Members(Members),
    Add(Add),
    Remove(Remove),
    Rotate(Rotate),
    Check(Check),
    Import(Import),
}

impl Secrets {
    /// Does it.
    ///
    /// # Errors
    /// The secrets are wrong or cannot be opened, or what was asked for cannot be done.
    pub fn run(&self, session: &Session) -> Result<Exit, Failure> {
        match &self.action {
            Action::Edit(edit) => edit.run(session),
            Action::Set(set) => set.run(session),
            Action::Get(get) => get.run(session),
            Action::Unset(unset) => unset.run(session),
            Action::List(list) => list.run(session),
            Action::Members(members) => members.run(session),
            Action::Add(add) => add.run(session),
            Action::Remove(remove) => remove.run(session),
            Action::Rotate(rotate) => rotate.run(session),
            Action::Check(check) => check.run(session),
            Action::Import(import) => import.run(session),
        }
    }
}

fn store(session: &Session, environment: &str) -> Result<Store, Failure> {
    Ok(Store::new(&session.root, environment)?)
}

fn lock(session: &Session, environment: &str) -> Result<Locked, Failure> {
    store(session, environment)?.lock().map_err(wrong)
}

fn wrong(problem: Problem) -> Failure {
    Failure::from(Problems::new([problem]))
}

fn path(text: &str) -> Result<SecretPath, Failure> {
    SecretPath::parse(text).map_err(wrong)
}

/// Tells what was done.
fn note(session: &Session, text: &str) {
    if session.ui.shows(Verbosity::Normal) {
        session.ui.write(Stream::Notes, &format!("{text}\n"));
    }
}

/// Warns where the key that values are encrypted to is not the committed one: whoever can write
/// the file can put a key of his own there, and would read what is added from then on.
fn warn_of_other_key(session: &Session, store: &Store) -> Result<(), Failure> {
    let file = togusa_environments::secrets::store::path_of(store.environment());
    let Some(committed) = git::committed(&session.root, &file) else { return Ok(()) };
    let now = store.require()?;
    let Some(before) = public_key_in(&committed) else { return Ok(()) };
    if before == now.public_key() {
        return Ok(());
    }
    let name = store.environment();
    let message = format!("the key of `{name}` is not the committed one");
    let problem = Problem {
        causes: vec![
            format!("values are encrypted to `{}`", now.public_key()),
            format!("the last commit has `{before}`"),
        ],
        ..Problem::new(code::FOREIGN_KEY, message)
    };
    let problem = problem.hint(format!(
        "after `secrets rotate` or `remove` that is right; if nobody did that, somebody else may \
         read what you add: `secrets check {name}` tells a member whose key it is"
    ));
    let ui = &session.ui;
    let shown =
        problem_lines(ui.paint(Stream::Notes), "", crate::ui::Ink::Change, "warning", &problem);
    ui.write(Stream::Notes, &shown);
    Ok(())
}
