//! Waiting for an answer on the web.

use std::borrow::Cow;
use std::time::Duration;

use togusa_core::prelude::*;
use togusa_core::problem::code;

use crate::file::Text;
use crate::waiting::{Seen, seconds, wait};

use super::question::Question;

/// An address on the web answers as it should.
///
/// After a component that starts something it waits until that answers. By itself it is a check:
/// `verify` of the whole deployment reports what does not answer as it should.
///
/// | attribute | default |
/// |---|---|
/// | `status` | 200; several are allowed |
/// | `contains` | nothing is looked for in the answer |
/// | `header` | none; a value may be a secret |
/// | `timeout` | 60 s for all attempts |
/// | `attempt_timeout` | 10 s for each, or `timeout` where that is less, but for 1 s |
/// | `interval` | 0.5 s between two attempts |
/// | `ca_file` | what the host trusts (https only) |
/// | `insecure` | no: a certificate must be trusted (https only) |
///
/// `verify` asks once, from the host itself; no redirect is followed. `update` changes nothing: it
/// asks again until the answer is right, and fails with what it saw last. `healthy` asks once, as
/// `verify` does. It needs no privilege. Plain HTTP needs no program, but for `getent` for names other
/// than `localhost`; https needs `curl`, which is given address and headers through a pipe.
///
/// It leaves nothing on the host that could be absent.
///
/// **Needs**: `curl` for https; `getent` for names other than `localhost`.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>, token: Secret) -> Result {
///     let check = WaitForHttp::new("http://localhost:8080/health").contains("ok");
///     scope.add(check.header("X-Token", token));
///     scope.add(WaitForHttp::new("https://shop.example/admin").status([401, 403]));
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct WaitForHttp {
    question: Question,
    timeout: Duration,
    attempt_timeout: Duration,
    interval: Duration,
}

impl WaitForHttp {
    /// Waits for an address that begins with `http://` or `https://`.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            question: Question::new(url),
            timeout: Duration::from_secs(60),
            attempt_timeout: Duration::from_secs(10),
            interval: Duration::from_millis(500),
        }
    }

    /// Sets the status codes that are right.
    #[must_use]
    pub fn status(mut self, codes: impl IntoIterator<Item = u16>) -> Self {
        self.question.status = codes.into_iter().collect();
        self
    }

    /// Looks for a text in what is answered; all that are given must be there.
    #[must_use]
    pub fn contains(mut self, text: impl Into<String>) -> Self {
        self.question.contains.push(text.into());
        self
    }

    /// Sends a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Text>) -> Self {
        self.question.headers.push((name.into(), value.into()));
        self
    }

    /// Sets how long it is waited for.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets how long one attempt may take.
    #[must_use]
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = timeout;
        self
    }

    /// Sets the time between two attempts.
    #[must_use]
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Trusts what is signed by a certificate in this file.
    #[must_use]
    pub fn ca_file(mut self, path: &HostPath) -> Self {
        self.question.ca_file = Some(path.clone());
        self
    }

    /// Accepts any certificate.
    #[must_use]
    pub fn insecure(mut self) -> Self {
        self.question.insecure = true;
        self
    }

    /// How long one attempt may take: no longer than all of them, but for some time to answer.
    fn attempt(&self) -> Duration {
        self.attempt_timeout.min(self.timeout.max(Duration::from_secs(1)))
    }

    fn look(&self, probe: &Probe<'_>) -> Result<Seen> {
        self.question.look(probe, self.attempt())
    }
}

impl Component for WaitForHttp {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some(self.question.key())
    }

    fn configure(&mut self, _: &mut Scope<'_>) -> Result {
        self.question.configure()
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        Ok(match self.look(probe)? {
            Ok(()) => Verdict::current(),
            Err(seen) => Verdict::stale(seen),
        })
    }

    fn healthy(&self, probe: &Probe<'_>) -> Result {
        self.look(probe)?.map_err(|seen| self.question.wrong(&seen, code::UNHEALTHY))
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        wait(machine, self.timeout, self.interval, || self.look(machine))?.map_err(|seen| {
            let seen = format!("after {}: {seen}", seconds(self.timeout));
            self.question.wrong(&seen, code::NOT_REACHED)
        })
    }
}
