/// List the environments of the project
#[derive(Debug, clap::Args)]
pub struct Environments {}
