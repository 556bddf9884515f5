//! The commands, one file each; the doc comment of each `Args` struct is its help.

mod agent;
mod build;
mod check;
mod completions;
mod components;
mod deploy;
mod disconnect;
mod doctor;
mod environments;
mod exec;
mod explain;
mod explain_order;
mod graph;
mod plan;
mod run_options;
mod schema;
pub mod secrets;
mod show;
mod ssh;
mod status;
mod verify;

pub use agent::Agent;
pub use build::Build;
pub use check::Check;
pub use completions::Completions;
pub use components::Components;
pub use deploy::Deploy;
pub use disconnect::Disconnect;
pub use doctor::Doctor;
pub use environments::Environments;
pub use exec::Exec;
pub use explain::Explain;
pub use explain_order::ExplainOrder;
pub use graph::{Graph, GraphFormat};
pub use plan::Plan;
pub use run_options::{AgentOptions, HostOptions, RunOptions, Selection};
pub use schema::{Schema, SchemaOf};
pub use secrets::Secrets;
pub use show::Show;
pub use ssh::Ssh;
pub use status::Status;
pub use verify::Verify;

/// What to do.
#[derive(Debug, clap::Subcommand)]
#[expect(missing_docs, reason = "a doc comment here would replace the help of the `Args` struct")]
pub enum Command {
    Check(Check),
    Plan(Plan),
    Deploy(Deploy),
    Verify(Verify),
    Status(Status),
    Doctor(Doctor),
    Exec(Exec),
    Ssh(Ssh),
    Disconnect(Disconnect),
    Secrets(Secrets),
    Build(Build),
    Graph(Graph),
    ExplainOrder(ExplainOrder),
    Show(Show),
    Components(Components),
    Environments(Environments),
    Explain(Explain),
    Schema(Schema),
    Completions(Completions),
    Agent(Agent),
}
