//! The lines of ssh's configuration that decide what else is read.

/// It cannot be told what ssh makes of something; only ssh can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Doubt;

/// What is between words.
const BLANKS: [char; 3] = [' ', '\t', '\r'];

/// What releases of ssh read differently in the words of a line.
const DIVERSE: [char; 6] = ['\'', '\\', '#', '=', '%', '['];

/// The patterns of files that a line includes.
///
/// # Errors
/// What the line means depends on more than files, or releases of ssh disagree on it.
pub fn includes(line: &str) -> Result<Vec<String>, Doubt> {
    let line = line.trim_matches([' ', '\t', '\r', '\x0c']);
    if line.is_empty() || line.starts_with('#') {
        return Ok(Vec::new());
    }
    // Of the environment, in most places.
    if line.contains(['$', '\0']) {
        return Err(Doubt);
    }
    let end = line.find([' ', '\t', '\r', '=', '"']).unwrap_or(line.len());
    let (keyword, rest) = line.split_at(end);
    if keyword.is_empty() || rest.starts_with('"') {
        return Err(Doubt);
    }
    let rest = rest.trim_start_matches(BLANKS);
    let rest = rest.strip_prefix('=').unwrap_or(rest).trim_start_matches(BLANKS);
    match keyword.to_ascii_lowercase().as_str() {
        "include" => words(rest),
        "match" => is_of_files(rest).then(Vec::new).ok_or(Doubt),
        _ => Ok(Vec::new()),
    }
}

/// The words of a line, with or without quotes around each.
fn words(mut line: &str) -> Result<Vec<String>, Doubt> {
    if line.contains(DIVERSE) || line.contains("**") {
        return Err(Doubt);
    }
    let mut words = Vec::new();
    while !line.is_empty() {
        let (word, rest) = match line.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').ok_or(Doubt)?,
            None => line.split_at(line.find(BLANKS).unwrap_or(line.len())),
        };
        let is_whole = rest.is_empty() || rest.starts_with(BLANKS);
        if word.is_empty() || word.contains('"') || !is_whole {
            return Err(Doubt);
        }
        words.push(word.to_owned());
        line = rest.trim_start_matches(BLANKS);
    }
    Ok(words)
}

/// Whether the conditions of a `Match` ask for nothing but what files and arguments say.
fn is_of_files(conditions: &str) -> bool {
    if conditions.contains(['"', '\'', '\\', '#']) {
        return false;
    }
    let separators = |c: char| BLANKS.contains(&c) || c == '=';
    let mut words = conditions.split(separators).filter(|word| !word.is_empty());
    while let Some(word) = words.next() {
        let criterion = word.strip_prefix('!').unwrap_or(word).to_ascii_lowercase();
        let is_known = match criterion.as_str() {
            "all" => true,
            "host" | "originalhost" | "user" | "localuser" => words.next().is_some(),
            _ => false,
        };
        if !is_known {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_include_is_found_however_it_is_written() {
        let check = |line: &str, expected: &[&str]| {
            assert_eq!(includes(line).unwrap(), expected, "{line}");
        };
        check("Include a", &["a"]);
        check("  \tiNCLUDE=a b\r", &["a", "b"]);
        check("include = \"a b\"  conf.d/*.conf\t~/x", &["a b", "conf.d/*.conf", "~/x"]);
        check("# Include a", &[]);
        check("", &[]);
        check("Host include", &[]);
        check("ProxyCommand nc 'a' \"b\" %h # x", &[]);
        check("IncludeNot a", &[]);
    }

    #[test]
    fn what_only_ssh_can_tell_is_left_to_it() {
        let doubtful = [
            "Include ${X}/a",
            "Include %d/a",
            "Include a # b",
            "Include 'a b'",
            "Include a\\ b",
            "Include a\"b\"",
            "Include \"a\"b",
            "Include \"a",
            "Include \"\"",
            "Include a=b",
            "Include [ab]",
            "Include /**/a",
            "Inc\"lude\" a",
            "\"Include\" a",
            "= Include a",
            "ControlPath /tmp/${USER}",
            "IdentityAgent $AGENT",
            "User a\0b",
        ];
        for line in doubtful {
            assert_eq!(includes(line), Err(Doubt), "{line}");
        }
    }

    #[test]
    fn conditions_beyond_files_are_left_to_ssh() {
        for line in
            ["all", "host a,b", "HOST=a", "host a user b", "originalhost a !user b", "!localuser c"]
        {
            assert_eq!(includes(&format!("Match {line}")), Ok(Vec::new()), "{line}");
        }
        for line in [
            "exec true",
            "host a EXEC=true",
            "host a !exec true",
            "canonical",
            "final all",
            "localnetwork 10.0.0.0/8",
            "host exec exec true",
            "tagged t",
            "version OpenSSH_9*",
            "host \"a\"",
            "host",
        ] {
            assert_eq!(includes(&format!("match\t{line}")), Err(Doubt), "{line}");
        }
    }
}
