//! The clients of ACME that are known, and what they leave on the disk.

use std::time::Duration;

use togusa_core::prelude::*;

use crate::foreign;

/// How long a client may take: an authority lets it wait, and asks back.
const TIMEOUT: Duration = Duration::from_secs(10 * 60);

/// A program that speaks ACME.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Client {
    Certbot,
    Lego,
}

/// Where a client keeps one certificate.
#[derive(Debug)]
pub(super) struct Places {
    /// With its chain.
    pub(super) certificate: HostPath,
    pub(super) key: HostPath,
    /// Where both can be in one file.
    pub(super) combined: HostPath,
    /// What tells which authority it is of.
    pub(super) record: HostPath,
    /// The directories on the way that the client makes for itself alone.
    pub(super) closed: Vec<HostPath>,
    /// A pattern of all keys that lie in these.
    pub(super) keys: HostPath,
    /// What certbot takes for one certificate: all of it must fit together.
    pub(super) lineage: Vec<HostPath>,
    /// All that there is of it.
    pub(super) all: Vec<HostPath>,
}

impl Client {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Certbot => "certbot",
            Self::Lego => "lego",
        }
    }

    /// The directory that is used unless another is named.
    pub(super) fn directory(self) -> &'static str {
        match self {
            Self::Certbot => "/etc/letsencrypt",
            Self::Lego => "/etc/lego",
        }
    }

    /// The variable that names whom to trust as the authority.
    pub(super) fn trust(self) -> &'static str {
        match self {
            Self::Certbot => "REQUESTS_CA_BUNDLE",
            Self::Lego => "LEGO_CA_CERTIFICATES",
        }
    }

    /// The client, before it is told anything.
    pub(super) fn program(self) -> Exec {
        foreign::program(self.name()).timeout(TIMEOUT)
    }

    pub(super) fn places(self, directory: &HostPath, name: &str) -> Places {
        let escaped = HostPath::new(directory.host(), glob::Pattern::escape(directory.as_str()));
        match self {
            Self::Certbot => {
                let [live, archive] = ["live", "archive"].map(|below| directory.join(below));
                let record = directory.join(format!("renewal/{name}.conf"));
                let combined = directory.join(format!("combined/{name}.pem"));
                Places {
                    certificate: live.join(name).join("fullchain.pem"),
                    key: live.join(name).join("privkey.pem"),
                    lineage: vec![record.clone(), live.join(name), archive.join(name)],
                    // A record without the rest makes certbot choose another name.
                    all: vec![
                        record.clone(),
                        live.join(name),
                        archive.join(name),
                        combined.clone(),
                    ],
                    combined,
                    record,
                    keys: escaped.join("archive/*/privkey*.pem"),
                    closed: vec![directory.clone(), live, archive],
                }
            }
            Self::Lego => {
                let within = directory.join("certificates");
                let file = |kind: &str| within.join(format!("{name}.{kind}"));
                Places {
                    certificate: file("crt"),
                    key: file("key"),
                    // As its option `--pem` has it.
                    combined: file("pem"),
                    record: file("json"),
                    lineage: Vec::new(),
                    all: ["crt", "key", "issuer.crt", "json", "pem"].map(file).to_vec(),
                    keys: escaped.join("certificates/*.key"),
                    closed: vec![directory.clone(), within],
                }
            }
        }
    }

    /// The authority that a record tells of; certbot by its address, lego by its host and port, which
    /// is all that lego itself tells authorities apart by.
    pub(super) fn recorded(self, record: &str) -> Option<String> {
        match self {
            Self::Certbot => record.lines().find_map(|line| {
                let (name, value) = line.split_once('=')?;
                (name.trim() == "server").then(|| value.trim().to_owned())
            }),
            Self::Lego => {
                let (_, rest) = record.split_once("\"certUrl\"")?;
                rest.split('"').nth(1).map(|url| self.known_by(url))
            }
        }
    }

    /// What an authority is recorded by.
    pub(super) fn known_by(self, url: &str) -> String {
        match self {
            Self::Certbot => url.to_owned(),
            Self::Lego => url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/"),
        }
    }

    /// The least record with which certbot takes a certificate for its own.
    pub(super) fn least_record(self, directory: &str, name: &str) -> Option<String> {
        let file = |kind: &str| format!("{kind} = {directory}/live/{name}/{kind}.pem\n");
        (self == Self::Certbot).then(|| {
            let files: String = ["cert", "privkey", "chain", "fullchain"].map(file).concat();
            format!("archive_dir = {directory}/archive/{name}\n{files}[renewalparams]\n")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_authority_is_found_in_what_clients_leave() {
        // certbot 2.1.0 and lego 4.9.1, of a certificate from pebble 2.4.0.
        let record = "# renew_before_expiry = 30 days\nversion = 2.1.0\n\n[renewalparams]\n\
                      key_type = ecdsa\nserver = https://localhost:14000/dir\n";
        let told = Client::Certbot.recorded(record);
        assert_eq!(told.as_deref(), Some("https://localhost:14000/dir"));
        assert_eq!(Client::Certbot.recorded("version = 2.1.0\n"), None);
        let record = "{\n\t\"domain\": \"shop.test\",\n\t\"certUrl\": \
                      \"https://localhost:14000/certZ/208f1c67b308dd86\",\n\t\"certStableUrl\": \
                      \"https://localhost:14000/certZ/208f1c67b308dd86\"\n}";
        let told = Client::Lego.recorded(record);
        assert_eq!(told, Some(Client::Lego.known_by("https://localhost:14000/dir")));
        assert_eq!(told.as_deref(), Some("https://localhost:14000"));
        assert_eq!(Client::Lego.recorded("{}"), None);
    }
}
