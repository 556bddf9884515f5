//! Opening the secrets of an environment, and setting one of them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use age::secrecy::ExposeSecret as _;
use age::x25519;
use anyhow::{Result, anyhow, ensure};
use togusa_environments::secrets::{Identities, Prompt, SecretPath, Store};
use zeroize::Zeroizing;

use crate::measure::{Figures, by_turns};
use crate::table::{Table, milliseconds, ratio};

const VALUES: usize = 100;
const MEMBERS: usize = 10;

/// 100 values for 10 members, all opened once the key is unlocked; one value set among many and
/// among none.
pub fn run(table: &mut Table) -> Result<()> {
    let project = tempfile::tempdir()?;
    let key = x25519::Identity::generate();
    let many = environment(project.path(), "many", &key, VALUES)?;
    let few = environment(project.path(), "few", &key, 1)?;
    let file = many.require()?;
    let unlocked = file.unlock(&identities(&key)).map_err(|problem| anyhow!("{problem}"))?;
    let [open, among_many, alone] = by_turns([
        &mut || {
            let began = Instant::now();
            let values = file.open_all(&unlocked)?;
            let time = began.elapsed();
            ensure!(values.len() == VALUES, "{} values", values.len());
            Ok(figures(time))
        },
        &mut || set(&many),
        &mut || set(&few),
    ])?;
    let what = format!("open {VALUES} secrets of {MEMBERS} members");
    table.figure(&what, milliseconds(open.time), "≤ 50 ms");
    table.line(
        &format!("set one secret of {VALUES}"),
        milliseconds(among_many.time),
        &format!("of 1 {}", milliseconds(alone.time)),
        ratio(among_many.time, alone.time),
        "ratio about 1",
    );
    Ok(())
}

fn environment(
    project: &std::path::Path,
    name: &str,
    key: &x25519::Identity,
    values: usize,
) -> Result<Store> {
    let directory = project.join("environments").join(name);
    std::fs::create_dir_all(&directory)?;
    std::fs::write(directory.join("environment.toml"), "[hosts.web1]\ncomponents = ['app']\n")?;
    let store = Store::new(project, name)?;
    let locked = store.lock().map_err(|problem| anyhow!("{problem}"))?;
    for number in 0..MEMBERS {
        let other = x25519::Identity::generate();
        let member = if number == 0 { key } else { &other };
        let public = member.to_public().to_string();
        locked.add_member(&format!("member{number}"), vec![public], &identities(key))?;
    }
    let paths: Vec<_> = (0..values).map(path).collect::<Result<_>>()?;
    locked.set_all(paths.iter().map(|path| (path, b"correct horse battery".as_slice())))?;
    drop(locked);
    Ok(store)
}

fn path(number: usize) -> Result<SecretPath> {
    let path = format!("components.app.secret{number}");
    SecretPath::parse(&path).map_err(|problem| anyhow!("{problem}"))
}

fn set(store: &Store) -> Result<Figures> {
    let began = Instant::now();
    let locked = store.lock().map_err(|problem| anyhow!("{problem}"))?;
    locked.set(&path(0)?, b"another horse battery")?;
    Ok(figures(began.elapsed()))
}

fn figures(time: Duration) -> Figures {
    Figures { time, memory: 0, cpu: Duration::ZERO }
}

fn identities(key: &x25519::Identity) -> Identities {
    let text = Zeroizing::new(key.to_string().expose_secret().to_owned());
    Identities::new(Arc::new(Nobody)).with_text("the key", text)
}

/// Nobody is there to be asked.
struct Nobody;

impl Prompt for Nobody {
    fn passphrase(&self, _: &str) -> Option<Zeroizing<String>> {
        None
    }

    fn text(&self, _: &str) -> Option<String> {
        None
    }

    fn confirm(&self, _: &str, _: &str, _: Option<&str>) -> Option<bool> {
        None
    }

    fn tell(&self, _: &str) {}
}
