use std::io::{self, BufRead as _};

use togusa_core::problem::{Problem, code};
use togusa_environments::secrets::Editing;
use togusa_environments::secrets::editing::Edited;
use zeroize::Zeroizing;

use super::editor::{Editor, Held, failed};
use super::private_file::PrivateFile;
use super::{lock, note, wrong};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;
use crate::text::count;
use crate::ui::Stream;

/// Edit all secrets in an editor
///
/// Opens $VISUAL or $EDITOR on the secrets in clear, in a private file that lies in memory where
/// the system has such a place, and is gone afterwards. What you did not change keeps its bytes.
/// After a mistake the text is kept, and you can go on with it.
#[derive(Debug, clap::Args)]
pub struct Edit {
    /// The environment's name
    pub environment: String,
}

/// What to do after a mistake.
enum Answer {
    Edit,
    Encrypt,
    Quit,
}

impl Edit {
    /// Runs the editor until the text can be encrypted or nobody wants to go on.
    ///
    /// # Errors
    /// The secrets cannot be opened, there is no editor, or the text was given up.
    pub fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let locked = lock(session, &self.environment)?;
        let editing = Editing::new(&locked, session.identities())?;
        let name = format!("{}-secrets.toml", self.environment);
        let (file, in_memory) = PrivateFile::new(&name, editing.text())
            .map_err(|error| failed("cannot write a private file for the editor", &error))?;
        let path = file.path().to_owned();
        let held = Held::new(file);
        let editor = Editor::new(&held)?;
        if !in_memory {
            note(session, "the text lies on a disk while you edit: no memory file system is there");
        }
        let mut answer = Answer::Edit;
        loop {
            if matches!(answer, Answer::Edit) {
                editor.edit(&path)?;
            }
            let text = std::fs::read_to_string(&path).map(Zeroizing::new);
            let text = text.map_err(|error| failed("cannot read what was edited", &error))?;
            match editing.save(&name, &text) {
                Ok(edited) => {
                    note(session, &told(&edited, &self.environment));
                    return Ok(Exit::Success);
                }
                Err(problems) => {
                    let failure = Failure::from(problems);
                    failure.show(&session.ui);
                    answer = editor.asking(|| ask(session));
                    if matches!(answer, Answer::Quit) {
                        let problem = Problem::new(code::EDIT_ENDED, "the edit was given up");
                        return Err(wrong(problem.hint("the secrets are as they were")));
                    }
                }
            }
        }
    }
}

fn ask(session: &Session) -> Answer {
    loop {
        session.ui.write(Stream::Notes, "[e]dit again, encr[y]pt as it is, or [q]uit? ");
        let mut answer = String::new();
        match io::stdin().lock().read_line(&mut answer) {
            // Nobody is there to go on.
            Ok(0) | Err(_) => return Answer::Quit,
            Ok(_) => match answer.trim().to_lowercase().as_str() {
                "e" | "edit" => return Answer::Edit,
                "y" | "encrypt" => return Answer::Encrypt,
                "q" | "quit" => return Answer::Quit,
                _ => {}
            },
        }
    }
}

fn told(edited: &Edited, environment: &str) -> String {
    if edited.is_empty() {
        return format!("the secrets of `{environment}` are what they were");
    }
    let parts =
        [("added", &edited.added), ("changed", &edited.changed), ("removed", &edited.removed)];
    let mut text = Vec::new();
    for (word, paths) in parts {
        if !paths.is_empty() {
            let names: Vec<_> = paths.iter().map(|path| format!("`{path}`")).collect();
            text.push(format!("{word} {}: {}", count(paths.len(), "secret"), names.join(", ")));
        }
    }
    text.join("\n")
}
