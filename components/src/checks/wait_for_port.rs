//! Waiting for a port.

use std::borrow::Cow;
use std::time::Duration;

use togusa_core::fail;
use togusa_core::prelude::*;
use togusa_core::problem::code;

use crate::waiting::{Seen, seconds, wait};

use super::target::Target;

/// How long one attempt to connect may take.
const ATTEMPT: Duration = Duration::from_secs(5);

/// A port takes connections, or takes none.
///
/// After a component that starts something it waits until that can be reached. By itself it is a
/// check: `verify` of the whole deployment reports a port that does not answer.
///
/// | attribute | default |
/// |---|---|
/// | `timeout` | 60 s |
/// | `interval` | 0.2 s between two attempts |
/// | `closed` | no: it must be open |
///
/// `verify` tries once to connect, from the host itself, to each address that the name has; one that
/// answers is enough. `update` changes nothing: it tries again until the port is as it should be,
/// and fails with what it saw last. `healthy` tries once, as `verify` does. It needs no privilege;
/// names other than `localhost` are looked up by `getent` (package `libc-bin`).
///
/// It leaves nothing on the host that could be absent; that a port takes no connection is
/// [`closed`](Self::closed).
///
/// **Needs**: `getent` for names other than `localhost`.
///
/// ```
/// use std::time::Duration;
///
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     scope.add(Program::new("app", "./app").args(["--port", "8080"]));
///     scope.add(WaitForPort::new(8080).timeout(Duration::from_secs(20)));
///     scope.add(WaitForPort::new("localhost:8079").closed());
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct WaitForPort {
    target: Target,
    timeout: Duration,
    interval: Duration,
    closed: bool,
}

impl WaitForPort {
    /// Waits for a port: a number on this host, `"host:port"`, or an address.
    pub fn new(target: impl Into<Target>) -> Self {
        Self {
            target: target.into(),
            timeout: Duration::from_secs(60),
            interval: Duration::from_millis(200),
            closed: false,
        }
    }

    /// Sets how long it is waited for.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets the time between two attempts.
    #[must_use]
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Waits until nothing answers there.
    #[must_use]
    pub fn closed(mut self) -> Self {
        self.closed = true;
        self
    }

    /// Tries once.
    fn look(&self, probe: &Probe<'_>, attempt: Duration) -> Result<Seen> {
        Ok(match (self.target.connect(probe, attempt)?, self.closed) {
            (Ok(address), true) => Err(format!("port {} is open ({address})", self.target)),
            (Err(last), false) => Err(format!("port {} is closed ({last})", self.target)),
            _ => Ok(()),
        })
    }
}

impl Component for WaitForPort {
    fn key(&self) -> Option<Cow<'_, str>> {
        let closed = if self.closed { " closed" } else { "" };
        Some(format!("{}{closed}", self.target).into())
    }

    fn configure(&mut self, _: &mut Scope<'_>) -> Result {
        self.target.parts().map(|_| ())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        Ok(match self.look(probe, ATTEMPT.min(self.timeout))? {
            Ok(()) => Verdict::current(),
            Err(seen) => Verdict::stale(seen),
        })
    }

    fn healthy(&self, probe: &Probe<'_>) -> Result {
        match self.look(probe, ATTEMPT.min(self.timeout))? {
            Ok(()) => Ok(()),
            Err(seen) => fail!(code::UNHEALTHY, "{seen}"),
        }
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        let attempt = ATTEMPT.min(self.timeout);
        match wait(machine, self.timeout, self.interval, || self.look(machine, attempt))? {
            Ok(()) => Ok(()),
            Err(seen) => fail!(code::NOT_REACHED, "{seen}, after {} too", seconds(self.timeout)),
        }
    }
}
