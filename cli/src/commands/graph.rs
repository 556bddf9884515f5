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
