//! References to images.

use std::fmt;

use togusa_core::fault;
use togusa_core::prelude::*;
use togusa_core::problem::code;

/// A reference to an image in the short form by which Docker tells it: without the registry that
/// is its default, and with the tag that it takes if there is none.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Reference {
    pub(super) repository: String,
    pub(super) version: Version,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Version {
    Tag(String),
    /// With its algorithm.
    Digest(String),
}

impl Reference {
    /// Reads what an author wrote, or Docker tells; `None` of what is no reference.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (named, digest) = match text.split_once('@') {
            Some((named, digest)) => (named, Some(digest)),
            None => (text, None),
        };
        // A colon before a slash belongs to a port.
        let (repository, tag) = match named.rsplit_once(':') {
            Some((repository, tag)) if !tag.contains('/') => (repository, Some(tag)),
            _ => (named, None),
        };
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
        let part = |part: &str| {
            let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
            ends(part.chars().next()) && ends(part.chars().last()) && part.chars().all(plain)
        };
        let mut parts: Vec<_> = repository.split('/').collect();
        let registry = (parts.len() > 1 && is_registry(parts[0])).then(|| parts.remove(0));
        let of_host = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
        let is_tag = |tag: &str| {
            let usual = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
            !tag.is_empty()
                && !tag.starts_with(['.', '-'])
                && tag.len() <= 128
                && tag.chars().all(usual)
        };
        let is_digest = |digest: &str| {
            let hex = digest.strip_prefix("sha256:");
            let digit = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
            hex.is_some_and(|hex| hex.len() == 64 && hex.chars().all(digit))
        };
        let sound = parts.iter().all(|it| part(it))
            && registry.is_none_or(|registry| registry.chars().all(of_host))
            && tag.is_none_or(is_tag)
            && digest.is_none_or(is_digest);
        if !sound {
            return None;
        }
        let registry = registry.filter(|it| !["docker.io", "index.docker.io"].contains(it));
        if registry.is_none() && parts.len() == 2 && parts[0] == "library" {
            parts.remove(0);
        }
        let repository = registry.into_iter().chain(parts).collect::<Vec<_>>().join("/");
        let version = match digest {
            Some(digest) => Version::Digest(digest.to_owned()),
            None => Version::Tag(tag.unwrap_or("latest").to_owned()),
        };
        Some(Self { repository, version })
    }

    /// What an author wrote, or an error that says what it should look like.
    pub(super) fn checked(text: &str) -> Result<Self> {
        Self::parse(text)
            .ok_or_else(|| fault!(code::NOT_A_NAME, "`{text}` cannot be the name of an image"))
            .hint("write `nginx:1.27`, `registry.example.org/team/app:v3`, or `nginx@sha256:…`")
    }
}

/// Whether the first part of a name tells a registry rather than an owner.
fn is_registry(part: &str) -> bool {
    part == "localhost" || part.contains(['.', ':'])
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.version {
            Version::Tag(tag) => write!(f, "{}:{tag}", self.repository),
            Version::Digest(digest) => write!(f, "{}@{digest}", self.repository),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_ways_to_write_an_image_are_one() {
        let digest = format!("sha256:{}", "0a".repeat(32));
        for (text, short) in [
            ("nginx", "nginx:latest"),
            ("docker.io/library/nginx", "nginx:latest"),
            ("docker.io/nginx:1.27", "nginx:1.27"),
            ("library/nginx:1", "nginx:1"),
            ("team/app:V3", "team/app:V3"),
            ("localhost:5000/box", "localhost:5000/box:latest"),
            ("registry.example.org/library/x:1", "registry.example.org/library/x:1"),
        ] {
            assert_eq!(Reference::parse(text).map(|it| it.to_string()).as_deref(), Some(short));
        }
        let pinned = Reference::parse(&format!("nginx:1.27@{digest}")).unwrap();
        assert_eq!(pinned.to_string(), format!("nginx@{digest}"));
        for text in ["", "Nginx", "a b", "-x", "nginx:", "nginx:a b", "a//b", "x@sha256:12", "a/"] {
            assert_eq!(Reference::parse(text), None, "{text}");
        }
    }
}
