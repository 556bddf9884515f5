//! Every code of an error is raised somewhere.

use super::workspace::{Finding, Source};

/// Where the codes are declared.
const TABLE: &str = "core/src/problem/code.rs";

const REMEDY: &str = "remove the code and its page, or raise it where that cause is found";

/// Finds codes that no source raises; those of tests do not count.
pub fn check(sources: &[Source]) -> Vec<Finding> {
    let table = sources.iter().find(|source| source.path == TABLE);
    let table = table.unwrap_or_else(|| panic!("`{TABLE}` is gone"));
    let raising: Vec<_> = sources.iter().filter_map(raising).collect();
    let findings = declared(table).into_iter().filter_map(|(number, name)| {
        let wanted = format!("code::{name}");
        let raises =
            |text: &&str| text.match_indices(&wanted).any(|(at, _)| ends(text, at + wanted.len()));
        let is_raised = raising.iter().any(raises);
        (!is_raised).then(|| table.finding(number, format!("`{name}` is raised nowhere"), REMEDY))
    });
    findings.collect()
}

/// The codes and the lines that declare them: a number, a name and words.
fn declared(table: &Source) -> Vec<(usize, String)> {
    let names = table.lines().filter_map(|(number, line)| {
        let mut words = line.split_whitespace();
        let is_row = words.next()?.bytes().all(|byte| byte.is_ascii_digit());
        let name = words.next().filter(|name| !name.starts_with('"'))?;
        (is_row && line.trim_end().ends_with("\",")).then(|| (number, name.to_owned()))
    });
    names.collect()
}

/// The part of a source that is no test, of crates that raise errors.
fn raising(source: &Source) -> Option<&str> {
    let path = source.path.as_str();
    let crates = ["core/src/", "environments/src/", "components/src/", "cli/src/"];
    let is_test = path.contains("/tests/") || path.ends_with("tests.rs");
    let counts = crates.iter().any(|folder| path.starts_with(folder));
    (counts && source.is_rust() && !is_test).then(|| {
        source
            .text
            .split_once("#[cfg(test)]\nmod ")
            .map_or(source.text.as_str(), |(before, _)| before)
    })
}

fn ends(text: &str, at: usize) -> bool {
    !text[at..].starts_with(|next: char| next.is_ascii_alphanumeric() || next == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source { path: path.into(), text: text.into() }
    }

    #[test]
    fn a_code_that_only_tests_raise_is_found() {
        let sources = [
            source(
                TABLE,
                "codes! {\n    0 \"Area\" {\n        1 ODD \"It is odd\",\n        2 ODD_TOO \"So is it\",\n    }\n}\n",
            ),
            source(
                "cli/src/a.rs",
                "fail!(code::ODD_TOO, \"odd\");\n#[cfg(test)]\nmod tests { code::ODD }\n",
            ),
            source("cli/src/a/tests.rs", "code::ODD\n"),
        ];
        let found = check(&sources);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].line, found[0].wrong.as_str()), (3, "`ODD` is raised nowhere"));
    }
}
