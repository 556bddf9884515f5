use std::collections::BTreeMap;

use togusa_core::event::{Event, Wait};
use togusa_core::names::{HostName, RootId, RootName};

use super::rollouts::{self, Batch};
use crate::text::{harmless, size};

/// What every rollout and every host does at the moment: the state behind the progress lines.
#[derive(Debug, Default)]
pub(super) struct Running {
    hosts: BTreeMap<HostName, Activity>,
    rollouts: BTreeMap<RootName, Rollout>,
}

/// Who has a progress line, in the order of the lines.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    Rollout(RootName),
    Host(HostName),
}

#[derive(Debug, Default)]
struct Rollout {
    batch: String,
    wait: String,
}

#[derive(Debug, Default)]
struct Activity {
    connecting: bool,
    /// How many bytes of the agent's binary the host is being sent.
    pushing: Option<u64>,
    /// The roots that run, each with its component; the last to move is shown.
    roots: BTreeMap<RootName, String>,
    shown: Option<RootName>,
}

impl Running {
    /// Takes note of an event and returns those whose lines it changes.
    pub(super) fn event(&mut self, event: &Event) -> Vec<Subject> {
        match event {
            Event::Connecting { host } => {
                self.hosts.entry(host.clone()).or_default().connecting = true
            }
            Event::Pushing { host, bytes, .. } => {
                self.hosts.entry(host.clone()).or_default().pushing = Some(*bytes);
            }
            Event::Connected { host, .. } => self.with(host, |host| {
                host.connecting = false;
                host.pushing = None;
            }),
            Event::HostFailed { host, .. } => {
                self.hosts.remove(host);
            }
            Event::RootStarted { root } => self.moved(root, root.root.to_string()),
            Event::Rebooting { root, .. } => self.moved(root, "rebooting".to_owned()),
            Event::ComponentStarted { root, breadcrumb, .. } => {
                self.moved(root, breadcrumb.to_string());
            }
            Event::RootFinished { root, .. } => self.ended(root),
            Event::RolloutBatch { component, .. } => {
                let batch = Batch::of(event).map(Batch::short).unwrap_or_default();
                let rollout = Rollout { batch, wait: String::new() };
                self.rollouts.insert(component.clone(), rollout);
                return self.of_rollout(component, &[]);
            }
            Event::RolloutWaiting { component, wait, roots, seen } => {
                let rollout = self.rollouts.entry(component.clone()).or_default();
                rollout.wait = rollouts::waiting(*wait, roots, seen.as_deref(), false);
                let busy = if *wait == Wait::Update { roots.as_slice() } else { &[] };
                return self.of_rollout(component, busy);
            }
            Event::RolloutFinished { component, .. } => {
                self.rollouts.remove(component);
                return self.of_rollout(component, &[]);
            }
            Event::Finished { .. } => {
                self.hosts.clear();
                self.rollouts.clear();
            }
            _ => {}
        }
        match event {
            Event::Connecting { host }
            | Event::Pushing { host, .. }
            | Event::Connected { host, .. }
            | Event::HostFailed { host, .. } => vec![Subject::Host(host.clone())],
            Event::RootStarted { root }
            | Event::Rebooting { root, .. }
            | Event::ComponentStarted { root, .. }
            | Event::RootFinished { root, .. } => vec![Subject::Host(root.host.clone())],
            _ => Vec::new(),
        }
    }

    /// The line of a rollout changes, and with it those of hosts whose instances are not busy: who was
    /// looked at waits for a batch, and who was changed is watched.
    fn of_rollout(&mut self, component: &RootName, busy: &[RootId]) -> Vec<Subject> {
        let of_component = self.hosts.iter().filter(|(_, host)| host.roots.contains_key(component));
        let idle = of_component.map(|(host, _)| RootId::new(host.clone(), component.clone()));
        let idle: Vec<_> = idle.filter(|root| !busy.contains(root)).collect();
        idle.iter().for_each(|root| self.ended(root));
        let hosts = idle.into_iter().map(|root| Subject::Host(root.host));
        std::iter::once(Subject::Rollout(component.clone())).chain(hosts).collect()
    }

    /// The rollouts that go on, in the order of their components.
    pub(super) fn rollouts(&self) -> impl ExactSizeIterator<Item = Subject> {
        self.rollouts.keys().cloned().map(Subject::Rollout)
    }

    /// The hosts that are busy, in the order of their names.
    pub(super) fn hosts(&self) -> impl ExactSizeIterator<Item = Subject> {
        self.hosts.keys().cloned().map(Subject::Host)
    }

    /// What goes on, on one line.
    pub(super) fn line(&self, subject: &Subject) -> Option<String> {
        let host = match subject {
            Subject::Host(host) => host,
            Subject::Rollout(component) => {
                let Rollout { batch, wait } = self.rollouts.get(component)?;
                let parts = [batch.as_str(), wait.as_str()].into_iter();
                let parts: Vec<_> = parts.filter(|part| !part.is_empty()).collect();
                return Some(format!("{}  {}", harmless(component.as_str()), parts.join("; ")));
            }
        };
        let activity = self.hosts.get(host)?;
        let name = harmless(host.as_str());
        let shown = activity.shown.as_ref().and_then(|root| activity.roots.get(root));
        let Some(component) = shown.or_else(|| activity.roots.values().next()) else {
            return Some(match activity.pushing {
                Some(bytes) => format!("{name}  pushing the agent, {}", size(bytes)),
                None => format!("{name}  connecting"),
            });
        };
        let component = harmless(component).replace('\n', "\\n");
        Some(match activity.roots.len() - 1 {
            0 => format!("{name}  {component}"),
            others => format!("{name}  {component} (+{others} more)"),
        })
    }

    fn moved(&mut self, root: &RootId, component: String) {
        let activity = self.hosts.entry(root.host.clone()).or_default();
        activity.roots.insert(root.root.clone(), component);
        activity.shown = Some(root.root.clone());
    }

    fn ended(&mut self, root: &RootId) {
        self.with(&root.host, |host| {
            host.roots.remove(&root.root);
        });
    }

    /// Changes what a host does and forgets the host when that is nothing.
    fn with(&mut self, host: &HostName, change: impl FnOnce(&mut Activity)) {
        if let Some(activity) = self.hosts.get_mut(host) {
            change(activity);
            if !activity.connecting && activity.roots.is_empty() {
                self.hosts.remove(host);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use togusa_core::event::{Counts, Outcome, Step};
    use togusa_core::problem::{Problem, code};

    use super::*;

    fn lines(events: &[Event]) -> Vec<String> {
        let mut running = Running::default();
        for event in events {
            running.event(event);
        }
        running.rollouts().chain(running.hosts()).filter_map(|it| running.line(&it)).collect()
    }

    fn looks(root: &str, breadcrumb: &str) -> Event {
        let (root, breadcrumb) = (RootId::new("web1", root), breadcrumb.into());
        Event::ComponentStarted { root, breadcrumb, step: Step::Verify }
    }

    fn ends(root: &str) -> Event {
        Event::RootFinished {
            root: RootId::new("web1", root),
            outcome: Outcome::Converged,
            counts: Counts::default(),
            elapsed: Duration::ZERO,
        }
    }

    #[test]
    fn a_host_that_reboots_is_said_to() {
        let (root, timeout) = (RootId::new("web1", "kernel"), Duration::from_secs(600));
        let reboots = Event::Rebooting { root, breadcrumb: "Kernel > Reboot".into(), timeout };
        let back = Event::Rebooted { host: "web1".into(), elapsed: Duration::from_secs(34) };
        let mut events = vec![looks("kernel", "Kernel > Reboot"), reboots];
        assert_eq!(lines(&events), ["web1  rebooting"]);
        events.extend([back, looks("kernel", "Kernel > File(\"motd\")")]);
        assert_eq!(lines(&events), ["web1  Kernel > File(\"motd\")"]);
    }

    #[test]
    fn a_host_is_busy_while_it_connects_and_while_roots_run() {
        let connecting = Event::Connecting { host: "web1".into() };
        let connected = Event::Connected { host: "web1".into(), elapsed: Duration::ZERO };
        assert_eq!(lines(std::slice::from_ref(&connecting)), ["web1  connecting"]);
        assert!(lines(&[connecting.clone(), connected.clone()]).is_empty());
        let run = [connecting, connected, looks("app", "App > File(\"a\")")];
        assert_eq!(lines(&run), ["web1  App > File(\"a\")"]);
        assert!(lines(&[&run[..], &[ends("app")]].concat()).is_empty());
    }

    #[test]
    fn of_several_roots_the_one_that_moved_last_is_shown() {
        let run = [looks("app", "App"), looks("db", "Db"), looks("app", "App > File(\"a\")")];
        assert_eq!(lines(&run), ["web1  App > File(\"a\") (+1 more)"]);
        assert_eq!(lines(&[&run[..], &[ends("app")]].concat()), ["web1  Db"]);
    }

    #[test]
    fn a_host_that_failed_is_no_longer_busy() {
        let problem = Problem::new(code::NO_ROUTE, "no route to host");
        let failed = Event::HostFailed { host: "web1".into(), problem };
        assert!(lines(&[looks("app", "App"), failed]).is_empty());
    }

    #[test]
    fn a_rollout_has_a_line_and_its_instances_are_busy_while_they_are_looked_at_or_updated() {
        let roots = ["web1", "web2"].map(|host| RootId::new(host, "app"));
        let looks = |root: &RootId| Event::ComponentStarted {
            root: root.clone(),
            breadcrumb: "App".into(),
            step: Step::Verify,
        };
        let batch = Event::RolloutBatch {
            component: "app".into(),
            number: 1,
            roots: roots[..1].to_vec(),
            up: 1,
            instances: 2,
            minimum_up: 1,
            left: 1,
        };
        let waits = |wait, seen: Option<&str>| Event::RolloutWaiting {
            component: "app".into(),
            wait,
            roots: roots[..1].to_vec(),
            seen: seen.map(str::to_owned),
        };
        let finished = Event::RolloutFinished {
            component: "app".into(),
            done: roots.to_vec(),
            failed: Vec::new(),
            not_reached: Vec::new(),
            stopped: None,
        };
        let mut run = vec![looks(&roots[0]), looks(&roots[1])];
        assert_eq!(lines(&run), ["web1  App", "web2  App"]);
        run.push(batch);
        assert_eq!(lines(&run), ["app  batch 1; 1 of 2 up, minimum 1"]);
        run.extend([waits(Wait::Update, None), looks(&roots[0])]);
        let updates = "app  batch 1; 1 of 2 up, minimum 1; waiting for the update of web1";
        assert_eq!(lines(&run), [updates, "web1  App"]);
        run.push(waits(Wait::Update, None));
        assert_eq!(lines(&run), [updates, "web1  App"]);
        run.push(waits(Wait::Healthy, Some("connection refused")));
        assert_eq!(
            lines(&run),
            [
                "app  batch 1; 1 of 2 up, minimum 1; waiting until web1 is healthy: connection refused"
            ]
        );
        run.push(finished);
        assert!(lines(&run).is_empty());
    }
}
