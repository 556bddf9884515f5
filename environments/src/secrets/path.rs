//! Where a secret belongs in the environment.

use std::fmt;

use togusa_core::problem::{Problem, code};

const HINT: &str = "a secret is `components.NAME.ATTRIBUTE`, `hosts.NAME.attributes.COMPONENT.\
                    ATTRIBUTE`, `hosts.NAME.data.KEY` or `files.NAME`";

/// The section of whole files.
pub(crate) const FILES: &str = "files";

/// The path of a value: the keys that lead to it, from the top of the file.
///
/// It is written as TOML writes dotted keys, so that `components.app."a.b"` has three parts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretPath(Vec<String>);

impl SecretPath {
    /// Reads a path and checks that it leads to where a secret can be. The name of a file needs no
    /// quotes for its dots: `files.app.key` is the file `app.key`.
    ///
    /// # Errors
    /// It is not written as TOML's dotted keys, or leads elsewhere.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let Some(mut path) = Self::read(text) else {
            return Err(
                Problem::new(code::SECRET_PATH, format!("`{text}` is no path of keys")).hint(HINT)
            );
        };
        if path.0.first().is_some_and(|first| first == FILES) && path.0.len() > 2 {
            path = Self::new([FILES, &path.0[1..].join(".")]);
        }
        path.check()?;
        Ok(path)
    }

    /// Reads a path that may lead anywhere.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let keys = toml_edit::Key::parse(text).ok()?;
        Some(Self(keys.iter().map(|key| key.get().to_owned()).collect()))
    }

    pub(crate) fn new(parts: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self(parts.into_iter().map(Into::into).collect())
    }

    /// The keys from the top of the file.
    pub fn parts(&self) -> &[String] {
        &self.0
    }

    /// The path with one more key.
    pub(crate) fn join(&self, part: &str) -> Self {
        let mut parts = self.0.clone();
        parts.push(part.to_owned());
        Self(parts)
    }

    /// The name of the whole file that is meant, if one is.
    pub fn file(&self) -> Option<&str> {
        match self.0.as_slice() {
            [section, name] if section == FILES => Some(name),
            _ => None,
        }
    }

    /// Checks that an attribute, a datum of a host or a file is meant.
    ///
    /// # Errors
    /// It leads elsewhere.
    pub fn check(&self) -> Result<(), Problem> {
        let parts: Vec<&str> = self.0.iter().map(String::as_str).collect();
        match parts[..] {
            ["components", _, _, ..]
            | [FILES, _]
            | ["hosts", _, "data", _, ..]
            | ["hosts", _, "attributes", _, _, ..] => Ok(()),
            _ => Err(Problem::new(code::SECRET_PATH, format!("`{self}` is no place for a secret"))
                .hint(HINT)),
        }
    }

    /// The path as part of a file's name: what could lead elsewhere is `_`.
    pub(crate) fn file_stem(&self) -> String {
        let plain = |c: char| if c.is_alphanumeric() || "_-.".contains(c) { c } else { '_' };
        let stem: String = self.0.join(".").chars().map(plain).take(80).collect();
        stem.trim_start_matches('.').to_owned()
    }
}

impl fmt::Display for SecretPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, part) in self.0.iter().enumerate() {
            if number > 0 {
                f.write_str(".")?;
            }
            write!(f, "{}", toml_edit::Key::new(part))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn attributes_data_of_hosts_and_files_are_places_for_secrets() {
        for text in [
            "components.app.password",
            "components.app.tls.key",
            "hosts.web1.attributes.app.token",
            "hosts.\"app[01-12]\".data.key",
            "files.\"app.key\"",
        ] {
            assert!(SecretPath::parse(text).is_ok(), "{text}");
        }
        for text in [
            "",
            "a",
            "components.app",
            "hosts.web1.address",
            "encryption.public_key",
            "a b",
            "files",
        ] {
            assert!(SecretPath::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn dots_in_the_name_of_a_file_need_no_quotes() {
        for text in ["files.app.key", "files.\"app.key\""] {
            let path = SecretPath::parse(text).unwrap();
            assert_eq!(path.file(), Some("app.key"), "{text}");
            assert_eq!(path.to_string(), "files.\"app.key\"");
        }
        assert_eq!(SecretPath::parse("components.files.key").unwrap().file(), None);
    }

    #[test]
    fn a_name_of_a_file_leads_nowhere_else() {
        let path = SecretPath::new(["..", "/etc", "a b"]);
        assert_eq!(path.file_stem(), "_etc.a_b");
    }

    proptest! {
        #[test]
        fn a_path_that_is_shown_can_be_read_again(
            parts in prop::collection::vec("(?s).{0,8}", 1..5)
        ) {
            let path = SecretPath::new(parts);
            prop_assert_eq!(SecretPath::read(&path.to_string()), Some(path));
        }
    }
}
