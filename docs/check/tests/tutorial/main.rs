//! The tutorial is followed literally: its commands in a shell, its files at the paths that they are
//! given, on a machine with three hosts, from an empty directory on.
//!
//! Two things are not as they are for a reader. Cargo has no network, and so the new project gets the
//! versions of other crates that this workspace has. And neither the installed command nor what is sent
//! to the hosts is optimized, which takes minutes less.

use std::fs;
use std::path::PathBuf;

use togusa_core::system;
use togusa_docs::pages::{Block, Page};
use togusa_docs::root;
use togusa_tests::lab::{HostSpec, Lab, Program, User};
use togusa_tests::new_project::target;

const PAGE: &str = include_str!("../../../src/tutorial.md");

/// What a reader might have set for all projects: how that is built what is sent to hosts.
const PUSH: &str = "[profile.push]\ninherits = 'release'\nopt-level = 0\nstrip = true\n";

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
        fs::create_dir_all(start.join(".cargo")).unwrap();
        fs::write(start.join(".cargo/config.toml"), PUSH).unwrap();
        Self { lab, directory: start.clone(), start }
    }

    /// A shell where the reader is.
    fn shell(&self, script: &str) -> Program {
        let mut shell = self.lab.command("bash");
        shell.args(["-euc", script]).current_dir(&self.directory);
        let installed = self.start.join("installed");
        let path = system::variable("PATH").unwrap_or_default();
        shell.env("PATH", format!("{}/bin:{path}", installed.display()));
        shell.env("CARGO_INSTALL_ROOT", &installed).env("CARGO_TARGET_DIR", target());
        shell.env("CARGO_NET_OFFLINE", "true");
        shell
    }

    /// What the commands of a block print, on both ways.
    fn run(&mut self, block: &Block) -> String {
        let ends_in = self.start.join("directory");
        let script = format!("exec 2>&1\n{}\npwd >'{}'", block.text, ends_in.display());
        let mut shell = self.shell(&script);
        let installs = block.text.starts_with("cargo install");
        if installs {
            shell.current_dir(root()).env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0");
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

/// The first line of each block of commands, and what is to be seen then.
const SEEN: [(&str, &[&str]); 15] = [
    ("cargo install --locked --path cli", &["Installed package `togusa"]),
    ("togusa new greeter", &["+ greeter/src/main.rs", "  togusa deploy dev"]),
    ("togusa deploy dev", &["+greeting = hello from dev", "converged: 1 component changed"]),
    ("togusa deploy dev", &["nothing to do: every component is current"]),
    ("togusa plan dev", &["4 changes planned", "converged: 3 ", "\n<h1>hello from dev</h1>"]),
    (
        "echo '<p>It is served by Python.</p>'",
        &["converged: 1 ", "\n<p>It is served by Python.</p>"],
    ),
    ("cargo test", &["the_page_greets_in_the_words_of_the_environment ... ok"]),
    ("togusa add component front", &["src/main.rs: registers `front`"]),
    (
        "cargo test",
        &[
            "test tests::every_page_is_listed ... ok",
            "`dev` is sound: 1 host, 2 roots",
            "front@localhost  waits for app@localhost (Page)",
            "\n  <li><a href=\"http://localhost:8080/\">localhost</a></li>",
        ],
    ),
    ("ssh -l deploy web1 true", &[]),
    (
        "togusa doctor live",
        &[
            "nothing stands in the way of a deployment to `live`: 3 hosts",
            "16 changes planned",
            "converged: 12 components changed",
        ],
    ),
    (
        "curl http://web1:8000/",
        &[
            "\n  <li><a href=\"http://web3:8080/\">web3</a></li>",
            "\n<h1>hello from the third</h1>",
            "all 3 hosts are at commit",
        ],
    ),
    ("togusa exec live --host web2", &[]),
    (
        "togusa verify live",
        &["drift: 3 components changed", "converged: 2 components changed", "no drift"],
    ),
    ("togusa exec live -- sh -c 'kill", &["exit 0: all 3 hosts"]),
];

/// Changes what the page says to change before this session, and does what is typed there.
fn make_the_mistake(reader: &Reader, session: &Block) {
    let file = "environments/dev/environment.toml";
    let right = fs::read_to_string(reader.directory.join(file)).unwrap();
    reader.write(file, &right.replace("greeting", "greting"));
    let (typed, told) = session.text.split_once('\n').unwrap();
    let typed = typed.strip_prefix("$ ").unwrap();
    let output = reader.shell(typed).output();
    assert_eq!((output.code(), output.stdout + &output.stderr), (Some(2), told.to_owned()));
    reader.write(file, &right);
}

#[test]
fn whoever_follows_the_tutorial_gets_a_service_on_three_hosts() {
    let page = Page::parse("docs/src/tutorial.md", PAGE);
    let mut reader = Reader::new();
    let mut seen = SEEN.iter();
    for block in &page.blocks {
        match (block.language(), block.file()) {
            (_, Some(path)) => reader.write(path, &block.text),
            ("sh", None) => {
                let out = reader.run(block);
                let Some((first, seen)) = seen.next() else {
                    panic!("line {}: nobody knows what is to be seen then", block.line);
                };
                assert!(block.text.starts_with(first), "line {}: no `{first}`", block.line);
                for seen in *seen {
                    assert!(out.contains(seen), "line {}: no `{seen}`:\n{out}", block.line);
                }
                if block.text.contains("togusa new") {
                    let versions = root().join("Cargo.lock");
                    fs::copy(versions, reader.directory.join("Cargo.lock")).unwrap();
                }
                let compiled = out.contains("Compiling ");
                assert!(!compiled || !block.text.starts_with("echo"), "a template was compiled");
            }
            ("console", None) => make_the_mistake(&reader, block),
            other => panic!("line {}: nobody knows what to do with {other:?}", block.line),
        }
    }
    assert_eq!(seen.next(), None);
    for host in reader.lab.hosts() {
        assert_eq!(host.processes_with("http.server"), [], "{}", host.name());
        assert!(!host.exists("~deploy/deployment/greeter"), "{}", host.name());
    }
    assert_eq!(reader.lab.processes_with("http.server"), []);
    assert!(!reader.lab.exists("~/deployment/greeter"));
}
