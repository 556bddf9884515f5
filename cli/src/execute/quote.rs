//! Words as shells read them.

use std::borrow::Cow;

/// What makes these words the arguments of a script: a line for `sh`, whatever the words hold.
pub fn arguments(words: &[String]) -> String {
    let quoted = words.iter().map(|word| {
        let lines = word.split('\n').map(|line| format!("'{}'", line.replace('\'', r"'\''")));
        lines.collect::<Vec<_>>().join("\"$n\"")
    });
    // A substitution drops line ends, but for one that something follows.
    format!(r"n=$(printf '\nx'); n=${{n%x}}; set -- {}", quoted.collect::<Vec<_>>().join(" "))
}

/// A word for a login shell; it holds nothing that shells do not agree on.
pub fn for_any_shell(word: &str) -> String {
    shell_escape::unix::escape(Cow::Borrowed(word)).into_owned()
}
