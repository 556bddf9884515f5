//! What the rules look at: the packages as cargo tells them, the files that git knows.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

/// Something to tidy up.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    pub path: String,
    /// Counted from 1.
    pub line: usize,
    pub wrong: String,
    pub remedy: &'static str,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, line, wrong, remedy } = self;
        write!(f, "{path}:{line}: {wrong}\n  hint: {remedy}")
    }
}

/// A text file of the workspace.
#[derive(Debug)]
pub struct Source {
    /// Relative to the workspace's root.
    pub path: String,
    pub text: String,
}

impl Source {
    pub fn finding(&self, line: usize, wrong: impl Into<String>, remedy: &'static str) -> Finding {
        Finding { path: self.path.clone(), line, wrong: wrong.into(), remedy }
    }

    pub fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// The lines, counted from 1.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(number, line)| (number + 1, line))
    }

    /// The text of the module's documentation.
    pub fn module_doc(&self) -> String {
        let lines = self.text.lines().map(str::trim_start);
        let doc = lines.skip_while(|line| !line.starts_with("//!"));
        let doc = doc.map_while(|line| line.strip_prefix("//!"));
        doc.collect::<Vec<_>>().join("\n")
    }
}

/// A package of the workspace.
#[derive(Debug, Deserialize)]
pub struct Package {
    pub name: String,
    pub manifest_path: PathBuf,
    pub dependencies: Vec<Dependency>,
}

/// What a package depends on.
#[derive(Debug, Deserialize)]
pub struct Dependency {
    pub name: String,
    /// `dev` or `build`; nothing for an ordinary one.
    pub kind: Option<String>,
    /// The directory, for a package of the workspace.
    pub path: Option<PathBuf>,
}

impl Package {
    /// The directory, relative to the workspace's root.
    pub fn directory(&self) -> String {
        directory(self.manifest_path.parent().unwrap_or(&self.manifest_path))
    }
}

impl Dependency {
    /// The directory, relative to the workspace's root; nothing for a package from elsewhere.
    pub fn directory(&self) -> Option<String> {
        self.path.as_deref().map(directory)
    }
}

fn directory(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// The packages of the workspace.
pub fn packages() -> Vec<Package> {
    #[derive(Deserialize)]
    struct Metadata {
        packages: Vec<Package>,
    }
    let told = run(env!("CARGO"), &["metadata", "--format-version", "1", "--no-deps", "--offline"]);
    serde_json::from_str::<Metadata>(&told).unwrap().packages
}

/// The text files that git tracks or would track.
pub fn sources() -> Vec<Source> {
    let listed = run("git", &["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let paths = listed.split('\0').filter(|path| !path.is_empty());
    let sources = paths.filter_map(|path| {
        // What is no text or was just removed has nothing to tidy up.
        let text = std::fs::read_to_string(root().join(path)).ok()?;
        Some(Source { path: path.to_owned(), text })
    });
    sources.collect()
}

#[expect(clippy::disallowed_methods, reason = "the one home of the commands of this test")]
fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).current_dir(root()).output();
    let output = output.unwrap_or_else(|error| panic!("cannot run `{program}`: {error}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "`{program}` failed: {errors}");
    String::from_utf8(output.stdout).unwrap()
}
