//! Every key of an environment: what the loader knows, the reference shows, and the schema describes.

/// A part of the file with keys of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// The file itself.
    Top,
    /// `[environment]`.
    Environment,
    /// `[hosts.NAME]`.
    Host,
    /// `[addresses]`, which has names of the user beside these keys.
    Addresses,
    /// `[rollout.NAME]`.
    Rollout,
}

impl Section {
    /// The keys of the section, in the order in which messages list them.
    pub fn keys(self) -> impl Iterator<Item = &'static Key> {
        let (first, second): (&[Key], &[Key]) = match self {
            Self::Top => (TOP, &[]),
            Self::Environment => (SHARED, ENVIRONMENT),
            Self::Host => (HOST, SHARED),
            Self::Addresses => (ADDRESSES, &[]),
            Self::Rollout => (ROLLOUT, &[]),
        };
        first.iter().chain(second)
    }

    /// Whether the section has a key of that name.
    pub fn has(self, name: &str) -> bool {
        self.keys().any(|key| key.name == name)
    }
}

/// One key of the file.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// The name.
    pub name: &'static str,
    /// The type, in Markdown.
    pub type_name: &'static str,
    /// What holds where it is not set, in Markdown; empty where nothing does.
    pub default: &'static str,
    /// What it means, in Markdown.
    pub doc: &'static str,
    /// The values that it can have.
    pub(crate) form: Form,
}

/// The values that a key can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Address,
    Addresses,
    Amount,
    Batch,
    Boolean,
    Canary,
    Components,
    ComponentTables,
    Connect,
    Count,
    Directory,
    Duration,
    EnvironmentName,
    EnvironmentTable,
    Family,
    File,
    FreeTable,
    Hosts,
    Port,
    Rollouts,
    Timeout,
    Word,
}

const fn key(
    name: &'static str,
    form: Form,
    type_name: &'static str,
    default: &'static str,
    doc: &'static str,
) -> Key {
    Key { name, type_name, default, doc, form }
}

/// The keys of the file itself.
pub const TOP: &[Key] = &[
    key(
        "extends",
        Form::EnvironmentName,
        "string",
        "none",
        "the environment to start from; it may extend another",
    ),
    key(
        "environment",
        Form::EnvironmentTable,
        "table",
        "",
        "settings of the environment and of all its hosts",
    ),
    key("hosts", Form::Hosts, "table of tables", "", "the hosts by name; at least one"),
    key(
        "components",
        Form::ComponentTables,
        "table of tables",
        "",
        "attributes of components on every host",
    ),
    key(
        "addresses",
        Form::Addresses,
        "table",
        "",
        "which addresses names need, and addresses that win over the resolver",
    ),
    key(
        "rollout",
        Form::Rollouts,
        "table of tables",
        "",
        "components that are rolled over their hosts, a few hosts at a time",
    ),
];

/// The keys that `[environment]` and `[hosts.NAME]` have in common.
pub const SHARED: &[Key] = &[
    key(
        "connect",
        Form::Connect,
        "`\"ssh\"` or `\"local\"`",
        "`\"ssh\"`",
        "how the host is reached: over SSH, or it is this machine",
    ),
    key("user", Form::Word, "string", "what ssh_config says", "the login; only with `\"ssh\"`"),
    key(
        "service_user",
        Form::Word,
        "string",
        "the user who deploys",
        "converge as this user, through `sudo -n`",
    ),
    key("sudo", Form::Boolean, "boolean", "`false`", "converge as root; not beside `service_user`"),
    key(
        "target_directory",
        Form::Directory,
        "directory",
        "`\"~/deployment\"`",
        "where deployments lie on the host",
    ),
    key("platform", Form::Word, "string", "none", "what variants of components go by"),
    key("jobs", Form::Count, "number from 1", "`4`", "how many roots converge at once on one host"),
    key(
        "timeout",
        Form::Timeout,
        "duration",
        "`\"10s\"`",
        "how long opening a connection may take; only with `\"ssh\"`",
    ),
    key("port", Form::Port, "1 to 65535", "what ssh_config says", "the port; only with `\"ssh\"`"),
    key(
        "ssh_config",
        Form::File,
        "path in the project, or from `/` or `~/`",
        "the user's own",
        "another ssh_config; only with `\"ssh\"`",
    ),
    key(
        "store",
        Form::Directory,
        "directory",
        "`\"~/.cache/togusa\"`",
        "where the host keeps the agent and assets",
    ),
    key(
        "target",
        Form::Word,
        "string",
        "found out",
        "the target triple of the binary that is pushed; only with `\"ssh\"`",
    ),
    key(
        "sandbox",
        Form::Directory,
        "directory",
        "none",
        "absolute targets of components are put below it",
    ),
];

/// The keys of `[environment]` alone.
pub const ENVIRONMENT: &[Key] = &[
    key(
        "keep_connections",
        Form::Duration,
        "duration",
        "`\"10m\"` on a terminal, else `\"0s\"`",
        "how long SSH connections are kept for the next command; `\"0s\"`: as long as the run",
    ),
    key(
        "confirm",
        Form::Boolean,
        "boolean",
        "`false`",
        "`deploy` shows the plan and asks for the environment's name",
    ),
    key(
        "require_clean",
        Form::Boolean,
        "boolean",
        "`false`",
        "`deploy` refuses a git tree that is not committed and pushed",
    ),
];

/// The keys of `[hosts.NAME]` alone; `remove` is read before the others.
pub const HOST: &[Key] = &[
    key(
        "components",
        Form::Components,
        "array of strings",
        "none",
        "the roots: `\"name\"`, `\"name:feature:feature\"`, `\"!name\"`",
    ),
    key(
        "address",
        Form::Address,
        "name or address",
        "the host's name",
        "what others, and ssh, reach the host by",
    ),
    key(
        "data",
        Form::FreeTable,
        "table",
        "empty",
        "free data that components and templates can read",
    ),
    key(
        "attributes",
        Form::ComponentTables,
        "table of tables",
        "none",
        "attributes of components on this host",
    ),
    key(
        "ignore",
        Form::Boolean,
        "boolean",
        "`false`",
        "the host stays in the model and is not converged",
    ),
    key("remove", Form::Boolean, "boolean", "`false`", "drops a host of the base"),
];

/// The keys of `[addresses]`.
pub const ADDRESSES: &[Key] = &[
    key(
        "require_v4",
        Form::Family,
        "boolean or `\"optional\"`",
        "`true`",
        "whether a name needs an IPv4 address; `false`: it gets none",
    ),
    key(
        "require_v6",
        Form::Family,
        "boolean or `\"optional\"`",
        "`\"optional\"`",
        "the same for IPv6",
    ),
];

/// The keys of `[rollout.NAME]`.
pub const ROLLOUT: &[Key] = &[
    key(
        "batch",
        Form::Batch,
        "number from 1, share, or array of these",
        "`1`",
        "how many instances are taken at once: the first batch, the second, …; the last one counts for \
         all that follow. A share is rounded down, to 1 at least",
    ),
    key(
        "minimum_up",
        Form::Amount,
        "number or share",
        "`1` where there are several",
        "how many instances must stay up; a share is rounded up",
    ),
    key(
        "max_failed",
        Form::Amount,
        "number or share",
        "`0`",
        "how many instances may fail before the rollout stops; a share is rounded down",
    ),
    key(
        "settle",
        Form::Duration,
        "duration",
        "`\"10s\"`",
        "how long an instance must have been healthy before it counts as done",
    ),
    key(
        "timeout",
        Form::Timeout,
        "duration",
        "`\"2m\"`",
        "how long an instance may take to become healthy",
    ),
    key(
        "confirm",
        Form::Canary,
        "`\"canary\"`",
        "none",
        "ask after the first batch whether to go on",
    ),
    key(
        "group",
        Form::Word,
        "string",
        "none",
        "the components of one group count together for `minimum_up`, and agree on it",
    ),
    key(
        "once",
        Form::Boolean,
        "boolean",
        "`false`",
        "converge on the first of its hosts alone, for all; no other key stands beside it",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::from_str;

    /// Every key, set to what none of them takes.
    fn refused(section: Section, header: &str) {
        for key in section.keys() {
            let text = format!("{header}\n{} = 1979-05-27", key.name);
            let problems = from_str("shop", "dev", &text).unwrap_err().to_string();
            let told = format!("key `{}`: ", key.name);
            assert!(problems.contains(&told), "{} of {section:?}: {problems}", key.name);
        }
    }

    #[test]
    fn every_key_is_read() {
        refused(Section::Top, "");
        refused(Section::Environment, "[environment]");
        refused(Section::Host, "[hosts.web]");
        refused(Section::Addresses, "[addresses]");
        refused(Section::Rollout, "[rollout.app]");
    }
}
