//! What a fenced block must be, by its language.
//!
//! A language that pages are to use gets a row in [`LANGUAGES`], and a file of its own where its check
//! is longer than a few lines.

mod shell;
mod toml;

use std::str::FromStr as _;

use crate::Finding;
use crate::pages::{Block, Page};

/// A language that blocks may have.
#[derive(Clone, Copy)]
pub struct Language {
    /// The name behind the fence.
    pub name: &'static str,
    /// What may follow the name, after a comma.
    pub attributes: &'static [&'static str],
    /// What is wrong with a block, and in which of its lines.
    check: fn(&Block, &Page) -> Vec<Mistake>,
}

/// What is wrong in a line of a block, counted from 0.
struct Mistake {
    line: usize,
    wrong: String,
}

impl Mistake {
    fn of_block(wrong: impl Into<String>) -> Self {
        Self { line: 0, wrong: wrong.into() }
    }
}

const fn language(name: &'static str, check: fn(&Block, &Page) -> Vec<Mistake>) -> Language {
    Language { name, attributes: &[], check }
}

/// All languages.
pub const LANGUAGES: &[Language] = &[
    // Compiled and run by rustdoc, see `doctests`.
    Language {
        name: "rust",
        attributes: &["compile_fail", "ignore", "no_run", "should_panic"],
        check: |block, _| ignored(block),
    },
    Language { name: "toml", attributes: &["faulty"], check: toml::check },
    language("json", |block, _| json(block)),
    language("jinja", |block, _| jinja(block)),
    language("yaml", |block, _| yaml(block)),
    language("sh", |block, _| shell::script(block)),
    language("console", |block, _| shell::session(block)),
    // Programs of others, and what is no program.
    language("python", |_, _| Vec::new()),
    language("text", |_, _| Vec::new()),
];

/// Finds blocks that are not what their language says.
pub fn check(page: &Page) -> Vec<Finding> {
    let mut findings = Vec::new();
    for block in &page.blocks {
        for Mistake { line, wrong } in mistakes(block, page) {
            // The first line of a block is the one after its fence.
            let line = block.line + 1 + line;
            findings.push(Finding { path: page.path.clone(), line, wrong });
        }
    }
    findings
}

fn mistakes(block: &Block, page: &Page) -> Vec<Mistake> {
    let Some(language) = LANGUAGES.iter().find(|language| language.name == block.language()) else {
        let names: Vec<_> = LANGUAGES.iter().map(|language| language.name).collect();
        let wrong = match block.language() {
            "" => "the block has no language".to_owned(),
            other => format!("nothing checks a block in `{other}`"),
        };
        return vec![Mistake::of_block(format!("{wrong}; known are `{}`", names.join("`, `")))];
    };
    let attributes = block.tag.split(',').skip(1);
    let unknown = attributes.filter(|name| !language.attributes.contains(name));
    let unknown: Vec<_> = unknown
        .map(|name| {
            let known = match language.attributes {
                [] => "takes none".to_owned(),
                known => format!("takes `{}`", known.join("`, `")),
            };
            Mistake::of_block(format!("unknown attribute `{name}`: `{}` {known}", language.name))
        })
        .collect();
    if unknown.is_empty() { (language.check)(block, page) } else { unknown }
}

/// What rustdoc leaves alone is a file of a project that a test builds.
fn ignored(block: &Block) -> Vec<Mistake> {
    let is_ignored = block.tag.split(',').any(|attribute| attribute == "ignore");
    if is_ignored && block.file().is_none() {
        let wrong =
            "`ignore` is for a file of the tutorial: `<!-- file: PATH -->` before the block";
        return vec![Mistake::of_block(wrong)];
    }
    Vec::new()
}

/// One value, or one in each line.
fn json(block: &Block) -> Vec<Mistake> {
    let parse = serde_json::from_str::<serde_json::Value>;
    if parse(&block.text).is_ok() {
        return Vec::new();
    }
    let lines = block.text.lines().enumerate();
    let wrong = lines.filter_map(|(line, text)| {
        let error = parse(text).err()?;
        Some(Mistake { line, wrong: format!("not valid JSON: {error}") })
    });
    wrong.collect()
}

/// A template that can be compiled.
fn jinja(block: &Block) -> Vec<Mistake> {
    match minijinja::Environment::new().template_from_str(&block.text) {
        Ok(_) => Vec::new(),
        Err(error) => {
            let line = error.line().unwrap_or(1).saturating_sub(1);
            vec![Mistake { line, wrong: format!("not a template: {error}") }]
        }
    }
}

fn yaml(block: &Block) -> Vec<Mistake> {
    match yaml_edit::YamlFile::from_str(&block.text) {
        Ok(_) => Vec::new(),
        Err(error) => vec![Mistake::of_block(format!("not valid YAML: {error}"))],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is wrong with a page, without its name.
    pub(super) fn found(text: &str) -> Vec<String> {
        let findings = check(&Page::parse("p", text));
        findings.iter().map(|finding| format!("{}: {}", finding.line, finding.wrong)).collect()
    }

    #[test]
    fn a_block_has_a_language_that_is_checked() {
        let known =
            "known are `rust`, `toml`, `json`, `jinja`, `yaml`, `sh`, `console`, `python`, `text`";
        assert_eq!(
            found("```\na\n```\n\n```perl\n```\n\n    indented\n"),
            [
                format!("2: the block has no language; {known}"),
                format!("6: nothing checks a block in `perl`; {known}"),
                format!("9: the block has no language; {known}"),
            ]
        );
    }

    #[test]
    fn rust_takes_attributes_of_rustdoc_but_for_ignore() {
        assert_eq!(found("```rust\n```\n```rust,no_run\n```\n"), [""; 0]);
        assert_eq!(
            found("```rust,ignore\n```\n```sh,no_run\n```\n"),
            [
                "2: unknown attribute `ignore`: `rust` takes `compile_fail`, `no_run`, `should_panic`",
                "4: unknown attribute `no_run`: `sh` takes none"
            ]
        );
    }

    #[test]
    fn json_is_one_value_or_one_in_each_line() {
        assert_eq!(found("```json\n{\n\"a\": 1\n}\n```\n```json\n{}\n[]\n```\n"), [""; 0]);
        assert_eq!(
            found("```json\n{}\n{]\n```\n"),
            ["3: not valid JSON: key must be a string at line 1 column 2"]
        );
    }

    #[test]
    fn templates_compile() {
        assert_eq!(found("```jinja\n{% for a in b %}{{ a.c }}{% endfor %}\n```\n"), [""; 0]);
        let wrong = found("```jinja\nfine\n{% for a in b %}\n```\n");
        assert!(wrong[0].starts_with("3: not a template: "), "{wrong:?}");
    }

    #[test]
    fn yaml_can_be_read() {
        assert_eq!(found("```yaml\n- a: { b: c }\n  d: |\n      e\n```\n"), [""; 0]);
        let wrong = found("```yaml\na: [b\nc: }\n```\n");
        assert!(wrong.len() == 1 && wrong[0].starts_with("2: not valid YAML: "), "{wrong:?}");
    }
}
