//! Texts as supervisord reads them.

use crate::services::text;

/// One word of a command line of supervisord, which is split as a shell would.
pub(super) fn quoted(word: &str) -> String {
    let word = text::shell_word(word).replace('%', "%%");
    let mut quoted = String::new();
    for c in word.chars() {
        // Blanks stand in quotes, which are closed and opened again so that no comment begins.
        if begins_comment(c) && quoted.ends_with(char::is_whitespace) {
            quoted += "''";
        }
        quoted.push(c);
    }
    quoted
}

fn begins_comment(c: char) -> bool {
    [';', '#'].contains(&c)
}

/// Whether supervisord would take some of a text for a comment, though it stands in quotes.
pub(super) fn is_cut(text: &str) -> bool {
    let next = text.chars().skip(1);
    text.chars().zip(next).any(|(one, next)| one.is_whitespace() && begins_comment(next))
}

/// A text that a template leaves as it is.
pub(super) fn raw(text: &str) -> String {
    match text.contains("{{") || text.contains("{%") || text.contains("{#") {
        true => format!("{{% raw %}}{text}{{% endraw %}}"),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_is_cut_as_a_comment() {
        assert_eq!(quoted("a #b;c"), "'a ''#b;c'");
        assert_eq!(quoted("#b ;"), "'#b '';'");
        assert!(
            !is_cut(&quoted("a #b ;c")) && is_cut("a #b") && is_cut("a\t;b") && !is_cut("#a;b")
        );
    }
}
