//! Names and texts as SQL reads them.

use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::{demand, fault};

/// PostgreSQL cuts off the rest of a longer name, in bytes.
const LONGEST_NAME: usize = 63;

/// A name as SQL reads it, whatever stands in it: `"shop"`.
pub(super) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text as SQL reads it, however the server takes backslashes: `'shop'`.
pub(super) fn literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if quoted.contains('\\') {
        format!("E'{}'", quoted.replace('\\', "\\\\"))
    } else {
        format!("'{quoted}'")
    }
}

/// Refuses what cannot be the name of a role, a database, an extension or a schema.
pub(super) fn check_name(what: &str, name: &str) -> Result {
    demand!(!name.is_empty(), code::NOT_A_NAME, "the name of the {what} is empty");
    demand!(!name.contains('\0'), code::NOT_A_NAME, "the name of the {what} holds a zero byte");
    if name.len() > LONGEST_NAME {
        let length = name.len();
        return Err(fault!(code::NOT_A_NAME, "the name of {what} `{name}` has {length} bytes"))
            .hint(format!("PostgreSQL cuts names off after {LONGEST_NAME} bytes; shorten it"));
    }
    Ok(())
}

/// A limit of connections as it is shown; -1 is none.
pub(super) fn connections(limit: i32) -> String {
    if limit < 0 { "none".into() } else { limit.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_texts_are_quoted_whatever_stands_in_them() {
        let table = [
            ("shop", r#""shop""#, "'shop'"),
            ("Shop", r#""Shop""#, "'Shop'"),
            ("", r#""""#, "''"),
            ("a b", r#""a b""#, "'a b'"),
            (r#"a"b"#, r#""a""b""#, r#"'a"b'"#),
            ("\"\"", "\"\"\"\"\"\"", "'\"\"'"),
            ("o'hara", r#""o'hara""#, "'o''hara'"),
            (r"a\b", r#""a\b""#, r"E'a\\b'"),
            (r"\'; --", r#""\'; --""#, r"E'\\''; --'"),
            ("a;b\n\\! sh", "\"a;b\n\\! sh\"", "E'a;b\n\\\\! sh'"),
            (":name $1 $$", r#"":name $1 $$""#, "':name $1 $$'"),
            ("größe 🦀", r#""größe 🦀""#, "'größe 🦀'"),
        ];
        for (given, name, text) in table {
            assert_eq!(identifier(given), name);
            assert_eq!(literal(given), text);
        }
    }

    #[test]
    fn what_cannot_be_a_name_is_refused() {
        let refusal = |name: &str| check_name("role", name).err().map(|error| format!("{error:#}"));
        assert_eq!(refusal("shop"), None);
        assert_eq!(refusal(&"é".repeat(31)), None);
        assert_eq!(refusal("").as_deref(), Some("the name of the role is empty"));
        assert_eq!(refusal("a\0").as_deref(), Some("the name of the role holds a zero byte"));
        assert!(refusal(&"é".repeat(32)).is_some_and(|said| said.contains("has 64 bytes")));
    }
}
