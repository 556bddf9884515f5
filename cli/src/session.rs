//! What every command works on: the registry, the project, the streams.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use togusa_core::assets::{AssetStore, ProjectAssets};
use togusa_core::deployment::{Commit, Deployment};
use togusa_core::engine::transport::Transport;
use togusa_core::engine::{Options, deploy};
use togusa_core::environment::{Connect, Environment, Host};
use togusa_core::event::{Event, Mode, Summary};
use togusa_core::host::Facts;
use togusa_core::interrupt::Interrupt;
use togusa_core::model::{self, Model};
use togusa_core::names::RootId;
use togusa_core::problem::{Problem, code};
use togusa_core::registry::Registry;
use togusa_core::{address, system};
use togusa_environments::Loaded;
use togusa_environments::secrets::{Access, Identities};

use crate::agents::Agents;
use crate::commands::{AgentOptions, RunOptions};
use crate::confirm;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::git;
use crate::identities;
use crate::selection::select;
use crate::signals;
use crate::ssh::Connections;
use crate::transport::{Ssh, Transports};
use crate::ui::{Stream, Ui, Verbosity};
use crate::view::{Purpose, view};

/// How long connections are kept where somebody looks on, who may run the next command soon.
const KEPT_ON_A_TERMINAL: Duration = Duration::from_secs(10 * 60);

/// What a command works on.
#[derive(Debug)]
pub struct Session {
    /// The components that environments can name.
    pub registry: Arc<Registry>,
    /// The project's name.
    pub project: String,
    /// The directory that has `environments/`.
    pub root: PathBuf,
    /// Where everything is shown.
    pub ui: Ui,
    /// Files with private keys that open secrets; empty: the usual ones.
    pub identity_files: Vec<PathBuf>,
    /// The keys that open secrets; made when they are needed.
    pub identities: OnceCell<Identities>,
    /// The request to stop; listened for from the first run on.
    pub interrupt: OnceCell<Interrupt>,
}

/// What is done with the secrets of an environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrets {
    /// They are decrypted.
    Open,
    /// Placeholders stand for them; nothing can be deployed then.
    Closed,
}

/// A sound model and the assets that it was made from.
#[derive(Debug)]
pub struct Configured {
    /// The model.
    pub model: Model,
    /// The project's assets.
    pub assets: Arc<ProjectAssets>,
}

/// How a run deals with others.
#[derive(Clone, Copy, Debug, Default)]
pub struct Manner {
    /// It waits for the lock of a host that another deployment holds.
    pub wait: bool,
    /// It asks on the terminal where a rollout wants that; else it goes on.
    pub ask: bool,
}

impl Session {
    /// Loads an environment without its secrets, whatever its model is like.
    ///
    /// # Errors
    /// All that is wrong with the environment.
    pub fn load(&self, environment: &str) -> Result<Environment, Failure> {
        Ok(self.loaded(environment, Secrets::Closed)?.environment)
    }

    /// Loads an environment, with where it came from.
    ///
    /// # Errors
    /// All that is wrong with the environment, or its secrets cannot be decrypted.
    pub fn loaded(&self, environment: &str, secrets: Secrets) -> Result<Loaded, Failure> {
        let access = match secrets {
            Secrets::Open => Access::With(self.identities()),
            Secrets::Closed => Access::Placeholders,
        };
        Ok(togusa_environments::load(&self.root, &self.project, environment, access)?)
    }

    /// The keys that open secrets.
    pub fn identities(&self) -> &Identities {
        self.identities.get_or_init(|| identities::identities(&self.identity_files, &self.ui))
    }

    /// Loads an environment and configures its model; `twice` finds what is not pure.
    ///
    /// # Errors
    /// All that is wrong with the environment, or with the model.
    pub fn configure(
        &self,
        environment: &str,
        twice: bool,
        secrets: Secrets,
    ) -> Result<Configured, Failure> {
        let environment = self.loaded(environment, secrets)?.environment;
        let assets = ProjectAssets::new(&self.root);
        let configure = if twice { model::configure_twice } else { model::configure };
        let model = configure(&self.registry, &environment, &assets)?;
        Ok(Configured { model, assets: Arc::new(assets) })
    }

    /// Runs a model and shows what happens.
    ///
    /// # Errors
    /// The selection matches nothing, or a name does not resolve; no host was touched.
    pub fn run(
        &self,
        configured: &Configured,
        purpose: Purpose,
        how: &RunOptions,
        manner: Manner,
    ) -> Result<Summary, Failure> {
        let Configured { model, assets } = configured;
        let roots: BTreeSet<RootId> = model.roots().cloned().collect();
        let selected = select(&roots, &how.hosts, &how.components)?;
        // Asked beside the rest: it costs three processes.
        let root = self.root.clone();
        let commit =
            (purpose == Purpose::Deploy).then(|| thread::spawn(move || git::commit(&root)));
        let ssh = self.ssh(model.environment(), &needed_hosts(model, &selected), &how.agents)?;
        let addresses = address::resolve(model)?;
        let mode = if purpose == Purpose::Deploy { Mode::Converge } else { Mode::Verify };
        let interrupt = self.interrupt()?;
        let options = Options {
            selected: Some(selected),
            jobs: how.jobs.map(std::num::NonZero::get),
            fail_fast: how.fail_fast,
            wait: manner.wait,
            deployment: deployment(commit.and_then(|commit| commit.join().ok().flatten())),
            addresses,
            confirm: manner.ask.then(|| confirm::rollouts(&self.ui, interrupt)),
            ..Options::new(mode)
        };
        let store: Arc<dyn AssetStore> = assets.clone();
        let transports =
            Arc::new(Transports::new(Arc::clone(&self.registry), Arc::clone(&store), ssh)?);
        let transport: Arc<dyn Transport> = transports.clone();
        let mut view = view(&self.ui, purpose, how.diffs(purpose != Purpose::Verify));
        let mut tell = |event: Event| {
            // Nobody waits for the answer any more.
            if interrupt.is_raised() || matches!(event, Event::Finished { .. }) {
                self.ui.withdraw(false);
            }
            view.event(&event);
        };
        let summary = deploy(model, &transport, &store, &options, interrupt, &mut tell);
        view.finish();
        transports.close();
        Ok(summary)
    }

    /// Connections to the hosts of an environment.
    ///
    /// # Errors
    /// The directory of the kept connections cannot be used.
    pub fn connections(&self, environment: &Environment) -> Result<Connections, Failure> {
        let connections = Connections::new(self.keep(environment), &self.root);
        connections.map_err(|problem| Failure::wrong_use([problem]))
    }

    /// How long connections are kept for the next command.
    pub fn keep(&self, environment: &Environment) -> Duration {
        let by_default =
            if io::stderr().is_terminal() { KEPT_ON_A_TERMINAL } else { Duration::ZERO };
        environment.keep_connections.unwrap_or(by_default)
    }

    /// All that is needed to run agents on those of the hosts that are reached by SSH: connections,
    /// and binaries for all targets that are known by now. `None`: there is no such host.
    ///
    /// # Errors
    /// A binary cannot be built, or prepared ones are not of this program; no host was touched.
    pub fn ssh(
        &self,
        environment: &Environment,
        hosts: &[&Host],
        how: &AgentOptions,
    ) -> Result<Option<Ssh>, Failure> {
        let remote: Vec<_> = hosts.iter().filter(|host| host.connect == Connect::Ssh).collect();
        if remote.is_empty() {
            return Ok(None);
        }
        let wrong = |problem| Failure::wrong_use([problem]);
        let agents = self.agents(how).map_err(wrong)?;
        let targets: BTreeSet<_> = remote.iter().map(|host| host.target.as_deref()).collect();
        for target in targets {
            agents.get(target).map_err(wrong)?;
        }
        Ok(Some(Ssh::new(self.connections(environment)?, agents, &self.project)))
    }

    /// The binaries that can be pushed.
    ///
    /// # Errors
    /// The program is older than its sources, there is no cargo, or prepared binaries are not of
    /// this program.
    pub fn agents(&self, how: &AgentOptions) -> Result<Agents, Problem> {
        let program = std::env::current_exe().map_err(|error| {
            Problem::new(
                code::THIS_MACHINE,
                format!("cannot find the file of this program: {error}"),
            )
        })?;
        if let Some(directory) = &how.agents {
            return Agents::prepared(directory, &program);
        }
        let ui = self.ui.clone();
        Ok(Agents::of_project(&self.root, &program)?.noting(move |line| {
            if ui.shows(Verbosity::Normal) {
                ui.write(Stream::Notes, &format!("{line}\n"));
            }
        }))
    }

    fn interrupt(&self) -> Result<&Interrupt, Failure> {
        if self.interrupt.get().is_none() {
            let interrupt = Interrupt::default();
            signals::watch(interrupt.clone(), self.ui.clone()).map_err(|error| {
                Failure::failed(Problem::new(
                    code::THIS_MACHINE,
                    format!("cannot listen for signals: {error}"),
                ))
            })?;
            return Ok(self.interrupt.get_or_init(|| interrupt));
        }
        Ok(self.interrupt.get_or_init(Interrupt::default))
    }

    /// Runs a model and says with an exit code how it ended.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn run_to_exit(
        &self,
        environment: &str,
        purpose: Purpose,
        how: &RunOptions,
        changes_count: bool,
    ) -> Result<Exit, Failure> {
        let configured = self.configure(environment, false, Secrets::Open)?;
        let summary = self.run(&configured, purpose, how, Manner::default())?;
        Ok(Exit::of_run(&summary, changes_count))
    }
}

/// Who deploys what, as it stands now.
fn deployment(commit: Option<Commit>) -> Deployment {
    let user = system::variable("USER").or_else(|| system::variable("LOGNAME"));
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Deployment {
        id: format!("{:x}-{:x}", since.as_nanos(), std::process::id()),
        who: user.or_else(system::user_name).unwrap_or_else(|| "somebody".to_owned()),
        from: Facts::read().hostname,
        started: since.as_secs(),
        commit,
    }
}

/// The hosts that a run may be about: a rollout also counts on instances that are not selected, and on
/// who takes them out of use.
fn needed_hosts<'a>(model: &'a Model, selected: &BTreeSet<RootId>) -> Vec<&'a Host> {
    let environment = model.environment();
    let hosts: BTreeSet<_> = selected.iter().map(|root| &root.host).collect();
    let rolls = selected.iter().any(|root| environment.rollouts.contains_key(&root.root));
    let all = environment.hosts.values();
    all.filter(|host| !host.ignore && (rolls || hosts.contains(&host.name))).collect()
}
