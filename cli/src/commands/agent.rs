/// Converge this host as a coordinator says over standard input and output
#[derive(Debug, clap::Args)]
#[command(hide = true)]
pub struct Agent {}
