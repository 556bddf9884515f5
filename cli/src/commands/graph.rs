use std::fmt::Write as _;

use serde_json::json;
use togusa_core::model::Graph as ModelGraph;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::{Secrets, Session};
use crate::ui::Stream;

/// Show in which order roots converge, and why
#[derive(Debug, clap::Args)]
pub struct Graph {
    /// The environment's name
    pub environment: String,
    /// The form of the graph
    #[arg(long, value_enum, default_value_t)]
    pub format: GraphFormat,
}

/// The form of a graph.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum GraphFormat {
    /// For Graphviz
    Dot,
    /// For Markdown pages
    Mermaid,
    /// For people
    #[default]
    Text,
}

impl Graph {
    /// Prints the graph of an environment.
    ///
    /// # Errors
    /// All that is wrong with the environment or the model.
    pub fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let model = session.configure(&self.environment, false, Secrets::Open)?.model;
        let graph = model.graph();
        let text = match self.format {
            _ if session.ui.choices.json => format!("{}\n", object(graph)),
            GraphFormat::Dot => graph.to_dot(),
            GraphFormat::Mermaid => graph.to_mermaid(),
            GraphFormat::Text => lines(graph),
        };
        session.ui.write(Stream::Data, &text);
        Ok(Exit::Success)
    }
}

fn object(graph: &ModelGraph) -> serde_json::Value {
    let edges = graph.edges().iter().map(|edge| {
        json!({
            "first": edge.first.to_string(),
            "then": edge.then.to_string(),
            "resources": edge.resources,
        })
    });
    json!({
        "order": graph.order().iter().map(ToString::to_string).collect::<Vec<_>>(),
        "edges": edges.collect::<Vec<_>>(),
    })
}

/// One line for each root, in their order, with what it waits for.
fn lines(graph: &ModelGraph) -> String {
    let mut text = String::new();
    for root in graph.order() {
        let _ = write!(text, "{root}");
        let mut edges = graph.edges().iter().filter(|edge| edge.then == *root).peekable();
        if edges.peek().is_some() {
            text += "  waits for ";
        }
        let waits = edges.map(|edge| {
            let resources: Vec<_> = edge.resources.iter().map(String::as_str).collect();
            format!("{} ({})", edge.first, resources.join(", "))
        });
        let _ = writeln!(text, "{}", waits.collect::<Vec<_>>().join(", "));
    }
    text
}
