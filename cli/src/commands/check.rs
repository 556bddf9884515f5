/// Check an environment and its model without touching a host
///
/// Loads the environment, configures every root of every host and orders them. All mistakes are
/// reported together, with the file and line they come from.
#[derive(Debug, clap::Args)]
pub struct Check {
    /// The environment's name
    pub environment: String,
    /// Also resolve the names of addresses, which needs a network
    #[arg(long)]
    pub resolve: bool,
}
