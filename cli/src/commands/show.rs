mod attributes;
mod find;
mod lines;

use serde::Serialize;
use serde_json::json;
use togusa_core::address::{self, AddressTable};
use togusa_core::environment::{Connect, Host};
use togusa_core::model::{Model, Previewed, RootLook};
use togusa_core::names::{Breadcrumb, RootId};
use togusa_core::problem::{Problem, code};
use togusa_environments::Layers;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::selection::find_host;
use crate::session::{Configured, Secrets, Session};
use crate::ui::{Stream, Verbosity};
use attributes::{Attribute, attributes};
use find::{Found, find};

/// Show what a host gets: attributes and where they come from, resources, files, triggers
///
/// Shows all components of a host, or one of them with the content of its files as they will be
/// written. `-v` shows all files and fields. No host is asked: placeholders stand for what only the
/// host knows, and secrets are masked.
#[derive(Debug, clap::Args)]
pub struct Show {
    /// The environment's name
    pub environment: String,
    /// The host's name
    pub host: String,
    /// A component of the environment, a breadcrumb below it, or enough of one to be found
    pub component: Option<String>,
    /// Also resolve the names of addresses, which needs a network
    #[arg(long)]
    pub resolve: bool,
    /// Open no secrets: placeholders stand for them, and no key is needed
    #[arg(long)]
    pub without_secrets: bool,
}

/// A root as it is shown.
#[derive(Serialize)]
struct Shown {
    #[serde(rename = "type")]
    type_name: &'static str,
    layer: usize,
    layers: usize,
    features: Vec<String>,
    attributes: Vec<Attribute>,
    #[serde(flatten)]
    look: RootLook,
    files: Vec<File>,
}

/// The content of a file.
#[derive(Serialize)]
struct File {
    breadcrumb: Breadcrumb,
    #[serde(flatten)]
    preview: Previewed,
}

impl Show {
    /// Shows a host, or a component on it.
    ///
    /// # Errors
    /// All that is wrong with the environment or the model, or there is no such host or component.
    pub fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let secrets = if self.without_secrets { Secrets::Closed } else { Secrets::Open };
        let configured = session.configure(&self.environment, false, secrets)?;
        let model = &configured.model;
        let host = find_host(model.environment(), &self.host)?;
        let ids = host.roots.iter().map(|root| RootId::new(host.name.clone(), root.name.clone()));
        let looks: Vec<_> = ids.filter_map(|id| model.look(&id)).collect();
        let found = self.component.as_deref().map(|text| find(&looks, text)).transpose()?;
        let layers = Layers::load(&session.root, &self.environment)?;
        let addresses = match self.resolve {
            true => address::resolve(model)?,
            false => AddressTable::new(),
        };
        let ui = &session.ui;
        let whole = ui.choices.json || ui.shows(Verbosity::Verbose);
        let mut shown = Vec::new();
        for (number, look) in looks.into_iter().enumerate() {
            let within = match &found {
                Some(found) if found.root != number => continue,
                Some(Found { breadcrumb, .. }) => breadcrumb.as_ref(),
                None => None,
            };
            let look = match within {
                Some(within) => part(look, within),
                None => look,
            };
            let files = match whole || found.is_some() {
                true => files(&configured, &look, &addresses)?,
                false => Vec::new(),
            };
            let attributes = match within {
                Some(_) => Vec::new(),
                None => attributes(session, model, host, &look.root, &layers),
            };
            shown.push(of_root(session, model, host, look, attributes, files));
        }
        let text = match ui.choices.json {
            true => format!("{}\n", self.to_json(model, host, &addresses, &shown)),
            false => {
                let about_host = found.is_none().then_some(host);
                let lines = lines::Lines {
                    paint: ui.paint(Stream::Data),
                    fields: ui.shows(Verbosity::Verbose),
                    addresses: &addresses,
                    host,
                };
                model.masked(&lines.all(about_host, &shown))
            }
        };
        ui.write(Stream::Data, &text);
        Ok(Exit::Success)
    }

    fn to_json(
        &self,
        model: &Model,
        host: &Host,
        addresses: &AddressTable,
        shown: &[Shown],
    ) -> serde_json::Value {
        json!({
            "environment": self.environment,
            "host": {
                "name": host.name,
                "address": host.address(),
                "connect": host.connect,
                "user": host.user,
                "converges_as": converges_as(host),
                "platform": host.platform,
                "target_directory": host.target_directory,
                "sandbox": host.sandbox,
                "jobs": host.jobs,
                "ignored": host.ignore,
                "data": attributes::masked(model, host.data.to_json()),
                "place": host.origin.as_ref().map(ToString::to_string),
            },
            "addresses": addresses,
            "roots": shown,
        })
    }
}

/// The user that the host converges as; `None`: whoever deploys.
fn converges_as(host: &Host) -> Option<&str> {
    if host.sudo { Some("root") } else { host.service_user.as_deref() }
}

/// How the host is reached, in words.
fn reached(host: &Host) -> String {
    match host.connect {
        Connect::Local => "this machine".to_owned(),
        Connect::Ssh => {
            let user = host.user.as_ref().map(|user| format!("{user}@")).unwrap_or_default();
            let port = host.port.map(|port| format!(", port {port}")).unwrap_or_default();
            format!("ssh {user}{}{port}", host.address())
        }
    }
}

fn of_root(
    session: &Session,
    model: &Model,
    host: &Host,
    look: RootLook,
    attributes: Vec<Attribute>,
    files: Vec<File>,
) -> Shown {
    let component = session.registry.get(look.root.root.as_str());
    let asked = host.roots.iter().find(|root| root.name == look.root.root);
    let features = asked.map(|root| root.features.clone()).filter(|asked| !asked.is_empty());
    let by_default = component.map_or(&[][..], |component| component.default_features());
    let features = features.unwrap_or_else(|| by_default.iter().map(ToString::to_string).collect());
    let layers = model.graph().layers();
    let layer = layers.get(&look.root).copied().unwrap_or_default() + 1;
    Shown {
        type_name: component.map_or("", |component| component.type_name()),
        layer,
        layers: layers.values().max().map_or(1, |last| last + 1),
        features,
        attributes,
        look,
        files,
    }
}

/// What lies within a component.
fn part(mut look: RootLook, within: &Breadcrumb) -> RootLook {
    let is_within = |breadcrumb: &Breadcrumb| find::is_within(breadcrumb, within);
    look.components.retain(|component| is_within(&component.breadcrumb));
    look.requires.retain(|requirement| is_within(&requirement.breadcrumb));
    look.provides.retain(|provision| is_within(&provision.breadcrumb));
    let above = look.components.first().map_or(0, |component| component.depth);
    look.components.iter_mut().for_each(|component| component.depth -= above);
    look
}

fn files(
    configured: &Configured,
    look: &RootLook,
    addresses: &AddressTable,
) -> Result<Vec<File>, Failure> {
    let Configured { model, assets } = configured;
    let mut files = Vec::new();
    for component in &look.components {
        let breadcrumb = &component.breadcrumb;
        let preview = model.preview(&look.root, breadcrumb, addresses, &**assets);
        let preview = preview.map_err(|error| {
            let problem = Problem::from_error(&error, code::TEMPLATE)
                .in_component(&look.root.root, breadcrumb);
            Failure::wrong_use([problem.on(&look.root.host)])
        })?;
        let file = preview.map(|preview| File { breadcrumb: breadcrumb.clone(), preview });
        files.extend(file);
    }
    Ok(files)
}
