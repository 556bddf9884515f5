//! Hosts that reboot in the middle of a run: they are not lost, but waited for.

use std::time::{Duration, Instant};

use crate::boot::Boot;
use crate::event::{Counts, Event};
use crate::names::{Breadcrumb, HostName, RootId, RootName};
use crate::problem::{Problem, code};
use crate::protocol::{Call, CallKind, End, ToAgent};

use super::Run;
use super::link::Link;
use super::schedule::Ended;

/// How long a host that does not answer is left alone.
const RETRY: Duration = Duration::from_secs(1);

/// That the agent of a host said that the host reboots.
#[derive(Clone, Debug)]
pub(super) struct Rebooting {
    root: RootName,
    /// The start of the system that ends.
    boot: Boot,
    since: Instant,
    timeout: Duration,
    /// Why the last attempt to connect failed.
    last: Option<String>,
}

impl Rebooting {
    fn is_late(&self) -> bool {
        self.since.elapsed() > self.timeout
    }

    /// The host answered, and has not gone down yet.
    pub(super) fn is_still_up(&mut self) {
        self.last = Some("it answered, and had not gone down".to_owned());
    }

    /// Whether this start of a host's system is still the one that is to end.
    pub(super) fn is_of(&self, boot: &Boot) -> bool {
        self.boot.is_same(boot)
    }
}

impl Run<'_> {
    /// A component is about to reboot its host.
    pub(super) fn host_reboots(
        &mut self,
        host: HostName,
        (root, breadcrumb): (RootName, Breadcrumb),
        timeout: Duration,
    ) {
        let since = Instant::now();
        self.link(&host, |link| {
            let boot = link.boot().clone();
            link.rebooting =
                Some(Rebooting { root: root.clone(), boot, since, timeout, last: None });
        });
        let id = RootId::new(host.clone(), root);
        (self.tell)(Event::Rebooting { root: id, breadcrumb, timeout });
        if self.stopping {
            self.leave_rebooting();
            return self.advance();
        }
        // What is asked whether it is healthy is not, while its host is away.
        let asked = self
            .called
            .iter()
            .filter(|(_, (to, kind))| to.host == host && *kind == CallKind::Health);
        for number in asked.map(|(number, _)| *number).collect::<Vec<_>>() {
            self.called.remove(&number);
            self.schedule.answered(self.now(), number, Err(is_away(&host)));
        }
        self.advance();
    }

    /// Says to a host what it is to do, or keeps it until the host is back from its reboot.
    pub(super) fn say_to(&mut self, host: &HostName, message: ToAgent) {
        let link = &self.links[host];
        if link.rebooting.is_none() || link.is_there() {
            link.say(message);
        }
    }

    /// Calls a root. One of a host that is away is not healthy, whatever it was before.
    pub(super) fn call(&mut self, number: u64, to: RootId, kind: CallKind) {
        if kind == CallKind::Health && self.links[&to.host].rebooting.is_some() {
            let problem = is_away(&to.host);
            return self.schedule.answered(self.now(), number, Err(problem));
        }
        let call = Call { number, root: to.root.clone(), kind: kind.clone() };
        self.say_to(&to.host, ToAgent::Call(call));
        self.called.insert(number, (to, kind));
    }

    /// The host of a root that has ended stays as it is, if the root was to reboot it.
    pub(super) fn reboot_failed(&mut self, id: &RootId) {
        self.link(&id.host, |link| {
            if link.rebooting.as_ref().is_some_and(|rebooting| rebooting.root == id.root) {
                link.rebooting = None;
            }
        });
    }

    /// A host is gone: if it reboots, it is looked for again. Whether it does.
    pub(super) fn look_for_return(&mut self, host: &HostName, problem: &Problem) -> bool {
        let Some(rebooting) = self.links.get(host).and_then(|link| link.rebooting.clone()) else {
            return false;
        };
        if !self.schedule.needs(host) {
            return false;
        }
        if self.stopping {
            self.leave_rebooting();
            self.advance();
            return true;
        }
        let rebooting = Rebooting { last: Some(problem.message.clone()), ..rebooting };
        if rebooting.is_late() {
            self.give_up_return(host, &rebooting);
            return true;
        }
        let described = &self.model.environment.hosts[host];
        let (transport, assets) = (self.transport, self.assets);
        let sender = self.sender.clone();
        self.link(host, |link| {
            link.rebooting = Some(rebooting);
            link.reopen(described, (transport, assets), sender, RETRY);
        });
        true
    }

    /// Gives up hosts that have not come back in time, and looks anew for those that fell silent.
    pub(super) fn look_at_reboots(&mut self) {
        let rebooting = self.links.iter().filter_map(|(host, link)| {
            let rebooting = link.rebooting.clone()?;
            Some((host.clone(), rebooting, link.is_sought(), link.is_silent(super::SILENCE)))
        });
        for (host, rebooting, is_sought, is_silent) in rebooting.collect::<Vec<_>>() {
            if is_silent {
                let problem = Problem::new(code::AGENT_GONE, "the host fell silent");
                self.look_for_return(&host, &problem);
            } else if is_sought && rebooting.is_late() {
                self.give_up_return(&host, &rebooting);
            }
        }
    }

    fn give_up_return(&mut self, host: &HostName, rebooting: &Rebooting) {
        let seconds = rebooting.timeout.as_secs();
        let message = format!("the host did not come back within {seconds} s after its reboot");
        let mut problem = Problem::new(code::NOT_BACK, message);
        problem
            .causes
            .extend(rebooting.last.as_ref().map(|last| format!("the last attempt: {last}")));
        let problem =
            problem.hint("look at its console; deploy again when it is up: the reboot then counts");
        self.lose(host, problem);
    }

    /// A host is back, and its new agent ready: whether it had been rebooting.
    pub(super) fn is_back(&mut self, host: &HostName) -> bool {
        let Some(rebooting) = self.links.get_mut(host).and_then(|link| link.rebooting.take())
        else {
            return false;
        };
        (self.tell)(Event::Rebooted { host: host.clone(), elapsed: rebooting.since.elapsed() });
        // What ran when the host went down begins anew; what has been done of it is current.
        let started = self.started.iter().filter(|(id, _)| id.host == *host);
        let started: Vec<_> =
            started.map(|(id, (ask, restore))| self.start(id, *ask, restore.clone())).collect();
        let called = self.called.iter().filter(|(_, (to, _))| to.host == *host);
        let called: Vec<_> = called
            .map(|(number, (to, kind))| Call {
                number: *number,
                root: to.root.clone(),
                kind: kind.clone(),
            })
            .collect();
        let link = &self.links[host];
        started.into_iter().for_each(|start| link.say(ToAgent::Start(Box::new(start))));
        called.into_iter().for_each(|call| link.say(ToAgent::Call(call)));
        true
    }

    /// The run stops: hosts that reboot are not waited for. What they were at is on their disks.
    pub(super) fn leave_rebooting(&mut self) {
        let rebooting = self.links.iter().filter(|(_, link)| link.rebooting.is_some());
        let hosts: Vec<_> = rebooting.map(|(host, _)| host.clone()).collect();
        for host in hosts {
            self.link(&host, Link::give_up);
            self.schedule.leave(&host);
            let roots = self.started.keys().filter(|id| id.host == host);
            for id in roots.cloned().collect::<Vec<_>>() {
                self.started.remove(&id);
                let (counts, elapsed) = (Counts::default(), Duration::ZERO);
                let ended = Ended { end: End::Interrupted, uncertain: true, counts, elapsed };
                self.schedule.ended(self.now(), id, ended);
            }
            let calls = self.called.iter().filter(|(_, (to, _))| to.host == host);
            for number in calls.map(|(number, _)| *number).collect::<Vec<_>>() {
                self.called.remove(&number);
                let problem = Problem::new(code::INTERRUPTED, "the host is being rebooted");
                self.schedule.answered(self.now(), number, Err(problem));
            }
        }
    }
}

fn is_away(host: &HostName) -> Problem {
    Problem::new(code::UNHEALTHY, format!("host `{host}` is being rebooted"))
}
