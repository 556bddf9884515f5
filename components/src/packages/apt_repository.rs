//! Sources of packages.

use std::borrow::Cow;
use std::fmt::Write as _;

use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::{demand, fault};

use super::apt::Refresh;
use crate::{Directory, File, Purge};

/// A source of packages for apt, with the key that signs them.
///
/// It is a file `/etc/apt/sources.list.d/NAME.sources` in the form of deb822, and one with the key
/// below `/etc/apt/keyrings`, which is trusted for this source alone. Whenever one of them changes,
/// the index of this source is fetched, at once and not only when a package is needed.
///
/// | attribute | default |
/// |---|---|
/// | `uri` | none: it must be given |
/// | `suite` | none: it must be given; `./` for a source without suites |
/// | `components` | `main`; none for a suite that ends with `/` |
/// | `types` | `deb` |
/// | `architectures` | all that the host has |
/// | `key` or `key_source` | none: apt refuses the source, unless a key of the system signs it |
/// | `trusted` | no: what no key signs is refused |
///
/// `verify` reads both files. `update` writes them and runs `apt-get update` for this source; an
/// address that cannot be reached, or a wrong key, is an error. It needs root, and apt 2.1 or later.
///
/// **Needs**: root; `apt-get`.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     scope.add(
///         AptRepository::new("postgresql")
///             .uri("https://apt.postgresql.org/pub/repos/apt")
///             .suite("bookworm-pgdg")
///             .key_source("postgresql.asc"),
///     );
///     scope.add(Apt::new("postgresql-17"));
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct AptRepository {
    name: String,
    uris: Vec<String>,
    suites: Vec<String>,
    components: Option<Vec<String>>,
    types: Vec<String>,
    architectures: Vec<String>,
    key: Option<Key>,
    trusted: bool,
    absent: bool,
}

/// The key that signs a source.
#[derive(Debug)]
enum Key {
    Text(String),
    Source(String),
}

impl AptRepository {
    /// A source; its name is the one of its files.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            uris: Vec::new(),
            suites: Vec::new(),
            components: None,
            types: vec!["deb".into()],
            architectures: Vec::new(),
            key: None,
            trusted: false,
            absent: false,
        }
    }

    /// Adds an address.
    #[must_use]
    pub fn uri(mut self, uri: impl Into<String>) -> Self {
        self.uris.push(uri.into());
        self
    }

    /// Adds a suite: `bookworm`, `stable`, or `./`.
    #[must_use]
    pub fn suite(mut self, name: impl Into<String>) -> Self {
        self.suites.push(name.into());
        self
    }

    /// Sets the components.
    #[must_use]
    pub fn components(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.components = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Sets the types: `deb`, `deb-src`.
    #[must_use]
    pub fn types(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.types = names.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the architectures: `amd64`.
    #[must_use]
    pub fn architectures(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.architectures = names.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the key, as text that begins with `-----BEGIN PGP PUBLIC KEY BLOCK-----`.
    #[must_use]
    pub fn key(mut self, armored: impl Into<String>) -> Self {
        self.key = Some(Key::Text(armored.into()));
        self
    }

    /// Sets the key to an asset: a text in a file `.asc`, or one in binary form in a file `.gpg`.
    #[must_use]
    pub fn key_source(mut self, name: impl Into<String>) -> Self {
        self.key = Some(Key::Source(name.into()));
        self
    }

    /// Takes packages that no key signs. Whoever is on the way to the source can put others in their
    /// place.
    #[must_use]
    pub fn trusted(mut self) -> Self {
        self.trusted = true;
        self
    }

    /// Removes the source; what was installed from it stays.
    #[must_use]
    pub fn absent(mut self) -> Self {
        self.absent = true;
        self
    }

    fn check(&self) -> Result {
        let name = &self.name;
        let is_name = !name.is_empty()
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
            && !name.starts_with('.');
        demand!(
            is_name,
            code::NOT_A_NAME,
            "`{name}` cannot be the name of a source: letters, digits, `-_.`"
        );
        if self.absent {
            return Ok(());
        }
        demand!(!self.uris.is_empty(), code::OPTION_MISSING, "the source has no `.uri(…)`");
        demand!(!self.suites.is_empty(), code::OPTION_MISSING, "the source has no `.suite(…)`");
        let words = [&self.uris, &self.suites, &self.types, &self.architectures];
        for word in words.into_iter().flatten().chain(self.components.iter().flatten()) {
            let is_word = !word.is_empty() && !word.contains(char::is_whitespace);
            demand!(
                is_word,
                code::OPTION_VALUE,
                "`{word}` cannot stand in a source of packages: it is not one word"
            );
        }
        for uri in &self.uris {
            let host = uri.split_once("://").map_or("", |(_, rest)| rest);
            let host = host.split('/').next().unwrap_or_default();
            if host.rsplit_once('@').is_some_and(|(user, _)| user.contains(':')) {
                return Err(fault!(
                    code::PASSWORD_IN_URL,
                    "an address holds a password, which all users could read"
                ))
                .hint("put it into a private `File` below `/etc/apt/auth.conf.d`");
            }
        }
        match &self.key {
            Some(Key::Text(text)) if !text.trim_start().starts_with("-----BEGIN PGP") => {
                Err(fault!(code::APT_KEY, "the key is no text that begins with `-----BEGIN PGP`"))
                    .hint("put a key in binary form into a file and give `.key_source(\"….gpg\")`")
            }
            Some(Key::Source(name)) if !name.ends_with(".gpg") && !name.ends_with(".asc") => {
                Err(fault!(code::APT_KEY, "apt does not read a key from a file like `{name}`"))
                    .hint("name it `.asc` if it is a text, and `.gpg` if it is not")
            }
            _ => Ok(()),
        }
    }

    /// The file with the key, if there is one.
    fn add_key(&self, scope: &mut Scope<'_>) -> Option<HostPath> {
        let suffix = match &self.key {
            Some(Key::Source(name)) if name.ends_with(".gpg") => "gpg",
            Some(_) => "asc",
            None => return None,
        };
        scope.add(Directory::new("/etc/apt/keyrings").leading_directories());
        let file = File::new(format!("/etc/apt/keyrings/{}.{suffix}", self.name)).mode(0o644);
        let file = match &self.key {
            Some(Key::Source(name)) if suffix == "gpg" => file.source(name).binary(),
            Some(Key::Source(name)) => file.source(name).verbatim(),
            Some(Key::Text(text)) => file.content(text),
            None => return None,
        };
        Some(scope.add(file).path().clone())
    }

    /// The file of the source, but for its key.
    fn sources(&self) -> String {
        let flat = self.suites.iter().all(|suite| suite.ends_with('/'));
        let main = if flat { Vec::new() } else { vec!["main".to_owned()] };
        let components = self.components.as_ref().unwrap_or(&main);
        let mut text = String::new();
        for (field, words) in [
            ("Types", &self.types),
            ("URIs", &self.uris),
            ("Suites", &self.suites),
            ("Components", components),
            ("Architectures", &self.architectures),
        ] {
            if !words.is_empty() {
                // Writing to a text cannot fail.
                let _ = writeln!(text, "{field}: {}", words.join(" "));
            }
        }
        if self.trusted {
            text.push_str("Trusted: yes\n");
        }
        text
    }
}

impl Component for AptRepository {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some((&*self.name).into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        self.check()?;
        let path = format!("/etc/apt/sources.list.d/{}.sources", self.name);
        if self.absent {
            scope.add(Purge::new(path));
            for suffix in ["asc", "gpg"] {
                scope.add(Purge::new(format!("/etc/apt/keyrings/{}.{suffix}", self.name)));
            }
            scope.on_any_change().add(Refresh { sources: None });
            return Ok(());
        }
        let key = self.add_key(scope);
        let file = File::new(path).mode(0o644);
        let file = match key {
            Some(key) => {
                let text = "{{ sources }}Signed-By: {{ key }}\n";
                file.inline_template(text, context! { sources => self.sources(), key => key })
            }
            None => file.content(self.sources()),
        };
        let sources = scope.add(file).path().clone();
        scope.on_any_change().add(Refresh { sources: Some(sources) });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_with_a_password_is_refused_and_not_shown() {
        let check = |uri: &str| AptRepository::new("x").uri(uri).suite("s").check();
        assert!(check("https://a.org:80/x").is_ok() && check("file:/srv/a:b@c").is_ok());
        let error = format!("{:#}", check("https://me:hunter2@a.org/x").unwrap_err());
        assert!(error.contains("holds a password") && !error.contains("hunter2"), "{error}");
    }
}
