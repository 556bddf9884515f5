//! Patterns for the names that a component leaves alone.

use glob::{MatchOptions, Pattern};
use togusa_core::fault::CodeExt as _;
use togusa_core::prelude::*;
use togusa_core::problem::code;

const OPTIONS: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: false,
};

/// Patterns with `*`, `?`, `[…]` and `**`: one without `/` means a name at any depth.
#[derive(Clone, Debug, Default)]
pub(crate) struct Globs {
    texts: Vec<String>,
}

impl Globs {
    pub(crate) fn push(&mut self, text: impl Into<String>) {
        self.texts.push(text.into());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// Reads the patterns.
    pub(crate) fn parse(&self) -> Result<Parsed> {
        let parse = |text: &String| Ok((parse(text)?, text.contains('/')));
        Ok(Parsed { patterns: self.texts.iter().map(parse).collect::<Result<_>>()? })
    }
}

/// Reads one pattern.
pub(crate) fn parse(text: &str) -> Result<Pattern> {
    Pattern::new(text).with_context(|| format!("`{text}` is no pattern")).code(code::OPTION_VALUE)
}

/// Patterns that were read.
#[derive(Debug)]
pub(crate) struct Parsed {
    patterns: Vec<(Pattern, bool)>,
}

impl Parsed {
    pub(crate) fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Whether a pattern matches the path, or a directory that it lies in.
    pub(crate) fn match_path(&self, path: &str) -> bool {
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        ends.map(|end| &path[..end]).any(|path| self.match_itself(path))
    }

    fn match_itself(&self, path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        self.patterns
            .iter()
            .any(|(pattern, whole)| pattern.matches_with(if *whole { path } else { name }, OPTIONS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_matches_at_any_depth_and_a_path_as_a_whole() {
        let mut globs = Globs::default();
        for text in ["*.bak", ".git", "docs/*.md", "build/**"] {
            globs.push(text);
        }
        let parsed = globs.parse().unwrap();
        for path in ["a.bak", "x/a.bak", ".git", "x/.git/config", "docs/a.md", "build/a/b"] {
            assert!(parsed.match_path(path), "{path}");
        }
        for path in ["a.bak2", "docs/x/a.md", "x/docs/a.md", "builds", "git"] {
            assert!(!parsed.match_path(path), "{path}");
        }
    }

    #[test]
    fn a_malformed_pattern_is_named() {
        let mut globs = Globs::default();
        globs.push("a[");
        assert_eq!(globs.parse().unwrap_err().to_string(), "`a[` is no pattern");
    }
}
