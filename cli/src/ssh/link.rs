//! Finding the connection for a command: the user's own, one that is kept, or a new one.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};
use togusa_core::environment::Host;
use togusa_core::problem::{Problem, code};
use tokio::sync::OwnedMutexGuard;

use super::channel::{self, Channel, NotOpened};
use super::destination::{Destination, Resolved};
use super::diagnosis::{diagnose, is_dropped, slow_command, slow_login};
use super::master::{self, Found, NotStarted, Start};
use super::{Connections, locked, no_ssh};

/// How long a host may take to start a command over a connection that was there before.
const RESUME: Duration = Duration::from_secs(3);

/// How often a connection is tried that sshd drops.
const ATTEMPTS: usize = 5;

/// How often a command is tried over a connection that turns out to be no good.
const REPLACEMENTS: usize = 3;

/// A connection that can be used.
#[derive(Debug)]
struct Link {
    socket: PathBuf,
    log: Option<PathBuf>,
    pid: u32,
    resumed: bool,
    /// Keeps others out until who made the connection has started a command over it.
    making: Option<OwnedMutexGuard<()>>,
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
        let mut replaced = 0;
        loop {
            let link = self.link(host, &destination, &resolved, given_up).await?;
            let limit = if link.resumed { RESUME } else { host.timeout.max(RESUME) };
            let opened = channel::open(&link.socket, command, limit).await;
            let Link { socket, log, pid, resumed, making } = link;
            drop(making);
            let problem = match opened {
                Ok(opened) => {
                    return Ok(opened.channel(host, &self.runtime, socket, log, resumed));
                }
                Err(NotOpened::Broken(problem)) => return Err(problem.on(&host.name)),
                // It is full, or its host silent. The next one is made by us or by others.
                Err(NotOpened::Refused(_) | NotOpened::Slow) if resumed => None,
                Err(NotOpened::Refused(why)) => Some(diagnose(host, &why)),
                Err(NotOpened::Slow) => return Err(slow_command(host, limit)),
                Err(NotOpened::Lost) => {
                    let printed = log.map(|log| master::printed(&log)).unwrap_or_default();
                    Some(diagnose(host, &printed))
                }
            };
            if let Some(problem) = problem {
                replaced += 1;
                if replaced == REPLACEMENTS {
                    return Err(problem);
                }
            }
            given_up = Some(pid);
        }
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
        let making = making.lock_owned().await;
        if let Some(link) = self.kept(resolved, given_up).await {
            return Ok(link);
        }
        let dropped = AtomicBool::new(false);
        let make = || self.make(host, destination, resolved, given_up, dropped.load(Relaxed));
        let delays = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(300))
            .with_max_times(ATTEMPTS - 1)
            .with_jitter();
        let is_worth_it =
            |error: &NotStarted| matches!(error, NotStarted::Ended(text) if is_dropped(text));
        let made = make.retry(delays).when(is_worth_it);
        let made = made.notify(|_, _| dropped.store(true, Relaxed)).await;
        let made = made.map(|link| Link { making: Some(making), ..link });
        made.map_err(|error| match error {
            NotStarted::Ended(printed) => diagnose(host, &printed),
            NotStarted::Slow(limit, printed) => slow_login(host, limit, &printed),
            NotStarted::NotRun(error) => no_ssh(&error),
            NotStarted::NoPlace(error) => {
                let problem = Problem::new(code::KEPT_CONNECTIONS, "cannot keep the connection")
                    .on(&host.name);
                Problem { causes: vec![error.to_string()], ..problem }
            }
        })
    }

    async fn kept(&self, resolved: &Resolved, given_up: Option<u32>) -> Option<Link> {
        let socket = self.sockets.socket(&resolved.name);
        match master::look(&socket).await {
            Found::Alive(pid) if Some(pid) != given_up => {
                let log = self.sockets.log(&resolved.name);
                master::trim(&log);
                Some(Link { socket, log: Some(log), pid, resumed: true, making: None })
            }
            _ => None,
        }
    }

    async fn make(
        &self,
        host: &Host,
        destination: &Destination,
        resolved: &Resolved,
        given_up: Option<u32>,
        again: bool,
    ) -> Result<Link, NotStarted> {
        let _leave = self.limits.start(&resolved.sshd, again).await;
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
        Ok(Link { socket, log: Some(log), pid, resumed: false, making: None })
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
