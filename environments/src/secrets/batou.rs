//! Reads a batou `secrets.cfg` in clear.

use togusa_core::problem::{Problem, Problems, code};
use togusa_core::value::Origin;
use zeroize::Zeroizing;

use super::path::SecretPath;

/// The values of a `secrets.cfg`, in its order.
///
/// `[component]` and `[component:NAME]` become attributes, `[host:NAME]` data of the host, without
/// the `data-` before the name. `[batou]`, which lists members, is left out: their keys are added by
/// `secrets add`.
///
/// # Errors
/// Every line that is neither a section, nor a value, nor a comment; `name` names the text.
pub fn read(name: &str, text: &str) -> Result<Vec<(SecretPath, Zeroizing<String>)>, Problems> {
    let mut reader = Reader { name, problems: Vec::new(), values: Vec::new() };
    let mut section: Option<Section> = None;
    let mut open: Option<(String, Vec<&str>, u32)> = None;
    for (line, number) in text.lines().zip(1..) {
        let is_comment = line.starts_with(['#', ';']);
        if is_comment {
            continue;
        }
        let blank = line.trim().is_empty();
        if let Some((_, lines, _)) = open.as_mut()
            && (blank || line.starts_with([' ', '\t']))
        {
            lines.push(line);
            continue;
        }
        if blank {
            continue;
        }
        reader.close(section.as_ref(), open.take());
        if let Some(header) =
            line.trim_end().strip_prefix('[').and_then(|rest| rest.strip_suffix(']'))
        {
            section = Some(Section::of(header));
        } else if let Some(at) = line.find(['=', ':']) {
            open = Some((line[..at].trim().to_owned(), vec![&line[at + 1..]], number));
        } else {
            reader.refuse(number, "neither a section, nor `name = value`, nor a comment");
        }
    }
    reader.close(section.as_ref(), open);
    if reader.problems.is_empty() { Ok(reader.values) } else { Err(Problems::new(reader.problems)) }
}

enum Section {
    Members,
    Host(String),
    Component(String),
}

impl Section {
    fn of(header: &str) -> Self {
        match header.split_once(':') {
            Some(("host", name)) => Self::Host(name.to_owned()),
            Some(("component", name)) => Self::Component(name.to_owned()),
            _ if header == "batou" => Self::Members,
            _ => Self::Component(header.to_owned()),
        }
    }
}

struct Reader<'a> {
    name: &'a str,
    problems: Vec<Problem>,
    values: Vec<(SecretPath, Zeroizing<String>)>,
}

impl Reader<'_> {
    fn refuse(&mut self, line: u32, message: impl Into<String>) {
        let origin = Origin { file: self.name.to_owned(), line, column: 1 };
        self.problems.push(Problem::new(code::BATOU_SECRETS, message).at(Some(origin)));
    }

    /// Ends a value: its lines without their indent, and without empty ones at the end.
    fn close(&mut self, section: Option<&Section>, open: Option<(String, Vec<&str>, u32)>) {
        let Some((name, lines, number)) = open else { return };
        let path = match section {
            Some(Section::Members) => return,
            Some(Section::Host(host)) => {
                let key = name.strip_prefix("data-").unwrap_or(&name);
                SecretPath::new(["hosts", host, "data", key])
            }
            Some(Section::Component(component)) => {
                SecretPath::new(["components", component, &name])
            }
            None => return self.refuse(number, "a value before the first section"),
        };
        if self.values.iter().any(|(known, _)| *known == path) {
            return self.refuse(number, format!("`{path}` is set twice"));
        }
        let mut value =
            Zeroizing::new(String::with_capacity(lines.iter().map(|l| l.len() + 1).sum()));
        for (index, line) in lines.iter().enumerate() {
            if index > 1 || (index == 1 && !value.is_empty()) {
                value.push('\n');
            }
            value.push_str(line.trim());
        }
        let end = value.trim_end().len();
        value.truncate(end);
        self.values.push((path, value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> String {
        match read("secrets.cfg", text) {
            Ok(values) => values
                .iter()
                .map(|(path, value)| format!("{path} = {:?}", **value))
                .collect::<Vec<_>>()
                .join("\n"),
            Err(problems) => problems.to_string(),
        }
    }

    #[test]
    fn sections_become_components_and_hosts() {
        let text = "[batou]\nmembers = alice,\n  bob\n\n[app]\n# why\npassword = a = b\n\
                    [component:db]\nroot: x\n[host:web1]\ndata-key = k\n";
        assert_eq!(
            check(text),
            "components.app.password = \"a = b\"\ncomponents.db.root = \"x\"\n\
             hosts.web1.data.key = \"k\""
        );
    }

    #[test]
    fn values_of_several_lines_lose_their_indent_alone() {
        let text = "[app]\nkey =\n    -----BEGIN-----\n    x\n\n    -----END-----\n\nnext = 1\n";
        assert_eq!(
            check(text),
            "components.app.key = \"-----BEGIN-----\\nx\\n\\n-----END-----\"\n\
             components.app.next = \"1\""
        );
        assert_eq!(check("[app]\nkey = a\n  b\n"), "components.app.key = \"a\\nb\"");
    }

    #[test]
    fn every_line_that_cannot_be_read_is_told_without_its_content() {
        assert_eq!(
            check("x = 1\n[app]\nhunter2\na = 1\na = 2\n"),
            "secrets.cfg:1:1: a value before the first section\n\
             secrets.cfg:3:1: neither a section, nor `name = value`, nor a comment\n\
             secrets.cfg:5:1: `components.app.a` is set twice"
        );
    }
}
