//! Documentation of Rust as Markdown of the book.

use std::collections::BTreeMap;

use super::source::Group;

/// Where each component is described.
pub(super) struct Pages(BTreeMap<String, String>);

impl Pages {
    /// The pages of these groups.
    pub(super) fn of(groups: &[Group]) -> Self {
        let mut pages = BTreeMap::new();
        for group in groups {
            let page = group.feature.as_deref().unwrap_or("files");
            for kind in &group.kinds {
                let anchor = kind.name.to_lowercase();
                pages.insert(kind.name.clone(), format!("{page}.md#{anchor}"));
            }
        }
        Self(pages)
    }

    /// A whole documentation: its headings go below the given level, its examples are Rust, and what
    /// it links to within the code becomes a link to a component, or words.
    pub(super) fn document(&self, doc: &str, level: usize) -> String {
        let mut text = String::new();
        // A link may be broken over two lines, so that prose is read as a whole.
        let mut prose = String::new();
        let mut in_block = false;
        for line in doc.lines() {
            let fence = line.trim_start().starts_with("```");
            if !fence && !in_block {
                let below = if line.starts_with('#') { "#".repeat(level) } else { String::new() };
                prose += &format!("{below}{line}\n");
                continue;
            }
            text += &self.linked(&std::mem::take(&mut prose));
            text += if line.trim() == "```" && !in_block { "```rust" } else { line };
            text.push('\n');
            in_block ^= fence;
        }
        text += &self.linked(&prose);
        text.trim_end().to_owned()
    }

    /// A paragraph as one line.
    pub(super) fn line(&self, doc: &str) -> String {
        self.linked(doc).replace('|', "\\|")
    }

    fn linked(&self, text: &str) -> String {
        let mut linked = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('[') {
            linked += &rest[..at];
            rest = &rest[at + 1..];
            let Some(end) = rest.find(']') else {
                linked.push('[');
                continue;
            };
            let (words, after) = (&rest[..end], &rest[end + 1..]);
            let target = after.strip_prefix('(').and_then(|after| after.split_once(')'));
            match target {
                Some((target, after)) if is_path(target) => {
                    linked += &self.leading(words);
                    rest = after;
                }
                None if is_code(words) => {
                    linked += &self.leading(words);
                    rest = after;
                }
                _ => linked.push('['),
            }
        }
        linked + rest
    }

    /// The words of a link into the code, leading to a component's section where they name one.
    fn leading(&self, words: &str) -> String {
        match self.0.get(words.trim_matches('`')) {
            Some(page) => format!("[{words}]({page})"),
            None => words.to_owned(),
        }
    }
}

/// A documentation without links into the code, on one line.
pub(super) fn plain(doc: &str) -> String {
    let doc = doc.split_whitespace().collect::<Vec<_>>().join(" ");
    Pages(BTreeMap::new()).linked(&doc)
}

/// Whether a link leads into code: `Self::new`, `super::User`, `mod@line`.
fn is_path(target: &str) -> bool {
    let url = target.contains('/') || target.contains('#') || target.contains(".md");
    !url && !target.is_empty()
}

fn is_code(words: &str) -> bool {
    words.len() > 2 && words.starts_with('`') && words.ends_with('`') && !words.contains('\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages() -> Pages {
        Pages([("User".to_owned(), "accounts.md#user".to_owned())].into())
    }

    #[test]
    fn links_into_the_code_become_links_to_components_or_words() {
        for (doc, text) in [
            (
                "see [`User`] and [`User`](super::User)",
                "see [`User`](accounts.md#user) and [`User`](accounts.md#user)",
            ),
            ("by [`content`](Self::content), [module](super)", "by `content`, module"),
            ("an [age](https://a.org/b) a[1] `[x]`", "an [age](https://a.org/b) a[1] `[x]`"),
            ("a [`two\nlines`](Self::x) b", "a `two\nlines` b"),
        ] {
            assert_eq!(pages().document(doc, 1), text);
        }
    }

    #[test]
    fn examples_are_rust_and_left_alone() {
        let doc = "# A\n\n```\nlet a = b[`c`](d);\n```\n```text\n```";
        assert_eq!(
            pages().document(doc, 2),
            "### A\n\n```rust\nlet a = b[`c`](d);\n```\n```text\n```"
        );
    }
}
