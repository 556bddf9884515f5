//! Roots of what users may do, and of their keys of GnuPG.

use togusa::prelude::*;

pub(super) fn register(registry: Registry) -> Registry {
    registry.with::<ASudoRule>("sudo-rule").with::<ALimit>("pam-limit").with::<AGpgKey>("gpg-key")
}

/// One rule of sudo.
#[derive(Debug, Attributes)]
struct ASudoRule {
    rule: String,
    users: Option<Vec<String>>,
    group: Option<String>,
    commands: Option<Vec<String>>,
    run_as: Option<String>,
    #[attribute(default = false)]
    no_password: bool,
    #[attribute(default = false)]
    set_env: bool,
    text: Option<String>,
    #[attribute(default = false)]
    absent: bool,
}

impl Component for ASudoRule {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let rule = match &self.text {
            Some(text) => SudoRule::text(&*self.rule, text),
            None => SudoRule::new(&*self.rule),
        };
        let rule = self.users.iter().flatten().fold(rule, |rule, user| rule.user(user));
        let rule = self.commands.iter().flatten().fold(rule, |rule, command| rule.command(command));
        set!(rule: group = self.group.as_deref(), run_as = self.run_as.as_deref());
        ask!(rule:
            no_password if self.no_password,
            set_env if self.set_env,
            absent if self.absent,
        );
        scope.add(rule);
        Ok(())
    }
}

/// Limits of one user.
#[derive(Debug, Attributes)]
struct ALimit {
    user: String,
    soft: Option<u32>,
    hard: Option<u32>,
    #[attribute(default = false)]
    absent: bool,
}

impl Component for ALimit {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let limit = PamLimit::user(&*self.user);
        let limit = self.soft.iter().fold(limit, |limit, value| limit.soft("nofile", value));
        let limit = self.hard.iter().fold(limit, |limit, value| limit.hard("nofile", value));
        ask!(limit: absent if self.absent);
        scope.add(limit);
        Ok(())
    }
}

/// Keys of GnuPG of one user.
#[derive(Debug, Attributes)]
struct AGpgKey {
    user: String,
    key: Option<String>,
    secret_key: Option<Secret>,
    absent: Option<String>,
    trust: Option<String>,
    home: Option<String>,
}

impl Component for AGpgKey {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let key = match (&self.key, &self.secret_key, &self.absent) {
            (Some(key), ..) => GpgKey::new(&*self.user, key),
            (None, Some(key), _) => GpgKey::new(&*self.user, key),
            (None, None, fingerprint) => {
                GpgKey::absent(&*self.user, fingerprint.as_deref().unwrap_or_default())
            }
        };
        set!(key: trust = self.trust.as_deref(), home = self.home.as_deref());
        scope.add(key);
        Ok(())
    }
}
