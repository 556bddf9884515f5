//! How files and crates are laid out.

use super::workspace::{Finding, Source};

const LONGEST: usize = 500;
const LONGEST_PROGRAM: usize = 15;

/// What the documentation of a long file says, followed by the reason.
const REASON: &str = "This is one file because";

/// Finds long files that do not say why they are one thing.
pub fn length(source: &Source) -> Vec<Finding> {
    let lines = source.text.lines().count();
    let doc = source.module_doc().split_whitespace().collect::<Vec<_>>().join(" ");
    if !source.is_rust() || lines <= LONGEST || doc.contains(REASON) {
        return Vec::new();
    }
    let remedy = "split it by type or verb, or say in its module documentation: `This is one file \
                  because …`";
    vec![source.finding(LONGEST + 1, format!("the file has {lines} lines"), remedy)]
}

/// Finds programs that do more than to call their library.
pub fn thin_program(source: &Source) -> Vec<Finding> {
    let lines = source.text.lines().count();
    if !source.path.ends_with("src/main.rs") || lines <= LONGEST_PROGRAM {
        return Vec::new();
    }
    let remedy = "move the work to the library, where tests reach it";
    vec![source.finding(LONGEST_PROGRAM + 1, format!("the program has {lines} lines"), remedy)]
}

/// Finds libraries whose documentation does not name each of their modules.
pub fn map_of_crate(source: &Source) -> Vec<Finding> {
    if !source.path.ends_with("src/lib.rs") {
        return Vec::new();
    }
    let doc = source.module_doc();
    if doc.trim().is_empty() {
        let remedy = "open it with `//!`: what the crate is for, and a line for each module";
        return vec![source.finding(1, "the crate has no map", remedy)];
    }
    let quoted: Vec<_> = doc.split('`').skip(1).step_by(2).map(str::to_lowercase).collect();
    let named = |module: &str| {
        quoted.iter().any(|quoted| {
            quoted.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == module)
        })
    };
    let missing = source.lines().filter_map(|(number, line)| {
        let module = line.trim_start_matches("pub ").strip_prefix("mod ")?.strip_suffix(';')?;
        (module != "tests" && !named(module)).then(|| {
            let remedy = "give it a line in the documentation of the crate, in backticks";
            source.finding(number, format!("module `{module}` is not on the crate's map"), remedy)
        })
    });
    missing.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: impl Into<String>) -> Source {
        Source { path: path.into(), text: text.into() }
    }

    #[test]
    fn a_long_file_without_a_reason_is_found() {
        let long = format!("//! Long.\n{}", "\n".repeat(LONGEST));
        let found = length(&source("a.rs", long));
        assert_eq!(found[0].wrong, "the file has 501 lines");

        let why = format!("//! Long. This is one\n//! file because so.\n{}", "\n".repeat(LONGEST));
        assert!(length(&source("a.rs", why)).is_empty());
        assert!(length(&source("a.rs", "\n".repeat(LONGEST))).is_empty());
        assert!(length(&source("a.md", "\n".repeat(LONGEST + 1))).is_empty());
    }

    #[test]
    fn a_fat_program_is_found() {
        let fat = "\n".repeat(LONGEST_PROGRAM + 1);
        assert_eq!(thin_program(&source("a/src/main.rs", fat.clone())).len(), 1);
        assert!(thin_program(&source("a/src/main.rs", &fat[1..])).is_empty());
        assert!(thin_program(&source("a/tests/b/main.rs", fat)).is_empty());
    }

    #[test]
    fn a_crate_without_a_map_is_found() {
        let found = map_of_crate(&source("a/src/lib.rs", "pub mod one;\n"));
        assert_eq!(found[0].wrong, "the crate has no map");

        let text = "//! Has [`one`] and two.\n\npub mod one;\nmod two;\n#[cfg(test)]\nmod tests;\n";
        let found = map_of_crate(&source("a/src/lib.rs", text));
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].line, &*found[0].wrong),
            (4, "module `two` is not on the crate's map")
        );
    }
}
