/// List components with their attributes, types and defaults
#[derive(Debug, clap::Args)]
pub struct Components {
    /// Show this component alone
    pub name: Option<String>,
}
