//! The registry in `main.rs`: which components it names, and how one more is added to it.
//!
//! It is found by its text. What stands there otherwise than `togusa new` writes it is left alone.

/// The longest chain that stands on one line, as rustfmt has it.
const CHAIN: usize = 60;

const START: &str = "Registry::new()";

/// The chain of calls that makes the registry.
#[derive(Debug, PartialEq, Eq)]
pub struct Registration<'a> {
    text: &'a str,
    /// Where the chain begins.
    start: usize,
    /// The calls of `with`, each with the blanks before it.
    calls: Vec<&'a str>,
}

impl<'a> Registration<'a> {
    /// Finds the registry in the text of a program; `None` if there is none, or more than one.
    pub fn find(text: &'a str) -> Option<Self> {
        let code = without_words(text);
        let mut starts = code.match_indices(START).map(|(at, _)| at);
        let start = starts.next()?;
        if starts.next().is_some() {
            return None;
        }
        let mut calls = Vec::new();
        let mut at = start + START.len();
        while let Some(length) = call(&code[at..]) {
            calls.push(&text[at..at + length]);
            at += length;
        }
        Some(Self { text, start, calls })
    }

    /// The names of the components.
    pub fn names(&self) -> Vec<&'a str> {
        self.calls.iter().filter_map(|call| call.split('"').nth(1)).collect()
    }

    /// The text with one more component.
    pub fn with(&self, call: &str) -> String {
        let end = self.start + START.len() + self.calls.iter().map(|it| it.len()).sum::<usize>();
        let calls = self.calls.iter().map(|it| it.trim()).chain([call]);
        let indent = self.calls.iter().rev().find_map(|it| {
            let before = it.split(".with").next()?;
            Some(&before[before.rfind('\n')?..])
        });
        let length: usize = START.len() + calls.clone().map(str::len).sum::<usize>();
        let chain = if let Some(indent) = indent {
            format!("{}{indent}{call}", &self.text[self.start..end])
        } else if length <= CHAIN {
            format!("{}{call}", &self.text[self.start..end])
        } else {
            let line = self.text[..self.start].rsplit('\n').next().unwrap_or_default();
            let indent = line.len() - line.trim_start().len() + 4;
            let lines = calls.map(|call| format!("\n{:indent$}{call}", ""));
            START.to_owned() + &lines.collect::<String>()
        };
        format!("{}{chain}{}", &self.text[..self.start], &self.text[end..])
    }
}

/// The length of a call of `with` that the code begins with.
fn call(code: &str) -> Option<usize> {
    let word = code.trim_start();
    let rest = word.strip_prefix(".with::<")?;
    let mut depth = 1;
    let generic = rest.find(|c| {
        depth += match c {
            '<' => 1,
            '>' => -1,
            _ => 0,
        };
        depth == 0
    })?;
    let arguments = rest[generic + 1..].strip_prefix('(')?;
    let close = arguments.find([')', '('])?;
    if arguments[close..].starts_with('(') {
        return None;
    }
    Some(code.len() - arguments.len() + close + 1)
}

/// The code with blanks in place of comments and texts, each character where it was.
fn without_words(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if first == '"' {
            end_of_text(rest)
        } else {
            code.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        };
        code.extend(rest[..length].bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
        rest = &rest[length..];
    }
    code
}

/// The length of a text in quotes.
fn end_of_text(rest: &str) -> usize {
    let mut is_escaped = false;
    let inside = rest[1..].bytes().position(|byte| {
        let ends = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        ends
    });
    inside.map_or(rest.len(), |end| end + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALL: &str = ".with::<shop_web::Web>(\"web\")";

    fn with(text: &str) -> String {
        Registration::find(text).unwrap().with(CALL)
    }

    #[test]
    fn a_short_chain_stays_on_its_line_and_a_long_one_is_broken() {
        let text = "    let registry = Registry::new();\n";
        assert_eq!(with(text), format!("    let registry = Registry::new(){CALL};\n"));
        let text =
            "    let registry = Registry::new().with::<shop_app::App>(\"app\");\n    run()\n";
        insta::assert_snapshot!(with(text), @r#"
            let registry = Registry::new()
                .with::<shop_app::App>("app")
                .with::<shop_web::Web>("web");
            run()
        "#);
    }

    #[test]
    fn a_chain_of_lines_gets_one_more() {
        let text =
            "Registry::new()\n        .with::<A>(\"a\") // first\n        .with::<b::B<C>>(\"b\");";
        assert_eq!(Registration::find(text).unwrap().names(), ["a", "b"]);
        insta::assert_snapshot!(with(text), @r#"
        Registry::new()
                .with::<A>("a") // first
                .with::<b::B<C>>("b")
                .with::<shop_web::Web>("web");
        "#);
    }

    #[test]
    fn comments_and_texts_are_no_registry() {
        let text = "//! `Registry::new()`\n/* Registry::new() */\nlet a = \"\\\"Registry::new()\";\n\
                    let b = Registry::new().with::<A>(NAME);";
        let found = Registration::find(text).unwrap();
        assert_eq!(found.calls, [".with::<A>(NAME)"]);
        assert!(found.names().is_empty());
        assert_eq!(without_words(text).len(), text.len());
    }

    #[test]
    fn none_and_several_are_left_alone() {
        assert_eq!(Registration::find("fn main() { run(registry()) }"), None);
        assert_eq!(Registration::find("Registry::new(); Registry::new();"), None);
    }

    #[test]
    fn a_call_of_another_kind_ends_the_chain() {
        let text = "Registry::new().with::<A>(\"a\").also(1).with::<B>(\"b\")";
        let found = Registration::find(text).unwrap();
        assert_eq!(found.names(), ["a"]);
        assert!(found.with(CALL).contains(&format!("(\"a\"){CALL}.also(1)")));
    }
}
