//! Facts of hosts as TOML, to be put into the environment that they are of.

use std::collections::BTreeMap;

use serde::Serialize;
use togusa_core::names::HostName;

use super::Answers;

#[derive(Serialize)]
struct Fragment<'a> {
    hosts: BTreeMap<&'a HostName, OfHost<'a>>,
}

#[derive(Serialize)]
struct OfHost<'a> {
    data: Facts<'a>,
}

/// The facts under the names that they have in templates, and addresses.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Facts<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    cores: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_mb: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    release: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hostname: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    architecture: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    addresses: &'a [String],
}

impl<'a> Facts<'a> {
    /// The facts among what a host said.
    pub(crate) fn of(answers: &'a Answers) -> Self {
        Self {
            cores: answers.cores,
            memory_mb: answers.memory_mb,
            release: answers.release.as_deref(),
            hostname: answers.hostname.as_deref(),
            architecture: answers.machine.as_deref(),
            addresses: &answers.addresses,
        }
    }
}

/// A table for each host, which may stand behind all else in an `environment.toml`.
pub(crate) fn fragment<'a>(
    hosts: impl IntoIterator<Item = (&'a HostName, &'a Answers)>,
) -> Result<String, toml::ser::Error> {
    let of_host = |(name, answers)| (name, OfHost { data: Facts::of(answers) });
    toml::to_string(&Fragment { hosts: hosts.into_iter().map(of_host).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_may_be_put_behind_an_environment() {
        let mut answers = Answers {
            cores: Some(4),
            memory_mb: Some(3900),
            release: Some("debian 12".into()),
            hostname: Some("a \"b\"".into()),
            machine: Some("x86_64".into()),
            addresses: vec!["10.0.0.1".into(), "fd00::1".into()],
            ..Answers::default()
        };
        let (one, other) = ("web1".into(), "web.2".into());
        let full = answers.clone();
        answers = Answers { cores: Some(1), ..Answers::default() };
        let text = fragment([(&one, &full), (&other, &answers)]).unwrap();
        insta::assert_snapshot!(text, @r#"
        [hosts."web.2".data]
        cores = 1

        [hosts.web1.data]
        cores = 4
        memory_mb = 3900
        release = "debian 12"
        hostname = 'a "b"'
        architecture = "x86_64"
        addresses = ["10.0.0.1", "fd00::1"]
        "#);

        let hosts = "[hosts.\"web[1-2]\"]\ndata = { rack = 'b4' }\n[hosts.'web.2']\n";
        let environment =
            togusa_environments::from_str("shop", "live", &format!("{hosts}\n{text}"));
        let environment = environment.unwrap();
        let data = |host: &str| format!("{:?}", environment.hosts[host].data);
        assert!(data("web1").contains("rack") && data("web1").contains("3900"), "{}", data("web1"));
        assert!(data("web.2").contains("cores"), "{}", data("web.2"));
    }
}
