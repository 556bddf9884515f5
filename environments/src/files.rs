//! Finds and reads the files of environments.

use std::io;
use std::path::Path;

use togusa_core::names::nearest;
use togusa_core::problem::Problem;
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

/// Where the file of an environment lies, relative to the project's root.
pub(crate) fn path_of(name: &str) -> String {
    format!("{FOLDER}/{name}/{FILE}")
}

/// Reads the file of an environment; `named_at` is where another environment names it.
pub(crate) fn read(
    project_root: &Path,
    name: &str,
    named_at: Option<&Origin>,
) -> Result<String, Problem> {
    if !is_plain(name) {
        return Err(Problem::new(format!("`{name}` is no name of an environment"))
            .at(named_at.cloned())
            .hint(
                "a name starts with a letter or digit and holds letters, digits, `-`, `_`, `.`",
            ));
    }
    let file = path_of(name);
    let bytes = std::fs::read(project_root.join(&file)).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            missing(project_root, name).at(named_at.cloned())
        }
        _ => Problem {
            causes: vec![error.to_string()],
            ..Problem::new(format!("failed to read `{file}`")).at(named_at.cloned())
        },
    })?;
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let text = String::from_utf8_lossy(&error.as_bytes()[..valid]);
        Problem::new("the file is not UTF-8").at(Some(Source::new(&file, &text).origin(valid)))
    })
}

fn missing(project_root: &Path, name: &str) -> Problem {
    let file = path_of(name);
    if !project_root.join(FOLDER).is_dir() {
        return Problem::new(format!(
            "there is no environment `{name}`: the project has no folder `{FOLDER}`"
        ))
        .hint(format!("create `{file}`"));
    }
    let problem = if project_root.join(FOLDER).join(name).is_dir() {
        Problem::new(format!("environment `{name}` has no file `{FILE}`"))
    } else {
        Problem::new(format!("there is no environment `{name}`"))
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
