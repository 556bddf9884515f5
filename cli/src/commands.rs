//! The commands, one file each; the doc comment of each `Args` struct is its help.

mod agent;
mod build;
mod check;
mod completions;
mod components;
mod deploy;
mod environments;
mod graph;
mod plan;
mod run_options;
mod verify;

pub use agent::Agent;
pub use build::Build;
pub use check::Check;
pub use completions::Completions;
pub use components::Components;
pub use deploy::Deploy;
pub use environments::Environments;
pub use graph::{Graph, GraphFormat};
pub use plan::Plan;
pub use run_options::{AgentOptions, RunOptions};
pub use verify::Verify;

/// What to do.
#[derive(Debug, clap::Subcommand)]
#[expect(missing_docs, reason = "a doc comment here would replace the help of the `Args` struct")]
pub enum Command {
    Check(Check),
    Plan(Plan),
    Deploy(Deploy),
    Verify(Verify),
    Build(Build),
    Graph(Graph),
    Components(Components),
    Environments(Environments),
    Completions(Completions),
    Agent(Agent),
}
