//! The pages, with their headings, links and fenced blocks.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use pulldown_cmark::{CodeBlockKind, Event, LinkType, Options, Parser, Tag, TagEnd};

use crate::root;

/// Where the pages of the book lie, relative to the repository.
pub const SOURCE: &str = "docs/src";

/// A page in Markdown.
#[derive(Clone, Debug)]
pub struct Page {
    /// Relative to the repository.
    pub path: String,
    /// The text.
    pub text: String,
    /// The names that links can lead to within the page.
    pub anchors: Vec<String>,
    /// Every link and image.
    pub links: Vec<Link>,
    /// Every fenced or indented block.
    pub blocks: Vec<Block>,
}

/// A link from a page.
#[derive(Clone, Debug)]
pub struct Link {
    /// The line, counted from 1.
    pub line: usize,
    /// Where it leads.
    pub to: String,
}

/// A block of code on a page.
#[derive(Clone, Debug)]
pub struct Block {
    /// The line of its fence, counted from 1.
    pub line: usize,
    /// The language, followed by its attributes; nothing for a block without one.
    pub tag: String,
    /// What a comment right before the block says of it: `file: PATH`, `cargo`.
    pub note: Option<String>,
    /// What stands in it.
    pub text: String,
}

impl Block {
    /// The language, without attributes.
    pub fn language(&self) -> &str {
        self.tag.split(',').next().unwrap_or_default()
    }

    /// The path that a comment before the block gives it.
    pub fn file(&self) -> Option<&str> {
        self.note.as_deref()?.strip_prefix("file:").map(str::trim)
    }
}

impl Page {
    /// Reads a page from a text.
    pub fn parse(path: impl Into<String>, text: impl Into<String>) -> Self {
        let mut reader = Reader::default();
        let text = text.into();
        let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
        for (event, range) in Parser::new_ext(&text, options).into_offset_iter() {
            let line = text[..range.start].matches('\n').count() + 1;
            reader.event(event, line);
        }
        let Reader { anchors, links, blocks, .. } = reader;
        Self { path: path.into(), text, anchors, links, blocks }
    }

    /// The blocks in a language.
    pub fn blocks_in<'a>(&'a self, language: &'a str) -> impl Iterator<Item = &'a Block> {
        self.blocks.iter().filter(move |block| block.language() == language)
    }

    /// The path relative to the directory of the pages; nothing for what is no page of the book.
    pub fn in_book(&self) -> Option<&str> {
        self.path.strip_prefix(SOURCE)?.strip_prefix('/')
    }
}

#[derive(Default)]
struct Reader {
    anchors: Vec<String>,
    links: Vec<Link>,
    blocks: Vec<Block>,
    seen: BTreeMap<String, usize>,
    heading: Option<String>,
    block: Option<Block>,
    note: Option<String>,
}

impl Reader {
    fn event(&mut self, event: Event<'_>, line: usize) {
        match event {
            Event::Start(Tag::Heading { .. }) => self.heading = Some(String::new()),
            Event::End(TagEnd::Heading(_)) => {
                let heading = self.heading.take().unwrap_or_default();
                self.anchor(&heading);
            }
            Event::Start(Tag::Link { link_type: LinkType::Email, .. }) => {}
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                self.links.push(Link { line, to: dest_url.into_string() });
            }
            Event::Start(Tag::CodeBlock(kind)) => {
                let tag = match kind {
                    CodeBlockKind::Fenced(tag) => tag.into_string(),
                    CodeBlockKind::Indented => String::new(),
                };
                self.block = Some(Block { line, tag, note: self.note.take(), text: String::new() });
            }
            Event::End(TagEnd::CodeBlock) => self.blocks.extend(self.block.take()),
            Event::Text(text) | Event::Code(text) => {
                if let Some(block) = &mut self.block {
                    block.text.push_str(&text);
                } else if let Some(heading) = &mut self.heading {
                    heading.push_str(&text);
                }
                self.note = None;
            }
            Event::Html(html) => {
                let note =
                    html.trim().strip_prefix("<!--").and_then(|rest| rest.strip_suffix("-->"));
                self.note = note.map(|note| note.trim().to_owned());
            }
            _ => {}
        }
    }

    /// Adds the name of a heading, as the book and forges make it.
    fn anchor(&mut self, heading: &str) {
        let heading = heading.trim().to_lowercase();
        let name = heading.chars().filter_map(|c| match c {
            c if c.is_alphanumeric() || c == '_' || c == '-' => Some(c),
            c if c.is_whitespace() => Some('-'),
            _ => None,
        });
        let name: String = name.collect();
        let count = self.seen.entry(name.clone()).or_default();
        self.anchors.push(if *count == 0 { name } else { format!("{name}-{count}") });
        *count += 1;
    }
}

/// All pages of the book, sorted by path.
///
/// # Errors
/// A file cannot be read.
pub fn of_book() -> io::Result<Vec<Page>> {
    let mut paths = Vec::new();
    below(&root().join(SOURCE), &mut paths)?;
    paths.sort();
    paths.iter().map(|path| read(path)).collect()
}

/// The pages beside the book: what stands at the top of the repository and with the examples.
///
/// # Errors
/// A file cannot be read.
pub fn beside_book() -> io::Result<Vec<Page>> {
    let names = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"];
    let mut paths: Vec<_> = names.iter().map(|name| root().join(name)).collect();
    for example in root().join("examples").read_dir()? {
        let page = example?.path().join("README.md");
        if page.is_file() {
            paths.push(page);
        }
    }
    paths.sort();
    paths.iter().map(|path| read(path)).collect()
}

fn below(directory: &Path, paths: &mut Vec<std::path::PathBuf>) -> io::Result<()> {
    for entry in directory.read_dir()? {
        let path = entry?.path();
        if path.is_dir() {
            below(&path, paths)?;
        } else if path.extension().is_some_and(|extension| extension == "md") {
            paths.push(path);
        }
    }
    Ok(())
}

fn read(path: &Path) -> io::Result<Page> {
    let shown = path.strip_prefix(root()).unwrap_or(path).display().to_string();
    Ok(Page::parse(shown, std::fs::read_to_string(path)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# `[hosts.NAME]` and *more*\n\n## Same\n\n## Same\n\n[a](b.md#c) <d@e.f>\n\n\
                        <!-- file: a/b.toml -->\n```toml\nx = 1\n```\n\ntext\n\n```rust,no_run\n```\n\n    \
                        indented\n";

    #[test]
    fn headings_have_names_that_are_told_apart() {
        assert_eq!(Page::parse("p", TEXT).anchors, ["hostsname-and-more", "same", "same-1"]);
    }

    #[test]
    fn links_have_lines() {
        let links = Page::parse("p", TEXT).links;
        assert_eq!(links.len(), 1);
        assert_eq!((links[0].line, links[0].to.as_str()), (7, "b.md#c"));
    }

    #[test]
    fn blocks_have_a_language_and_what_is_said_right_before_them() {
        let page = Page::parse("p", TEXT);
        let told: Vec<_> = page
            .blocks
            .iter()
            .map(|block| (block.line, block.language(), block.file(), block.text.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                (10, "toml", Some("a/b.toml"), "x = 1\n"),
                (16, "rust", None, ""),
                (19, "", None, "indented\n")
            ]
        );
        assert_eq!(page.blocks[1].tag, "rust,no_run");
    }
}
