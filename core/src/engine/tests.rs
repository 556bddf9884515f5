//! Where the secrets of a deployment are: on the way to the hosts whose roots need them, in the
//! files that are to hold them, and nowhere else.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};

use crate::assets::{AssetStore, ProjectAssets};
use crate::environment::{Environment, Host};
use crate::event::{Event, Mode, Summary};
use crate::interrupt::Interrupt;
use crate::model;
use crate::names::HostName;
use crate::path::HostPath;
use crate::prelude::*;
use crate::problem::Problem;
use crate::protocol::{Frame, read_frame};
use crate::value::Table;

use super::agent::{Agent, serve};
use super::transport::{Connection, Transport};
use super::{BUILD, Options, deploy};

const PASSWORD: &str = "tr0ub4dor-of-the-database";
const TOKEN: &str = "t0ken-of-the-worker";
const DATA: &str = "data-0f-the-rack";
const PIN: &str = "4711";
const KEY: &[u8] = b"-----BEGIN KEY-----\nMIIEowIBAAKCAQEA\n\x00\xffab\n-----END KEY-----\n";

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Account {
    user: String,
    password: Secret,
}
impl Resource for Account {}

/// Provides an account with a password of its own, and derives another secret from it.
#[derive(Debug, Attributes)]
struct Database {
    password: Secret,
}

impl Component for Database {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        scope.provide(Account { user: "app".to_owned(), password: self.password.clone() });
        scope.log(format!("the password is {}", self.password.expose()));
        Ok(())
    }
}

/// Writes what it requires into a file that shall hold it, and tells it wherever it can.
#[derive(Debug, Attributes)]
struct App {
    #[attribute(skip)]
    account: Option<Account>,
    #[attribute(skip)]
    key: Option<Asset>,
}

impl Component for App {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let account = scope.require_one::<Account>()?;
        let key = scope.secret_file("app.key")?;
        scope.manages("account", account.password.expose());
        let text = "{{ account.user }}:{{ account.password }}:{{ host.data.rack }}\n";
        let context = context! { account };
        let template = scope.inline_template("app.conf", text, context);
        scope.add(Conf { template, account: (*account).clone() });
        (self.account, self.key) = (Some((*account).clone()), Some(key));
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let path = HostPath::new(&probe.host().name, "~/app.key");
        Ok(Verdict::expect(probe.entry(&path)?.is_some(), Change::create("key")))
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        let path = HostPath::new(&machine.host().name, "~/app.key");
        machine.write(&path, self.key.as_ref().context("no key")?, &Default::default())?;
        let key = machine.asset(self.key.as_ref().context("no key")?)?;
        machine.run(&Exec::new("cat").stdin(key))?;
        Ok(())
    }
}

#[derive(Debug)]
struct Conf {
    template: Template,
    account: Account,
}

impl Component for Conf {
    fn key(&self) -> Option<std::borrow::Cow<'_, str>> {
        Some(format!("for {}", self.account.password.expose()).into())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let path = HostPath::new(&probe.host().name, "~/app.conf");
        let wanted = probe.rendered(&self.template)?;
        anyhow::ensure!(wanted.sensitive, "what a secret stands in is sensitive");
        if probe.entry(&path)?.is_none() {
            return Ok(Verdict::stale(Change::text("", &wanted.text)));
        }
        let same = probe.read_to_string(&path)? == wanted.text;
        Ok(Verdict::expect(same, Change::property("text", &wanted.text, "")))
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        let password = self.account.password.expose();
        let print =
            Exec::shell("printf '%s\\n' \"$PASSWORD\"; cat; echo \"$PASSWORD\" | base64 >&2");
        machine.run(&print.clone().env("PASSWORD", password).stdin(password.as_bytes()))?;
        // What is on the disk while a command runs: its record, and who holds the lock.
        let state = machine.local(&HostPath::new(&machine.host().name, "~/target/.togusa"));
        let copy = "cat \"$STATE\"/running/*.json \"$STATE\"/holder.json > \"$STATE\"/../seen";
        let copy = Exec::shell(copy).arg(password).secret_arguments();
        machine.run(&copy.env("STATE", state.to_string_lossy()))?;
        let failing = Exec::shell("echo \"got $PASSWORD\"; exit 3").env("PASSWORD", password);
        let error = machine.run(&failing).unwrap_err();
        let path = HostPath::new(&machine.host().name, "~/app.conf");
        if machine.entry(&path)?.is_none() {
            machine.write(&path, &machine.render(&self.template)?, &Default::default())?;
            return Err(error.context(format!("failed with {password} on purpose")));
        }
        Ok(())
    }
}

/// Knows nothing of the others, and secrets of its own.
#[expect(dead_code, reason = "that it is handed over is what matters")]
#[derive(Debug, Attributes)]
struct Worker {
    token: Secret,
    pin: Secret,
}

impl Component for Worker {
    fn verify(&self, _: &Probe<'_>) -> Result<Verdict> {
        // The agent does not know the password; the coordinator does.
        panic!("the token is {}, the password {PASSWORD}", self.token.expose())
    }
}

/// All that crossed the connections, in clear, by host and direction.
#[derive(Default)]
struct Tap(Mutex<BTreeMap<(HostName, bool), Vec<u8>>>);

struct Tapped<T> {
    inner: T,
    tap: Arc<Tap>,
    key: (HostName, bool),
}

impl<T> Tapped<T> {
    fn note(&self, bytes: &[u8]) {
        self.tap.0.lock().unwrap().entry(self.key.clone()).or_default().extend(bytes);
    }
}

impl<T: Read> Read for Tapped<T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.note(&buffer[..count]);
        Ok(count)
    }
}

impl<T: Write> Write for Tapped<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.note(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl Tap {
    /// The payloads of all frames in one direction.
    fn said(&self, host: &str, to_agent: bool) -> Vec<u8> {
        let all = self.0.lock().unwrap().get(&(host.into(), to_agent)).cloned().unwrap_or_default();
        let mut reader = &all[..];
        let mut said = Vec::new();
        while let Ok(frame) = read_frame::<serde_json::Value>(&mut reader) {
            match frame {
                Frame::Message(message) => said.extend(message.to_string().into_bytes()),
                Frame::Bytes(bytes) => said.extend(bytes),
            }
            said.push(b'\n');
        }
        assert!(reader.is_empty(), "all of it was understood");
        said
    }
}

/// Agents that have no assets and a home each, over connections that are listened to.
struct Homes {
    registry: Arc<Registry>,
    directory: std::path::PathBuf,
    tap: Arc<Tap>,
}

impl Transport for Homes {
    fn connect(&self, host: &Host, _: &dyn Fn(Event)) -> Result<Connection, Problem> {
        let home = self.directory.join(host.name.as_str());
        std::fs::create_dir_all(&home).unwrap();
        let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        let agent = Agent {
            registry: Arc::clone(&self.registry),
            assets: None,
            home,
            build: BUILD.to_owned(),
        };
        let (reader, writer) = (theirs.try_clone().unwrap(), theirs.try_clone().unwrap());
        let thread = std::thread::spawn(move || {
            let served = serve(&agent, Box::new(reader), Box::new(writer));
            let _ = theirs.shutdown(std::net::Shutdown::Both);
            served.err()
        });
        let (tap, key) = (Arc::clone(&self.tap), (host.name.clone(), false));
        let reader = Tapped { inner: ours.try_clone().unwrap(), tap, key };
        let (tap, key) = (Arc::clone(&self.tap), (host.name.clone(), true));
        let writer = Tapped { inner: ours, tap, key };
        Ok(Connection {
            reader: Box::new(reader),
            writer: Box::new(writer),
            build: BUILD.to_owned(),
            ended: Box::new(move || thread.join().unwrap()),
        })
    }
}

struct Deployed {
    directory: tempfile::TempDir,
    tap: Arc<Tap>,
    events: Vec<String>,
    summary: Summary,
    model: model::Model,
}

fn table<const N: usize>(entries: [(&str, crate::value::Value); N]) -> Table {
    let mut table = Table::default();
    entries.into_iter().for_each(|(name, value)| table.insert(name, value));
    table
}

fn environment(directory: &Path) -> Environment {
    let host = |name: &str| {
        let home = directory.join(name);
        let host = Host::local(name, home.join("target").display().to_string());
        Host { store: Some(home.join("store").display().to_string()), ..host }
    };
    let password = Secret::new(PASSWORD);
    let database = table([("password", password.into())]);
    let worker = table([("token", Secret::new(TOKEN).into()), ("pin", Secret::new(PIN).into())]);
    let mut web = host("web").with_root("app", Table::default());
    web.data.insert("rack", Secret::new(DATA));
    let mut environment = Environment::new("shop", "test")
        .with(host("db").with_root("database", database))
        .with(web)
        .with(host("worker").with_root("worker", worker));
    environment.secret_files.insert("app.key".to_owned(), Secret::new(KEY));
    environment
        .secret_files
        .insert("unused.key".to_owned(), Secret::new("nobody's-key".as_bytes()));
    environment
}

fn deployed(change: impl FnOnce(&mut Environment), times: usize) -> Deployed {
    let directory = tempfile::tempdir().unwrap();
    let registry =
        Registry::new().with::<Database>("database").with::<App>("app").with::<Worker>("worker");
    let mut environment = environment(directory.path());
    change(&mut environment);
    let assets = ProjectAssets::new(directory.path());
    let model = model::configure_twice(&registry, &environment, &assets).unwrap();
    let tap = Arc::new(Tap::default());
    let assets: Arc<dyn AssetStore> = Arc::new(assets);
    let mut events = Vec::new();
    let mut summary = Summary::default();
    for _ in 0..times {
        let (registry, tap) = (Arc::new(registry.clone()), Arc::clone(&tap));
        let directory = directory.path().to_owned();
        let transport: Arc<dyn Transport> = Arc::new(Homes { registry, directory, tap });
        let options = Options::new(Mode::Converge);
        let mut tell = |event: Event| {
            events.push(format!("{event:?} {}", serde_json::to_string(&event).unwrap()));
        };
        summary = deploy(&model, &transport, &assets, &options, &Interrupt::default(), &mut tell);
    }
    Deployed { directory, tap, events, summary, model }
}

fn holds(bytes: &[u8], secret: &[u8]) -> bool {
    bytes.windows(secret.len()).any(|window| window == secret)
}

fn files(directory: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files(&path, found),
            false => {
                found.push((path.display().to_string(), std::fs::read(&path).unwrap()));
                found.push((String::new(), path.display().to_string().into_bytes()));
            }
        }
    }
}

#[test]
fn a_host_is_handed_the_secrets_that_its_roots_need_and_no_others() {
    let run = deployed(|_| {}, 1);
    let to = |host: &str| run.tap.said(host, true);
    let secrets: [(&[u8], [&str; 3]); 5] = [
        (PASSWORD.as_bytes(), ["db", "web", ""]),
        (TOKEN.as_bytes(), ["worker", "", ""]),
        (DATA.as_bytes(), ["web", "", ""]),
        (KEY, ["web", "", ""]),
        (b"nobody's-key", ["", "", ""]),
    ];
    for (secret, needed_on) in secrets {
        for host in ["db", "web", "worker"] {
            let there = holds(&to(host), secret);
            let text = String::from_utf8_lossy(secret);
            assert_eq!(there, needed_on.contains(&host), "{text} on its way to {host}");
        }
    }
}

#[test]
fn secrets_are_in_the_files_that_shall_hold_them_and_nowhere_else() {
    let run = deployed(|_| {}, 3);
    let lines = [PASSWORD.as_bytes(), TOKEN.as_bytes(), DATA.as_bytes(), b"MIIEowIBAAKCAQEA"];
    let base64 = ["dHIwdWI0ZG9yLW9mLXRoZS1kYXRhYmFzZQ".as_bytes()];
    let told = run.events.join("\n");
    let from = ["db", "web"].map(|host| run.tap.said(host, false)).concat();
    assert!(!holds(&run.tap.said("worker", false), TOKEN.as_bytes()));
    for secret in lines.iter().chain(&base64) {
        let text = String::from_utf8_lossy(secret);
        assert!(!holds(told.as_bytes(), secret), "{text} was told:\n{told}");
        assert!(!holds(&from, secret), "an agent said {text}");
        assert!(!format!("{:?} {:?}", run.summary, run.model).contains(&*text));
    }
    assert!(holds(&run.tap.said("worker", false), b"the token is [secret], the password tr0u"));
    assert!(told.contains("the token is [secret], the password [secret]"), "{told}");
    for expected in ["the password is [secret]", "panicked", "failed with [secret] on purpose"] {
        assert!(told.contains(expected), "{expected} in\n{told}");
    }
    for expected in [r#""text":"[secret]""#, "stdout ends with:", "| got [secret]"] {
        assert!(told.contains(expected), "{expected} in\n{told}");
    }
    let mut found = Vec::new();
    files(run.directory.path(), &mut found);
    let seen = found.iter().find(|(path, _)| path.ends_with("/seen"));
    let seen = String::from_utf8_lossy(&seen.expect("what was there").1).into_owned();
    assert!(seen.contains("[secret]") && seen.contains("for [secret]"), "{seen}");
    assert!(found.iter().any(|(_, content)| holds(content, br#""account [secret]""#)));
    for (path, content) in found {
        for secret in lines.iter().chain(&base64) {
            let text = String::from_utf8_lossy(secret);
            let meant = path.ends_with("web/app.conf") || path.ends_with("web/app.key");
            assert!(meant || !holds(&content, secret), "{text} is in {path}");
        }
    }
    let read = |name: &str| std::fs::read(run.directory.path().join(name)).unwrap();
    assert_eq!(read("web/app.conf"), format!("app:{PASSWORD}:{DATA}\n").into_bytes());
    assert_eq!(read("web/app.key"), KEY);
}

#[test]
fn the_digest_that_is_shown_does_not_depend_on_the_secrets() {
    let digest = |password: &str, pin: &str| {
        let run = deployed(
            |environment| {
                for host in environment.hosts.values_mut() {
                    // The directory differs, so that the hosts' own paths must not.
                    host.target_directory = format!("~/{}", host.name);
                    host.store = None;
                    for root in &mut host.roots {
                        for (name, value) in [("password", password), ("pin", pin)] {
                            if root.attributes.get(name).is_some() {
                                root.attributes.insert(name, Secret::new(value));
                            }
                        }
                    }
                }
            },
            0,
        );
        let keyed = run.model.roots.values().map(|root| root.digests.clone()).collect::<Vec<_>>();
        (run.model.digest(), keyed)
    };
    let (one, same, other) =
        (digest(PASSWORD, PIN), digest(PASSWORD, PIN), digest("an0ther password", "0815"));
    assert_eq!(one.0, same.0);
    assert_eq!(one.0, other.0);
    assert_ne!(one.1, same.1, "keys differ from run to run");
}

#[test]
fn a_model_with_placeholders_reaches_no_host() {
    let run = deployed(
        |environment| {
            let database = environment.hosts.get_mut(&HostName::from("db")).unwrap();
            database.roots[0].attributes.insert("password", Secret::<String>::placeholder("p"));
        },
        1,
    );
    assert!(!run.summary.is_success());
    let problem = &run.summary.failed_hosts[&HostName::from("db")];
    assert!(problem.message.contains("placeholders"), "{problem}");
    assert!(run.tap.0.lock().unwrap().is_empty());
}
