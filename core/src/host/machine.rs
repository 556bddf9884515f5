//! Changing a host.

mod files;
mod reboot;
mod temporary;
mod write;

use std::any::TypeId;
use std::ops::Deref;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::event::{Event, Stream};
use crate::fail;
use crate::host::{Exclusive, Exec, Output, Probe, Snapshot, exec};
use crate::problem::code;

pub(crate) use reboot::Reboots;
pub use write::Content;

/// How often a pause looks whether the run was interrupted.
const GLANCE: Duration = Duration::from_millis(50);

/// The host that a component converges on, to look at and to change.
#[derive(Debug)]
pub struct Machine<'a> {
    probe: Probe<'a>,
    reboots: Option<&'a dyn Reboots>,
}

impl<'a> Machine<'a> {
    /// Gives the power to change to who may look.
    pub fn new(probe: Probe<'a>) -> Self {
        Self { probe, reboots: None }
    }

    /// Runs a command; its output is streamed as events, and every snapshot is invalidated.
    ///
    /// # Errors
    /// The command could not be started, ended with a code that is not accepted, or hung.
    pub fn run(&self, command: &Exec) -> Result<Output> {
        let result = exec::run(self, command);
        self.site.shared.invalidate_all();
        exec::remedied(result)
    }

    /// Forgets a snapshot because of what was changed; who asks next takes a new one.
    pub fn invalidate<S: Snapshot>(&self) {
        self.site.shared.invalidate(TypeId::of::<S>());
    }

    /// Waits until no other component of the host holds the name, and keeps others out until the
    /// result is dropped. For what stands only one user at a time, such as `dpkg`.
    pub fn exclusive(&self, name: &str) -> Exclusive<'a> {
        self.probe.site.shared.exclusive(name)
    }

    /// Shows a line, as commands show what they print: for what no error tells, and no change.
    pub fn tell(&self, text: impl Into<String>) {
        let (root, breadcrumb) = (self.root.clone(), self.breadcrumb.clone());
        let stream = Stream::Stdout;
        (self.site.events)(Event::Output { root, breadcrumb, stream, text: text.into() });
    }

    /// Lets some time pass, for who waits for something that tells nobody when it happens.
    ///
    /// # Errors
    /// The run was interrupted, and what runs is to end at once.
    pub fn pause(&self, time: Duration) -> Result<()> {
        let end = Instant::now() + time;
        loop {
            if self.site.interrupt.must_kill() {
                fail!(code::INTERRUPTED, "the run was interrupted");
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            std::thread::sleep(left.min(GLANCE));
        }
    }
}

impl<'a> Deref for Machine<'a> {
    type Target = Probe<'a>;

    fn deref(&self) -> &Probe<'a> {
        &self.probe
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use crate::event::{Event, Stream};
    use crate::host::site::tests::TestSite;

    #[test]
    fn only_one_component_holds_a_name_at_a_time() {
        let test = TestSite::new();
        let (inside, entered) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let machine = test.machine();
                    let _dpkg = machine.exclusive("dpkg");
                    let _other = machine.exclusive(&format!("own {:?}", std::thread::current()));
                    assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                    std::thread::yield_now();
                    inside.fetch_sub(1, Ordering::SeqCst);
                    entered.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        assert_eq!(entered.into_inner(), 8);
    }

    #[test]
    fn what_is_told_is_shown_as_output_of_the_component() {
        let test = TestSite::new();
        test.machine().tell("3 connections are left");
        let events = test.events.lock().unwrap();
        let [Event::Output { root, stream: Stream::Stdout, text, .. }] = &events[..] else {
            panic!("{events:?}")
        };
        assert_eq!(
            (root.to_string().as_str(), text.as_str()),
            ("app@web", "3 connections are left")
        );
    }

    #[test]
    fn a_pause_ends_when_what_runs_is_to_be_killed() {
        let test = TestSite::new();
        let machine = test.machine();
        machine.pause(Duration::ZERO).unwrap();
        test.site.interrupt.raise();
        machine.pause(Duration::from_millis(1)).unwrap();
        test.site.interrupt.raise();
        let error = machine.pause(Duration::from_secs(3600)).unwrap_err();
        assert_eq!(error.to_string(), "the run was interrupted");
    }
}
