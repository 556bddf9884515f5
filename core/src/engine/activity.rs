//! What each root is doing at the moment, told from time to time rather than at every step.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::event::{Event, Step};
use crate::names::{Breadcrumb, RootId};

/// The component that each root is at.
#[derive(Debug, Default)]
pub(super) struct Activity {
    now: Mutex<BTreeMap<RootId, Entry>>,
}

#[derive(Debug)]
struct Entry {
    breadcrumb: Breadcrumb,
    step: Step,
    told: bool,
}

impl Activity {
    /// A root has come to a component.
    pub(super) fn at(&self, root: &RootId, breadcrumb: &Breadcrumb, step: Step) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        match now.get_mut(root) {
            Some(entry) => {
                entry.breadcrumb.clone_from(breadcrumb);
                entry.step = step;
                entry.told = false;
            }
            None => {
                let entry = Entry { breadcrumb: breadcrumb.clone(), step, told: false };
                now.insert(root.clone(), entry);
            }
        }
    }

    /// A root has ended.
    pub(super) fn end(&self, root: &RootId) {
        self.now.lock().unwrap_or_else(PoisonError::into_inner).remove(root);
    }

    /// The events for what has not been told yet.
    pub(super) fn news(&self) -> Vec<Event> {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        let news = now.iter_mut().filter(|(_, entry)| !entry.told);
        news.map(|(root, entry)| {
            entry.told = true;
            Event::ComponentStarted {
                root: root.clone(),
                breadcrumb: entry.breadcrumb.clone(),
                step: entry.step,
            }
        })
        .collect()
    }
}
