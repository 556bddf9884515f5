//! Lays the secrets of an environment over what its own file says in clear.

use togusa_core::names::nearest;
use togusa_core::problem::{Problem, code};
use togusa_core::value::{Table, ValueKind};

use super::{Level, LevelHost};

impl Level {
    /// Adds the secrets of the same environment; what is set in both ways is a mistake.
    pub(crate) fn with_secrets(mut self, secrets: Level, problems: &mut Vec<Problem>) -> Self {
        refuse_both(&self.components, &secrets.components, problems);
        self.components.merge(&secrets.components);
        for (name, mut host) in secrets.hosts {
            let Some(clear) = self.hosts.get_mut(&name) else {
                host.only_secrets = true;
                self.hosts.insert(name, host);
                continue;
            };
            refuse_both(&clear.table, &host.table, problems);
            clear.table.merge(&host.table);
            clear.own.merge(&host.own);
        }
        self
    }

    /// Removes hosts that have secrets and nothing else, and reports them where all is known.
    pub(crate) fn refuse_only_secrets(&mut self, complete: bool, problems: &mut Vec<Problem>) {
        let only = |host: &LevelHost| host.only_secrets;
        let (lone, known): (Vec<_>, Vec<_>) = self.hosts.iter().partition(|(_, host)| only(host));
        for (name, host) in lone.into_iter().filter(|_| complete) {
            let problem = Problem::new(
                code::SECRET_FOR_NO_HOST,
                format!("the environment has no host `{name}`"),
            )
            .at(host.origin.clone());
            let hint = match nearest(name, known.iter().map(|(name, _)| name.as_str())) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "`secrets unset` removes the secrets of a host that is gone".into(),
            };
            problems.push(problem.hint(hint));
        }
        self.hosts.retain(|_, host| !host.only_secrets);
    }
}

fn refuse_both(clear: &Table, secret: &Table, problems: &mut Vec<Problem>) {
    for (name, entry) in &secret.0 {
        let Some(other) = clear.0.get(name) else { continue };
        if let (ValueKind::Table(clear), ValueKind::Table(secret)) =
            (&other.value.kind, &entry.value.kind)
        {
            refuse_both(clear, secret, problems);
            continue;
        }
        let place = other.name_origin.as_ref().or(other.value.origin.as_ref());
        let place = place.map(|origin| format!(" at {origin}")).unwrap_or_default();
        problems.push(
            Problem::new(
                code::SECRET_AND_CLEAR,
                format!("`{name}` is a secret, and is set in clear{place}"),
            )
            .at(entry.name_origin.clone())
            .hint("remove one of the two; what stood in clear is no secret any more"),
        );
    }
}
