//! The roots of the subject: `database` on host one, then `app` on two, `front` on three and
//! `monitor` on one, each of which requires what the one before provides.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use togusa_core::prelude::*;

use super::parts::{Build, Command, Folder, Link, Service, Text};

pub(super) fn registry() -> Registry {
    Registry::new()
        .with::<Database>("database")
        .with::<App>("app")
        .with::<Front>("front")
        .with::<Monitor>("monitor")
        .with::<Gated>("gated")
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Data;
impl Resource for Data {}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Release;
impl Resource for Release {}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Backend;
impl Resource for Backend {}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Page;
impl Resource for Page {}

/// A composite that is a cause: a file of several pages, others that stay as they are, a link.
#[derive(Debug)]
struct Config {
    text: String,
}

impl Component for Config {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let text = &self.text;
        scope.add(Folder::new("config", Some(0o750)));
        scope.add(Text::new("config/a", text));
        scope.add(Text::new("config/same", "the same in every deployment").mode(0o640));
        scope.add(Text::new("config/big", text.repeat(64 * 1024)).mode(0o600));
        scope.add(Link::new("config/current", format!("release-{text}")));
        Ok(())
    }
}

/// A composite that is updated itself on any change below it.
#[derive(Debug)]
struct Pool {
    text: String,
    service: Service,
}

impl Pool {
    fn new(text: &str) -> Self {
        Self { text: text.to_owned(), service: Service::new("pool") }
    }
}

impl Component for Pool {
    fn key(&self) -> Option<Cow<'_, str>> {
        self.service.key()
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        self.service.configure(scope)?;
        scope.add(Text::new("pool/size", &self.text));
        scope.add(Text::new("pool/name", "pool"));
        scope.on_any_change().update_self();
        Ok(())
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        self.service.update(machine)
    }
}

/// A provider with one change alone: nothing else tells its dependants of it.
#[derive(Debug)]
struct Catalogue {
    text: String,
}

impl Component for Catalogue {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        scope.add(Text::new("catalogue", &self.text));
        scope.provide(Release);
        Ok(())
    }
}

#[derive(Debug, Attributes)]
struct Database {
    text: String,
    service: String,
}

impl Component for Database {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let config = scope.add(Config { text: self.text.clone() });
        scope.on_change(&config).add(Service::new(&self.service));
        scope.add(Pool::new(&self.text));
        scope.add(Catalogue { text: self.text.clone() });
        scope.add(Folder::new("spool", None));
        scope.add(Text::new("spool/in/deep/list", "a list"));
        scope.add(Text::new("plain", &self.text).mode(0o444));
        scope.provide(Data);
        Ok(())
    }
}

#[derive(Debug, Attributes)]
struct App {
    text: String,
    service: String,
}

impl Component for App {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let data = scope.require_one::<Data>()?;
        let source = scope.add(Text::new("source", &self.text));
        let built = scope.on_change(&source).add(Build::new());
        scope.on_change(&built).add(Service::new(&self.service));
        scope.on_change(&data).add(Command::new("reconnect"));
        scope.on_change(&data).on_change(&source).add(Service::new("both"));
        scope.add(Folder::new("data", Some(0o700)));
        scope.add(Text::new("data/env", "X=1").mode(0o600));
        scope.add(Link::new("current", &self.text));
        scope.provide(Backend);
        Ok(())
    }
}

#[derive(Debug, Attributes)]
struct Front {
    text: String,
    service: String,
}

impl Component for Front {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let backends = scope.require_all::<Backend>()?;
        scope.add(Text::new("backends", format!("{}", backends.len())));
        let page = scope.add(Text::new("page", &self.text));
        scope.on_change(&backends).add(Service::new(&self.service));
        scope.on_change(&page).add(Command::new("reload"));
        scope.provide(Page);
        Ok(())
    }
}

#[derive(Debug, Attributes)]
struct Monitor {
    text: String,
    service: String,
}

impl Component for Monitor {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let page = scope.require_one::<Page>()?;
        let release = scope.require_one::<Release>()?;
        scope.add(Text::new("targets", format!("{} at {}", self.text, page.host())));
        scope.add(Pool::new(&self.text));
        scope.on_change(&page).add(Service::new(&self.service));
        scope.on_change(&release).add(Service::new("catalogue"));
        Ok(())
    }
}

/// A service whose restart takes as long as the test wants.
#[derive(Debug, Attributes)]
struct Gated {
    text: String,
    service: String,
}

impl Component for Gated {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let conf = scope.add(Text::new("conf", &self.text));
        scope.on_change(&conf).add(Command::gated(&self.service));
        Ok(())
    }
}
