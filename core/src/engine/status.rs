//! What hosts say of themselves: their records, who deploys, and what is pending.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use crate::deployment::HostStatus;
use crate::environment::{Environment, Host};
use crate::event::Event;
use crate::host::boot;
use crate::names::{Breadcrumb, HostName, RootName};
use crate::path::HostPath;
use crate::problem::{Problem, code};
use crate::protocol::{Frame, FromAgent, StatusOf, ToAgent, read_frame, write_message};

use super::state::{
    Drains, Holder, HostLock, Identity, Marks, RebootNotes, Rolling, StateError, records,
};
use super::transport::{Connection, Transport};

/// What is known of one host, or why nothing is.
pub type Answer = Result<HostStatus, Problem>;

/// Asks hosts of an environment for what they know, all at once; nothing is changed there.
///
/// `tell` hears of what takes long, such as a binary that a host lacks.
pub fn status<'a>(
    environment: &Environment,
    hosts: impl IntoIterator<Item = &'a Host>,
    transport: &Arc<dyn Transport>,
    tell: &(dyn Fn(Event) + Sync),
) -> BTreeMap<HostName, Answer> {
    thread::scope(|scope| {
        let asked = hosts.into_iter().map(|host| {
            let thread = scope.spawn(move || ask(environment, host, &**transport, tell));
            (host.name.clone(), thread)
        });
        let asked: Vec<_> = asked.collect();
        let answered = asked.into_iter().map(|(name, thread)| {
            let answer = thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            (name, answer)
        });
        answered.collect()
    })
}

fn ask(
    environment: &Environment,
    host: &Host,
    transport: &dyn Transport,
    tell: &dyn Fn(Event),
) -> Answer {
    let Connection { mut reader, mut writer, build, ended } = transport.connect(host, tell)?;
    let of = StatusOf {
        project: environment.project.clone(),
        environment: environment.name.clone(),
        host: host.name.clone(),
        target_directory: host.target_directory.clone(),
    };
    // An agent that does not listen has said why, or its end will.
    let _ = write_message(&mut *writer, &ToAgent::Status(of));
    loop {
        match read_frame::<FromAgent>(&mut *reader) {
            Ok(Frame::Message(FromAgent::Hello(hello))) if hello.build != build => {
                return Err(super::coordinator::wrong_build(&hello.build, &build));
            }
            Ok(Frame::Message(FromAgent::Status(status))) => {
                drop(writer);
                return ended().map_or(Ok(*status), Err);
            }
            Ok(Frame::Message(FromAgent::Refused { problem, .. })) => return Err(problem),
            Ok(_) => {}
            Err(error) => {
                drop(writer);
                return Err(
                    ended().unwrap_or_else(|| Problem::from_error(&error.into(), code::AGENT_GONE))
                );
            }
        }
    }
}

/// The agent's answer; a target directory that belongs to something else is refused.
pub(super) fn answer(home: &Path, of: &StatusOf) -> FromAgent {
    match look(home, of) {
        Ok(status) => FromAgent::Status(Box::new(status)),
        Err(error) => {
            let problem = Problem::from_error(&anyhow::Error::new(error), code::STATE_UNUSABLE);
            FromAgent::Refused { problem, locked: false }
        }
    }
}

fn look(home: &Path, of: &StatusOf) -> Result<HostStatus, StateError> {
    let target = HostPath::new(&of.host, &of.target_directory);
    let target = PathBuf::from(target.expand(&home.to_string_lossy()));
    let identity = Identity {
        project: of.project.clone(),
        environment: of.environment.clone(),
        host: of.host.clone(),
    };
    identity.check(&target)?;
    let holder = HostLock::is_held(&target).then(|| {
        let holder = Holder::read(&target).map(|holder| holder.describe());
        holder.unwrap_or_else(|| "somebody who has not said who it is".to_owned())
    });
    let state = target.join(".togusa");
    let marks = Marks::load(&state)?;
    let (notes, boot) = (RebootNotes::new(&state), boot());
    let mut pending = BTreeMap::<RootName, Vec<Breadcrumb>>::new();
    for root in marks.roots() {
        let mut of_root = marks.of_root(&root);
        // What a reboot has performed is cleared by the next deployment.
        for note in notes.of_root(&root)?.iter().filter(|note| !note.boot.is_same(&boot)) {
            of_root.retain(|mark| !note.marks.contains(mark));
        }
        let dependants: BTreeSet<_> = of_root.into_iter().map(|mark| mark.dependant).collect();
        if !dependants.is_empty() {
            pending.insert(root, dependants.into_iter().collect());
        }
    }
    let drained = Drains::new(&state).load()?.into_iter();
    Ok(HostStatus {
        records: records::read(&state)?,
        holder,
        pending,
        drained: drained.map(|drain| (drain.root, drain.instance)).collect(),
        unfinished: Rolling::new(&state).roots()?.into_iter().collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::state::Drain;
    use crate::names::RootId;

    #[test]
    fn what_rollouts_left_behind_is_told() {
        let home = tempfile::tempdir().unwrap();
        let of = StatusOf {
            project: "shop".into(),
            environment: "live".into(),
            host: "lb1".into(),
            target_directory: "~/target".into(),
        };
        assert_eq!(look(home.path(), &of).unwrap(), HostStatus::default());
        let state = home.path().join("target/.togusa");
        std::fs::create_dir_all(&state).unwrap();
        let instance = RootId::new("app2", "app");
        let drain = Drain { root: "lb".into(), instance: instance.clone() };
        Drains::new(&state).add(&[drain]).unwrap();
        Rolling::new(&state).begin(&"lb".into()).unwrap();
        let status = look(home.path(), &of).unwrap();
        assert_eq!(status.drained, [(RootName::new("lb"), instance)]);
        assert_eq!(status.unfinished, [RootName::new("lb")]);
    }
}
