//! The roots of the subject.

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use togusa::core::attributes::{AttributeSchema, Reader, SourceLocation};
use togusa::prelude::*;

use super::GATE;
use super::serving::{Edge, Front, Serving};

pub(super) fn registry() -> Registry {
    Registry::new()
        .with::<Database>("database")
        .with::<App>("app")
        .with::<Aside>("aside")
        .with::<Chatty>("chatty")
        .with::<Kernel>("kernel")
        .with::<Vault>("vault")
        .with::<Client>("client")
        .with::<Safe>("safe")
        .with::<Guest>("guest")
        .with::<Bulk>("bulk")
        .with::<Page>("page")
        .with::<Big>("big")
        .with::<Many>("many")
        .with::<Shown>("shown")
        .with::<Serving>("serving")
        .with::<Front>("front")
        .with::<Edge>("edge")
}

/// The assets lie in a crate of the project that is deployed, wherever that is.
const ASSETS: SourceLocation = SourceLocation {
    crate_name: "subject-assets",
    manifest_dir: "/nowhere/assets",
    file: "/nowhere/assets/src/lib.rs",
    embedded: &[],
};

/// Gives a root without attributes the assets of the project.
macro_rules! with_assets {
    ($root:ident) => {
        impl Attributes for $root {
            fn schema() -> Vec<AttributeSchema> {
                Vec::new()
            }

            fn read(_: &mut Reader<'_>) -> Option<Self> {
                Some(Self)
            }

            fn source() -> SourceLocation {
                ASSETS
            }
        }
    };
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Data {
    text: String,
}
impl Resource for Data {}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Credential {
    token: String,
}
impl Resource for Credential {}

/// A file that takes more than one write: a part of it would be seen.
fn config(text: &str) -> File {
    File::new("conf").content(super::config(text))
}

/// Writes down that something was done, and for which content of the configuration.
fn logged(what: &str) -> Command {
    let script = format!("echo {what} $(head -n 1 conf) >>~/log && sync ~/log");
    Command::shell(script).named(what).on_trigger_only()
}

/// Waits for the gate, if it is to.
fn work(gated: bool, then: &str) -> Command {
    let wait = format!("echo waiting; until [ -e {GATE} ]; do sleep 0.02; done;");
    let wait = if gated { &wait } else { "" };
    Command::shell(format!("{wait} {then}")).named("work").on_trigger_only()
}

/// What all services have in common: a configuration, work because of it, and a restart.
fn service(scope: &mut Scope<'_>, text: &str, gated: bool) {
    let conf = scope.add(config(text));
    let work = work(gated, "echo work $(head -n 1 conf) >>~/log && sync ~/log");
    scope.on_change(&conf).add(work);
    scope.on_change(&conf).add(logged("restart"));
}

/// Provides what `app` requires.
#[derive(Debug, Attributes)]
struct Database {
    #[attribute(default = "v1")]
    text: String,
    #[attribute(default = false)]
    gated: bool,
    /// Its last component cannot converge.
    #[attribute(default = false)]
    fails: bool,
}

impl Component for Database {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        service(scope, &self.text, self.gated);
        if self.fails {
            scope.add(Command::shell("echo no good >&2; exit 3").named("fail").creates("never"));
        }
        scope.provide(Data { text: self.text.clone() });
        Ok(())
    }
}

/// Requires the databases of all hosts.
#[derive(Debug, Attributes)]
struct App {
    #[attribute(default = "v1")]
    text: String,
    #[attribute(default = false)]
    gated: bool,
}

impl Component for App {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let all = scope.require_all::<Data>()?;
        let lines: Vec<_> =
            all.iter().map(|data| format!("{} {}\n", data.host(), data.text)).collect();
        scope.add(File::new("databases").content(lines.concat()));
        service(scope, &self.text, self.gated);
        scope.on_change(&all).add(logged("reconnect"));
        Ok(())
    }
}

/// Has to do with nothing else.
#[derive(Debug, Attributes)]
struct Aside {
    #[attribute(default = "v1")]
    text: String,
    #[attribute(default = false)]
    gated: bool,
}

impl Component for Aside {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        service(scope, &self.text, self.gated);
        Ok(())
    }
}

/// Reboots its host in the middle, and then provides what `app` requires.
#[derive(Debug, Attributes)]
struct Kernel {
    #[attribute(default = "v1")]
    text: String,
    /// How long the reboot may take, in seconds.
    #[attribute(default = 60)]
    seconds: u64,
}

impl Component for Kernel {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let conf = scope.add(config(&self.text));
        scope.on_change(&conf).add(logged("before"));
        let reboot = Reboot::new().when_required().timeout(Duration::from_secs(self.seconds));
        scope.on_change(&conf).add(reboot);
        scope.on_change(&conf).add(logged("after"));
        scope.offer(Data { text: self.text.clone() });
        Ok(())
    }
}

/// Waits, and then prints more than any buffer between it and the coordinator holds.
#[derive(Debug, Attributes)]
struct Chatty {
    #[attribute(default = "v1")]
    text: String,
}

impl Component for Chatty {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let conf = scope.add(config(&self.text));
        let print = "seq -f 'a line that nobody may ever read, number %.0f' 200000; \
                     echo work $(head -n 1 conf) >>~/log";
        scope.on_change(&conf).add(work(true, print));
        scope.on_change(&conf).add(logged("restart"));
        Ok(())
    }
}

/// Knows a token and tells it to those who ask.
#[derive(Debug, Attributes)]
struct Vault {
    token: String,
}

impl Component for Vault {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        scope.provide(Credential { token: self.token.clone() });
        Ok(())
    }
}

/// Asks for the token.
#[derive(Debug, Attributes)]
struct Client {}

impl Component for Client {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let credential = scope.require_one::<Credential>()?;
        scope.add(File::new("token").content(credential.token.as_str()).sensitive());
        Ok(())
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Login {
    user: String,
    password: Secret,
}
impl Resource for Login {}

/// Keeps secrets in files, and gives one of them to those who ask.
#[derive(Debug, Attributes)]
struct Safe {
    password: Secret,
    keystore: Secret<Vec<u8>>,
}

impl Component for Safe {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        scope.log(format!("the password is {}", self.password.expose()));
        scope.add(File::new("keystore").content(self.keystore.clone()));
        scope.add(File::new("app.key").secret_file("app.key"));
        scope.provide(Login { user: "safe".into(), password: self.password.clone() });
        Ok(())
    }
}

/// Asks for the login, writes it down, waits, and then tells it to whoever listens.
#[derive(Debug, Attributes)]
struct Guest {
    #[attribute(default = false)]
    fails: bool,
}

impl Component for Guest {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let login = scope.require_one::<Login>()?;
        let password = login.password.expose();
        let text =
            "{{ login.user }} {{ login.password }} {{ host.data.pin }} {{ host.data.rack }}\n";
        let login = (*login).clone();
        let file = File::new("login").inline_template(text, context! { login => login });
        let file = scope.add(file);
        scope.on_change(&file).add(work(true, "cat login; base64 -w0 login; tr -d '\\n' <login"));
        scope.on_change(&file).add(
            Command::shell("cat >&2; printf %s \"$PASSWORD\" | tee stolen | base64; rm stolen")
                .named("tell")
                .env("PASSWORD", password.as_str())
                .stdin(password.as_bytes())
                .on_trigger_only(),
        );
        if self.fails {
            let fail = Exec::shell("cat; exit 3").stdin(password.as_bytes());
            scope.add(Command::new(fail).named("fail").creates("never"));
        }
        Ok(())
    }
}

/// A file that is an asset, `assets/src/bulk` of the project, and a gate behind it.
#[derive(Debug)]
struct Bulk;

with_assets!(Bulk);

impl Component for Bulk {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let bulk = scope.add(File::new("bulk").binary());
        scope.on_change(&bulk).add(work(true, "echo bulk >>~/log"));
        Ok(())
    }
}

/// A file from a template, `assets/src/page.j2` of the project.
#[derive(Debug)]
struct Page;

with_assets!(Page);

impl Component for Page {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let page = scope.add(File::new("page").template("page.j2", context! { port => 80 }));
        scope.on_change(&page).add(Command::shell("echo reload >>~/log").on_trigger_only());
        Ok(())
    }
}

/// One file of some size at a path of its own.
#[derive(Debug, Attributes)]
struct Big {
    path: String,
    kilobytes: usize,
    #[attribute(default = "v1")]
    text: String,
}

impl Component for Big {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let line = format!("{:<63}\n", self.text);
        let file = File::new(&*self.path).content(line.repeat(16 * self.kilobytes));
        let file = scope.add(file);
        scope.on_change(&file).add(Command::shell("echo reload >>~/log").on_trigger_only());
        Ok(())
    }
}

/// So many files.
#[derive(Debug, Attributes)]
struct Many {
    count: usize,
}

impl Component for Many {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        for number in 0..self.count {
            let content = format!("number {number} of {}\n", scope.host());
            scope.add(File::new(format!("{number:03}")).content(content));
        }
        Ok(())
    }
}

/// What is to be looked at while it runs.
#[derive(Debug, Attributes)]
struct Shown {
    /// What its components are called.
    #[attribute(default = "start the server")]
    name: String,
    /// What it waits for, as long as there is an `alive` beside it.
    gate: String,
    #[attribute(default = false)]
    fails: bool,
}

impl Component for Shown {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        scope.log(format!("waits for the gate of {}", scope.host()));
        let alive = Path::new(&self.gate).with_file_name("alive");
        let wait = format!(
            "until [ -e '{}' ]; do [ -e '{}' ] || exit 1; sleep 0.02; done; echo open >done",
            self.gate,
            alive.display()
        );
        scope.add(Command::shell(wait).named(&*self.name).creates("done"));
        let conf =
            scope.add(File::new("conf").content(format!("name = {}\n", self.name)).mode(0o640));
        let restart = if self.fails {
            "echo \"cannot listen on port 80\" >&2; exit 3"
        } else {
            "echo restarted"
        };
        scope.on_change(&conf).add(Command::shell(restart).named("restart").on_trigger_only());
        Ok(())
    }
}
