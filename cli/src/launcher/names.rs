//! Names of projects and components, which become names of crates.

use togusa::core::problem::{Problem, code};
use togusa::failure::Failure;

use super::wrong;

/// Words that a crate cannot be called: Rust's own, and those that cargo keeps for itself.
const TAKEN: &[&str] = &[
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "build",
    "const",
    "continue",
    "core",
    "crate",
    "deps",
    "do",
    "dyn",
    "else",
    "enum",
    "examples",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "incremental",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "proc-macro",
    "pub",
    "ref",
    "return",
    "self",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "togusa",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "where",
    "while",
    "yield",
];

/// Refuses what cannot be the name of a project or a component.
///
/// # Errors
/// The name is none, with one that would do.
pub fn check(what: &str, name: &str) -> Result<(), Failure> {
    if is_plain(name) && !TAKEN.contains(&name) {
        return Ok(());
    }
    let message = format!("`{name}` cannot be the name of a {what}");
    let problem = Problem::new(code::NAME_REFUSED, message);
    Err(wrong(if TAKEN.contains(&name) {
        problem.hint(format!("Rust or cargo has a meaning for it: how about `my-{name}`?"))
    } else {
        let rule = "a name begins with a letter and has small letters, digits and `-`";
        match plain(name) {
            Some(plain) => problem.hint(format!("{rule}: how about `{plain}`?")),
            None => problem.hint(rule),
        }
    }))
}

fn is_plain(name: &str) -> bool {
    let inside = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(inside)
        && !name.ends_with('-')
        && !name.contains("--")
}

/// The nearest name that would do.
fn plain(name: &str) -> Option<String> {
    // Nobody wants to be called by what is left of such a word.
    if name.chars().any(|c| c.is_alphabetic() && !c.is_ascii()) {
        return None;
    }
    let mut words: Vec<String> = Vec::new();
    let mut was_small = false;
    for c in name.chars() {
        let begins = words.is_empty() || (c.is_ascii_uppercase() && was_small);
        if !c.is_ascii_alphanumeric() {
            words.push(String::new());
        } else if begins {
            words.push(c.to_ascii_lowercase().into());
        } else if let Some(word) = words.last_mut() {
            word.push(c.to_ascii_lowercase());
        }
        was_small = c.is_ascii_lowercase();
    }
    words.retain(|word| !word.is_empty());
    let plain = words.join("-");
    let plain = plain.trim_start_matches(|c: char| !c.is_ascii_lowercase());
    (is_plain(plain) && !TAKEN.contains(&plain)).then(|| plain.to_owned())
}

/// The name of the type: `MailQueue` for `mail-queue`.
pub fn type_of(name: &str) -> String {
    let mut text = String::new();
    for word in name.split('-') {
        let mut letters = word.chars();
        text.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        text.push_str(letters.as_str());
    }
    text
}

/// The name of a crate in code: `shop_app` for `shop-app`.
pub fn crate_of(package: &str) -> String {
    package.replace('-', "_")
}

#[cfg(test)]
mod tests {
    use togusa::ui::Paint;

    use super::*;

    #[test]
    fn names_that_would_do() {
        for name in ["shop", "mail-queue", "web2", "my-test"] {
            check("project", name).unwrap();
        }
    }

    #[test]
    fn names_that_would_not_come_with_one_that_would() {
        let told = |name| check("project", name).unwrap_err().render(Paint(false));
        insta::assert_snapshot!(told("MyShop"), @"
        error[T0021]: `MyShop` cannot be the name of a project
          hint: a name begins with a letter and has small letters, digits and `-`: how about `my-shop`?
        ");
        insta::assert_snapshot!(told("test"), @"
        error[T0021]: `test` cannot be the name of a project
          hint: Rust or cargo has a meaning for it: how about `my-test`?
        ");
        for (name, near) in [
            ("my_shop", Some("my-shop")),
            ("2shops", Some("shops")),
            ("-shop-", Some("shop")),
            ("HTTP", Some("http")),
            ("äöü", None),
            ("größe", None),
            ("", None),
            ("42", None),
        ] {
            assert!(check("project", name).is_err(), "{name}");
            assert_eq!(plain(name).as_deref(), near, "{name}");
        }
    }

    #[test]
    fn a_name_becomes_a_type_and_a_crate() {
        assert_eq!(type_of("mail-queue2"), "MailQueue2");
        assert_eq!(crate_of("shop-mail-queue"), "shop_mail_queue");
    }
}
