use std::collections::BTreeMap;

use togusa_core::event::Event;
use togusa_core::names::{HostName, RootId, RootName};

use crate::text::{harmless, size};

/// What every host does at the moment: the state behind the progress lines.
#[derive(Debug, Default)]
pub(super) struct Running {
    hosts: BTreeMap<HostName, Activity>,
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
    /// Takes note of an event and returns the host whose line it changes, if any.
    pub(super) fn event(&mut self, event: &Event) -> Option<HostName> {
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
            Event::ComponentStarted { root, breadcrumb, .. } => {
                self.moved(root, breadcrumb.to_string());
            }
            Event::RootFinished { root, .. } => self.with(&root.host, |host| {
                host.roots.remove(&root.root);
            }),
            Event::Finished { .. } => self.hosts.clear(),
            _ => return None,
        }
        match event {
            Event::Connecting { host }
            | Event::Pushing { host, .. }
            | Event::Connected { host, .. }
            | Event::HostFailed { host, .. } => Some(host.clone()),
            Event::RootStarted { root }
            | Event::ComponentStarted { root, .. }
            | Event::RootFinished { root, .. } => Some(root.host.clone()),
            _ => None,
        }
    }

    /// The hosts that are busy, in the order of their names.
    pub(super) fn hosts(&self) -> impl Iterator<Item = &HostName> {
        self.hosts.keys()
    }

    /// What a busy host does, on one line.
    pub(super) fn line(&self, host: &HostName) -> Option<String> {
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
        running.hosts().filter_map(|host| running.line(host)).collect()
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
}
