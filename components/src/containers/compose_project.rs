//! Projects of Docker Compose.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use togusa_core::fault::CodeExt as _;
use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::scope::Handle;
use togusa_core::{demand, fault};

use super::docker::{ask, docker, explained, lines, run};
use crate::file::File;
use crate::foreign;

/// The labels by which Compose tells what a container was made from.
const HASH: &str = "com.docker.compose.config-hash=";

/// A project of Docker Compose: its file, and the containers of its services.
///
/// | attribute | default |
/// |---|---|
/// | `file` | must be given, as a [`File`](crate::File); a path such as `shop/compose.yaml` |
/// | `keep_orphans` | no: containers of services that the file has no more are removed |
///
/// Paths within the file count from the directory that it lies in. A secret belongs into a `File` of
/// its own, which the file names by `env_file` or `secrets`.
///
/// `verify` compares, for each service, the hash that `docker compose config --hash` tells with the one
/// that its containers carry, which `docker compose ps --format json` tells with their state. A service
/// whose containers ended with 0 has done its work. The plan judges by the file as it will be. That a tag
/// leads to another image by now is not seen. `update` runs `up --detach`, which makes anew what differs; if
/// nothing does, a trigger has come and all services are restarted. What the services say goes to
/// `docker compose logs`.
///
/// All of this was recorded from Compose 2.40.3, which Debian 12 does not have.
///
/// **Needs**: `docker` with the plugin `compose` of version 2, and its daemon; root, or membership in the
/// group `docker`.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     let directory = scope.add(Directory::new("shop"));
///     let conf = scope.add(File::new("shop/nginx.conf").content("events {}\n").mode(0o644));
///     let file = File::new("shop/compose.yaml").content("services: { web: { image: nginx:1.27 } }\n");
///     let shop = ComposeProject::new("shop", file);
///     scope.on_change(&conf).add(shop);
///     scope.add(ComposeProject::absent("former"));
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct ComposeProject {
    name: String,
    given: Option<File>,
    file: Option<Handle<File>>,
    keep_orphans: bool,
    absent: Option<Data>,
}

/// What becomes of the volumes of a project that is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Data {
    Stays,
    Goes,
}

/// A container of the project.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    name: String,
    service: String,
    state: String,
    exit_code: i64,
    labels: String,
}

impl Listed {
    fn hash(&self) -> Option<&str> {
        let (_, rest) = self.labels.split_once(HASH)?;
        rest.split(',').next()
    }

    fn is_right(&self) -> bool {
        self.state == "running" || (self.state == "exited" && self.exit_code == 0)
    }

    fn told(&self) -> String {
        match &*self.state {
            "exited" => format!("exited with {}", self.exit_code),
            state => state.to_owned(),
        }
    }
}

impl ComposeProject {
    /// A project of this name, with its file.
    pub fn new(name: impl Into<String>, file: File) -> Self {
        Self { name: name.into(), given: Some(file), file: None, keep_orphans: false, absent: None }
    }

    /// No containers and networks of a project of this name; its volumes stay.
    pub fn absent(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            given: None,
            file: None,
            keep_orphans: false,
            absent: Some(Data::Stays),
        }
    }

    /// No containers, networks and volumes of a project of this name.
    pub fn absent_losing_all_data(name: impl Into<String>) -> Self {
        Self { absent: Some(Data::Goes), ..Self::absent(name) }
    }

    /// Leaves containers alone whose service the file has no more.
    #[must_use]
    pub fn keep_orphans(mut self) -> Self {
        self.keep_orphans = true;
        self
    }

    fn compose(&self) -> Exec {
        docker(["compose", "--project-name", &self.name])
    }

    /// All containers of the project.
    fn containers(&self, probe: &Probe<'_>) -> Result<Vec<Listed>> {
        let ps = self.compose().args(["ps", "--all", "--no-trunc", "--format", "json"]);
        lines(&of_compose(ask(probe, &ps))?)
    }

    /// The services of the file as it shall be, with their hashes.
    fn services(&self, probe: &Probe<'_>, file: &File) -> Result<BTreeMap<String, String>> {
        let content = file.wanted(probe)?.read(probe)?.into_owned();
        let directory = file.path().parent().context("the file has no directory")?;
        let directory = probe.local(&directory).to_string_lossy().into_owned();
        let read = ["--project-directory", &directory, "--file", "-", "config", "--hash", "*"];
        let read = self.compose().args(read).stdin(content).sensitive();
        let output = of_compose(explained(probe.query(&read)))?.stdout_text();
        let each = output.lines().filter_map(|line| line.split_once(' '));
        Ok(each.map(|(service, hash)| (service.to_owned(), hash.trim().to_owned())).collect())
    }

    /// Networks or volumes that Compose made for the project.
    fn labelled(&self, probe: &Probe<'_>, kind: &str) -> Result<Vec<String>> {
        let label = format!("label=com.docker.compose.project={}", self.name);
        let list = docker([kind, "ls", "--filter", &label, "--format", "{{.Name}}"]);
        Ok(ask(probe, &list)?.stdout_text().lines().map(str::to_owned).collect())
    }

    /// The kinds of what goes besides the containers.
    fn rest(&self) -> impl Iterator<Item = &'static str> {
        let volumes = (self.absent == Some(Data::Goes)).then_some("volume");
        std::iter::once("network").chain(volumes)
    }

    fn changes(&self, probe: &Probe<'_>) -> Result<Vec<Change>> {
        let containers = self.containers(probe)?;
        let Some(file) = &self.file else {
            let services = services_of(&containers);
            let gone = services.into_iter().map(|it| Change::remove(format!("service `{it}`")));
            let mut gone: Vec<_> = gone.collect();
            for kind in self.rest() {
                let left = self.labelled(probe, kind)?.into_iter();
                gone.extend(left.map(|name| Change::remove(format!("{kind} `{name}`"))));
            }
            return Ok(gone);
        };
        let mut changes = Vec::new();
        let services = self.services(probe, file)?;
        for (service, hash) in &services {
            let of_it: Vec<_> = containers.iter().filter(|it| it.service == *service).collect();
            if of_it.is_empty() {
                changes.push(Change::create(format!("service `{service}`")));
            }
            if of_it.iter().any(|it| it.hash() != Some(hash)) {
                changes.push(format!("service `{service}` is defined in another way").into());
                continue;
            }
            for container in of_it.iter().filter(|it| !it.is_right()) {
                let what = format!("state of {}", container.name);
                changes.push(Change::property(what, container.told(), "running"));
            }
        }
        if !self.keep_orphans {
            let gone = services_of(&containers);
            let gone = gone.into_iter().filter(|service| !services.contains_key(*service));
            changes.extend(gone.map(|service| Change::remove(format!("service `{service}`"))));
        }
        Ok(changes)
    }
}

fn services_of(containers: &[Listed]) -> Vec<&str> {
    let mut services: Vec<_> = containers.iter().map(|it| &*it.service).collect();
    services.sort_unstable();
    services.dedup();
    services
}

/// Says of a Docker without Compose what it lacks, and of a file that it cannot be read.
fn of_compose<T>(result: Result<T>) -> Result<T> {
    let Err(error) = result else { return result };
    let said = foreign::failure(&error).map(|it| it.stderr_tail.clone()).unwrap_or_default();
    let says = |texts: &[&str]| texts.iter().any(|text| said.contains(text));
    // The last is of the end of all that an older Docker can do, which it shows behind the first.
    let lacks = [
        "unknown flag: --project-name",
        "is not a docker command",
        "unknown command",
        "Run 'docker COMMAND --help'",
    ];
    if says(&lacks) {
        let error = Err(error).context("this `docker` has no `compose`").code(code::NO_COMPOSE);
        return error.hint("install the plugin of Docker Compose 2 in an earlier component");
    }
    if says(&["failed to parse", "validating ", "yaml: ", "services.", "invalid compose project"]) {
        let error = Err(error).context("Compose cannot read the file of the project");
        return error.code(code::COMPOSE_FILE).hint("`docker compose config` tells more");
    }
    Err(error)
}

impl Component for ComposeProject {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some((&*self.name).into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let name = &self.name;
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c);
        let begins = name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
        demand!(
            begins && name.chars().all(plain),
            code::NOT_A_NAME,
            "`{name}` cannot be the name of a project of Compose: small letters, digits, `-`, `_`"
        );
        scope.manages("compose-project", name);
        self.file = self.given.take().map(|file| scope.add(file));
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        Ok(self.changes(probe)?.into())
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        let Some(file) = &self.file else {
            let volumes = (self.absent == Some(Data::Goes)).then_some("--volumes");
            let down = self.compose().args(["down", "--remove-orphans"]).args(volumes);
            of_compose(run(machine, &down))?;
            // Without a file and without containers there is nothing that it goes by.
            for kind in self.rest() {
                for name in self.labelled(machine, kind)? {
                    run(machine, &docker([kind, "rm", &name]))?;
                }
            }
            return Ok(());
        };
        let path = machine.local(file.path()).to_string_lossy().into_owned();
        let compose = || self.compose().args(["--file", &path]);
        let command = if self.changes(machine)?.is_empty() {
            compose().arg("restart")
        } else {
            let orphans = (!self.keep_orphans).then_some("--remove-orphans");
            compose().args(["up", "--detach"]).args(orphans)
        };
        of_compose(run(machine, &command))?;
        let ended = self.containers(machine)?;
        match ended.iter().find(|it| !it.is_right()) {
            None => Ok(()),
            Some(ended) => {
                let (name, told) = (&ended.name, ended.told());
                let ended =
                    fault!(code::CONTAINER_ENDED, "container `{name}` was to run, and is {told}");
                Err(ended).hint(format!("`docker logs {name}` tells why"))
            }
        }
    }
}
