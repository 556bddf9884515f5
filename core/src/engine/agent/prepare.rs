//! Getting a host ready for its roots: model, lock, assets, marks, and what an earlier run left.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::deployment::Deployment;
use crate::environment::Environment;
use crate::event::{Event, Mode};
use crate::host::{self, HostSite, Shared, Staged};
use crate::interrupt::Interrupt;
use crate::model::answers::{Answers, Provided};
use crate::model::draft::{Draft, first_difference};
use crate::model::settle::plant;
use crate::names::{RootId, RootName};
use crate::path::HostPath;
use crate::problem::{Problem, code};
use crate::protocol::{HandOver, Left};
use crate::secret::KnownSecrets;
use crate::template::RenderTable;

use super::line::{self, Line, Pulse};
use super::receive::receive;
use super::{Agent, Inbox};
use crate::engine::activity::Activity;
use crate::engine::assets::HandedAssets;
use crate::engine::reboot::Door;
use crate::engine::run::Host;
use crate::engine::state::{
    self, Counters, Drain, Drains, Holder, HostLock, Identity, Mark, Marks, RebootNotes, Rolling,
    StateError,
};

/// How long a command that an earlier run left behind may go on before the host is given up.
const SURVIVOR_PATIENCE: Duration = Duration::from_secs(60);

/// Why roots cannot start.
pub(super) enum Unprepared {
    /// It is the host's fault, and the coordinator is told.
    Refused { problem: Box<Problem>, locked: bool },
    /// The coordinator is gone.
    Broken(Box<Problem>),
}

impl From<StateError> for Unprepared {
    fn from(error: StateError) -> Self {
        let locked = matches!(error, StateError::Locked { .. });
        Self::Refused { problem: Box::new(error.into_problem()), locked }
    }
}

pub(super) fn refused(problem: Problem) -> Unprepared {
    Unprepared::Refused { problem: Box::new(problem), locked: false }
}

pub(super) fn broken(problem: Problem) -> Unprepared {
    Unprepared::Broken(Box::new(problem))
}

/// The roots of the host, each configured.
pub(super) type Drafts = BTreeMap<RootName, (RootId, Draft)>;

/// A host that is ready for its roots.
pub(super) struct Prepared {
    pub(super) host: Arc<Host>,
    pub(super) drafts: Drafts,
    /// What rollouts of earlier runs have left.
    pub(super) left: Left,
}

/// Gets a host ready: its own model, the same as the coordinator's; its lock, assets and marks.
pub(super) fn prepare(
    agent: &Agent,
    staged: &Staged,
    hand_over: &HandOver,
    line: &Line,
    inbox: &mut Inbox,
    interrupt: &Interrupt,
) -> Result<Prepared, Unprepared> {
    let catalogue = HandedAssets::new(hand_over);
    let secrets = line.secrets();
    secrets.learn_host(&hand_over.host);
    hand_over.answers.iter().for_each(|answer| secrets.learn_json(&answer.json));
    let drafts = configure(agent, hand_over, &catalogue, secrets).map_err(refused)?;
    let host = &hand_over.host;
    let target = HostPath::new(&host.name, &host.target_directory);
    let target = PathBuf::from(target.expand(&agent.home.to_string_lossy()));
    let identity = Identity {
        project: hand_over.project.clone(),
        environment: hand_over.environment.clone(),
        host: host.name.clone(),
    };
    host::require_own_way(&target).map_err(|problem| refused(problem.on(&host.name)))?;
    let events = line::events(line);
    let lock = match hand_over.mode {
        Mode::Verify => {
            identity.check(&target)?;
            if HostLock::is_held(&target) {
                let holder = Holder::read(&target).map(|holder| holder.describe());
                let problem = Problem::new(
                    code::PLAN_WHILE_RUNNING,
                    "a deployment is running, the plan may be outdated soon",
                )
                .hint(holder.unwrap_or_default());
                events(Event::Warning { host: host.name.clone(), problem });
            }
            None
        }
        Mode::Converge => {
            identity.check(&target)?;
            state::create(&target)?;
            let lock = take_lock(&target, hand_over, &*events, interrupt, &inbox.pulse)?;
            if hand_over.back.is_some() {
                check_not_overtaken(&target.join(".togusa"), &hand_over.deployment)?;
            }
            identity.claim(&target)?;
            state::remove_unfinished(&target);
            Some(lock)
        }
    };
    let store = receive(agent, hand_over, &drafts, &target, line, inbox)?;
    let state = target.join(".togusa");
    let mut homes = hand_over.homes.clone();
    homes.insert(host.name.clone(), agent.home.to_string_lossy().into_owned());
    let table = RenderTable { homes, addresses: hand_over.addresses.clone(), strict: true };
    let shared = Host {
        mode: hand_over.mode,
        marks: Marks::load(&state)?,
        counters: Counters::new(&state),
        rolling: Rolling::new(&state),
        drains: Drains::new(&state),
        door: door(staged, hand_over, RebootNotes::new(&state), line),
        activity: Activity::default(),
        lock,
        site: HostSite {
            project: hand_over.project.clone(),
            environment: hand_over.environment.clone(),
            host: host.clone(),
            home: agent.home.clone(),
            state,
            render_table: Arc::new(table),
            assets: store,
            interrupt: interrupt.clone(),
            events,
            shared: Shared::with_facts(staged.facts.clone()),
            programs: staged.programs.clone(),
            secrets: Arc::clone(secrets),
            secrets_of_roots: drafts
                .values()
                .map(|(id, draft)| (id.root.clone(), Arc::clone(&draft.secrets)))
                .collect(),
        },
    };
    if hand_over.mode == Mode::Converge {
        wait_for_survivors(&shared, &inbox.pulse).map_err(refused)?;
    }
    drop_foreign_marks(&shared, hand_over)?;
    let left = left(&shared, hand_over, &drafts)?;
    Ok(Prepared { host: Arc::new(shared), drafts, left })
}

/// Configures the host's roots and compares them with the coordinator's.
fn configure(
    agent: &Agent,
    hand_over: &HandOver,
    catalogue: &HandedAssets,
    secrets: &Arc<KnownSecrets>,
) -> Result<Drafts, Problem> {
    let mut answers = Answers::default();
    for value in &hand_over.answers {
        answers.insert(Provided::from_wire(value.clone()));
    }
    let host = &hand_over.host;
    let environment = Environment::new(&hand_over.project, &hand_over.environment);
    let mut drafts = Drafts::new();
    for root in &host.roots {
        let draft = plant(&agent.registry, &environment, host, root, &answers, catalogue, secrets);
        let draft = draft.map_err(|problems| {
            let mut list = problems.list.into_iter();
            list.next().unwrap_or_else(|| {
                Problem::new(code::CONFIGURE_FAILED, format!("cannot configure `{}`", root.name))
            })
        })?;
        if let Some(failure) = draft.failures.first() {
            return Err(failure.problem.clone());
        }
        let known = hand_over.digests.get(&root.name).map_or(&[][..], Vec::as_slice);
        if let Some(breadcrumb) = first_difference(known, &draft, &draft.digests(&hand_over.key)) {
            return Err(Problem::new(
                code::CONFIGURED_DIFFERENTLY,
                "the component is configured differently on its host",
            )
            .in_component(&root.name, &breadcrumb)
            .hint(
                "`configure` must be pure, and `Debug` must print the same in every process: \
                     no `HashMap`, no time, no environment variables",
            ));
        }
        drafts
            .insert(root.name.clone(), (RootId::new(host.name.clone(), root.name.clone()), draft));
    }
    Ok(drafts)
}

fn take_lock(
    target: &Path,
    hand_over: &HandOver,
    events: &dyn Fn(Event),
    interrupt: &Interrupt,
    pulse: &Pulse,
) -> Result<HostLock, Unprepared> {
    let mut told = false;
    loop {
        match HostLock::take(target, Holder::new(hand_over.deployment.by())) {
            Err(StateError::Locked { path, holder })
                // What was converged before a reboot would not be so any more after another one.
                if hand_over.wait && hand_over.back.is_none() && !interrupt.is_raised() && !pulse.is_lost() =>
            {
                if !told {
                    told = true;
                    let locked = StateError::Locked { path, holder };
                    let problem = Problem::new(code::LOCKED, format!("waiting: {locked}"));
                    events(Event::Warning { host: hand_over.host.name.clone(), problem });
                }
                thread::sleep(Duration::from_millis(100));
            }
            result => return Ok(result?),
        }
    }
}

/// Refuses a host to which another deployment came while it was rebooted for this one: what this one
/// has converged before need not be so any more.
fn check_not_overtaken(state: &Path, deployment: &Deployment) -> Result<(), Unprepared> {
    let records = state::records::read(state)?;
    let own = records.iter().position(|record| record.deployment.id == deployment.id);
    // Without a record of one's own there is none of anybody else's that could be compared.
    match own {
        None | Some(0) => Ok(()),
        Some(_) => Err(refused(
            Problem::new(
                code::OVERTAKEN,
                format!(
                    "{} deployed to the host while it was rebooted for this deployment",
                    records[0].deployment.by()
                ),
            )
            .hint("deploy again, once it is clear which of the two is to hold"),
        )),
    }
}

/// Waits for the commands that a killed run left behind.
fn wait_for_survivors(host: &Host, pulse: &Pulse) -> Result<(), Problem> {
    let running = host.site.running();
    let unreadable = |error: io::Error| {
        let message = format!("cannot read `{}`", running.display());
        Problem::from_error(&anyhow::Error::new(error).context(message), code::STATE_UNUSABLE)
    };
    let began = Instant::now();
    let mut told = false;
    loop {
        let survivors = host::survivors(&running).map_err(unreadable)?;
        let Some(first) = survivors.first() else { return Ok(()) };
        let problem = Problem::new(
            code::COMMAND_SURVIVES,
            format!(
                "a command of an earlier run is still running: `{}` of {}, process group {}",
                first.command, first.breadcrumb, first.group
            ),
        );
        let lost = host.site.interrupt.is_raised() || pulse.is_lost();
        if began.elapsed() > SURVIVOR_PATIENCE || lost {
            return Err(problem.hint("let it end, or end it, and deploy again"));
        }
        if !told {
            told = true;
            let problem = problem.hint("waiting for it");
            host.emit(Event::Warning { host: host.site.host.name.clone(), problem });
        }
        thread::sleep(Duration::from_millis(50));
    }
}

/// What there is to know for who reboots the host.
fn door(staged: &Staged, hand_over: &HandOver, notes: RebootNotes, line: &Line) -> Door {
    let boot = staged.boot();
    let is_here = boot.is_same(&hand_over.coordinator_boot);
    let line = line.clone();
    let say = Box::new(move |message| {
        // A link that is lost is noticed by who reads from it.
        if line.send(message).is_ok() {
            line.flush();
        }
    });
    let deployment = hand_over.deployment.id.clone();
    Door::new((boot, is_here), deployment, staged.boots.clone(), notes, say)
}

/// What rollouts of earlier runs have left. What no component drains any more is forgotten: it is not
/// in what the root's files are to hold either.
fn left(host: &Host, hand_over: &HandOver, drafts: &Drafts) -> Result<Left, StateError> {
    let known: BTreeSet<_> = hand_over.all_roots.iter().collect();
    let (mut gone, mut left) = (Vec::new(), Left::default());
    for drain in host.drains.load()? {
        let Drain { root, instance } = &drain;
        let of_root = drafts.get(root).map(|(_, draft)| &draft.drains);
        let drains =
            of_root.map(|drains| drains.iter().any(|(_, provider)| provider.root == *instance));
        if drains == Some(false) || !known.contains(root) {
            gone.push(drain);
            continue;
        }
        host.site.shared.set_drained(root, std::iter::once(instance), true);
        left.drained.push((root.clone(), instance.clone()));
    }
    let (rolling, gone_roots): (Vec<_>, Vec<_>) =
        host.rolling.roots()?.into_iter().partition(|root| known.contains(root));
    left.rolling = rolling;
    if hand_over.mode == Mode::Converge {
        host.drains.clear(&gone)?;
        gone_roots.iter().try_for_each(|root| host.rolling.end(root))?;
    }
    Ok(left)
}

/// Drops the marks of roots that the environment no longer gives to the host, and shows them.
fn drop_foreign_marks(host: &Host, hand_over: &HandOver) -> Result<(), StateError> {
    let known: BTreeSet<_> = hand_over.all_roots.iter().collect();
    if hand_over.mode == Mode::Converge {
        host.door.notes.keep(&known)?;
    }
    for root in host.marks.roots().into_iter().filter(|root| !known.contains(root)) {
        let marks: Vec<Mark> = host.marks.of_root(&root).into_iter().collect();
        if hand_over.mode == Mode::Converge {
            host.marks.clear(&marks)?;
        }
        for mark in marks {
            host.emit(Event::TriggerMoved {
                root: root.clone(),
                host: hand_over.host.name.clone(),
                cause: mark.cause.to_string(),
                dependant: mark.dependant,
                moved_to: Vec::new(),
            });
        }
    }
    Ok(())
}
