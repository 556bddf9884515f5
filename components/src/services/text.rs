//! Texts for shells, and for errors.

/// A text as one word of a shell.
pub(crate) fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:,@%+".contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

/// The end of a text below a heading, as errors show it.
pub(crate) fn tail(heading: &str, text: &str) -> String {
    const LINES: usize = 20;
    let lines: Vec<&str> = text.trim_end().lines().collect();
    let shown = lines[lines.len().saturating_sub(LINES)..].iter();
    let shown: String = shown.map(|line| format!("\n     | {line}")).collect();
    match shown.is_empty() {
        true => format!("{heading} is empty"),
        false => format!("{heading} ends with:{shown}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_a_shell_would_read_more_into_them() {
        assert_eq!(shell_word("/usr/bin/a-b"), "/usr/bin/a-b");
        assert_eq!(shell_word(""), "''");
        assert_eq!(shell_word("it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!(shell_word("A=b"), "'A=b'");
    }

    #[test]
    fn a_tail_has_the_last_lines() {
        assert_eq!(tail("the log", "\n"), "the log is empty");
        assert_eq!(tail("the log", "a\nb\n"), "the log ends with:\n     | a\n     | b");
        let long: String = (0..30).map(|number| format!("{number}\n")).collect();
        assert!(tail("x", &long).starts_with("x ends with:\n     | 10\n"));
    }
}
