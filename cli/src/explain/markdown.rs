//! Markdown on a terminal.

use crate::ui::{Ink, Paint};

/// The Markdown of a page without the lines that are there for the compiler alone.
pub(crate) fn plain(markdown: &str) -> String {
    let mut shown = String::new();
    let mut in_rust = false;
    for line in markdown.lines() {
        if let Some(kind) = line.strip_prefix("```") {
            in_rust = kind.starts_with("rust");
        }
        if !in_rust || !(line.starts_with("# ") || line == "#") {
            shown += line;
            shown.push('\n');
        }
    }
    shown
}

/// The Markdown of a page for somebody who reads it on a terminal: headings stand out, code is
/// indented and its fences are gone.
pub(crate) fn readable(markdown: &str, paint: Paint) -> String {
    let mut shown = String::new();
    let mut in_code = false;
    for line in plain(markdown).lines() {
        if line.starts_with("```") {
            in_code = !in_code;
            continue;
        }
        let heading = line.trim_start_matches('#');
        match line {
            "" => {}
            _ if in_code => shown += &format!("    {line}"),
            _ if heading.len() < line.len() => shown += &paint.text(Ink::Name, heading.trim()),
            _ => shown += line,
        }
        shown.push('\n');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# T0000: Odd\n\nIt is odd.\n\n```toml,faulty\n# no heading\na = 1\n```\n";

    #[test]
    fn what_is_for_the_compiler_is_not_shown() {
        let page = "# Odd\n\n```rust,no_run\n# use a::b;\n#\n#[c]\nd();\n```\n# Even\n";
        assert_eq!(plain(page), "# Odd\n\n```rust,no_run\n#[c]\nd();\n```\n# Even\n");
    }

    #[test]
    fn headings_stand_out_and_code_is_indented() {
        insta::assert_snapshot!(readable(PAGE, Paint(false)), @r"
        T0000: Odd

        It is odd.

            # no heading
            a = 1
        ");
        assert!(readable(PAGE, Paint(true)).starts_with("\u{1b}[1mT0000: Odd\u{1b}[0m\n"));
    }
}
