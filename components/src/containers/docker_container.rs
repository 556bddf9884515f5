//! Containers.

mod definition;
mod state;

use std::borrow::Cow;
use std::time::Duration;

use togusa_core::fault::CodeExt as _;
use togusa_core::host::Ownership;
use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::{demand, fault};

use super::docker::{check_name, check_pairs, docker, explained, run};
use super::docker_image::Images;
use super::reference::Reference;
use crate::file::Text;
use crate::location::Location;
use crate::waiting::{self, seconds};

use definition::{Definition, Mount, Source, port};
use state::Containers;

/// The label by which a container tells what it was made from.
const LABEL: &str = "togusa.definition";

/// How often a container that was started is looked at.
const INTERVAL: Duration = Duration::from_millis(100);

/// One container of Docker: it is there as it is defined, and runs.
///
/// | attribute | default |
/// |---|---|
/// | `command` | that of the image |
/// | `entrypoint` | that of the image |
/// | `env` | what the image sets; values may be secrets |
/// | `publish` | no port; as `8080:80`, `127.0.0.1:8080:80` or `53:53/udp` |
/// | `volume`, `bind` | nothing; a volume by its name, a path of the host, each with where it lies within |
/// | `network` | that of Docker itself, `bridge` |
/// | `restart` | `unless-stopped`; else `no`, `always`, `on-failure` or `on-failure:5` |
/// | `user`, `directory`, `hostname` | those of the image; the id of the container |
/// | `label` | none |
/// | `options` | none: more of `docker create`, as `--memory=1g` |
/// | `stopped` | no, it runs |
/// | `start_time` | 1 s: one that ends within it has failed |
/// | `stop_timeout` | 10 s, then it is killed |
///
/// A container cannot be changed, so that any difference makes it anew: the new one is created beside
/// the old one, which is stopped and removed only then. What it wrote outside of volumes is lost, as it
/// always is, and volumes without a name stay behind. That a network, the restart policy or the
/// definition was changed by hand is seen too. The image is another one when its name leads to another
/// one, as after a pull. The label
/// `togusa.definition` holds a digest of all that is defined but the values of variables, which are
/// compared one by one.
///
/// Variables go to `docker` in a file that only the converging user can read, and that is removed once the
/// container is created. Whoever may ask Docker can read them by `docker inspect`; a secret is better
/// off in a `File` that is bound into the container. On a trigger the container is restarted.
///
/// `verify` reads all containers of the host by one `docker container inspect`, and all images by one
/// `docker image ls`. An image that is missing is pulled when the container is created. For a container
/// that ends by itself there is [`Command`](crate::Command) with `docker run --rm`.
///
/// **Needs**: `docker` and its daemon; root, or membership in the group `docker`.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>, password: &Secret) -> Result {
///     let network = scope.add(DockerNetwork::new("shop"));
///     let data = scope.add(DockerVolume::new("shop-data"));
///     let database = DockerContainer::new("shop-db", "postgres:16.4")
///         .network(network.name())
///         .volume(data.name(), "/var/lib/postgresql/data")
///         .env("POSTGRES_PASSWORD", password);
///     scope.add(database);
///     let page = scope.add(File::new("index.html").content("<h1>it works</h1>\n").mode(0o644));
///     let web = DockerContainer::new("shop-web", "nginx:1.27")
///         .network(network.name())
///         .bind_read_only(page.path(), "/usr/share/nginx/html/index.html")
///         .publish("127.0.0.1:8080:80");
///     scope.on_change(&page).add(web);
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct DockerContainer {
    name: String,
    definition: Definition,
    env_file: Option<HostPath>,
    stopped: bool,
    absent: bool,
    start_time: Duration,
    stop_timeout: Duration,
}

impl DockerContainer {
    /// A container of this name, from an image with a tag (`latest` if there is none) or a digest.
    pub fn new(name: impl Into<String>, image: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            definition: Definition { image: image.into(), ..Definition::default() },
            env_file: None,
            stopped: false,
            absent: false,
            start_time: Duration::from_secs(1),
            stop_timeout: Duration::from_secs(10),
        }
    }

    /// No container of this name.
    pub fn absent(name: impl Into<String>) -> Self {
        Self { absent: true, ..Self::new(name, "") }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Sets what runs in it: a program with its arguments, or arguments of the entry point.
    #[must_use]
    pub fn command(mut self, words: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.definition.command = Some(words.into_iter().map(Into::into).collect());
        self
    }

    /// Sets the program that the command is given to.
    #[must_use]
    pub fn entrypoint(mut self, program: impl Into<String>) -> Self {
        self.definition.entrypoint = Some(program.into());
        self
    }

    /// Sets a variable: a text, or a secret.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<Text>) -> Self {
        self.definition.env.insert(name.into(), value.into());
        self
    }

    /// Publishes a port: `8080:80`, `127.0.0.1:8080:80`, `53:53/udp`; may be given several times.
    #[must_use]
    pub fn publish(mut self, port: impl Into<String>) -> Self {
        self.definition.ports.push(port.into());
        self
    }

    /// Puts a volume into it, by its name; Docker makes one that is missing.
    #[must_use]
    pub fn volume(mut self, name: impl Into<String>, target: impl Into<String>) -> Self {
        self.definition.mounts.push(Mount::new(Source::Volume(name.into()), target.into(), false));
        self
    }

    /// Puts a file or a directory of the host into it, which must be there.
    #[must_use]
    pub fn bind(mut self, path: impl Into<Location>, target: impl Into<String>) -> Self {
        self.definition.mounts.push(Mount::new(Source::Given(path.into()), target.into(), false));
        self
    }

    /// Puts a file or a directory of the host into it, which it cannot change.
    #[must_use]
    pub fn bind_read_only(mut self, path: impl Into<Location>, target: impl Into<String>) -> Self {
        self.definition.mounts.push(Mount::new(Source::Given(path.into()), target.into(), true));
        self
    }

    /// Connects it to a network, also to `host` or `none`; may be given several times.
    #[must_use]
    pub fn network(mut self, name: impl Into<String>) -> Self {
        self.definition.networks.push(name.into());
        self
    }

    /// Sets when Docker starts it again: `no`, `always`, `unless-stopped`, `on-failure:5`.
    #[must_use]
    pub fn restart(mut self, policy: impl Into<String>) -> Self {
        self.definition.restart = policy.into();
        self
    }

    /// Sets the user in it: a name or number, also with a group, as `33:33`.
    #[must_use]
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.definition.user = Some(user.into());
        self
    }

    /// Sets the directory that its command runs in.
    #[must_use]
    pub fn directory(mut self, path: impl Into<String>) -> Self {
        self.definition.directory = Some(path.into());
        self
    }

    /// Sets its name in its own eyes.
    #[must_use]
    pub fn hostname(mut self, name: impl Into<String>) -> Self {
        self.definition.hostname = Some(name.into());
        self
    }

    /// Sets a label; may be given several times.
    #[must_use]
    pub fn label(mut self, name: impl Into<String>, value: impl ToString) -> Self {
        self.definition.labels.insert(name.into(), value.to_string());
        self
    }

    /// Adds options of `docker create`, each as one word: `--memory=1g`.
    #[must_use]
    pub fn options(mut self, options: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.definition.options.extend(options.into_iter().map(Into::into));
        self
    }

    /// Keeps it there, and lets it not run.
    #[must_use]
    pub fn stopped(mut self) -> Self {
        self.stopped = true;
        self
    }

    /// Sets how long it must run to count as started.
    #[must_use]
    pub fn start_time(mut self, time: Duration) -> Self {
        self.start_time = time;
        self
    }

    /// Sets how long it may take to end before it is killed, in whole seconds.
    #[must_use]
    pub fn stop_timeout(mut self, timeout: Duration) -> Self {
        self.stop_timeout = timeout;
        self
    }

    /// The name that a new container has until it takes the place of the old one.
    fn fresh(&self) -> String {
        format!("{}.togusa-new", self.name)
    }

    /// What differs in the container itself, so that it must be made anew.
    fn differences(&self, probe: &Probe<'_>, containers: &Containers) -> Result<Vec<Change>> {
        let Some(present) = containers.get(&self.name) else { return Ok(Vec::new()) };
        let images = probe.snapshot::<Images>()?;
        let id = Reference::parse(&self.definition.image)
            .and_then(|it| images.id(&it).map(str::to_owned));
        self.definition.changes(probe, present, id.as_deref())
    }

    fn changes(&self, probe: &Probe<'_>, containers: &Containers) -> Result<Vec<Change>> {
        let left = containers.get(&self.fresh()).map(|_| Change::remove(self.fresh()));
        let Some(present) = containers.get(&self.name) else {
            let created = (!self.absent).then(|| {
                let image = &self.definition.image;
                Change::create(format!("container of `{image}`"))
            });
            return Ok(left.into_iter().chain(created).collect());
        };
        if self.absent {
            return Ok(left.into_iter().chain([Change::remove("container")]).collect());
        }
        let differences = self.differences(probe, containers)?;
        let is_wrong = if self.stopped { !present.rests() } else { present.status() != "running" };
        let state = is_wrong.then(|| {
            let wanted = if self.stopped { "stopped" } else { "running" };
            Change::property("state", present.told(), wanted)
        });
        Ok(left.into_iter().chain(differences).chain(state).collect())
    }

    fn remove(&self, machine: &Machine<'_>, name: &str, runs: bool) -> Result {
        if runs {
            self.stop(machine, name)?;
        }
        run(machine, &docker(["container", "rm", "--force", name])).map(|_| ())
    }

    fn stop(&self, machine: &Machine<'_>, name: &str) -> Result {
        let seconds = self.stop_timeout.as_secs().to_string();
        run(machine, &docker(["container", "stop", "-t", &seconds, name])).map(|_| ())
    }

    /// Creates the new one beside the old one.
    fn create(&self, machine: &Machine<'_>) -> Result {
        let fresh = self.fresh();
        let env = &self.definition.env;
        let file = self.env_file.as_ref().filter(|_| !env.is_empty());
        let mut create = docker(["container", "create", "--name", &fresh]);
        if let Some(file) = file {
            let mut content = Vec::new();
            for (name, value) in env {
                content.extend([name.as_bytes(), b"=", value.bytes(), b"\n"].concat());
            }
            machine.replace(file, &content, &Ownership::mode(0o600))?;
            let local = machine.local(file).to_string_lossy().into_owned();
            create = create.args(["--env-file", &local]);
        }
        let digest = self.definition.digest(machine);
        let create = create.args(["--label", &format!("{LABEL}={digest}")]);
        let created = run(machine, &create.args(self.definition.arguments(machine)));
        if let Some(file) = file {
            machine.remove(file)?;
        }
        created?;
        for network in self.definition.networks.iter().skip(1) {
            run(machine, &docker(["network", "connect", network, &fresh]))?;
        }
        Ok(())
    }

    /// Sees whether it stays.
    fn watch(&self, machine: &Machine<'_>) -> Result {
        let name = &self.name;
        let look = || {
            machine.invalidate::<Containers>();
            let containers = machine.snapshot::<Containers>()?;
            let state = containers.get(name);
            let ended = match state {
                None => Some("gone".into()),
                Some(state) if state.restart_count > 0 => Some("started again and again".into()),
                Some(state) if state.status() != "running" => Some(state.told()),
                Some(_) => None,
            };
            Ok(ended.ok_or_else(String::new))
        };
        let ended = waiting::wait(machine, self.start_time, INTERVAL, look)?;
        let Ok(ended) = ended else { return Ok(()) };
        let logs = docker(["container", "logs", "--tail", "20", name]);
        let output = explained(machine.query(&logs))?;
        let said = format!("{}{}", output.stdout_text(), output.stderr_text());
        let lines = said.trim().lines().map(|line| format!("\n| {line}")).collect::<String>();
        let time = seconds(self.start_time);
        let last = if lines.is_empty() { ", and said nothing".into() } else { format!(":{lines}") };
        Err(fault!(code::CONTAINER_ENDED, "container `{name}` was to run, and is {ended}{last}"))
            .hint(format!(
                "one that does not stay for {time} has failed; `docker logs {name}` tells more"
            ))
    }
}

impl Component for DockerContainer {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some((&*self.name).into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        check_name("container", &self.name)?;
        scope.manages("docker-container", &self.name);
        if self.absent {
            return Ok(());
        }
        Reference::checked(&self.definition.image)?;
        check_pairs("a label", &self.definition.labels)?;
        for (name, value) in &self.definition.env {
            let odd = name.is_empty() || name.contains(|c: char| c == '=' || c.is_whitespace());
            let comment = name.starts_with('#');
            demand!(!odd && !comment, code::NOT_A_NAME, "`{name}` is no name for a variable");
            demand!(
                !value.is_masked(),
                code::SECRET_PRINTED,
                "the variable `{name}` holds a secret that was printed"
            );
            let text = value.as_str().code(code::OPTION_VALUE)?;
            if text.contains(['\n', '\0']) {
                let message = fault!(code::OPTION_VALUE, "the variable `{name}` is not one line");
                return Err(message)
                    .hint("Docker takes none with more: bind a file into the container");
            }
        }
        for text in &mut self.definition.ports {
            *text = port(text)?;
        }
        self.definition.ports.sort();
        let restart = &self.definition.restart;
        let count = restart.strip_prefix("on-failure:").map(|count| count.parse::<u32>().is_ok());
        let known = ["no", "always", "unless-stopped", "on-failure"].contains(&&**restart);
        demand!(
            known || count == Some(true),
            code::OPTION_VALUE,
            "`{restart}` is no restart policy of Docker"
        );
        for option in &self.definition.options {
            demand!(option.starts_with('-'), code::OPTION_VALUE, "`{option}` is no option");
        }
        for mount in &mut self.definition.mounts {
            mount.resolve(scope)?;
        }
        let networks = &self.definition.networks;
        networks.iter().try_for_each(|name| check_name("network", name))?;
        self.env_file = Some(scope.path(format!(".{}.env", self.name)));
        let words = self.definition.command.iter().flatten().chain(&self.definition.options);
        let labels = self.definition.labels.values();
        scope.check_arguments(&Exec::new("docker").args(words.chain(labels)))
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        Ok(self.changes(probe, &*probe.snapshot::<Containers>()?)?.into())
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        let containers = machine.snapshot::<Containers>()?;
        let name = &*self.name;
        let present = containers.get(name);
        let runs = present.is_some_and(|present| !present.rests());
        let differs = !self.absent && !self.differences(machine, &containers)?.is_empty();
        let result = (|| {
            if containers.get(&self.fresh()).is_some() {
                self.remove(machine, &self.fresh(), false)?;
            }
            if self.absent {
                return present.map_or(Ok(()), |_| self.remove(machine, name, runs));
            }
            let anew = present.is_none() || differs;
            if anew {
                self.create(machine)?;
                if present.is_some() {
                    self.remove(machine, name, runs)?;
                }
                run(machine, &docker(["container", "rename", &self.fresh(), name]))?;
            }
            if self.stopped {
                return if runs && !anew { self.stop(machine, name) } else { Ok(()) };
            }
            match present.map(|present| present.status()).filter(|_| !anew) {
                // Nothing differs, so that a trigger has come.
                Some("running" | "restarting") => {
                    let seconds = self.stop_timeout.as_secs().to_string();
                    run(machine, &docker(["container", "restart", "-t", &seconds, name]))?;
                }
                Some("paused") => {
                    return run(machine, &docker(["container", "unpause", name])).map(|_| ());
                }
                _ => {
                    run(machine, &docker(["container", "start", name]))?;
                }
            }
            self.watch(machine)
        })();
        machine.invalidate::<Containers>();
        machine.invalidate::<Images>();
        result
    }
}
