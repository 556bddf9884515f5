//! Where the project lies.

use std::path::{Path, PathBuf};

use togusa_core::problem::{Problem, code};

use crate::failure::Failure;

const MARK: &str = "environments";

/// Finds the project's root: what `--project` says, or the nearest directory from `start` upwards
/// whose `environments/` holds one.
///
/// # Errors
/// There is no such directory.
pub fn find_root(chosen: Option<&Path>, start: &Path) -> Result<PathBuf, Failure> {
    if let Some(chosen) = chosen {
        let root = start.join(chosen);
        if root.join(MARK).is_dir() {
            return Ok(root);
        }
        let problem = Problem::new(
            code::NO_PROJECT,
            format!("`{}` has no directory `{MARK}`", chosen.display()),
        );
        return Err(Failure::wrong_use([
            problem.hint("`--project` or TOGUSA_PROJECT names the directory of a project")
        ]));
    }
    match start.ancestors().find(|directory| has_environments(directory)) {
        Some(root) => Ok(root.to_owned()),
        None => {
            let problem = Problem::new(
                code::NO_PROJECT,
                format!(
                    "no project here: neither `{}` nor a directory above it has `{MARK}/NAME/\
                 environment.toml`",
                    start.display()
                ),
            );
            Err(Failure::wrong_use(
                [problem.hint("go into a project, or name it with `--project`")],
            ))
        }
    }
}

/// Whether a directory is a project: a folder that is only called like `environments` is none.
fn has_environments(directory: &Path) -> bool {
    // What cannot be read is told by who needs it.
    togusa_environments::list(directory).map_or(true, |names| !names.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::Paint;

    fn project() -> tempfile::TempDir {
        let project = tempfile::tempdir().unwrap();
        let environment = project.path().join("environments/dev");
        std::fs::create_dir_all(&environment).unwrap();
        std::fs::write(environment.join("environment.toml"), "").unwrap();
        std::fs::create_dir_all(project.path().join("components/app")).unwrap();
        project
    }

    #[test]
    fn the_nearest_project_upwards_is_found() {
        let project = project();
        let found = find_root(None, &project.path().join("components/app")).unwrap();
        assert_eq!(found, project.path());
    }

    #[test]
    fn a_folder_that_is_only_called_environments_makes_no_project() {
        let project = project();
        let crates = project.path().join("components/environments/src");
        std::fs::create_dir_all(&crates).unwrap();
        let found = find_root(None, &project.path().join("components")).unwrap();
        assert_eq!(found, project.path());
    }

    #[test]
    fn the_named_project_wins_over_the_one_here() {
        let (here, there) = (project(), project());
        assert_eq!(find_root(Some(there.path()), here.path()).unwrap(), there.path());
    }

    #[test]
    fn a_named_directory_that_is_no_project_is_an_error() {
        let project = project();
        let failure = find_root(Some(Path::new("components")), project.path()).unwrap_err();
        insta::assert_snapshot!(failure.render(Paint(false)), @r"
        error[T0002]: `components` has no directory `environments`
          hint: `--project` or TOGUSA_PROJECT names the directory of a project
        ");
    }

    #[test]
    fn no_project_at_all_is_an_error() {
        let failure = find_root(None, Path::new("/dev")).unwrap_err();
        insta::assert_snapshot!(failure.render(Paint(false)), @r"
        error[T0002]: no project here: neither `/dev` nor a directory above it has `environments/NAME/environment.toml`
          hint: go into a project, or name it with `--project`
        ");
    }
}
