//! What nobody leaves behind.
//!
//! The texts that this file looks for stand here in pieces or as samples, so that it does not look
//! at itself.

use super::workspace::{Finding, Source};

/// A word that has no place in some files, and what to do instead.
struct Banned {
    words: &'static [&'static str],
    only_rust: bool,
    remedy: &'static str,
}

const BANNED: [Banned; 4] = [
    Banned {
        words: &["TODO", "FIXME", "XXX:"],
        only_rust: false,
        remedy: "do it now, or open an issue and say there what is missing",
    },
    Banned {
        words: &["dbg!(", "todo!(", "unimplemented!("],
        only_rust: true,
        remedy: "finish the code; an event or an error tells what happened",
    },
    Banned {
        words: &["#[ignore"],
        only_rust: true,
        remedy: "mend the test or remove it; what cannot run fails and says what it needs",
    },
    Banned {
        words: &["#[allow(", "#![allow("],
        only_rust: true,
        remedy: "write `#[expect(lint, reason = \"…\")]`, which tells when it is not needed any more",
    },
];

/// Directories of one machine; a sample home is `~` or the one of the user `u`.
const MACHINES: [&str; 3] = ["/home/", "/root/", "/Users/"];
const SAMPLE_HOME: &str = "/home/u";
/// Homebrew is there on every Linux.
const HOMEBREW: &str = "/home/linuxbrew/";

/// Words that begin a line of code.
const CODE: [&str; 15] = [
    "let ", "fn ", "pub ", "use ", "if ", "for ", "while ", "match ", "return ", "impl ", "mod ",
    "struct ", "enum ", "#[", "assert",
];

/// Finds leftovers, line by line.
pub fn check(source: &Source) -> Vec<Finding> {
    if source.path == "Cargo.lock" || source.path == "tests/tests/tidy/leftovers.rs" {
        return Vec::new();
    }
    let mut findings = Vec::new();
    let mut function = String::new();
    let mut is_test = source.path.contains("tests/") || source.path.ends_with("/tests.rs");
    for (number, line) in source.lines() {
        let rust = source.is_rust();
        is_test |= rust && line.trim() == "#[cfg(test)]";
        if let Some((_, name)) = line.split_once("fn ") {
            name.split('(').next().unwrap_or_default().clone_into(&mut function);
        }
        for banned in BANNED.iter().filter(|banned| rust || !banned.only_rust) {
            let silenced = source.path.starts_with("core/tests/support/");
            let word = banned.words.iter().find(|word| line.contains(**word));
            if let Some(word) = word.filter(|word| !(silenced && word.contains("allow"))) {
                let wrong = format!("`{word}` is left behind");
                findings.push(source.finding(number, wrong, banned.remedy));
            }
        }
        if rust && is_dead_code(line) {
            let remedy = "remove it; git remembers";
            findings.push(source.finding(number, "code is commented out", remedy));
        }
        if rust && is_test && line.contains("sleep(") && !function.starts_with("wait_until") {
            let remedy = "wait for the thing itself, in a helper named `wait_until…`";
            findings.push(source.finding(number, "a test sleeps", remedy));
        }
        if let Some(place) = place_on_machine(line) {
            let remedy = "write it relative to the project or to a temporary directory";
            let wrong = format!("`{place}` is a place on one machine");
            findings.push(source.finding(number, wrong, remedy));
        }
    }
    findings
}

fn is_dead_code(line: &str) -> bool {
    let Some(comment) = line.trim_start().strip_prefix("//") else { return false };
    if comment.starts_with(['/', '!']) {
        return false;
    }
    let comment = comment.trim();
    let ends = comment.ends_with([';', '{', '}', ']']) || comment.ends_with("),");
    ends && CODE.iter().any(|word| comment.starts_with(word))
}

fn place_on_machine(line: &str) -> Option<&'static str> {
    let line = line.replace(SAMPLE_HOME, "").replace(HOMEBREW, "");
    MACHINES.into_iter().find(|place| {
        line.match_indices(place).any(|(at, _)| {
            // Elsewhere it is a part of a longer path, such as `TARGET` and what lies below.
            let before = line[..at].chars().next_back();
            before.is_none_or(|c| c.is_whitespace() || "\"'`(=:,<>".contains(c))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<(usize, String)> {
        let source = Source { path: path.into(), text: text.into() };
        check(&source).into_iter().map(|finding| (finding.line, finding.wrong)).collect()
    }

    #[test]
    fn every_banned_word_is_found() {
        for banned in &BANNED {
            for word in banned.words {
                let text = format!("fine\nbefore {word} after");
                let expected = (2, format!("`{word}` is left behind"));
                assert!(found("core/src/a.rs", &text).contains(&expected), "{word}");
                assert_eq!(found("README.md", &text).is_empty(), banned.only_rust, "{word}");
            }
        }
        assert!(found("Cargo.lock", "see /root/a").is_empty());
        assert!(found("core/tests/support/mod.rs", "#[allow(dead_code)]").is_empty());
    }

    #[test]
    fn dead_code_is_found_and_prose_is_not() {
        for dead in
            ["// let a = 1;", "//use a::b;", "    // if a {", "// #[test]", "// assert!(a);"]
        {
            assert_eq!(found("a/src/b.rs", dead).len(), 1, "{dead}");
        }
        for prose in
            ["// if it is there, it stays", "/// let a = 1;", "// for all that end; and more"]
        {
            assert!(found("a/src/b.rs", prose).is_empty(), "{prose}");
        }
    }

    #[test]
    fn a_test_that_sleeps_is_found() {
        let text = "fn a() {\n    std::thread::sleep(b);\n}\n";
        assert_eq!(found("a/tests/b.rs", text), [(2, "a test sleeps".to_owned())]);
        assert_eq!(found("a/src/b/tests.rs", text).len(), 1);
        assert_eq!(found("a/src/b.rs", &format!("#[cfg(test)]\n{text}")).len(), 1);
        assert!(found("a/src/b.rs", text).is_empty());
        assert!(found("a/tests/b.rs", "fn wait_until_ready() {\n    sleep(a);\n}\n").is_empty());
    }

    #[test]
    fn places_on_machines_are_found() {
        for place in ["\"/home/jo/x\"", "/root/a", "see `/Users/b`"] {
            assert_eq!(found("a.md", place).len(), 1, "{place}");
        }
        let fine =
            ["\"/home/u/x\"", "/home/linuxbrew/a", "TARGET/work/ROOT", "~/work/a", "[tmp]/home/a"];
        for place in fine {
            assert!(found("a.md", place).is_empty(), "{place}");
        }
    }
}
