//! The subject of the crash test: one deployment onto hosts that share a home directory.
//!
//! Every update appends the name of what it is about to change, or has restarted, to `HOME/log`, so
//! that the test knows which restart came after which change.

mod parts;
mod roots;

use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use togusa_core::assets::{AssetStore, ProjectAssets};
use togusa_core::engine::transport::{InProcess, Transport};
use togusa_core::engine::{Options, deploy};
use togusa_core::environment::{Environment, Host};
use togusa_core::event::{Event, Mode};
use togusa_core::interrupt::Interrupt;
use togusa_core::model::{self, Model};
use togusa_core::prelude::*;
use togusa_core::problem::Problems;
use togusa_core::value::Table;

/// Deploys once and says on standard output, line by line, what happened.
///
/// The arguments are the home directory, the model (`all` or `gated`), the text that its files hold,
/// and the name of the services that can be renamed. The exit code is 0 if all converged.
pub fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [home, model, text, service] = arguments.as_slice() else {
        say("usage: crash-subject HOME MODEL TEXT SERVICE");
        return ExitCode::from(2);
    };
    match run(Path::new(home), &environment(model, text, service)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problems) => {
            say(&format!("refused: {problems}"));
            ExitCode::from(2)
        }
    }
}

/// One root at a time is ready to run, so that the steps of every run have the same order.
fn environment(model: &str, text: &str, service: &str) -> Environment {
    let mut attributes = Table::default();
    attributes.insert("text", text);
    attributes.insert("service", service);
    let hosts: &[(&str, &[&str])] = match model {
        "gated" => &[("one", &["gated"])],
        _ => &[("one", &["database", "monitor"]), ("two", &["app"]), ("three", &["front"])],
    };
    let mut environment = Environment::new("crash", "test");
    for (name, roots) in hosts {
        let host = Host::local(*name, format!("~/{name}"));
        let with_root = |host: Host, root: &&str| host.with_root(*root, attributes.clone());
        environment = environment.with(roots.iter().fold(host, with_root));
    }
    environment
}

fn run(home: &Path, environment: &Environment) -> Result<bool, Problems> {
    let registry = roots::registry();
    let assets = Arc::new(ProjectAssets::new(home));
    let model = model::configure(&registry, environment, &*assets)?;
    say(&format!("components: {}", components(&model)));
    let assets: Arc<dyn AssetStore> = assets;
    let transport: Arc<dyn Transport> = Arc::new(InProcess {
        registry: Arc::new(registry),
        assets: Arc::clone(&assets),
        home: home.to_owned(),
    });
    let options = Options::new(Mode::Converge);
    let interrupt = Interrupt::default();
    Ok(deploy(&model, &transport, &assets, &options, &interrupt, &mut tell).is_success())
}

fn components(model: &Model) -> usize {
    model.roots().map(|root| model.components(root).count()).sum()
}

fn tell(event: Event) {
    match event {
        Event::ComponentChanged { root, breadcrumb, .. } => {
            say(&format!("changed: {root}: {breadcrumb}"));
        }
        Event::ComponentFailed { root, problem, .. } => say(&format!("failed: {root}: {problem}")),
        Event::HostFailed { host, problem } => say(&format!("failed: {host}: {problem}")),
        Event::TriggerMoved { root, dependant, moved_to, .. } => {
            say(&format!("moved: {root}: {dependant} to {moved_to:?}"));
        }
        Event::Warning { host, problem } => say(&format!("warning: {host}: {problem}")),
        Event::Output { text, .. } => say(&format!("output: {text}")),
        _ => {}
    }
}

fn say(text: &str) {
    // Who does not listen any more does not mind.
    let _ = writeln!(io::stdout(), "{text}");
}
