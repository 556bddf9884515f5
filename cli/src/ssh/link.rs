//! Finding the connection for a command: the user's own, one that is kept, or a new one.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};
use togusa_core::environment::Host;
use togusa_core::problem::Problem;

use super::channel::{self, Channel, NotOpened};
use super::destination::{Destination, Resolved};
use super::diagnosis::{diagnose, is_dropped, slow_login};
use super::master::{self, Found, NotStarted, Start};
use super::{Connections, locked, no_ssh};

/// How long a host may take to start a command over a connection that was there before.
const RESUME: Duration = Duration::from_secs(3);

/// How often a connection is tried that sshd drops, and how often a full one is replaced.
const ATTEMPTS: usize = 5;

/// A connection that can be used.
#[derive(Debug)]
struct Link {
    socket: PathBuf,
    log: Option<PathBuf>,
    pid: u32,
    resumed: bool,
}

impl Connections {
    pub(super) async fn open(
        &self,
        host: &Host,
        command: &str,
        anew: bool,
    ) -> Result<Channel, Problem> {
        let (destination, resolved) = self.resolve(host).await?;
        let mut given_up = None;
        if anew {
            if let Found::Alive(pid) = master::look(&self.sockets.socket(&resolved.name)).await {
                given_up = Some(pid);
            }
        } else if let Some(link) = users_own(&resolved).await
            && let Ok(opened) = channel::open(&link.0, command, RESUME).await
        {
            return Ok(opened.channel(host, &self.runtime, link.0, None, true));
        }
        let mut refusal = None;
        for _ in 0..ATTEMPTS {
            let link = self.link(host, &destination, &resolved, given_up).await?;
            let limit = if link.resumed { RESUME } else { host.timeout.max(RESUME) };
            match channel::open(&link.socket, command, limit).await {
                Ok(opened) => {
                    let Link { socket, log, resumed, .. } = link;
                    return Ok(opened.channel(host, &self.runtime, socket, log, resumed));
                }
                Err(NotOpened::Broken(problem)) => return Err(problem.on(&host.name)),
                Err(NotOpened::Refused(why)) => refusal = Some(why),
                Err(NotOpened::Slow | NotOpened::Lost) if link.resumed => {}
                Err(NotOpened::Slow) => return Err(slow_login(host, limit, "")),
                Err(NotOpened::Lost) => {
                    let log = link.log.map(|log| master::printed(&log)).unwrap_or_default();
                    return Err(diagnose(host, &log));
                }
            }
            given_up = Some(link.pid);
        }
        Err(diagnose(host, refusal.as_deref().unwrap_or_default()))
    }

    /// The connection of a host, made if there is none but the one given up.
    async fn link(
        &self,
        host: &Host,
        destination: &Destination,
        resolved: &Resolved,
        given_up: Option<u32>,
    ) -> Result<Link, Problem> {
        let making = {
            let mut making = locked(&self.making);
            Arc::clone(making.entry(resolved.name.clone()).or_default())
        };
        let _making = making.lock().await;
        if let Some(link) = self.kept(resolved, given_up).await {
            return Ok(link);
        }
        let make = || self.make(host, destination, resolved, given_up);
        let delays = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(200))
            .with_max_times(ATTEMPTS - 1)
            .with_jitter();
        let is_worth_it =
            |error: &NotStarted| matches!(error, NotStarted::Ended(text) if is_dropped(text));
        let made = make.retry(delays).when(is_worth_it).await;
        made.map_err(|error| match error {
            NotStarted::Ended(printed) => diagnose(host, &printed),
            NotStarted::Slow(limit, printed) => slow_login(host, limit, &printed),
            NotStarted::NotRun(error) => no_ssh(&error),
            NotStarted::NoPlace(error) => {
                let problem = Problem::new("cannot keep the connection").on(&host.name);
                Problem { causes: vec![error.to_string()], ..problem }
            }
        })
    }

    async fn kept(&self, resolved: &Resolved, given_up: Option<u32>) -> Option<Link> {
        let socket = self.sockets.socket(&resolved.name);
        match master::look(&socket).await {
            Found::Alive(pid) if Some(pid) != given_up => Some(Link {
                socket,
                log: Some(self.sockets.log(&resolved.name)),
                pid,
                resumed: true,
            }),
            _ => None,
        }
    }

    async fn make(
        &self,
        host: &Host,
        destination: &Destination,
        resolved: &Resolved,
        given_up: Option<u32>,
    ) -> Result<Link, NotStarted> {
        let _leave = self.limits.start(&resolved.sshd).await;
        // Whoever holds the lock is done after its own attempt, or gives up.
        let patience = host.timeout + Duration::from_secs(30);
        let lock = self.sockets.lock(&resolved.name, patience).await;
        let _lock = lock.map_err(NotStarted::NoPlace)?;
        if let Some(link) = self.kept(resolved, given_up).await {
            return Ok(link);
        }
        let (socket, log) = (self.sockets.socket(&resolved.name), self.sockets.log(&resolved.name));
        master::give_up(&socket).await.map_err(NotStarted::NoPlace)?;
        let start = Start {
            destination,
            socket: &socket,
            log: &log,
            keep: self.keep,
            timeout: host.timeout,
            proxied: resolved.proxied,
        };
        master::start(&start).await?;
        let Found::Alive(pid) = master::look(&socket).await else {
            return Err(NotStarted::Ended(master::printed(&log)));
        };
        locked(&self.started).insert(resolved.name.clone(), pid);
        Ok(Link { socket, log: Some(log), pid, resumed: false })
    }
}

/// The connection that the user's own ssh keeps to a host, if it is alive.
pub async fn users_own(resolved: &Resolved) -> Option<(PathBuf, u32)> {
    let path = resolved.control_path.as_ref()?;
    match master::look(path).await {
        Found::Alive(pid) => Some((path.clone(), pid)),
        Found::Absent | Found::Hung => None,
    }
}
