//! A small project, built by cargo as a user would.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use togusa::agents::Agents;
use togusa::core::problem::Problem;

const FILES: [(&str, &str); 8] = [
    ("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"shop\", \"web\"]\n"),
    (
        "shop/Cargo.toml",
        "[package]\nname = \"shop-deployment\"\nedition = \"2024\"\n\n[[bin]]\nname = \"shop\"\npath = \"src/main.rs\"\n\n[dependencies]\nweb = { path = \"../web\" }\n",
    ),
    ("shop/src/main.rs", "fn main() {\n    println!(\"{}\", web::greeting());\n}\n"),
    ("web/Cargo.toml", "[package]\nname = \"web\"\nedition = \"2024\"\n"),
    (
        "web/src/lib.rs",
        "pub fn greeting() -> String {\n    format!(\"hello{}\", include_str!(\"text\"))\n}\n",
    ),
    ("web/src/text", " included"),
    ("web/src/app.conf", "asset"),
    ("environments/dev/environment.toml", ""),
];

pub struct Project {
    directory: TempDir,
}

impl Project {
    pub fn new() -> Self {
        let project = Self { directory: TempDir::new().unwrap() };
        FILES.iter().for_each(|(name, text)| project.write(name, text));
        project.build();
        project
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn replace(&self, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(name)).unwrap();
        assert!(text.contains(from), "`{name}` has no `{from}`");
        self.write(name, &text.replace(from, to));
    }

    /// Builds the coordinator.
    pub fn build(&self) {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--offline", "--target-dir"]).arg(self.path("target"));
        assert!(cargo.current_dir(self.path("")).status().unwrap().success());
    }

    pub fn program(&self) -> PathBuf {
        self.path("target/debug/shop")
    }

    pub fn agents(&self) -> Result<Agents, Problem> {
        Agents::of_project(&self.path(""), &self.program())
    }

    /// A text without what differs from run to run.
    pub fn filtered(&self, text: &str) -> String {
        text.replace(&self.directory.path().display().to_string(), "[project]")
    }
}

/// Unpacks a binary and runs it; what it prints.
pub fn run(compressed: &[u8], directory: &Path) -> String {
    let file = directory.join("unpacked");
    let mut content = Vec::new();
    let mut decoder = flate2::read::GzDecoder::new(compressed);
    std::io::copy(&mut decoder, &mut content).unwrap();
    fs::write(&file, content).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    let output = Command::new(&file).env_clear().output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}
