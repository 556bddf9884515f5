//! The keys that an environment and a host have in common; the host's win.

use std::time::Duration;

use togusa_core::attributes::Reader;
use togusa_core::environment::{Connect, Host};
use togusa_core::names::HostName;

use super::keys::optional;
use super::words::{Count, Directory, File, Port, Timeout, Way, Word};

/// How many roots converge at once on a host that does not say.
const JOBS: usize = 4;
/// How long opening a connection may take where nothing is said.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Where deployments lie on a host that does not say.
const TARGET_DIRECTORY: &str = "~/deployment";

/// What is set of these keys on one level.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    connect: Option<Connect>,
    user: Option<String>,
    service_user: Option<String>,
    sudo: Option<bool>,
    target_directory: Option<String>,
    platform: Option<String>,
    jobs: Option<usize>,
    timeout: Option<Duration>,
    port: Option<u16>,
    ssh_config: Option<String>,
    store: Option<String>,
    target: Option<String>,
    sandbox: Option<String>,
}

impl Settings {
    /// Reads the keys from an environment's or a host's table.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Self {
        let mut word = |name| optional::<Word>(reader, name).map(|word| word.0);
        let (user, service_user) = (word("user"), word("service_user"));
        let (platform, target) = (word("platform"), word("target"));
        let mut directory = |name| optional::<Directory>(reader, name).map(|found| found.0);
        Self {
            user,
            service_user,
            platform,
            target,
            target_directory: directory("target_directory"),
            store: directory("store"),
            sandbox: directory("sandbox"),
            connect: optional::<Way>(reader, "connect").map(|way| way.0),
            sudo: optional(reader, "sudo"),
            jobs: optional::<Count>(reader, "jobs").map(|count| count.0),
            timeout: optional::<Timeout>(reader, "timeout").map(|timeout| timeout.0),
            port: optional::<Port>(reader, "port").map(|port| port.0),
            ssh_config: optional::<File>(reader, "ssh_config").map(|file| file.0),
        }
    }

    /// Takes what is not set here from the level below.
    pub(crate) fn over(self, below: &Settings) -> Self {
        // Either of the two answers as whom a host converges, so that one replaces both.
        let answered = self.service_user.is_some() || self.sudo == Some(true);
        let (service_user, sudo) = if answered {
            (self.service_user, self.sudo)
        } else {
            (below.service_user.clone(), self.sudo.or(below.sudo))
        };
        Self {
            service_user,
            sudo,
            connect: self.connect.or(below.connect),
            user: self.user.or_else(|| below.user.clone()),
            target_directory: self.target_directory.or_else(|| below.target_directory.clone()),
            platform: self.platform.or_else(|| below.platform.clone()),
            jobs: self.jobs.or(below.jobs),
            timeout: self.timeout.or(below.timeout),
            port: self.port.or(below.port),
            ssh_config: self.ssh_config.or_else(|| below.ssh_config.clone()),
            store: self.store.or_else(|| below.store.clone()),
            target: self.target.or_else(|| below.target.clone()),
            sandbox: self.sandbox.or_else(|| below.sandbox.clone()),
        }
    }

    /// A host with these settings and the defaults of what is not set.
    pub(crate) fn into_host(self, name: &str) -> Host {
        let base = self.target_directory.unwrap_or_else(|| TARGET_DIRECTORY.to_owned());
        Host {
            connect: self.connect.unwrap_or_default(),
            user: self.user,
            service_user: self.service_user,
            sudo: self.sudo.unwrap_or_default(),
            platform: self.platform,
            jobs: self.jobs.unwrap_or(JOBS),
            timeout: self.timeout.unwrap_or(TIMEOUT),
            port: self.port,
            ssh_config: self.ssh_config,
            store: self.store,
            target: self.target,
            sandbox: self.sandbox,
            ..Host::local(HostName::new(name), base)
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::tests::check;

    #[test]
    fn every_setting_is_inherited_from_the_environment_and_can_be_set_per_host() {
        assert_eq!(
            check(
                "[environment]\nconnect = 'ssh'\nuser = 'u'\nservice_user = 's'\n\
                 target_directory = '/srv/'\nplatform = 'debian'\njobs = 2\ntimeout = '20s'\nport = 22\n\
                 ssh_config = 'ssh config'\nstore = '~/s'\ntarget = 't-gnu'\nsandbox = '/sb'\n\
                 [hosts.a]\n[hosts.b]\nuser = 'v'\nsudo = true\ntarget_directory = '~'\n\
                 platform = 'alpine'\njobs = 9\ntimeout = '1m'\nport = 2222\nssh_config = 'other'\n\
                 store = '/s'\ntarget = 't-musl'\nsandbox = '~/sb'\n[hosts.c]\nconnect = 'local'"
            ),
            "a user=u service_user=s port=22 ssh_config=ssh config store=~/s target=t-gnu \
             sandbox=/sb platform=debian jobs=2 timeout=20s in=/srv/shop/dev\n\
             b user=v sudo=true port=2222 ssh_config=other store=/s target=t-musl sandbox=~/sb \
             platform=alpine jobs=9 timeout=60s in=~/shop/dev\n\
             c connect=local user=u service_user=s port=22 ssh_config=ssh config store=~/s \
             target=t-gnu sandbox=/sb platform=debian jobs=2 timeout=20s in=/srv/shop/dev"
        );
    }

    #[test]
    fn a_service_user_of_a_host_replaces_sudo_of_the_environment() {
        assert_eq!(
            check(
                "[environment]\nsudo = true\n[hosts.a]\nservice_user = 'x'\n[hosts.b]\n\
                 [hosts.c]\nsudo = false"
            ),
            "a service_user=x\nb sudo=true\nc"
        );
    }

    #[test]
    fn what_is_not_set_has_its_default() {
        let environment = crate::from_str("shop", "dev", "[hosts.a]").unwrap();
        let host = &environment.hosts["a"];
        assert_eq!((host.jobs, host.timeout.as_secs()), (4, 10));
        assert_eq!(host.target_directory, "~/deployment/shop/dev");
        assert_eq!(host.connect, togusa_core::environment::Connect::Ssh);
    }
}
