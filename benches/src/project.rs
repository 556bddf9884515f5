//! Projects made up for a benchmark, deployed by `bench-subject`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use tempfile::TempDir;

/// The size of a managed file.
const FILE_SIZE: usize = 4096;

/// The size of a template.
const TEMPLATE_SIZE: usize = 2048;

/// A project in a temporary directory.
#[derive(Debug)]
pub struct Project {
    directory: TempDir,
}

impl Project {
    /// A project without environments, with the crate that the assets of `bench-subject` lie in.
    pub fn new() -> Result<Self> {
        let project = Self { directory: TempDir::new()? };
        project.write("assets/Cargo.toml", "[package]\nname = \"bench-assets\"\n")?;
        Ok(project)
    }

    /// Where the project lies.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Writes a file of the project.
    pub fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.path().join(name);
        path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
        std::fs::write(&path, text).with_context(|| format!("cannot write `{}`", path.display()))
    }

    /// Writes the sources of managed files, each with a content of its own.
    pub fn with_files(self, count: usize) -> Result<Self> {
        for number in 0..count {
            self.write(&source(number), &filled(number, "a line without any meaning", FILE_SIZE))?;
        }
        Ok(self)
    }

    /// Writes templates that use the variables of `bench-subject`.
    pub fn with_templates(self, count: usize) -> Result<Self> {
        for number in 0..count {
            let name = format!("assets/src/templates/t{number:02}.conf.j2");
            let text = "{% for peer in peers %}peer {{ peer }} of {{ host.name }}\n{% endfor %}\n\
                        port = {{ port }}  # {{ facts.cores }} cores";
            self.write(&name, &filled(number, text, TEMPLATE_SIZE))?;
        }
        Ok(self)
    }

    /// Writes an environment whose hosts are this machine.
    pub fn with_environment(self, name: &str, rest: &str) -> Result<Self> {
        let target = self.path().join("target");
        let head = format!("[environment]\nconnect = \"local\"\ntarget_directory = {target:?}\n");
        self.write(&format!("environments/{name}/environment.toml"), &(head + rest))?;
        Ok(self)
    }
}

/// The source of a managed file, below the project.
pub fn source(number: usize) -> String {
    format!("assets/src/files/f{number:05}")
}

/// The managed file on its host, below the project.
pub fn managed(environment: &str, number: usize) -> PathBuf {
    format!("target/bench/{environment}/work/files/f{number:05}").into()
}

/// A text of a size; the first line tells it from others.
fn filled(number: usize, line: &str, size: usize) -> String {
    let mut text = format!("# number {number}\n{line}\n");
    while text.len() < size {
        let length = text.len();
        let _ = writeln!(text, "# {length} {}", number * length);
    }
    text.truncate(size);
    text
}
