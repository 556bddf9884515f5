use std::path::Path;

use togusa::failure::Failure;
use togusa::ui::Ui;
use togusa_environments::secrets::Access;

use super::super::files::Staged;
use super::super::registration::Registration;
use super::super::wrong;
use super::{Added, require_absent};

const FILE: &str = "environment.toml";

/// Add an environment: `environments/NAME/environment.toml`
#[derive(Debug, clap::Args)]
pub struct Environment {
    /// The environment's name
    pub name: String,
    /// Start from this environment: what the new file does not say is as there
    #[arg(long, value_name = "ENVIRONMENT", conflicts_with = "hosts")]
    pub from: Option<String>,
    /// A host that `ssh` logs in to; may be given often and with commas [default: this machine]
    #[arg(long = "host", value_name = "HOST", value_delimiter = ',')]
    pub hosts: Vec<String>,
}

impl Environment {
    /// Writes the environment's file.
    ///
    /// # Errors
    /// The name is none or taken, or there is nothing sound to start from.
    pub fn run(&self, root: &Path, ui: &Ui) -> Result<(), Failure> {
        let name = self.name.as_str();
        togusa_environments::check_name(name).map_err(wrong)?;
        let directory = format!("environments/{name}");
        require_absent(root, &directory)?;
        let text = match &self.from {
            Some(from) => derived(root, name, from)?,
            None => fresh(root, name, &self.hosts)?,
        };
        let staged = Staged::write(&root.join("environments"), &[(FILE.to_owned(), text)])?;
        staged.become_directory(&root.join(&directory))?;
        let mut added = Added::new("environment", name, [&*format!("{directory}/{FILE}")]);
        added.next.push(format!("togusa check {name}"));
        added.tell(ui);
        Ok(())
    }
}

/// An environment that starts from another, which must be sound.
fn derived(root: &Path, name: &str, from: &str) -> Result<String, Failure> {
    let base = togusa_environments::load(root, "project", from, Access::Placeholders)?;
    let mut text = format!("# As `{from}`, but for what is said here.\nextends = \"{from}\"\n");
    let mut sandboxes = base.environment.hosts.values().filter_map(|host| host.sandbox.as_deref());
    if let Some(sandbox) = sandboxes.next() {
        // Two environments in one sandbox would undo each other's work.
        let apart = match sandbox.replace(&format!("/{from}/"), &format!("/{name}/")) {
            same if same == sandbox => format!("{sandbox}-{name}"),
            other => other,
        };
        text += &format!("\n[environment]\nsandbox = {}\n", toml::Value::from(apart));
    }
    Ok(text)
}

/// An environment of its own, with all components on all hosts.
fn fresh(root: &Path, name: &str, hosts: &[String]) -> Result<String, Failure> {
    // Without a registry that can be read the author names the components.
    let program = std::fs::read_to_string(root.join("src/main.rs")).unwrap_or_default();
    let known = Registration::find(&program);
    let components = known.map(|it| it.names().join("\", \"")).unwrap_or_default();
    let components =
        if components.is_empty() { String::new() } else { format!("\"{components}\"") };
    let local = ["localhost".to_owned()];
    let (mut text, hosts) = if hosts.is_empty() {
        ("# This machine.\n[environment]\nconnect = \"local\"\n".to_owned(), &local[..])
    } else {
        ("# Hosts that `ssh` logs in to by these names.\n".to_owned(), hosts)
    };
    for (number, host) in hosts.iter().enumerate() {
        let blank = if number > 0 || text.contains('[') { "\n" } else { "" };
        let key = toml_edit::Key::new(host);
        text += &format!("{blank}[hosts.{key}]\ncomponents = [{components}]\n");
    }
    // A name that no host can have is refused before it is written.
    togusa_environments::from_str("project", name, &text)?;
    Ok(text)
}
