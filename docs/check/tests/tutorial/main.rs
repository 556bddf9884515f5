//! The tutorial is followed literally: its commands in a shell, its files at the paths that they are
//! given, on a machine with three hosts, from an empty directory on.
//!
//! Two things are not as they are for a reader. Cargo has no network, and so the new project gets the
//! versions of other crates that this workspace has. And the installed command is not optimized, which
//! takes a minute less.

use std::fs;
use std::path::PathBuf;

use togusa_docs::pages::{Block, Page};
use togusa_docs::root;
use togusa_tests::lab::{HostSpec, Lab, User};
use togusa_tests::new_project::target;

const PAGE: &str = include_str!("../../../src/tutorial.md");

/// Who reads the page, and does what it says.
struct Reader {
    lab: Lab,
    /// What was an empty directory.
    start: PathBuf,
    /// Where the shell is.
    directory: PathBuf,
}

impl Reader {
    fn new() -> Self {
        let hosts = ["web1", "web2", "web3"];
        let lab =
            Lab::start(hosts.map(|name| HostSpec::new(name).user(User::new("deploy"))).to_vec());
        let start = target().join("projects/tutorial");
        if start.exists() {
            fs::remove_dir_all(&start).unwrap();
        }
        fs::create_dir_all(&start).unwrap();
        Self { lab, directory: start.clone(), start }
    }

    /// What the commands of a block print, on both ways.
    fn run(&mut self, block: &Block) -> String {
        let installs = block.text.starts_with("cargo install");
        let ends_in = self.start.join("directory");
        let script = format!("exec 2>&1\n{}\npwd >'{}'", block.text, ends_in.display());
        let mut shell = self.lab.command("bash");
        shell.args(["-euc", &script]);
        shell.current_dir(if installs { root() } else { self.directory.clone() });
        let installed = self.start.join("installed");
        let path = togusa_core::system::variable("PATH").unwrap_or_default();
        shell.env("PATH", format!("{}/bin:{path}", installed.display()));
        shell.env("CARGO_INSTALL_ROOT", &installed).env("CARGO_TARGET_DIR", target());
        shell.env("CARGO_NET_OFFLINE", "true");
        if installs {
            shell.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0");
        }
        let output = shell.output();
        let line = block.line;
        assert!(output.status.success(), "line {line}: {}\n{}", output.status, output.stdout);
        if !installs {
            self.directory = fs::read_to_string(ends_in).unwrap().trim_end().into();
        }
        output.stdout
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.directory.join(path);
        let directory = path.parent().unwrap();
        fs::create_dir_all(directory).unwrap();
        fs::write(path, text).unwrap();
    }
}

#[test]
fn whoever_follows_the_tutorial_gets_a_service_on_three_hosts() {
    let page = Page::parse("docs/src/tutorial.md", PAGE);
    let mut reader = Reader::new();
    for block in &page.blocks {
        match (block.language(), block.file()) {
            (_, Some(path)) => reader.write(path, &block.text),
            ("sh", None) => {
                let began = std::time::Instant::now();
                println!("$ {}", block.text);
                println!("{}", reader.run(block));
                println!("-- {:?}", began.elapsed());
                if block.text.contains("togusa new") {
                    fs::copy(root().join("Cargo.lock"), reader.directory.join("Cargo.lock"))
                        .unwrap();
                }
            }
            ("console", None) => println!("console {}", block.text),
            other => panic!("line {}: nobody knows what to do with {other:?}", block.line),
        }
    }
}
