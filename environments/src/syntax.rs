//! What is not TOML, told so that the place of the mistake can be found.

use togusa_core::problem::{Problem, code};
use togusa_core::value::Origin;

use crate::source::Source;

/// Tells a syntax error with its place.
pub(crate) fn problem(error: &toml::de::Error, source: &Source<'_>) -> Problem {
    let span = error.span().unwrap_or(0..0);
    let place = Some(source.origin(span.start));
    let name = source.text.get(span.clone()).unwrap_or_default();
    if error.message() == "duplicate key" && !name.is_empty() {
        let name = name.trim_matches(['"', '\'']);
        let message = match first_place(source, span.start) {
            Some(first) => format!("`{name}` is written twice, first at {first}"),
            None => format!("`{name}` is written twice"),
        };
        return Problem::new(code::WRITTEN_TWICE, message)
            .at(place)
            .hint("remove or rename one of the two");
    }
    let message = match error.message() {
        // What the parser says where nothing follows the `=` at all.
        "string values must be quoted, expected literal string" if span.is_empty() => {
            "a value is missing"
        }
        message => message,
    };
    let problem = Problem::new(code::NOT_TOML, format!("not valid TOML: {message}")).at(place);
    if is_unquoted_range(source.line_at(span.start).1) {
        return problem.hint("quote a range of hosts, as in `[hosts.\"app[01-12]\"]`");
    }
    problem
}

/// Where the name that is repeated at `offset` was written first: the same header further up, or
/// the same name in the same section.
fn first_place(source: &Source<'_>, offset: usize) -> Option<Origin> {
    let (start, line) = source.line_at(offset);
    let mut earlier = source.lines_before(source.line_of(offset));
    if let Some((indent, path)) = header(line) {
        let in_path = offset.checked_sub(start + indent)?;
        let same = |(start, line)| {
            header(line).filter(|(_, earlier)| *earlier == path).map(|(indent, _)| start + indent)
        };
        return earlier.find_map(same).map(|found| source.origin(found + in_path));
    }
    let name = assigned(line)?;
    let (start, line) = earlier
        .take_while(|(_, line)| header(line).is_none())
        .find(|(_, line)| assigned(line) == Some(name))?;
    Some(source.origin(start + line.find(|c: char| !c.is_whitespace())?))
}

/// The path in a section's header, and where it starts in the line.
fn header(line: &str) -> Option<(usize, &str)> {
    if !line.trim_start().starts_with('[') {
        return None;
    }
    let code = line.split('#').next().unwrap_or(line);
    let (inside, _) = code.rsplit_once(']')?;
    let path = inside.trim_start_matches(|c: char| c == '[' || c.is_whitespace());
    Some((inside.len() - path.len(), path.trim_end_matches(']').trim_end()))
}

fn assigned(line: &str) -> Option<&str> {
    line.split_once('=').map(|(name, _)| name.trim())
}

fn is_unquoted_range(line: &str) -> bool {
    let Some(inner) = line.trim_start().strip_prefix("[hosts.") else { return false };
    inner.contains('[') && !inner.contains(['"', '\''])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::parse;

    fn check(text: &str) -> String {
        let mut problems = Vec::new();
        let table = parse(&Source::new("f", text), &mut problems);
        assert_eq!(table, None);
        togusa_core::problem::Problems::new(problems).to_string()
    }

    #[test]
    fn a_syntax_error_has_its_place() {
        assert_eq!(
            check("a = 1\n  b = oops\n"),
            "f:2:7: not valid TOML: string values must be quoted, expected literal string"
        );
    }

    #[test]
    fn several_syntax_errors_of_a_file_are_all_told() {
        assert_eq!(
            check("a = \nb = 1\nc = [1"),
            "f:1:5: not valid TOML: a value is missing\n\
             f:3:7: not valid TOML: unclosed array, expected `]`"
        );
    }

    #[test]
    fn a_host_that_is_written_twice_is_told_with_both_places() {
        assert_eq!(
            check("[hosts.web1]\n[hosts.web2]\n[ hosts.web1 ] # again\n"),
            "f:3:9: `web1` is written twice, first at f:1:8\n  \
             hint: remove or rename one of the two"
        );
    }

    #[test]
    fn a_key_that_is_written_twice_is_told_with_both_places() {
        assert_eq!(
            check("[a]\njobs = 0\n[b]\n  jobs = 1\nx = 2\njobs = 3"),
            "f:6:1: `jobs` is written twice, first at f:4:3\n  \
             hint: remove or rename one of the two"
        );
    }

    #[test]
    fn a_range_without_quotes_is_told_to_take_some() {
        assert_eq!(
            check("[hosts.app[01-12]]\n"),
            "f:1:11: not valid TOML: unclosed table, expected `]`\n  \
             hint: quote a range of hosts, as in `[hosts.\"app[01-12]\"]`"
        );
    }
}
