use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use togusa_core::names::RootId;
use togusa_core::problem::{Problem, code};

use super::Selection;
use crate::chart::Chart;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::selection::select;
use crate::session::{Secrets, Session};
use crate::text::{count, size};
use crate::ui::{Stream, Verbosity};

/// Show in which order roots converge, and why
///
/// A picture (`svg`, `html`) has a row for each host and a column for each step: what stands in one
/// column can run at the same time. Hosts that look alike share a row where there are many; a page
/// (`html`) unfolds them, and tells what a root waits for. Both are one file that needs no other.
///
/// With `--host` and `--component` it is the order of a run that is about these alone.
#[derive(Debug, clap::Args)]
pub struct Graph {
    /// The environment's name
    pub environment: String,
    /// The form of the graph [default: by the ending of `--out`, else text]
    #[arg(long, value_enum)]
    pub format: Option<GraphFormat>,
    /// What is shown.
    #[command(flatten)]
    pub selection: Selection,
    /// Write to a file instead of standard output
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Open no secrets: placeholders stand for them, and no key is needed
    #[arg(long)]
    pub without_secrets: bool,
}

/// The form of a graph.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum GraphFormat {
    /// For people
    #[default]
    Text,
    /// For Graphviz
    Dot,
    /// For Markdown pages
    Mermaid,
    /// A picture
    Svg,
    /// A page to look closer, with the picture on it
    Html,
}

impl Graph {
    /// Prints the graph of an environment.
    ///
    /// # Errors
    /// All that is wrong with the environment or the model, or the file cannot be written.
    pub fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let form = if session.ui.choices.json { None } else { Some(self.form()?) };
        let secrets = if self.without_secrets { Secrets::Closed } else { Secrets::Open };
        let model = session.configure(&self.environment, false, secrets)?.model;
        let roots: BTreeSet<RootId> = model.roots().cloned().collect();
        let roots = select(&roots, &self.selection.hosts, &self.selection.components)?;
        let chart = Chart::new(&model, &roots);
        let text = match form {
            None => format!("{}\n", chart.to_json()),
            Some(GraphFormat::Text) => chart.to_text(),
            Some(GraphFormat::Dot) => chart.to_dot(),
            Some(GraphFormat::Mermaid) => chart.to_mermaid(),
            Some(GraphFormat::Svg) => chart.to_svg(),
            Some(GraphFormat::Html) => chart.to_html(),
        };
        let Some(file) = &self.out else {
            session.ui.write(Stream::Data, &text);
            return Ok(Exit::Success);
        };
        write(file, &text)?;
        if session.ui.shows(Verbosity::Normal) {
            let (roots, bytes) = (count(chart.roots.len(), "root"), size(text.len() as u64));
            let line = format!("wrote `{}`: {roots}, {bytes}\n", file.display());
            session.ui.write(Stream::Notes, &line);
        }
        Ok(Exit::Success)
    }

    /// The form that is asked for by name, or by the ending of the file.
    fn form(&self) -> Result<GraphFormat, Failure> {
        if let Some(form) = self.format {
            return Ok(form);
        }
        let Some(file) = &self.out else { return Ok(GraphFormat::Text) };
        let Some(ending) = file.extension() else { return Ok(GraphFormat::Text) };
        match ending.to_str() {
            Some("txt") => Ok(GraphFormat::Text),
            Some("dot" | "gv") => Ok(GraphFormat::Dot),
            Some("mmd" | "mermaid") => Ok(GraphFormat::Mermaid),
            Some("svg") => Ok(GraphFormat::Svg),
            Some("html" | "htm") => Ok(GraphFormat::Html),
            _ => {
                let message = format!(
                    "`--out {}`: no form of a graph ends in `.{}`",
                    file.display(),
                    ending.display()
                );
                Err(Failure::wrong_use([Problem::new(code::ARGUMENTS, message).hint(
                    "`.svg`, `.html`, `.dot`, `.mmd` and `.txt` do; `--format` chooses one for any \
                     other",
                )]))
            }
        }
    }
}

fn write(file: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(file, text).map_err(|error| {
        let problem =
            Problem::new(code::OUTPUT_LOST, format!("failed to write `{}`", file.display()));
        let problem = Problem { causes: vec![error.to_string()], ..problem };
        Failure::wrong_use([
            problem.hint("`--out` names a file that can be written, in a directory that is there")
        ])
    })
}
