//! What a rollout asks.

use std::borrow::Cow;
use std::time::Duration;

use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::{fail, fault};

use crate::command::shortened;
use crate::file::Text;

use super::question::Question;
use super::target::Target;

/// What a rollout asks to learn whether an instance works: a port, an answer on the web, or a command.
///
/// It does nothing else: `verify` finds nothing to judge, nothing waits for it, and a deployment
/// without rollouts never asks it. What a deployment is to wait for is a
/// [`WaitForPort`](super::WaitForPort) or a [`WaitForHttp`](super::WaitForHttp), which rollouts ask as
/// well; services are asked whether they run without any check.
///
/// | attribute | default |
/// |---|---|
/// | `status` | 200; each one that is given is right (http only) |
/// | `body_contains` | nothing is looked for in the answer (http only) |
/// | `header` | none; a value may be a secret (http only) |
/// | `ca_file` | what the host trusts (https only) |
/// | `insecure` | no: a certificate must be trusted (https only) |
/// | `timeout` | 10 s for one look |
///
/// `healthy` looks once, from the host itself. A port must take a connection; no redirect is
/// followed; the command runs in the root's work directory unless it sets one, and must end with a
/// code that it accepts. A rollout asks again until all checks of an instance hold for the `settle`
/// time of the environment, or its `timeout` is over: then what was seen last is told. It needs no
/// privilege.
///
/// A check leaves nothing on the host that could be absent.
///
/// **Needs**: `curl` for https; `getent` for names other than `localhost`.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     scope.add(Program::new("app", "./app").args(["--port", "8080"]));
///     scope.add(HealthCheck::port(8080));
///     scope.add(HealthCheck::http("http://localhost:8080/health").status(200).body_contains("ok"));
///     scope.add(HealthCheck::command(Exec::new("./app").arg("self-test")));
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct HealthCheck {
    asked: Asked,
    timeout: Duration,
    /// What was set that the check has no use for.
    misplaced: Option<&'static str>,
    any_status: bool,
}

/// What is looked at.
#[derive(Debug)]
enum Asked {
    Port(Target),
    Http(Question),
    Command(Exec),
}

impl HealthCheck {
    /// Looks whether a port takes connections: a number on this host, `"host:port"`, or an address.
    pub fn port(target: impl Into<Target>) -> Self {
        Self::new(Asked::Port(target.into()))
    }

    /// Looks what an address answers that begins with `http://` or `https://`.
    pub fn http(url: impl Into<String>) -> Self {
        Self::new(Asked::Http(Question::new(url)))
    }

    /// Runs a command that only looks.
    pub fn command(command: Exec) -> Self {
        Self::new(Asked::Command(command))
    }

    fn new(asked: Asked) -> Self {
        Self { asked, timeout: Duration::from_secs(10), misplaced: None, any_status: true }
    }

    /// Sets a status code that is right; each call adds one.
    #[must_use]
    pub fn status(mut self, code: u16) -> Self {
        let is_first = std::mem::take(&mut self.any_status);
        self.of_http("status", |question| {
            if is_first {
                question.status.clear();
            }
            question.status.insert(code);
        })
    }

    /// Looks for a text in what is answered; all that are given must be there.
    #[must_use]
    pub fn body_contains(self, text: impl Into<String>) -> Self {
        self.of_http("body_contains", |question| question.contains.push(text.into()))
    }

    /// Sends a header.
    #[must_use]
    pub fn header(self, name: impl Into<String>, value: impl Into<Text>) -> Self {
        self.of_http("header", |question| question.headers.push((name.into(), value.into())))
    }

    /// Trusts what is signed by a certificate in this file.
    #[must_use]
    pub fn ca_file(self, path: &HostPath) -> Self {
        self.of_http("ca_file", |question| question.ca_file = Some(path.clone()))
    }

    /// Accepts any certificate.
    #[must_use]
    pub fn insecure(self) -> Self {
        self.of_http("insecure", |question| question.insecure = true)
    }

    /// Sets how long one look may take.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    fn of_http(mut self, method: &'static str, set: impl FnOnce(&mut Question)) -> Self {
        match &mut self.asked {
            Asked::Http(question) => set(question),
            Asked::Port(_) | Asked::Command(_) => self.misplaced = Some(method),
        }
        self
    }
}

impl Component for HealthCheck {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some(match &self.asked {
            Asked::Port(target) => target.to_string().into(),
            Asked::Http(question) => question.key(),
            Asked::Command(command) => shortened(command.to_string()).into(),
        })
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        if let Some(method) = self.misplaced {
            return Err(fault!(code::OPTIONS_CLASH, "`{method}` means nothing but to http"))
                .hint(format!("leave out `.{method}(…)`, or ask by `HealthCheck::http(…)`"));
        }
        match &mut self.asked {
            Asked::Port(target) => target.parts().map(|_| ()),
            Asked::Http(question) => question.configure(),
            Asked::Command(command) => {
                scope.check_arguments(command)?;
                *command = command.clone().default_directory(&scope.work_directory());
                Ok(())
            }
        }
    }

    fn healthy(&self, probe: &Probe<'_>) -> Result {
        match &self.asked {
            Asked::Port(target) => match target.connect(probe, self.timeout)? {
                Ok(_) => Ok(()),
                Err(seen) => fail!(code::UNHEALTHY, "port {target} is closed ({seen})"),
            },
            Asked::Http(question) => question
                .look(probe, self.timeout)?
                .map_err(|seen| question.wrong(&seen, code::UNHEALTHY)),
            Asked::Command(command) => {
                probe.query(&command.clone().at_most(self.timeout)).map(|_| ())
            }
        }
    }
}
