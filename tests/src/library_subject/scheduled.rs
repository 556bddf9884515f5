//! Roots of what happens at its time.

use std::collections::BTreeMap;

use togusa::prelude::*;

pub(super) fn register(registry: Registry) -> Registry {
    registry.with::<Job>("job").with::<Rotation>("rotation")
}

/// One job of cron, or several with a number behind their name.
#[derive(Debug, Attributes)]
struct Job {
    name: String,
    schedule: String,
    command: String,
    user: Option<String>,
    #[attribute(default)]
    env: BTreeMap<String, String>,
    secret: Option<Secret>,
    #[attribute(default = 1)]
    count: u32,
    #[attribute(default = false)]
    absent: bool,
}

impl Component for Job {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        for number in 1..=self.count {
            let number = if self.count == 1 { String::new() } else { format!("-{number}") };
            let name = format!("{}{number}", self.name);
            let job = Cron::new(name, &*self.schedule, &*self.command);
            let job = self.env.iter().fold(job, |job, (name, value)| job.env(name, value));
            set!(job: user = self.user.as_ref());
            let job = match &self.secret {
                Some(secret) => job.secret_env("TOKEN", secret.clone()),
                None => job,
            };
            ask!(job: absent if self.absent);
            scope.add(job);
        }
        Ok(())
    }
}

/// How one log is rotated.
#[derive(Debug, Attributes)]
struct Rotation {
    name: String,
    log: String,
    every: Option<String>,
    rotate: Option<u32>,
    #[attribute(default = false)]
    uncompressed: bool,
    directive: Option<String>,
    post_rotate: Option<String>,
    by_cron: Option<String>,
    #[attribute(default = false)]
    absent: bool,
}

impl Component for Rotation {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let rotation = Logrotate::new(&*self.name).log(&*self.log);
        set!(rotation:
            every = self.every.as_ref(),
            rotate = self.rotate,
            directive = self.directive.as_ref(),
            post_rotate = self.post_rotate.as_ref(),
            by_cron = self.by_cron.as_ref(),
        );
        ask!(rotation: uncompressed if self.uncompressed, absent if self.absent);
        scope.add(rotation);
        Ok(())
    }
}
