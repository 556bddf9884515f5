//! Finds and reads the files of environments.

use std::io;
use std::path::Path;

use togusa_core::names::nearest;
use togusa_core::problem::{Problem, code};
use togusa_core::value::Origin;

use crate::source::Source;

const FOLDER: &str = "environments";
const FILE: &str = "environment.toml";

/// Lists the environments of a project: the folders below `environments` that hold an
/// `environment.toml`, sorted by name; none where there is no such folder.
///
/// # Errors
/// When a folder exists but cannot be read.
pub fn list(project_root: &Path) -> io::Result<Vec<String>> {
    let folder = match project_root.join(FOLDER).read_dir() {
        Ok(folder) => folder,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in folder {
        let entry = entry?;
        if let Ok(name) = entry.file_name().into_string()
            && is_plain(&name)
            && entry.path().join(FILE).is_file()
        {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Whether a text can name an environment or a host: it becomes a part of paths and of commands.
pub(crate) fn is_plain(name: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || "_-.".contains(c);
    name.starts_with(|c: char| c.is_alphanumeric() || c == '_') && name.chars().all(inside)
}

/// Refuses what cannot name an environment.
///
/// # Errors
/// The name has other characters than it may have.
pub fn check_name(name: &str) -> Result<(), Problem> {
    if is_plain(name) {
        return Ok(());
    }
    let hint = "a name starts with a letter or digit and holds letters, digits, `-`, `_`, `.`";
    Err(Problem::new(code::ENVIRONMENT_NAME, format!("`{name}` is no name of an environment"))
        .hint(hint))
}

/// Where the file of an environment lies, relative to the project's root.
pub(crate) fn path_of(name: &str) -> String {
    format!("{}/{FILE}", folder_of(name))
}

/// Where all of an environment lies, relative to the project's root.
pub(crate) fn folder_of(name: &str) -> String {
    format!("{FOLDER}/{name}")
}

/// Reads the file of an environment; `named_at` is where another environment names it.
pub(crate) fn read(
    project_root: &Path,
    name: &str,
    named_at: Option<&Origin>,
    problems: &mut Vec<Problem>,
) -> Option<String> {
    let mut refuse = |problem: Problem| {
        let place = problem.origin.clone().or_else(|| named_at.cloned());
        problems.push(problem.at(place));
        None
    };
    if let Err(problem) = check_name(name) {
        return refuse(problem);
    }
    let file = path_of(name);
    let bytes = match std::fs::read(project_root.join(&file)) {
        Ok(bytes) => bytes,
        Err(error) => return refuse(unreadable(project_root, name, &error)),
    };
    String::from_utf8(bytes).map_or_else(
        |error| {
            let valid = error.utf8_error().valid_up_to();
            let text = String::from_utf8_lossy(&error.as_bytes()[..valid]);
            let place = Source::new(&file, &text).origin(valid);
            refuse(Problem::new(code::NOT_UTF8, "the file is not UTF-8").at(Some(place)))
        },
        Some,
    )
}

fn unreadable(project_root: &Path, name: &str, error: &io::Error) -> Problem {
    use io::ErrorKind::{NotADirectory, NotFound};
    if matches!(error.kind(), NotFound | NotADirectory) {
        return missing(project_root, name);
    }
    let problem =
        Problem::new(code::ENVIRONMENT_UNREADABLE, format!("failed to read `{}`", path_of(name)));
    Problem { causes: vec![error.to_string()], ..problem }
}

fn missing(project_root: &Path, name: &str) -> Problem {
    let file = path_of(name);
    if !project_root.join(FOLDER).is_dir() {
        return Problem::new(
            code::UNKNOWN_ENVIRONMENT,
            format!("there is no environment `{name}`: the project has no folder `{FOLDER}`"),
        )
        .hint(format!("create `{file}`"));
    }
    let problem = if project_root.join(FOLDER).join(name).is_dir() {
        Problem::new(
            code::UNKNOWN_ENVIRONMENT,
            format!("environment `{name}` has no file `{FILE}`"),
        )
    } else {
        Problem::new(code::UNKNOWN_ENVIRONMENT, format!("there is no environment `{name}`"))
    };
    let known = list(project_root).unwrap_or_default();
    let known: Vec<_> = known.iter().map(String::as_str).collect();
    if known.is_empty() {
        return problem.hint(format!("create `{file}`; there is no environment yet"));
    }
    let quoted: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
    let all = format!("the project has {}", quoted.join(", "));
    match nearest(name, known) {
        Some(near) => problem.hint(format!("did you mean `{near}`? {all}")),
        None => problem.hint(all),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load;
    use crate::secrets::Access;
    use crate::tests::{check_project, project};

    #[test]
    fn listing_gives_the_folders_with_a_file_in_order() {
        let project = project(&[("prod", ""), ("dev", ""), (".hidden", "")]);
        std::fs::create_dir(project.path().join("environments/empty")).unwrap();
        std::fs::write(project.path().join("environments/notes.txt"), "").unwrap();

        assert_eq!(list(project.path()).unwrap(), ["dev", "prod"]);
    }

    #[test]
    fn listing_a_project_without_environments_gives_none() {
        assert_eq!(list(project(&[]).path()).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn a_missing_environment_names_those_that_exist() {
        assert_eq!(
            check_project(&[("prod", ""), ("devel", "")]),
            "there is no environment `dev`\n  \
             hint: did you mean `devel`? the project has `devel`, `prod`"
        );
        assert_eq!(
            check_project(&[("staging", "")]),
            "there is no environment `dev`\n  hint: the project has `staging`"
        );
    }

    #[test]
    fn a_folder_without_its_file_is_told_from_a_missing_one() {
        let project = project(&[]);
        std::fs::create_dir_all(project.path().join("environments/dev")).unwrap();
        let problems = load(project.path(), "shop", "dev", Access::Placeholders).unwrap_err();
        assert_eq!(
            problems.to_string(),
            "environment `dev` has no file `environment.toml`\n  \
             hint: create `environments/dev/environment.toml`; there is no environment yet"
        );
    }

    #[test]
    fn a_project_without_the_folder_is_told_what_to_create() {
        let problems = load(project(&[]).path(), "shop", "dev", Access::Placeholders).unwrap_err();
        assert_eq!(
            problems.to_string(),
            "there is no environment `dev`: the project has no folder `environments`\n  \
             hint: create `environments/dev/environment.toml`"
        );
    }

    #[test]
    fn a_name_that_leads_elsewhere_is_refused() {
        for name in ["", "../dev", "a/b", ".", "..", "-x", "a b", "a\\b", "a\n"] {
            let problems = load(project(&[]).path(), "shop", name, Access::Placeholders)
                .unwrap_err()
                .to_string();
            assert!(problems.contains("is no name of an environment"), "{name:?}: {problems}");
        }
    }

    #[test]
    fn a_file_that_is_not_utf_8_is_told_with_the_place() {
        let project = project(&[("dev", "")]);
        let file = project.path().join("environments/dev/environment.toml");
        std::fs::write(file, b"[hosts.web1]\naddress = \"\xff\"").unwrap();
        assert_eq!(
            load(project.path(), "shop", "dev", Access::Placeholders).unwrap_err().to_string(),
            "environments/dev/environment.toml:2:12: the file is not UTF-8"
        );
    }

    #[test]
    fn a_file_that_cannot_be_read_is_told_with_the_cause() {
        let project = project(&[]);
        let file = project.path().join("environments/dev/environment.toml");
        std::fs::create_dir_all(file).unwrap();
        let problems =
            load(project.path(), "shop", "dev", Access::Placeholders).unwrap_err().to_string();
        let start = "failed to read `environments/dev/environment.toml`\n  1: ";
        assert!(problems.starts_with(start), "{problems}");
    }
}
