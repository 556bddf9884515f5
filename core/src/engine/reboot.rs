//! Rebooting a host in the middle of a run: nothing else is done then, and the next agent of the host
//! finds what was begun.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::boot::Boot;
use crate::event::Counts;
use crate::fail;
use crate::fault;
use crate::fault::HintExt as _;
use crate::host::{Reboots, StagedBoots};
use crate::interrupt::Interrupt;
use crate::model::draft::{Draft, NodeId};
use crate::names::{Breadcrumb, RootId};
use crate::problem::code;
use crate::protocol::FromAgent;
use crate::secret::Masked as _;
use crate::verdict::Change;

use super::run::{Host, Pending};
use super::state::{RebootNote, RebootNotes, StateError, now};

/// How often who waits looks whether the run was interrupted.
const GLANCE: Duration = Duration::from_millis(50);

/// What the roots of a host know of its reboots.
pub(super) struct Door {
    pub(super) boot: Boot,
    /// The coordinator runs on this very system.
    pub(super) is_here: bool,
    pub(super) deployment: String,
    pub(super) staged: Option<StagedBoots>,
    pub(super) notes: RebootNotes,
    /// Says something to the coordinator, and waits until it is on its way.
    pub(super) say: Box<dyn Fn(FromAgent) + Send + Sync>,
    inside: Mutex<Inside>,
    changed: Condvar,
    is_gone: AtomicBool,
}

/// Who works on the host.
#[derive(Debug, Default)]
struct Inside {
    /// All that do something, those included that wait for a reboot.
    busy: usize,
    /// Those that wait for all others to end, to reboot the host.
    waiting: usize,
    /// One of them does.
    reboots: bool,
}

/// Somebody works on the host until this is dropped.
pub(super) struct Presence<'a>(&'a Door);

impl Drop for Presence<'_> {
    fn drop(&mut self) {
        self.0.inside().busy -= 1;
        self.0.changed.notify_all();
    }
}

impl Door {
    pub(super) fn new(
        (boot, is_here): (Boot, bool),
        deployment: String,
        staged: Option<StagedBoots>,
        notes: RebootNotes,
        say: Box<dyn Fn(FromAgent) + Send + Sync>,
    ) -> Self {
        let (inside, changed, is_gone) = Default::default();
        Self { boot, is_here, deployment, staged, notes, say, inside, changed, is_gone }
    }

    /// Waits while somebody waits to reboot the host, or does; a root is let in all the same when the
    /// run is interrupted, and ends as such.
    pub(super) fn enter(&self, interrupt: &Interrupt) -> Presence<'_> {
        self.enter_unless(interrupt, |inside| inside.waiting > 0)
    }

    /// Waits while the host is rebooted; what is asked for does not wait for who waits to do so.
    pub(super) fn enter_at_once(&self, interrupt: &Interrupt) -> Presence<'_> {
        self.enter_unless(interrupt, |inside| inside.reboots)
    }

    fn enter_unless(&self, interrupt: &Interrupt, shut: impl Fn(&Inside) -> bool) -> Presence<'_> {
        let mut inside = self.inside();
        while shut(&inside) && !interrupt.is_raised() && !self.is_gone() {
            inside = self.glance(inside);
        }
        inside.busy += 1;
        Presence(self)
    }

    /// Whether the host takes this process with it, so that nothing is to be said any more.
    pub(super) fn is_gone(&self) -> bool {
        self.is_gone.load(Ordering::SeqCst)
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn glance<'a>(&self, inside: MutexGuard<'a, Inside>) -> MutexGuard<'a, Inside> {
        self.changed.wait_timeout(inside, GLANCE).unwrap_or_else(PoisonError::into_inner).0
    }

    fn go(&self) {
        self.is_gone.store(true, Ordering::SeqCst);
        self.changed.notify_all();
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Door({:?})", self.inside())
    }
}

/// An update that may reboot its host.
pub(super) struct Reboot<'a> {
    pub(super) host: &'a Host,
    pub(super) id: &'a RootId,
    pub(super) breadcrumb: &'a Breadcrumb,
    pub(super) changes: &'a [Change],
    pub(super) pending: &'a Pending,
    /// What the root has done before.
    pub(super) counts: Counts,
}

impl fmt::Debug for Reboot<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reboot({})", self.breadcrumb)
    }
}

impl Reboot<'_> {
    /// What is to be remembered until the host is back.
    fn note(&self) -> RebootNote {
        let mut changes = self.changes.to_vec();
        changes.iter_mut().for_each(|change| change.mask(&self.host.site.secrets));
        let providers = self.pending.providers.iter();
        let providers = providers
            .filter_map(|(provider, count)| Some(((**provider).clone(), (*count)?)))
            .collect();
        RebootNote {
            root: self.id.root.clone(),
            breadcrumb: self.breadcrumb.clone(),
            boot: self.host.door.boot.clone(),
            deployment: self.host.door.deployment.clone(),
            began: now(),
            changes,
            causes: self.pending.causes(),
            marks: self.pending.marks.clone(),
            providers,
            counts: self.counts,
        }
    }

    /// Waits until all others are done, or wait for the same.
    fn await_turn(&self) -> anyhow::Result<()> {
        let door = &self.host.door;
        let mut inside = door.inside();
        inside.waiting += 1;
        loop {
            if door.is_gone() {
                fail!(code::INTERRUPTED, "the host is rebooted by another component");
            }
            if !inside.reboots && inside.busy <= inside.waiting && !self.is_interrupted() {
                break;
            }
            if self.is_interrupted() {
                inside.waiting -= 1;
                door.changed.notify_all();
                fail!(code::INTERRUPTED, "the run was interrupted before the host was rebooted");
            }
            inside = door.glance(inside);
        }
        inside.reboots = true;
        Ok(())
    }
}

impl Reboots for Reboot<'_> {
    fn begin(&self, timeout: Duration) -> anyhow::Result<()> {
        let door = &self.host.door;
        if !door.boot.is_known() {
            return Err(fault!(
                code::NO_REBOOT,
                "the host does not tell when it was started, so nobody could say that it was rebooted"
            ))
            .hint("reboot it yourself");
        }
        door.notes.write(&self.note())?;
        if door.is_here {
            return Err(fault!(
                code::NO_REBOOT,
                "the deployment runs on this very host, and would end with it"
            ))
            .hint("reboot it yourself, and deploy again: that counts as done");
        }
        self.await_turn()?;
        (door.say)(FromAgent::Rebooting {
            root: self.id.root.clone(),
            breadcrumb: self.breadcrumb.clone(),
            timeout,
        });
        Ok(())
    }

    fn wait(&self, command: &str, timeout: Duration) -> anyhow::Result<Infallible> {
        let door = &self.host.door;
        if let Some(staged) = &door.staged {
            staged.reboot();
            door.go();
            fail!(code::INTERRUPTED, "the host is rebooted");
        }
        let began = Instant::now();
        while began.elapsed() < timeout {
            if self.is_interrupted() {
                door.go();
                fail!(code::INTERRUPTED, "the host is being rebooted");
            }
            std::thread::sleep(GLANCE);
        }
        self.end();
        Err(fault!(
            code::NOT_REBOOTED,
            "the host did not go down within {} s after `{command}`",
            timeout.as_secs()
        ))
        .hint("look at what keeps it up; deploy again when it has been rebooted")
    }

    fn cancel(&self) {
        self.end();
    }

    fn is_staged(&self) -> bool {
        self.host.door.staged.is_some()
    }
}

impl Reboot<'_> {
    fn is_interrupted(&self) -> bool {
        self.host.site.interrupt.is_raised()
    }

    /// The host stays as it is. What was noted stays too: if it goes down after all, that counts.
    fn end(&self) {
        let mut inside = self.host.door.inside();
        inside.reboots = false;
        inside.waiting -= 1;
        drop(inside);
        self.host.door.changed.notify_all();
    }
}

/// Reboots of a root that were begun, and that the host has been started anew since.
#[derive(Debug, Default)]
pub(super) struct Rebooted {
    /// By component, those of this very deployment: it reboots the host once at most.
    pub(super) now: BTreeMap<NodeId, RebootNote>,
    /// In a plan: all of them.
    pub(super) notes: Vec<RebootNote>,
}

impl Rebooted {
    /// Reads them, and makes durable what they stand for; a plan only looks.
    pub(super) fn of_root(
        host: &Host,
        id: &RootId,
        draft: &Draft,
        plans: bool,
    ) -> Result<Self, StateError> {
        let door = &host.door;
        let mut rebooted = Self::default();
        let mut notes = door.notes.of_root(&id.root)?;
        if notes.is_empty() {
            return Ok(rebooted);
        }
        let nodes = draft.by_breadcrumb();
        notes.retain(|note| !note.boot.is_same(&door.boot));
        if plans {
            rebooted.notes = notes;
            return Ok(rebooted);
        }
        for note in notes {
            for (provider, count) in &note.providers {
                host.counters.act(&id.root, &note.breadcrumb, provider, *count)?;
            }
            host.marks.clear(&note.marks)?;
            door.notes.remove(&id.root, &note.breadcrumb)?;
            if note.deployment == door.deployment
                && let Some(node) = nodes.get(&note.breadcrumb)
            {
                rebooted.now.insert(*node, note);
            }
        }
        Ok(rebooted)
    }
}
