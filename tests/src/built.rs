//! Whether cargo has to be asked for a program of this workspace.
//!
//! `tests/run` has them all built, with the features that the crates have in a build of the whole
//! workspace. A build of one package has fewer, and would compile all that the package depends on
//! once more. So whoever needs a program looks first.

use std::fs;
use std::io;
use std::path::Path;
use std::time::SystemTime;

/// Whether cargo has built a program since one of its sources was changed, and left the list of them
/// beside it.
pub fn is_current(program: &Path) -> bool {
    let list = fs::read_to_string(program.with_extension("d")).unwrap_or_default();
    let Some((_, sources)) = list.lines().next().and_then(|rule| rule.split_once(": ")) else {
        return false;
    };
    let Ok(built) = modified(program) else { return false };
    // A name with a blank becomes two names of nothing, and cargo is asked.
    let mut sources = sources.split_whitespace().map(|source| modified(Path::new(source)));
    sources.all(|source| source.is_ok_and(|changed| changed <= built))
}

fn modified(path: &Path) -> io::Result<SystemTime> {
    fs::metadata(path)?.modified()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_current_until_one_of_its_sources_is_newer_or_lost() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let program = path("program");
        let source = fs::File::create(path("source.rs")).unwrap();
        fs::write(&program, "").unwrap();
        assert!(!is_current(&program));
        let list = format!("{}: {}\n", program.display(), path("source.rs").display());
        fs::write(path("program.d"), list).unwrap();
        assert!(is_current(&program));
        let built = modified(&program).unwrap();
        source.set_modified(built + std::time::Duration::from_secs(1)).unwrap();
        assert!(!is_current(&program));
        source.set_modified(built).unwrap();
        assert!(is_current(&program));
        fs::remove_file(path("source.rs")).unwrap();
        assert!(!is_current(&program));
    }
}
