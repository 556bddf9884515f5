//! The state of the project's git tree, for environments that want it clean and pushed.

use std::path::Path;
use std::process::Stdio;

use togusa_core::deployment::Commit;
use togusa_core::problem::{Problem, code};
use togusa_core::system::program;

use crate::failure::Failure;

/// Refuses a tree with changes that are not committed, or commits that are not pushed.
///
/// # Errors
/// The tree is not clean, not pushed, or not under git.
pub fn require_clean(root: &Path, environment: &str) -> Result<(), Failure> {
    let refuse = |message: String, hint: &str| {
        let problem = Problem::new(
            code::TREE_NOT_CLEAN,
            format!("`{environment}` wants a clean and pushed tree: {message}"),
        );
        Failure::wrong_use([problem.hint(hint)])
    };
    let ask = |arguments: &[&str]| {
        git(root, arguments)
            .map_err(|error| refuse(error, "deploy from a clone with git installed"))
    };
    let changed = ask(&["status", "--porcelain", "--untracked-files=normal", "--", "."])?;
    if let Some(first) = changed.lines().next() {
        let more = changed.lines().count() - 1;
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let first = first.get(3..).unwrap_or(first);
        return Err(refuse(format!("`{first}`{more} is not committed"), "commit the changes"));
    }
    let elsewhere = ask(&["branch", "--remotes", "--contains", "HEAD"])?;
    if elsewhere.trim().is_empty() {
        let commit = ask(&["rev-parse", "--short", "HEAD"])?;
        let message = format!("commit {} is in no remote branch", commit.trim());
        return Err(refuse(message, "push the branch"));
    }
    Ok(())
}

/// The commit that the project's tree stands at; `None` where there is no git, or no commit yet.
pub fn commit(root: &Path) -> Option<Commit> {
    // Without git a deployment has no commit to record, which is no failure.
    let id = git(root, &["rev-parse", "HEAD"]).ok()?;
    let branch = git(root, &["symbolic-ref", "--short", "--quiet", "HEAD"]).ok();
    let changed = git(root, &["status", "--porcelain", "--untracked-files=normal", "--", "."]);
    Some(Commit {
        id: id.trim().to_owned(),
        branch: branch.map(|branch| branch.trim().to_owned()),
        // A tree whose state cannot be told is not known to be clean.
        dirty: changed.map_or(true, |changed| !changed.is_empty()),
    })
}

/// A file of the project as the last commit has it; `None` where there is no git, no commit yet, or
/// no such file in it.
pub fn committed(root: &Path, file: &str) -> Option<String> {
    git(root, &["show", &format!("HEAD:./{file}")]).ok()
}

fn git(root: &Path, arguments: &[&str]) -> Result<String, String> {
    let output = program("git")
        .arg("-C")
        .arg(root)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cannot run git: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(root: &Path, arguments: &[&str]) {
        git(root, arguments).unwrap();
    }

    #[test]
    fn a_changed_and_an_unpushed_tree_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let (origin, clone) = (directory.path().join("origin"), directory.path().join("clone"));
        run(directory.path(), &["init", "-q", "--bare", "origin"]);
        run(directory.path(), &["clone", "-q", &origin.display().to_string(), "clone"]);
        let make = ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-q", "-m", "m"];
        std::fs::write(clone.join("a"), "1").unwrap();
        let message = |root| require_clean(root, "prod").unwrap_err().problems.to_string();
        assert!(message(&clone).contains("`a` is not committed"), "{}", message(&clone));

        run(&clone, &["add", "a"]);
        run(&clone, &make);
        assert!(message(&clone).contains("is in no remote branch"), "{}", message(&clone));

        run(&clone, &["push", "-q", "origin", "HEAD"]);
        require_clean(&clone, "prod").unwrap();
        let at = commit(&clone).unwrap();
        assert!(at.id.len() == 40 && at.branch.is_some() && !at.dirty, "{at:?}");
        std::fs::write(clone.join("a"), "2").unwrap();
        assert!(commit(&clone).unwrap().dirty);
        assert_eq!(commit(directory.path()), None);
        assert!(message(directory.path()).contains("not a git repository"));
    }
}
