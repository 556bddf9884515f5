//! Roots of what comes from elsewhere.

use togusa::prelude::*;

pub(super) fn register(registry: Registry) -> Registry {
    registry
        .with::<ACheckout>("checkout")
        .with::<AnHgCheckout>("hg-checkout")
        .with::<AScript>("script")
}

/// A checkout of git that belongs to another user, and is reached over SSH with a key of its own.
#[derive(Debug, Attributes)]
struct ACheckout {
    url: String,
    path: String,
    user: String,
    key: Secret,
    known_hosts: String,
}

impl Component for ACheckout {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let app = GitCheckout::new(&*self.url, &*self.path).branch("main").user(&*self.user);
        scope.add(app.ssh_key(&self.key).known_hosts(&*self.known_hosts));
        Ok(())
    }
}

/// A checkout of Mercurial that belongs to another user, and is reached in the same way.
#[derive(Debug, Attributes)]
struct AnHgCheckout {
    url: String,
    path: String,
    user: String,
    key: Secret,
    known_hosts: String,
    #[attribute(default = false)]
    absent: bool,
}

impl Component for AnHgCheckout {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let app = HgCheckout::new(&*self.url, &*self.path).branch("default").user(&*self.user);
        ask!(app: absent if self.absent);
        scope.add(app.ssh_key(&self.key).known_hosts(&*self.known_hosts));
        Ok(())
    }
}

/// A script that another user runs.
#[derive(Debug, Attributes)]
struct AScript {
    user: String,
    out: String,
}

impl Component for AScript {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let text = "#!/bin/sh\nid -un > \"$1\"; stat -c '%a %U' \"$0\" >> \"$1\"\n";
        let script = Script::inline("who", text).args([&self.out]).user(&*self.user);
        scope.add(script.directory("/").when_changed());
        Ok(())
    }
}
