//! What names an artifact.

use std::fmt;

use togusa_core::digest::Digest;
use togusa_core::fault;
use togusa_core::prelude::*;
use togusa_core::problem::code;

/// An artifact of a registry, by its digest.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reference {
    /// The host of the registry, with its port.
    pub(super) registry: String,
    pub(super) name: String,
    pub(super) digest: Digest,
}

impl Reference {
    /// Reads `REGISTRY/NAME@sha256:…`; a tag before the `@` says nothing beside the digest.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let wrong = |what: &str, hint: &str| {
            let text = text.escape_debug();
            Err(fault!(code::ARTIFACT_REFERENCE, "`{text}` {what}")).hint(hint)
        };
        let by_digest = "name it as `registry.example.org/name@sha256:…`; `oras resolve` or \
                         `docker buildx imagetools inspect` tell the digest of a tag";
        let Some((named, digest)) = text.split_once("@sha256:") else {
            return wrong("names no artifact by its SHA-256 digest", by_digest);
        };
        let Ok(digest) = digest.parse() else {
            return wrong("has no SHA-256 digest behind its `@`", by_digest);
        };
        let named = named.strip_prefix("oci://").unwrap_or(named);
        let (registry, name) = named.split_once('/').unwrap_or(("", named));
        let is_host = registry.contains(['.', ':']) || registry == "localhost";
        let host = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
        if !is_host || registry.starts_with('-') || !registry.bytes().all(host) {
            let hint = "begin with the host of the registry, such as `docker.io/library/NAME` or \
                        `ghcr.io/OWNER/NAME`";
            return wrong("names no registry", hint);
        }
        // A colon behind the last part begins a tag.
        let name = name.rsplit_once(':').map_or(name, |(name, _)| name);
        let part = |part: &str| {
            let plain = |byte: u8| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte)
            };
            !part.is_empty() && !part.starts_with('.') && part.bytes().all(plain)
        };
        if !name.split('/').all(part) {
            return wrong("has no name of an artifact", "names are of small letters and digits");
        }
        Ok(Self { registry: registry.to_owned(), name: name.to_owned(), digest })
    }

    /// The address below which a registry has what is named so.
    pub(super) fn address(&self, plain_http: bool) -> String {
        let scheme = if plain_http { "http" } else { "https" };
        // The one registry whose host is not its name.
        let host = match self.registry.as_str() {
            "docker.io" => "registry-1.docker.io",
            registry => registry,
        };
        format!("{scheme}://{host}/v2/{}", self.name)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { registry, name, digest } = self;
        write!(f, "{registry}/{name}@sha256:{}", digest.short())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUM: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    #[test]
    fn a_reference_is_a_registry_a_name_and_a_digest() {
        for (text, address, shown) in [
            ("ghcr.io/o/tool", "https://ghcr.io/v2/o/tool", "ghcr.io/o/tool"),
            ("oci://h:5000/tool:1.2", "https://h:5000/v2/tool", "h:5000/tool"),
            (
                "docker.io/library/x",
                "https://registry-1.docker.io/v2/library/x",
                "docker.io/library/x",
            ),
        ] {
            let reference = Reference::parse(&format!("{text}@sha256:{SUM}")).unwrap();
            assert_eq!(reference.address(false), address);
            assert_eq!(reference.to_string(), format!("{shown}@sha256:{}", &SUM[..12]));
        }
        let local = Reference::parse(&format!("localhost/x@sha256:{SUM}")).unwrap();
        assert_eq!(local.address(true), "http://localhost/v2/x");
    }

    #[test]
    fn what_names_none_is_refused() {
        for (text, says) in [
            ("ghcr.io/o/tool:1.2".to_owned(), "names no artifact by its SHA-256 digest"),
            ("ghcr.io/o/tool@sha256:12".to_owned(), "has no SHA-256 digest behind its `@`"),
            (format!("tool@sha256:{SUM}"), "names no registry"),
            (format!("library/tool@sha256:{SUM}"), "names no registry"),
            (format!("u@h.org/tool@sha256:{SUM}"), "names no registry"),
            (format!("h.org/../tool@sha256:{SUM}"), "has no name of an artifact"),
            (format!("h.org/Tool@sha256:{SUM}"), "has no name of an artifact"),
        ] {
            let error = format!("{:#}", Reference::parse(&text).unwrap_err());
            assert!(error.contains(says), "{error}");
        }
    }
}
