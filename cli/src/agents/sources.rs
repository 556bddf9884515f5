//! What a program is built from: which files, whether they changed, the build id.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use togusa_core::digest::Digest;
use togusa_core::engine::BUILD;
use togusa_core::problem::{Problem, code};

use super::unreadable;

/// The source files of the path packages that a program is made of.
///
/// All Rust files in the source directories count, also those that one target leaves out, so that
/// the build id is the same for every target.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The files by the directory of their package.
    packages: BTreeMap<PathBuf, BTreeSet<PathBuf>>,
    /// The manifests and lock files of the workspaces concerned.
    workspaces: BTreeSet<PathBuf>,
}

impl Sources {
    /// Finds the packages of files that cargo listed.
    ///
    /// # Errors
    /// A directory cannot be read.
    pub fn of(listed: &[PathBuf]) -> Result<Self, Problem> {
        let mut sources = Self::default();
        let mut directories = BTreeSet::new();
        // Many files lie in few directories.
        let mut above_directory = BTreeMap::new();
        for file in listed {
            let found = above_directory.entry(file.parent());
            let package = found.or_insert_with(|| above(file, "Cargo.toml"));
            let Some(package) = package.clone() else { continue };
            let below = file.strip_prefix(&package).unwrap_or(file);
            let files = sources.packages.entry(package.clone()).or_default();
            files.extend([file.clone(), package.join("Cargo.toml")]);
            let first = below.parent().and_then(|parent| parent.iter().next());
            if let Some(first) = first.filter(|_| is_rust(file)) {
                directories.insert((package.join(first), package));
            }
        }
        for (directory, package) in directories {
            let files = sources.packages.entry(package).or_default();
            walk(&directory, files).map_err(|error| unreadable(&directory, &error))?;
        }
        for package in sources.packages.keys() {
            if let Some(workspace) = above(&package.join("Cargo.toml"), "Cargo.lock") {
                let files = ["Cargo.toml", "Cargo.lock"].map(|name| workspace.join(name));
                sources.workspaces.extend(files);
            }
        }
        Ok(sources)
    }

    /// The directories of the packages.
    pub fn packages(&self) -> impl Iterator<Item = &Path> {
        self.packages.keys().map(PathBuf::as_path)
    }

    /// All files, in the order of their paths.
    pub fn files(&self) -> BTreeSet<&Path> {
        let files = self.packages.values().flatten().chain(&self.workspaces);
        files.map(PathBuf::as_path).collect()
    }

    /// The build id: a digest over the contents and their places in the packages, independent of
    /// where the packages lie.
    ///
    /// # Errors
    /// A file cannot be read, or a manifest names no package.
    pub fn build_id(&self) -> Result<String, Problem> {
        let read = |file: &Path| std::fs::read(file).map_err(|error| unreadable(file, &error));
        let mut entries = BTreeSet::new();
        for (package, files) in &self.packages {
            let name = package_name(&package.join("Cargo.toml"))?;
            for file in files.iter().filter(|file| !file.is_dir()) {
                let place = file.strip_prefix(package).unwrap_or(file);
                entries.insert((name.clone(), place.to_owned(), Digest::of(&read(file)?)));
            }
        }
        for file in self.workspaces.iter().filter(|file| file.exists()) {
            let name = file.file_name().unwrap_or_default();
            entries.insert((String::new(), name.into(), Digest::of(&read(file)?)));
        }
        let mut text = format!("{BUILD}\n");
        for (package, place, digest) in entries {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{package:?} {place:?} {digest}");
        }
        Ok(Digest::of(text.as_bytes()).to_string())
    }
}

/// A line that differs as soon as the file does.
pub fn fingerprint(file: &Path) -> String {
    match std::fs::metadata(file) {
        Ok(found) => format!("{file:?} {} {}\n", modified(&found), found.len()),
        Err(error) => format!("{file:?} {:?}\n", error.kind()),
    }
}

/// When a file was written, in nanoseconds of its system's clock.
pub fn modified(metadata: &Metadata) -> i128 {
    i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec())
}

/// The nearest directory above a file that has an entry of this name.
fn above(file: &Path, name: &str) -> Option<PathBuf> {
    let directories = file.ancestors().skip(1);
    directories.into_iter().find(|directory| directory.join(name).is_file()).map(Path::to_owned)
}

/// Collects the Rust files below a directory, but for other packages and build results.
fn walk(directory: &Path, files: &mut BTreeSet<PathBuf>) -> io::Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            let foreign = ["Cargo.toml", "CACHEDIR.TAG"].map(|name| path.join(name).exists());
            if foreign == [false; 2] {
                walk(&path, files)?;
            }
        } else if is_rust(&path) {
            files.insert(path);
        }
    }
    Ok(())
}

fn is_rust(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "rs")
}

fn package_name(manifest: &Path) -> Result<String, Problem> {
    let text = std::fs::read_to_string(manifest).map_err(|error| unreadable(manifest, &error))?;
    let table: toml::Table =
        text.parse().map_err(|error: toml::de::Error| unreadable(manifest, &error))?;
    let name = table.get("package").and_then(|package| package.get("name")?.as_str());
    name.map(str::to_owned).ok_or_else(|| {
        Problem::new(code::NO_PACKAGE, format!("`{}` names no package", manifest.display()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project() -> tempfile::TempDir {
        let project = tempfile::tempdir().unwrap();
        write(&project, "Cargo.toml", "[workspace]\nmembers = ['shop', 'web']\n");
        write(&project, "Cargo.lock", "version = 4\n");
        for name in ["shop", "web"] {
            write(&project, &format!("{name}/Cargo.toml"), &format!("package.name = '{name}'"));
            write(&project, &format!("{name}/src/lib.rs"), name);
        }
        write(&project, "web/src/windows.rs", "left out here");
        write(&project, "web/src/app.conf", "asset");
        project
    }

    fn write(project: &tempfile::TempDir, name: &str, text: &str) {
        let path = project.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn sources(project: &tempfile::TempDir, more: &[&str]) -> Sources {
        let listed = ["shop/src/lib.rs", "web/src/lib.rs"].iter().chain(more);
        let listed: Vec<_> = listed.map(|name| project.path().join(name)).collect();
        Sources::of(&listed).unwrap()
    }

    #[test]
    fn the_build_id_is_the_same_wherever_the_project_lies() {
        let (here, there) = (project(), project());
        assert_eq!(
            sources(&here, &[]).build_id().unwrap(),
            sources(&there, &[]).build_id().unwrap()
        );
    }

    #[test]
    fn every_source_counts_for_the_build_id_and_no_asset_does() {
        for (name, counts) in [
            ("web/src/lib.rs", true),
            ("web/src/windows.rs", true),
            ("web/src/new/mod.rs", true),
            ("web/Cargo.toml", true),
            ("Cargo.toml", true),
            ("Cargo.lock", true),
            ("web/src/app.conf", false),
            ("web/tests/a.rs", false),
        ] {
            let project = project();
            let before = sources(&project, &[]).build_id().unwrap();
            write(&project, name, "package.name = 'web' # changed");
            assert_eq!(before != sources(&project, &[]).build_id().unwrap(), counts, "{name}");
        }
    }

    #[test]
    fn an_asset_that_is_included_counts() {
        let project = project();
        let before = sources(&project, &["web/src/app.conf"]).build_id().unwrap();
        write(&project, "web/src/app.conf", "changed");
        assert_ne!(before, sources(&project, &["web/src/app.conf"]).build_id().unwrap());
    }

    #[test]
    fn the_same_file_in_another_package_is_another_source() {
        let (here, there) = (project(), project());
        write(&here, "shop/src/a.rs", "");
        write(&there, "web/src/a.rs", "");
        assert_ne!(
            sources(&here, &[]).build_id().unwrap(),
            sources(&there, &[]).build_id().unwrap()
        );
    }

    #[test]
    fn other_packages_and_build_results_below_the_sources_do_not_count() {
        let project = project();
        let before = sources(&project, &[]).build_id().unwrap();
        for (mark, file) in [
            ("web/src/p/Cargo.toml", "web/src/p/a.rs"),
            ("web/src/t/CACHEDIR.TAG", "web/src/t/a.rs"),
        ] {
            write(&project, mark, "");
            write(&project, file, "");
        }
        assert_eq!(before, sources(&project, &[]).build_id().unwrap());
    }
}
