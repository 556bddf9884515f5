//! The command line: that of every project, and what is added here.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use togusa::arguments::{Arguments, Global};
use togusa::commands::{Command, Completions, Explain};

use super::add::Add;
use super::new::New;

/// What the user wants.
#[derive(Debug)]
pub struct Line {
    /// What holds for every command.
    pub global: Global,
    /// What to do.
    pub verb: Verb,
}

/// Who does it.
#[derive(Debug)]
pub enum Verb {
    /// Make a project.
    New(New),
    /// Add to a project.
    Add(Add),
    /// Print a completion script.
    Completions(Completions),
    /// Explain an error.
    Explain(Explain),
    /// Something that the project's program does.
    OfProject,
}

#[derive(Debug, Parser)]
#[command(
    name = "togusa",
    version,
    about = "Makes projects that deploy services, and runs them",
    override_usage = "togusa [OPTIONS] <COMMAND>",
    disable_help_subcommand = true
)]
struct Parsed {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Known,
}

#[derive(Debug, Subcommand)]
enum Known {
    New(New),
    Add(Add),
    #[command(flatten)]
    OfProject(Command),
}

/// The words that are not of the project's program.
const OWN: [&str; 4] = ["new", "add", "completions", "explain"];

/// What happens with all other words.
const HANDED_OVER: &str = "\
All but `new`, `add`, `completions` and `explain` is done by the program of the project around the
current directory. It is built first, where cargo finds it stale.";

impl Line {
    /// Reads the words with which the process was started.
    ///
    /// A project may use another version of togusa, so what is not known here is for its program to
    /// judge.
    ///
    /// # Errors
    /// Help was asked for, or a command of this program is used wrongly.
    pub fn parse(words: &[OsString]) -> Result<Self, clap::Error> {
        let error = match command().try_get_matches_from(words) {
            Ok(matches) => return Self::of(&matches),
            Err(error) => error,
        };
        let guessed = command().ignore_errors(true).try_get_matches_from(words);
        let Ok(guessed) = guessed else { return Err(error) };
        let named = guessed.subcommand_name();
        if is_help(&error) || is_misspelt(&error) || named.is_some_and(|it| OWN.contains(&it)) {
            return Err(error);
        }
        let Ok(global) = Global::from_arg_matches(&guessed) else { return Err(error) };
        match super::root(global.project.as_deref()) {
            Ok(_) => Ok(Self { global, verb: Verb::OfProject }),
            Err(_) => Err(error),
        }
    }

    fn of(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let Parsed { global, command } = Parsed::from_arg_matches(matches)?;
        let verb = match command {
            Known::New(new) => Verb::New(new),
            Known::Add(add) => Verb::Add(add),
            Known::OfProject(Command::Completions(completions)) => Verb::Completions(completions),
            Known::OfProject(Command::Explain(explain)) => Verb::Explain(explain),
            Known::OfProject(_) => Verb::OfProject,
        };
        Ok(Self { global, verb })
    }
}

/// The whole command line, for help and completions.
pub fn command() -> clap::Command {
    let codes = Arguments::command().get_after_help().map(ToString::to_string);
    Parsed::command().after_help(format!("{HANDED_OVER}\n\n{}", codes.unwrap_or_default()))
}

fn is_help(error: &clap::Error) -> bool {
    let kinds = [
        ErrorKind::DisplayHelp,
        ErrorKind::DisplayVersion,
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand,
        ErrorKind::MissingSubcommand,
    ];
    kinds.contains(&error.kind())
}

/// Whether a word is much like one of this program.
fn is_misspelt(error: &clap::Error) -> bool {
    match error.get(ContextKind::SuggestedSubcommand) {
        Some(ContextValue::Strings(near)) => near.iter().any(|near| OWN.contains(&near.as_str())),
        _ => false,
    }
}
