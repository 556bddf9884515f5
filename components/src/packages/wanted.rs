//! Packages as components name them.

/// A package as it was named: `nginx`, or `nginx=1.22.1-9`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) name: String,
    pub(super) version: Option<String>,
}

impl Wanted {
    pub(super) fn parse(text: &str) -> Self {
        match text.split_once('=') {
            Some((name, version)) => {
                Self { name: name.to_owned(), version: Some(version.to_owned()) }
            }
            None => Self { name: text.to_owned(), version: None },
        }
    }

    /// Name and version, with what stands between them.
    pub(super) fn joined(&self, by: &str) -> String {
        let version = self.version.iter().map(|version| format!("{by}{version}"));
        format!("{}{}", self.name, version.collect::<String>())
    }
}
