//! The sources of a program, as cargo lists them beside it.

use std::io;
use std::path::{Path, PathBuf};

/// The source files of a program that cargo built; `None` if cargo left no list beside it.
///
/// The list has the files of all path packages, with what they include and what their build
/// scripts watch; packages of registries do not change and are left out.
///
/// # Errors
/// The list cannot be read.
pub fn of_program(program: &Path) -> io::Result<Option<Vec<PathBuf>>> {
    match std::fs::read_to_string(program.with_extension("d")) {
        Ok(text) => Ok(Some(parse(&text).into_iter().filter(|file| !is_generated(file)).collect())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads the first rule of a makefile: what stands behind its colon, with `\ ` for a blank.
fn parse(text: &str) -> Vec<PathBuf> {
    let rule = text.lines().next().unwrap_or_default();
    let Some((_, names)) = rule.split_once(": ") else { return Vec::new() };
    let mut files = Vec::new();
    let mut name = String::new();
    for part in names.split(' ') {
        match part.strip_suffix('\\') {
            Some(part) => name = name + part + " ",
            None => {
                name += part;
                if !name.is_empty() {
                    files.push(std::mem::take(&mut name).into());
                }
            }
        }
    }
    files
}

/// Whether a build script wrote the file, below `build/PACKAGE-HASH/out`: it follows from others.
fn is_generated(file: &Path) -> bool {
    let parts: Vec<_> = file.iter().collect();
    parts.windows(3).any(|parts| parts[0] == "build" && parts[2] == "out")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_hold_blanks() {
        let text = "/t/de\\ bug/shop: /a/b.rs /my\\ shop/src/a\\ b.rs /c.rs\n\n/a/b.rs:\n";
        let expected = ["/a/b.rs", "/my shop/src/a b.rs", "/c.rs"].map(PathBuf::from);
        assert_eq!(parse(text), expected);
        assert!(parse("/t/shop:\n").is_empty());
    }

    #[test]
    fn a_program_that_cargo_did_not_build_has_no_sources() {
        let directory = tempfile::tempdir().unwrap();
        let program = directory.path().join("shop");
        assert_eq!(of_program(&program).unwrap(), None);
        let list = "shop: /w/src/main.rs /t/debug/build/web-1f/out/made.rs\n";
        std::fs::write(directory.path().join("shop.d"), list).unwrap();
        assert_eq!(of_program(&program).unwrap(), Some(vec!["/w/src/main.rs".into()]));
    }
}
