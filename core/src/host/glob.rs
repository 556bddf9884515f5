//! Finding paths by pattern.

use anyhow::{Context, Result};
use glob::{MatchOptions, Pattern};

use crate::host::Probe;
use crate::path::HostPath;

const OPTIONS: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

impl Probe<'_> {
    /// All that matches a pattern with `*`, `?`, `[…]` and `**`, sorted.
    ///
    /// A name that begins with a dot matches only where the pattern has that dot. A link is found as
    /// itself; what lies behind one is found only where the pattern spells the link's name out.
    ///
    /// # Errors
    /// The pattern is malformed, or a directory cannot be read.
    pub fn glob(&self, pattern: &HostPath) -> Result<Vec<HostPath>> {
        let text = pattern.as_str();
        let (start, below) = match text.strip_prefix('/') {
            Some(below) => ("/", below),
            None => ("~", text.strip_prefix('~').unwrap_or(text).trim_start_matches('/')),
        };
        let parts = below.split('/').filter(|part| !part.is_empty());
        let parts: Vec<Part> = parts
            .map(Part::new)
            .collect::<Result<_, _>>()
            .with_context(|| format!("`{text}` is no pattern for paths"))?;
        let mut found = Vec::new();
        self.find(HostPath::new(pattern.host(), start), &parts, &mut found)?;
        found.sort();
        found.dedup();
        Ok(found)
    }

    fn find(&self, at: HostPath, parts: &[Part], found: &mut Vec<HostPath>) -> Result<()> {
        let Some((part, rest)) = parts.split_first() else {
            found.push(at);
            return Ok(());
        };
        match part {
            Part::Name(name) => {
                let next = at.join(name);
                if self.entry(&next)?.is_some() {
                    self.find(next, rest, found)?;
                }
            }
            Part::Pattern(pattern) => {
                for name in self.names_if_directory(&at)? {
                    if pattern.matches_with(&name, OPTIONS) {
                        let next = at.join(&name);
                        if rest.is_empty() || self.is_real_directory(&next)? {
                            self.find(next, rest, found)?;
                        }
                    }
                }
            }
            Part::AnyDepth => {
                if !rest.is_empty() {
                    self.find(at.clone(), rest, found)?;
                }
                for name in self.names_if_directory(&at)? {
                    let next = at.join(&name);
                    if name.starts_with('.') {
                        continue;
                    }
                    if rest.is_empty() {
                        found.push(next.clone());
                    }
                    if self.is_real_directory(&next)? {
                        self.find(next, parts, found)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn names_if_directory(&self, path: &HostPath) -> Result<Vec<String>> {
        if self.leads_to_directory(path)? { self.list(path) } else { Ok(Vec::new()) }
    }

    fn is_real_directory(&self, path: &HostPath) -> Result<bool> {
        Ok(self.entry(path)?.is_some_and(|entry| entry.is_directory()))
    }
}

/// One name of a pattern for paths.
enum Part {
    Name(String),
    Pattern(Pattern),
    AnyDepth,
}

impl Part {
    fn new(text: &str) -> Result<Self, glob::PatternError> {
        if text == "**" {
            Ok(Self::AnyDepth)
        } else if text.contains(['*', '?', '[']) {
            Pattern::new(text).map(Self::Pattern)
        } else {
            Ok(Self::Name(text.to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use crate::host::site::tests::TestSite;

    fn found(test: &TestSite, pattern: &str) -> Vec<String> {
        let found = test.probe().glob(&test.path(pattern)).unwrap();
        found.iter().map(|path| path.as_str().trim_start_matches("~/").to_owned()).collect()
    }

    #[test]
    fn hidden_files_match_only_a_pattern_with_the_dot() {
        let test = TestSite::new();
        for name in ["b.conf", "a.conf", ".c.conf", "d.txt"] {
            fs::write(test.file(name), "").unwrap();
        }
        assert_eq!(found(&test, "*.conf"), ["a.conf", "b.conf"]);
        assert_eq!(found(&test, ".*.conf"), [".c.conf"]);
        assert_eq!(found(&test, "**"), ["a.conf", "b.conf", "d.txt"]);
        assert_eq!(found(&test, "d.txt"), ["d.txt"]);
        assert!(found(&test, "nothing").is_empty());
    }

    #[test]
    fn links_are_found_as_themselves_and_not_looked_into() {
        let test = TestSite::new();
        fs::create_dir_all(test.file("outside/below")).unwrap();
        fs::write(test.file("outside/precious"), "").unwrap();
        fs::create_dir_all(test.file("purged/real")).unwrap();
        fs::write(test.file("purged/real/x"), "").unwrap();
        symlink(test.file("outside"), test.file("purged/link")).unwrap();
        symlink("/nowhere", test.file("purged/dangling")).unwrap();

        assert_eq!(found(&test, "purged/*"), ["purged/dangling", "purged/link", "purged/real"]);
        assert_eq!(found(&test, "purged/*/*"), ["purged/real/x"]);
        assert_eq!(
            found(&test, "purged/**"),
            ["purged/dangling", "purged/link", "purged/real", "purged/real/x"]
        );
        assert_eq!(found(&test, "purged/link/pre*"), ["purged/link/precious"]);
    }

    #[test]
    fn a_malformed_pattern_is_an_error_that_shows_it() {
        let test = TestSite::new();
        let error = test.probe().glob(&test.path("a[")).unwrap_err();
        assert_eq!(error.to_string(), "`~/a[` is no pattern for paths");
    }
}
