//! A project whose components hold secrets in every way, and the commands on it.

use std::cell::OnceCell;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command as Process;
use std::sync::{Arc, Mutex};

use clap::Parser as _;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use togusa::arguments::Arguments;
use togusa::commands::Command as Chosen;
use togusa::prelude::*;
use togusa::session::Session;
use togusa::ui::{Choices, Paint, Ui};

pub const PASSWORD: &str = r#"tr0ub4dor&3 "quoted""#;
const KEY: &str = "first line of a key\nsecond line of it\n";

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Login {
    address: Address,
    password: Secret,
    url: String,
}
impl Resource for Login {}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Watched {}
impl Resource for Watched {}

#[derive(Debug, Attributes)]
struct Vault {
    /// Port to listen on.
    #[attribute(default = 8080)]
    port: u16,
    password: Secret,
    key: Secret,
    limits: Limits,
    note: Option<String>,
}

#[derive(Debug, Attributes)]
struct Limits {
    cpu: u32,
    ram: u32,
}

impl Component for Vault {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let Self { password, key, port, .. } = &*self;
        let url = format!("vault://x:{}@here", password.expose());
        let context = context! { password, url, port };
        let text = "port = {{ port }}\npassword = {{ password }}\nurl = {{ url }}\n\
                    {% for c in password %}{{ c }}\n{% endfor %}";
        let conf = scope.add(File::new("vault.conf").inline_template(text, context));
        let listen = scope.listen(*port);
        let text = "cores = {{ facts.cores }}\nlisten = {{ listen }}\nhome = {{ home }}\n\
                    limits = {{ limits }}\n";
        let Limits { cpu, ram } = self.limits;
        let limits = format!("{cpu} {ram} {:?}", self.note);
        let context = context! { listen, home => scope.path("~/x"), limits };
        let sizes = scope.add(File::new("sizes.conf").inline_template(text, context));
        scope.add(File::new("url").content(&url));
        scope.add(File::new("key.pem").content(key));
        scope.add(File::new("quiet").content("not for all").sensitive());
        scope.add(Group { name: url.clone() });
        scope.manages("vault", &url);
        scope.log(format!("reached by {url}"));
        let restart = togusa::prelude::Command::new(Exec::new("true")).named("restart");
        scope.on_change(&conf).on_change(&sizes).add(restart.on_trigger_only());
        let (address, password) = (scope.address(*port), password.clone());
        scope.provide(Login { address, password, url });
        Ok(())
    }
}

/// A composite whose key must be masked too.
#[derive(Debug)]
struct Group {
    name: String,
}

impl Component for Group {
    fn key(&self) -> Option<std::borrow::Cow<'_, str>> {
        Some(self.name.as_str().into())
    }
}

#[derive(Debug, Attributes)]
struct App {}

impl Component for App {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let login = scope.require_one::<Login>()?;
        scope.on_change(&login).update_self();
        scope.provide(Watched {});
        Ok(())
    }

    fn update(&self, _machine: &Machine<'_>) -> Result {
        Ok(())
    }
}

/// Stops before the applications do, and knows of the vault.
#[derive(Debug, Attributes)]
struct Watch {}

impl Component for Watch {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        scope.require::<Watched>().reversed().optional().all()?;
        scope.require::<Login>().unordered().all()?;
        Ok(())
    }
}

const BASE: &str = r#"
[environment]
connect = "local"
[hosts."app[1-3]"]
components = ["app"]
[hosts.db]
components = ["vault"]
data = { rack = "b4" }
[hosts.mon]
components = ["watch", "!app"]
[components.vault]
port = 8443
limits = { cpu = 1, ram = 2 }
"#;

const DEV: &str = r#"
extends = "base"
[components.vault]
limits.ram = 4
[hosts.db.attributes.vault]
note = "here"
port = 9443
"#;

/// A directory with two environments and the key of their member.
pub struct Project {
    directory: TempDir,
}

#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Project {
    pub fn new() -> Self {
        let project = Self { directory: TempDir::new().unwrap() };
        for (name, text) in [("base", BASE), ("dev", DEV)] {
            let directory = project.path("environments").join(name);
            fs::create_dir_all(&directory).unwrap();
            fs::write(directory.join("environment.toml"), text).unwrap();
        }
        let key = project.path("id");
        let made = Process::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-f"])
            .arg(&key)
            .status();
        assert!(made.unwrap().success());
        let public = project.path("id.pub");
        project.run(&format!("secrets add dev jo {}", public.display()));
        for (name, value) in [("password", PASSWORD), ("key", KEY)] {
            fs::write(project.path(name), value).unwrap();
            let file = project.path(name);
            project
                .run(&format!("secrets set dev components.vault.{name} --file {}", file.display()));
        }
        project
    }

    pub fn path(&self, below: &str) -> PathBuf {
        self.directory.path().join(below)
    }

    /// Standard output of a command, or the errors that it ended with.
    pub fn run(&self, line: &str) -> String {
        self.run_with(&line.split(' ').collect::<Vec<_>>())
    }

    pub fn run_with(&self, line: &[&str]) -> String {
        let arguments = Arguments::parse_from([&["togusa"], line].concat());
        let choices = Choices { progress: false, ..Choices::new(&arguments.global) };
        let (data, notes) = (Buffer::default(), Buffer::default());
        let bars = Default::default();
        let ui = Ui::with_writers(choices, Box::new(data.clone()), Box::new(notes), bars);
        let registry = Registry::new();
        let registry = registry.with::<Vault>("vault").with::<App>("app").with::<Watch>("watch");
        let session = Session {
            registry: Arc::new(registry),
            project: "shop".into(),
            root: self.path(""),
            ui,
            identity_files: vec![self.path("id")],
            identities: OnceCell::new(),
            interrupt: OnceCell::new(),
        };
        let ran = match arguments.command {
            Chosen::Show(show) => show.run(&session),
            Chosen::Graph(graph) => graph.run(&session),
            Chosen::ExplainOrder(explain) => explain.run(&session),
            Chosen::Secrets(secrets) => secrets.run(&session),
            other => panic!("{other:?}"),
        };
        let text = String::from_utf8(data.0.lock().unwrap().clone()).unwrap();
        // How many lines an encrypted value takes is not the same each time.
        let (before, after) = ("secrets.toml:", |c: char| c.is_ascii_digit());
        let text = text.split(before).map(|part| part.trim_start_matches(after));
        let text = text.collect::<Vec<_>>().join(before);
        ran.map_or_else(|failure| failure.render(Paint(false)), |_| text)
    }
}
