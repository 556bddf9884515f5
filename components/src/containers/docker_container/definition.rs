//! What a container is made from.

use std::collections::{BTreeMap, BTreeSet};

use togusa_core::digest::Digest;
use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::{demand, fault};

use super::LABEL;
use super::state::State;
use crate::containers::docker::{Pairs, pair_args, pair_changes};
use crate::containers::reference::Reference;
use crate::file::Text;
use crate::location::Location;

/// All that makes a container another one.
#[derive(Debug)]
pub(super) struct Definition {
    pub(super) image: String,
    pub(super) command: Option<Vec<String>>,
    pub(super) entrypoint: Option<String>,
    pub(super) env: BTreeMap<String, Text>,
    pub(super) ports: Vec<String>,
    pub(super) mounts: Vec<Mount>,
    pub(super) networks: Vec<String>,
    pub(super) restart: String,
    pub(super) user: Option<String>,
    pub(super) directory: Option<String>,
    pub(super) hostname: Option<String>,
    pub(super) labels: Pairs,
    pub(super) options: Vec<String>,
}

/// Something that lies in a container from outside.
#[derive(Debug)]
pub(super) struct Mount {
    source: Source,
    target: String,
    read_only: bool,
}

#[derive(Debug)]
pub(super) enum Source {
    Volume(String),
    Given(Location),
    Path(HostPath),
}

impl Default for Definition {
    fn default() -> Self {
        Self {
            image: String::new(),
            command: None,
            entrypoint: None,
            env: BTreeMap::new(),
            ports: Vec::new(),
            mounts: Vec::new(),
            networks: Vec::new(),
            restart: "unless-stopped".into(),
            user: None,
            directory: None,
            hostname: None,
            labels: Pairs::new(),
            options: Vec::new(),
        }
    }
}

impl Mount {
    pub(super) fn new(source: Source, target: String, read_only: bool) -> Self {
        Self { source, target, read_only }
    }

    pub(super) fn resolve(&mut self, scope: &Scope<'_>) -> Result {
        if let Source::Given(location) = &self.source {
            self.source = Source::Path(location.resolve(scope)?);
        }
        // Docker reads it as a line of CSV.
        let odd = |text: &str| text.is_empty() || text.contains([',', '"', '\n']);
        let (what, source) = match &self.source {
            Source::Volume(name) => ("volume", name.as_str()),
            Source::Path(path) => ("path", path.as_str()),
            Source::Given(location) => ("path", location.as_str()),
        };
        demand!(!odd(source), code::OPTION_VALUE, "the {what} `{source}` cannot be put into it");
        let target = &self.target;
        demand!(
            target.starts_with('/') && !odd(target),
            code::OPTION_VALUE,
            "`{target}` is no place in a container: it is an absolute path without commas"
        );
        Ok(())
    }

    fn source(&self, probe: &Probe<'_>) -> String {
        match &self.source {
            Source::Volume(name) => name.clone(),
            Source::Path(path) => probe.local(path).to_string_lossy().into_owned(),
            Source::Given(location) => location.as_str().to_owned(),
        }
    }

    /// As it is told of one that is there.
    fn told(&self, probe: &Probe<'_>) -> String {
        let read_only = if self.read_only { " read-only" } else { "" };
        format!("{} on {}{read_only}", self.source(probe), self.target)
    }

    fn argument(&self, probe: &Probe<'_>) -> String {
        let kind = if matches!(self.source, Source::Volume(_)) { "volume" } else { "bind" };
        let read_only = if self.read_only { ",readonly" } else { "" };
        format!("type={kind},source={},target={}{read_only}", self.source(probe), self.target)
    }
}

/// A port as Docker tells it, always with its protocol: `8080:80/tcp`.
pub(super) fn port(text: &str) -> Result<String> {
    let error = || fault!(code::ADDRESS_FORM, "`{text}` is no port that a container can publish");
    let hint = "write `8080:80`, `127.0.0.1:8080:80` or `53:53/udp`: first that of the host";
    let read = || {
        let (ports, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
        let (outside, inside) = ports.rsplit_once(':')?;
        let (ip, outside) = match outside.rsplit_once(':') {
            Some((ip, outside)) => (Some(ip), outside),
            None => (None, outside),
        };
        let number = |text: &str| text.parse::<u16>().ok().filter(|number| *number > 0);
        let plain = ip.map(|ip| ip.trim_start_matches('[').trim_end_matches(']'));
        let address = plain.map(|ip| ip.parse::<std::net::IpAddr>().ok());
        let sound = address.is_none_or(|address| address.is_some())
            && ["tcp", "udp", "sctp"].contains(&protocol);
        let (outside, inside) = (number(outside)?, number(inside)?);
        let ip = match address.flatten() {
            Some(ip) if ip.to_string() == "0.0.0.0" => String::new(),
            Some(std::net::IpAddr::V6(ip)) => format!("[{ip}]:"),
            Some(ip) => format!("{ip}:"),
            None => String::new(),
        };
        sound.then(|| format!("{ip}{outside}:{inside}/{protocol}"))
    };
    read().ok_or_else(error).hint(hint)
}

fn words(words: &[String]) -> String {
    if words.is_empty() { "none".into() } else { words.join(" ") }
}

fn listed<'a>(all: impl IntoIterator<Item = &'a (impl AsRef<str> + ?Sized + 'a)>) -> String {
    let all: Vec<_> = all.into_iter().map(AsRef::as_ref).collect();
    if all.is_empty() { "none".into() } else { all.join(", ") }
}

/// The first digits of the id of an image.
fn short(id: &str) -> &str {
    let id = id.strip_prefix("sha256:").unwrap_or(id);
    id.get(..12).unwrap_or(id)
}

impl Definition {
    /// The digest of all but the values of variables, for they may be secret.
    pub(super) fn digest(&self, probe: &Probe<'_>) -> String {
        let names: Vec<_> = self.env.keys().collect();
        let text = format!("{names:?} {:?}", self.arguments(probe));
        Digest::of(text.as_bytes()).to_string()
    }

    /// The arguments of `docker create` that do not name it.
    pub(super) fn arguments(&self, probe: &Probe<'_>) -> Vec<String> {
        let mut args = vec!["--restart".to_owned(), self.restart.clone()];
        for port in &self.ports {
            args.extend(["--publish".into(), port.clone()]);
        }
        for mount in &self.mounts {
            args.extend(["--mount".into(), mount.argument(probe)]);
        }
        let network = self.networks.first();
        for (option, value) in [
            ("--network", network),
            ("--user", self.user.as_ref()),
            ("--workdir", self.directory.as_ref()),
            ("--hostname", self.hostname.as_ref()),
            ("--entrypoint", self.entrypoint.as_ref()),
        ] {
            args.extend(value.into_iter().flat_map(|value| [option.to_owned(), value.clone()]));
        }
        args.extend(pair_args("--label", &self.labels));
        args.extend(self.options.iter().cloned());
        args.push(self.image.clone());
        args.extend(self.command.iter().flatten().cloned());
        args
    }

    /// Every difference between a container and this; `id` is that of the image that the name leads
    /// to now.
    pub(super) fn changes(
        &self,
        probe: &Probe<'_>,
        present: &State,
        id: Option<&str>,
    ) -> Result<Vec<Change>> {
        let mut changes = Vec::new();
        let mut compare = |what: &str, present: String, wanted: String| {
            if present != wanted {
                changes.push(Change::property(what, present, wanted));
            }
        };
        let config = &present.config;
        let (wanted, there) = (Reference::checked(&self.image)?, Reference::parse(&config.image));
        if there.as_ref() != Some(&wanted) {
            compare("image", config.image.clone(), self.image.clone());
        } else if let Some(id) = id {
            compare("image", short(&present.image).into(), short(id).into());
        }
        if let Some(command) = &self.command {
            compare("command", words(config.cmd.as_deref().unwrap_or_default()), words(command));
        }
        if let Some(program) = &self.entrypoint {
            compare(
                "entrypoint",
                words(config.entrypoint.as_deref().unwrap_or_default()),
                program.clone(),
            );
        }
        let ports: BTreeSet<_> = self.ports.iter().cloned().collect();
        compare("ports", listed(&present.ports()), listed(&ports));
        let mounts: BTreeSet<_> = self.mounts.iter().map(|it| it.told(probe)).collect();
        compare("mounts", listed(&present.mounts()), listed(&mounts));
        let networks: BTreeSet<_> = self.networks.iter().map(String::as_str).collect();
        let networks = if networks.is_empty() { ["bridge"].into() } else { networks };
        compare("networks", listed(present.networks()), listed(networks));
        compare("restart", present.restart(), self.restart.clone());
        for (what, there, wanted) in [
            ("user", &config.user, &self.user),
            ("directory", &config.working_dir, &self.directory),
            ("hostname", &config.hostname, &self.hostname),
        ] {
            if let Some(wanted) = wanted {
                compare(what, there.clone(), wanted.clone());
            }
        }
        changes.extend(pair_changes("label", config.labels.as_ref(), &self.labels));
        for (name, value) in &self.env {
            // A value that was there may be a secret that nobody knows by now.
            match present.variable(name) {
                Some(there) if there.as_bytes() == value.bytes() => {}
                Some(_) => changes.push(format!("variable `{name}` has another value").into()),
                None => changes.push(Change::create(format!("variable `{name}`"))),
            }
        }
        let digest = self.digest(probe);
        let there = present.label(LABEL);
        if changes.is_empty() && there != Some(&digest) {
            let there = there.map_or("unknown", |there| short(there));
            changes.push(Change::property("definition", there, short(&digest)));
        }
        Ok(changes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_read_as_docker_tells_it() {
        for (text, told) in [
            ("8080:80", "8080:80/tcp"),
            ("0.0.0.0:8080:80", "8080:80/tcp"),
            ("127.0.0.1:53:53/udp", "127.0.0.1:53:53/udp"),
            ("[::1]:8080:80", "[::1]:8080:80/tcp"),
        ] {
            assert_eq!(port(text).unwrap(), told);
        }
        for text in ["80", "", "a:b", "8080:0", "8080:80/icmp", "here:1:2", "1-2:3-4"] {
            assert!(port(text).is_err(), "{text}");
        }
    }
}
