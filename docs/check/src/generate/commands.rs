//! The page about commands, from the command line itself.

use clap::{Arg, ArgAction, Command, CommandFactory as _};
use togusa::arguments::Arguments;

use super::Generated;

const HEAD: &str = "# Commands\n\n`togusa` stands for the program of a project; `cargo run --` does the \
                    same within it. `--help` prints what stands here.\n\n\
                    The installed command has two more, which need no program: `togusa new PROJECT` \
                    writes a project, `togusa add component NAME` and `togusa add environment NAME` \
                    add to it. `togusa add --help` tells more.\n\n";

/// The page.
pub(super) fn page() -> Generated {
    let mut command = Arguments::command().bin_name("togusa");
    command.build();
    let mut text = HEAD.to_owned();
    text += "## Options for every command\n\n";
    text += &options(command.get_arguments().filter(|argument| argument.is_global_set()));
    describe_all(&command, "", &mut text);
    Generated::new("docs/src/reference/commands.md", format!("{}\n", text.trim_end()))
}

fn describe_all(of: &Command, above: &str, text: &mut String) {
    for command in of.get_subcommands().filter(|command| !command.is_hide_set()) {
        let name = format!("{above}{}", command.get_name());
        describe(command, &name, text);
        describe_all(command, &format!("{name} "), text);
    }
}

fn describe(command: &Command, name: &str, text: &mut String) {
    let about = command.get_long_about().or_else(|| command.get_about());
    let about = about.map(ToString::to_string).unwrap_or_default();
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").replace("\n       ", "\n");
    *text += &format!("## `{name}`\n\n{}\n\n```text\n{usage}\n```\n\n", paragraphs(&about));
    let own = command.get_arguments().filter(|argument| !argument.is_global_set());
    *text += &options(own);
}

/// Help is written without a period at the end of its first paragraph.
fn paragraphs(about: &str) -> String {
    let (first, rest) = about.split_once("\n\n").unwrap_or((about, ""));
    let end = if first.ends_with(['.', ':', '!', '?']) { "" } else { "." };
    format!("{first}{end}\n\n{rest}").trim_end().to_owned()
}

fn options<'a>(arguments: impl Iterator<Item = &'a Arg>) -> String {
    let shown = arguments.filter(|argument| {
        !argument.is_hide_set()
            && !matches!(
                argument.get_action(),
                ArgAction::Help | ArgAction::HelpShort | ArgAction::Version
            )
    });
    let rows: String = shown.map(row).collect();
    if rows.is_empty() {
        return rows;
    }
    format!("| | means |\n|---|---|\n{rows}\n")
}

fn row(argument: &Arg) -> String {
    let values: Vec<_> = argument
        .get_value_names()
        .unwrap_or_default()
        .iter()
        .map(|name| format!("<{name}>"))
        .collect();
    let values =
        if argument.get_action().takes_values() { values.join(" ") } else { String::new() };
    let mut names = Vec::new();
    names.extend(argument.get_short().map(|short| format!("-{short}")));
    names.extend(argument.get_long().map(|long| format!("--{long}")));
    let name = [names.join(", "), values].join(" ");
    let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let mut notes = Vec::new();
    let default = argument.get_default_values();
    if !default.is_empty() && argument.get_action().takes_values() {
        let default: Vec<_> = default.iter().map(|value| value.to_string_lossy()).collect();
        notes.push(format!("default: `{}`", default.join(" ")));
    }
    if let Some(variable) = argument.get_env() {
        notes.push(format!("variable: `{}`", variable.to_string_lossy()));
    }
    let possible = argument.get_possible_values();
    if argument.get_action().takes_values()
        && !possible.is_empty()
        && !argument.is_hide_possible_values_set()
    {
        let possible: Vec<_> = possible
            .iter()
            .map(|value| {
                let about = value.get_help().map(|help| format!(" ({help})")).unwrap_or_default();
                format!("`{}`{about}", value.get_name())
            })
            .collect();
        notes.push(format!("one of {}", possible.join(", ")));
    }
    let notes: String = notes.iter().map(|note| format!("; {note}")).collect();
    format!("| `{}` | {} |\n", name.trim(), format!("{help}{notes}").replace('|', "\\|"))
}
