//! Keys of GnuPG.

mod keyring;

use std::borrow::Cow;
use std::sync::Arc;

use togusa_core::fault::CodeExt as _;
use togusa_core::host::Ownership;
use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::system;
use togusa_core::{demand, fault};

use super::database::Database;
use super::tools;
use crate::file::Text;
use crate::foreign;
use crate::location::Location;
use crate::privilege::{is_root, require_root};

use keyring::{Key, Keyring};

/// How much a key is trusted to vouch for others: name, number for gpg, letter of its listings.
const TRUST: [(&str, &str, &str); 5] = [
    ("undefined", "2", "q"),
    ("never", "3", "n"),
    ("marginal", "4", "m"),
    ("full", "5", "f"),
    ("ultimate", "6", "u"),
];

/// What a text with secret keys begins with.
const PRIVATE: &[u8] = b"PRIVATE KEY BLOCK--";

/// Keys of GnuPG in the keyring of a user.
///
/// | attribute | default |
/// |---|---|
/// | key | one text, as `gpg --armor --export` prints it; all keys in it are meant |
/// | `trust` | left as it is; else `undefined`, `never`, `marginal`, `full` or `ultimate` |
/// | `home` | `~/.gnupg` of the user |
/// | `name` | none; tells apart several texts of one user, which else are one for public and one for secret keys |
///
/// A text with secret keys is a [`Secret`]; it is handed over on standard input. A key is there if its
/// subkeys and names are, and it expires no earlier: what it has besides is left alone. Of secret keys
/// those must be there that the text has: `gpg --export-secret-subkeys` leaves the first one out. Keys
/// for packages of Debian are what [`AptRepository`](crate::AptRepository) looks after.
///
/// `verify` asks `gpg` which keys the text has, and, once for all keys of a keyring, which are there.
/// `update` runs `gpg`, of the package `gpg`, as the user; for another user than the converging one both
/// need root, and `sudo`. For secret keys `gpg` starts its agent, which is stopped again if it did not
/// run before.
///
/// **Needs**: `gpg`; root and `sudo` for other users.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>, public: &str, signing: &Secret) -> Result {
///     scope.add(GpgKey::new("release", public).trust("full"));
///     scope.add(GpgKey::new("release", signing).trust("ultimate"));
///     scope.add(GpgKey::absent("release", "A46504B7116B3E3C07267EB137C0354D5E053769"));
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct GpgKey {
    user: String,
    key: Option<Text>,
    fingerprint: Option<String>,
    trust: Option<String>,
    home: Option<Location>,
    name: Option<String>,
    path: Option<HostPath>,
}

/// The user whose keyring it is.
struct Owner {
    name: String,
    uid: u32,
    gid: u32,
    home: HostPath,
}

impl GpgKey {
    fn of(user: impl Into<String>) -> Self {
        let user = user.into();
        Self { user, key: None, fingerprint: None, trust: None, home: None, name: None, path: None }
    }

    /// The keys that a text has.
    pub fn new(user: impl Into<String>, key: impl Into<Text>) -> Self {
        Self { key: Some(key.into()), ..Self::of(user) }
    }

    /// No key with a fingerprint, neither public nor secret.
    pub fn absent(user: impl Into<String>, fingerprint: impl AsRef<str>) -> Self {
        let plain: String = fingerprint.as_ref().split_whitespace().collect();
        Self { fingerprint: Some(plain.to_uppercase()), ..Self::of(user) }
    }

    /// Sets how much it is trusted.
    #[must_use]
    pub fn trust(mut self, trust: impl Into<String>) -> Self {
        self.trust = Some(trust.into());
        self
    }

    /// Sets another directory of GnuPG, which belongs to the user too.
    #[must_use]
    pub fn home(mut self, path: impl Into<Location>) -> Self {
        self.home = Some(path.into());
        self
    }

    /// Names the text, for a user who has several: two of the same name cannot stand side by side.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    fn owner(&self, probe: &Probe<'_>) -> Result<Owner> {
        let database = probe.snapshot::<Database>()?;
        let user = &self.user;
        let line = database.user(user).with_context(|| format!("there is no user `{user}`"));
        let line =
            line.code(code::NO_ACCOUNT).hint("create the account in an earlier component")?;
        let is_own = line.uid == system::user_id();
        if !is_root() && !is_own {
            require_root(probe, &format!("look after the keys of `{user}`"))?;
        }
        let home = match (&self.path, is_own) {
            (Some(path), _) => path.clone(),
            // The home of who converges is where the run says that it is.
            (None, true) => {
                let home = probe.home().display().to_string();
                HostPath::new(&probe.host().name, home).join(".gnupg")
            }
            (None, false) => HostPath::new(&probe.host().name, &line.home).join(".gnupg"),
        };
        Ok(Owner { name: user.clone(), uid: line.uid, gid: line.gid, home })
    }

    /// The keys of the text.
    fn wanted(&self, probe: &Probe<'_>) -> Result<Vec<Key>> {
        let Some(key) = &self.key else { return Ok(Vec::new()) };
        let keys = Keyring::read(probe, key.bytes())?;
        if keys.is_empty() {
            return Err(fault!(code::GPG_KEY, "the text has no key of GnuPG"))
                .hint("give it what `gpg --armor --export` prints");
        }
        Ok(keys)
    }

    /// What is there of the key that shall not be.
    fn unwanted<'a>(&self, keyring: &'a Keyring) -> Option<&'a Key> {
        self.fingerprint.as_deref().and_then(|fingerprint| keyring.key(fingerprint))
    }

    fn trust_of(&self) -> Option<(&'static str, &'static str, &'static str)> {
        let wanted = self.trust.as_deref()?;
        TRUST.into_iter().find(|(name, ..)| *name == wanted)
    }

    /// How a key is trusted otherwise.
    fn trust_change(&self, present: Option<&Key>) -> Option<Change> {
        let (wanted, _, letter) = self.trust_of()?;
        let present = present.map_or("", |key| &key.trust);
        if present == letter {
            return None;
        }
        let name = TRUST.iter().find(|(.., letter)| *letter == present).map(|(name, ..)| *name);
        Some(Change::property("trust", name.unwrap_or("unknown"), wanted))
    }

    fn remove(&self, machine: &Machine<'_>, owner: &Owner, keyring: &Keyring) -> Result {
        let Some(key) = self.unwanted(keyring) else { return Ok(()) };
        let has_secret = keyring.has_secret(machine, key)?;
        let arguments = |verb: &str| {
            gpg(owner, has_secret).args(["--yes", verb, &*key.fingerprint]).user(&owner.name)
        };
        let verb = if has_secret { "--delete-secret-and-public-key" } else { "--delete-keys" };
        with_agent(machine, owner, has_secret, &arguments(verb))
    }

    fn import(&self, machine: &Machine<'_>, owner: &Owner, keyring: &Keyring) -> Result {
        let wanted = self.wanted(machine)?;
        let directory = Ownership {
            mode: machine.entry(&owner.home)?.is_none().then_some(0o700),
            owner: Some(owner.uid.to_string()),
            group: Some(owner.gid.to_string()),
        };
        machine.create_directory(&owner.home, &directory)?;
        let lacks = |key: &Key| Ok(!keyring.lacks(machine, key)?.is_empty());
        let lacking = wanted.iter().map(lacks).collect::<Result<Vec<_>>>()?;
        if let Some(text) = self.key.as_ref().filter(|_| lacking.contains(&true)) {
            let has_secret = wanted.iter().any(|key| key.is_secret);
            let import = gpg(owner, has_secret).arg("--import").stdin(text.bytes());
            let import = if text.is_secret() { import.sensitive() } else { import };
            with_agent(machine, owner, has_secret, &import.user(&owner.name))?;
        }
        let Some((_, number, _)) = self.trust_of() else { return Ok(()) };
        let line = |key: &Key| format!("{}:{number}:\n", key.fingerprint);
        let lines: String = wanted.iter().map(line).collect();
        let set = gpg(owner, false).arg("--import-ownertrust").stdin(lines).user(&owner.name);
        foreign::of_package(machine.run(&set), "gpg").map(|_| ())
    }
}

/// A command for a keyring. What needs no secret needs no agent, which would stay when all is done.
fn gpg(owner: &Owner, with_agent: bool) -> Exec {
    let gpg = foreign::program("gpg").args(["--batch", "--no-tty", "--homedir"]);
    let gpg = gpg.arg(owner.home.as_str()).arg("--no-auto-check-trustdb");
    if with_agent { gpg } else { gpg.arg("--no-autostart") }
}

/// Runs what starts the agent, and stops that again if it did not run before.
fn with_agent(machine: &Machine<'_>, owner: &Owner, needed: bool, gpg: &Exec) -> Result {
    let is_running = || -> Result<bool> {
        let ask = ["--no-autostart", "--homedir", owner.home.as_str(), "GETINFO pid", "/bye"];
        let ask = Exec::new("gpg-connect-agent").args(ask).user(&owner.name);
        let asked = machine.query(&ask.accept(0..=255));
        Ok(foreign::of_package(asked, "gpg-agent")?.stdout_text().contains("OK"))
    };
    let stop = needed && !is_running()?;
    let done = foreign::of_package(machine.run(gpg), "gpg").map(|_| ());
    if stop {
        let kill = ["--homedir", owner.home.as_str(), "--kill", "gpg-agent"];
        let killed = machine.run(&Exec::new("gpgconf").args(kill).user(&owner.name));
        foreign::of_package(killed, "gpgconf")?;
    }
    done
}

impl Component for GpgKey {
    fn key(&self) -> Option<Cow<'_, str>> {
        let is_secret = self.key.as_ref().is_some_and(Text::is_secret);
        let name = self.name.as_deref().or(self.fingerprint.as_deref());
        match name.or(is_secret.then_some("secret keys")) {
            Some(name) => Some(format!("{}: {name}", self.user).into()),
            None => Some((&*self.user).into()),
        }
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        tools::check_name("user", &self.user)?;
        if let Some(key) = &self.key {
            key.check()?;
            let is_private = key.bytes().windows(PRIVATE.len()).any(|bytes| bytes == PRIVATE);
            if is_private && !key.is_secret() {
                return Err(fault!(code::SECRET_IN_CLEAR, "a secret key stands in the clear"))
                    .hint(
                        "keep it among the secrets of the environment, and give it as a `Secret`",
                    );
            }
        }
        if let Some(fingerprint) = &self.fingerprint {
            let is_hex = fingerprint.bytes().all(|byte| byte.is_ascii_hexdigit());
            if !is_hex || ![40, 64].contains(&fingerprint.len()) {
                return Err(fault!(code::OPTION_VALUE, "`{fingerprint}` is no fingerprint"))
                    .hint("give it in full, as `gpg --fingerprint` prints it");
            }
            demand!(
                self.trust.is_none(),
                code::OPTIONS_CLASH,
                "`.trust(…)` means nothing to an absent key"
            );
        }
        if let (Some(trust), None) = (&self.trust, self.trust_of()) {
            let names = TRUST.map(|(name, ..)| format!("`{name}`")).join(", ");
            return Err(fault!(code::OPTION_VALUE, "a key cannot be trusted `{trust}`"))
                .hint(format!("say {names}"));
        }
        self.path = self.home.as_ref().map(|home| home.resolve(scope)).transpose()?;
        if self.key.is_some() {
            scope.manages("gpg-key", &self.user);
        }
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        if self.key.is_none() && probe.snapshot::<Database>()?.user(&self.user).is_none() {
            return Ok(Verdict::current());
        }
        let owner = self.owner(probe)?;
        let keyring: Arc<Keyring> = Keyring::of(probe, &owner.name, &owner.home)?;
        if let Some(key) = self.unwanted(&keyring) {
            return Ok(Verdict::stale(Change::remove(format!("key {}", key.shown()))));
        }
        let mut verdict = Verdict::current();
        for key in self.wanted(probe)? {
            keyring.lacks(probe, &key)?.into_iter().for_each(|change| verdict.push(change));
            let present = keyring.key(&key.fingerprint);
            self.trust_change(present).into_iter().for_each(|change| verdict.push(change));
        }
        Ok(verdict)
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        let owner = self.owner(machine)?;
        let _alone = machine.exclusive(&format!("gpg {}", owner.home.as_str()));
        Keyring::forget(machine);
        let keyring = Keyring::of(machine, &owner.name, &owner.home)?;
        match self.key {
            None => self.remove(machine, &owner, &keyring),
            Some(_) => self.import(machine, &owner, &keyring),
        }
    }
}
