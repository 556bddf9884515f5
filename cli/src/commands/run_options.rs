use std::num::NonZeroUsize;
use std::path::PathBuf;

/// Where the binaries come from that are pushed to hosts.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct AgentOptions {
    /// Push prepared binaries, from `build --out DIR`; no cargo is needed then
    #[arg(long, value_name = "DIR", env = "TOGUSA_AGENTS", hide_env_values = true)]
    pub agents: Option<PathBuf>,
}

/// Which hosts a command is about.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct HostOptions {
    /// Only these hosts; may be given often and with commas
    #[arg(long = "host", value_name = "GLOB", value_delimiter = ',')]
    pub hosts: Vec<String>,
}

/// Which roots a command is about.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Selection {
    /// Only these hosts; may be given often and with commas
    #[arg(long = "host", value_name = "GLOB", value_delimiter = ',')]
    pub hosts: Vec<String>,
    /// Only these components; may be given often and with commas
    #[arg(long = "component", value_name = "GLOB", value_delimiter = ',')]
    pub components: Vec<String>,
}

/// What to run and how.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct RunOptions {
    /// Only these hosts; may be given often and with commas
    #[arg(long = "host", value_name = "GLOB", value_delimiter = ',')]
    pub hosts: Vec<String>,
    /// Only these components; may be given often and with commas
    #[arg(long = "component", value_name = "GLOB", value_delimiter = ',')]
    pub components: Vec<String>,
    /// How many roots run at once on one host [default: what the environment says]
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
    /// Start nothing more after the first failure
    #[arg(long)]
    pub fail_fast: bool,
    /// Show the differences of texts
    #[arg(long, overrides_with = "no_diff")]
    pub diff: bool,
    /// Show that texts differ, but not how
    #[arg(long, overrides_with = "diff")]
    pub no_diff: bool,
    /// The binaries.
    #[command(flatten)]
    pub agents: AgentOptions,
}

impl RunOptions {
    /// Whether diffs are shown, for a command that does so `by_default`.
    pub fn diffs(&self, by_default: bool) -> bool {
        self.diff || by_default && !self.no_diff
    }
}
