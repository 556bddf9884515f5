//! Snaps.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use togusa_core::demand;
use togusa_core::host::{ExecError, Snapshot};
use togusa_core::prelude::*;
use togusa_core::problem::code;

use crate::foreign;
use crate::privilege::require_root;

/// How long a snap may take to be fetched and set up.
const TIMEOUT: Duration = Duration::from_secs(60 * 60);

/// A snap, which is there or not.
///
/// | attribute | default |
/// |---|---|
/// | `channel` | whichever it follows, or else `latest/stable`; `edge` means `latest/edge`, `5.21` means `5.21/stable` |
/// | `classic` | no: it is confined |
/// | `options` | none: as `--devmode` or `--cohort=KEY` |
/// | `purge` | no: a snapshot of its data is kept when it is removed |
///
/// `verify` reads all snaps by one `snap list` for all components of the host. `update` runs `snap install`,
/// `snap refresh` to another channel, `snap enable` for one that is disabled, or `snap remove`. Versions
/// cannot be chosen but by the channel; snaps refresh themselves.
///
/// It is tested on what `snap` 2.57.6 printed to answers that were made for it, and asked for; no store and
/// no `snapd` took part.
///
/// **Needs**: root; `snap` with a running `snapd`.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     scope.add(Snap::new("certbot").classic());
///     scope.add(Snap::new("lxd").channel("5.21/stable"));
///     scope.add(Snap::new("microk8s").absent().purge());
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Snap {
    name: String,
    channel: Option<String>,
    classic: bool,
    options: Vec<String>,
    absent: bool,
    purge: bool,
}

/// What `snap list` tells of one.
#[derive(Debug, PartialEq, Eq)]
struct Present {
    version: String,
    channel: String,
    notes: Vec<String>,
}

impl Present {
    fn is(&self, note: &str) -> bool {
        self.notes.iter().any(|one| one == note)
    }
}

/// All that are there.
#[derive(Debug)]
struct Installed(BTreeMap<String, Present>);

impl Snapshot for Installed {
    fn take(probe: &Probe<'_>) -> Result<Self> {
        let list = foreign::program("snap").args(["list", "--color=never", "--unicode=never"]);
        Ok(Self(parse(&remedied(probe.query(&list))?.stdout_text())))
    }
}

/// Reads lines with name, version, revision, channel, publisher and notes.
fn parse(text: &str) -> BTreeMap<String, Present> {
    let mut all = BTreeMap::new();
    for line in text.lines().skip(1) {
        let [name, version, _, channel, .., notes] =
            line.split_whitespace().collect::<Vec<_>>()[..]
        else {
            continue;
        };
        let notes = notes.split(',').map(str::to_owned).collect();
        let present = Present { version: version.into(), channel: channel.into(), notes };
        all.insert(name.to_owned(), present);
    }
    all
}

/// A channel as snapd shows it: with its track and its risk.
fn whole(channel: &str) -> String {
    let is_risk = |word: &str| ["stable", "candidate", "beta", "edge"].contains(&word);
    let first = channel.split('/').next().unwrap_or(channel);
    match (is_risk(first), channel.contains('/')) {
        (true, _) => format!("latest/{channel}"),
        (false, true) => channel.to_owned(),
        (false, false) => format!("{channel}/stable"),
    }
}

/// Says what is wrong with a host that has no snaps.
fn remedied<T>(result: Result<T>) -> Result<T> {
    match result {
        Err(error) if matches!(error.downcast_ref(), Some(ExecError::NotFound { .. })) => {
            Err(error).hint("install the package `snapd` in an earlier component")
        }
        Err(error)
            if foreign::failure(&error)
                .is_some_and(|it| it.stderr_tail.contains("cannot communicate with server")) =>
        {
            Err(error).hint("start `snapd`, such as by a `SystemdService::new(\"snapd.socket\")`")
        }
        result => result,
    }
}

impl Snap {
    /// One snap.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            channel: None,
            classic: false,
            options: Vec::new(),
            absent: false,
            purge: false,
        }
    }

    /// Sets the channel that it follows: `5.21/stable`, `latest/edge`.
    #[must_use]
    pub fn channel(mut self, channel: impl Into<String>) -> Self {
        self.channel = Some(channel.into());
        self
    }

    /// Lets it see the whole system.
    #[must_use]
    pub fn classic(mut self) -> Self {
        self.classic = true;
        self
    }

    /// Adds options of `snap install` and `snap refresh`.
    #[must_use]
    pub fn options(mut self, options: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.options.extend(options.into_iter().map(Into::into));
        self
    }

    /// Removes it.
    #[must_use]
    pub fn absent(mut self) -> Self {
        self.absent = true;
        self
    }

    /// Keeps nothing of its data when it is removed.
    #[must_use]
    pub fn purge(mut self) -> Self {
        self.purge = true;
        self
    }

    /// Refuses what cannot be, without a look at a host.
    pub(super) fn check(&self) -> Result {
        let Self { name, .. } = self;
        let usual = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
        let is_name = name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            && name.chars().all(usual);
        demand!(is_name, code::NOT_A_NAME, "`{name}` cannot be the name of a snap");
        if let Some(channel) = &self.channel {
            let usual = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
            let is_channel = channel.starts_with(|c: char| c.is_ascii_alphanumeric())
                && channel.chars().all(usual);
            demand!(is_channel, code::OPTION_VALUE, "`{channel}` cannot be a channel");
        }
        let unused = self.channel.is_some() || self.classic;
        demand!(
            !self.absent || !unused,
            code::OPTIONS_CLASH,
            "neither a channel nor `.classic()` means something to an absent snap"
        );
        demand!(
            self.absent || !self.purge,
            code::OPTIONS_CLASH,
            "`.purge()` means nothing to a snap that is not to be absent"
        );
        Ok(())
    }

    fn snap(&self, command: &str) -> Exec {
        foreign::program("snap").args([command, &*self.name]).timeout(TIMEOUT)
    }

    /// The command that installs or refreshes, with what it shall be.
    fn as_wanted(&self, command: &str) -> Exec {
        let channel = self.channel.iter().map(|channel| format!("--channel={channel}"));
        let snap = self.snap(command).args(channel);
        snap.args(self.classic.then_some("--classic")).args(&self.options)
    }

    fn changes(&self, present: Option<&Present>) -> Vec<Change> {
        let Self { name, channel, .. } = self;
        let Some(present) = present else {
            if self.absent {
                return Vec::new();
            }
            let channel = channel.iter().map(|channel| format!(" of {channel}"));
            return vec![Change::create(format!("snap {name}{}", channel.collect::<String>()))];
        };
        if self.absent {
            return vec![Change::remove(format!("snap {name} {}", present.version))];
        }
        let mut changes = Vec::new();
        if present.is("disabled") {
            changes.push(format!("snap {name} is disabled").into());
        }
        if let Some(wanted) = channel.as_deref().map(whole).filter(|it| *it != present.channel) {
            changes.push(Change::property("channel", &present.channel, &wanted));
        }
        if self.classic && !present.is("classic") {
            changes.push(Change::property("confinement", "strict", "classic"));
        }
        changes
    }
}

impl Component for Snap {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some(self.name.as_str().into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        self.check()?;
        scope.check_arguments(&Exec::new("snap").args(&self.options))?;
        if !self.absent {
            scope.manages("snap", &self.name);
        }
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let installed = probe.snapshot::<Installed>()?;
        Ok(self.changes(installed.0.get(&self.name)).into_iter().collect())
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        require_root(machine, "change snaps")?;
        let _alone = machine.exclusive("snap");
        machine.invalidate::<Installed>();
        let installed = machine.snapshot::<Installed>()?;
        let present = installed.0.get(&self.name);
        if self.changes(present).is_empty() {
            return Ok(());
        }
        let run = |exec: Exec| remedied(machine.run(&exec)).map(|_| ());
        let Some(present) = present else { return run(self.as_wanted("install")) };
        if self.absent {
            return run(self.snap("remove").args(self.purge.then_some("--purge")));
        }
        if present.is("disabled") {
            run(self.snap("enable"))?;
        }
        let enabled = Present {
            version: String::new(),
            channel: present.channel.clone(),
            notes: present.notes.iter().filter(|note| *note != "disabled").cloned().collect(),
        };
        if self.changes(Some(&enabled)).is_empty() {
            return Ok(());
        }
        run(self.as_wanted("refresh"))
    }
}

#[cfg(test)]
mod tests {
    use togusa_core::problem::Problem;

    use super::*;

    /// `snap list` of snap 2.57.6, which was told of these.
    const LIST: &str = "\
Name        Version         Rev    Tracking       Publisher      Notes
certbot     2.8.0           3566   latest/stable  certbot-eff**  classic
core22      20240111        1122   latest/stable  canonical**    base
local-tool  1.0             x1     -              -              devmode
lxd         5.21.1-2d13beb  28463  5.21/stable    canonical**    -
off         1               7      latest/edge    me**           disabled
";

    #[test]
    fn every_difference_of_a_snap_is_told() {
        let installed = parse(LIST);
        assert_eq!(installed.len(), 5);
        for (snap, told) in [
            (Snap::new("certbot"), vec![]),
            (Snap::new("certbot").classic().channel("stable"), vec![]),
            (Snap::new("lxd").channel("5.21"), vec![]),
            (Snap::new("lxd").channel("edge"), vec!["~ channel 5.21/stable → latest/edge"]),
            (Snap::new("lxd").classic(), vec!["~ confinement strict → classic"]),
            (Snap::new("off"), vec!["~ snap off is disabled"]),
            (Snap::new("hello"), vec!["+ create snap hello"]),
            (Snap::new("hello").channel("edge"), vec!["+ create snap hello of edge"]),
            (Snap::new("hello").absent(), vec![]),
            (Snap::new("local-tool").absent(), vec!["- remove snap local-tool 1.0"]),
        ] {
            let changes = snap.changes(installed.get(&snap.name));
            let changes: Vec<_> =
                changes.iter().map(|change| format!("{} {change}", change.symbol())).collect();
            assert_eq!(changes, told, "{snap:?}");
        }
        assert!(parse("").is_empty());
    }

    #[test]
    fn a_host_without_snap_is_told_which_package_has_it() {
        let none = ExecError::NotFound { program: "snap".into(), path: None };
        let error = remedied::<()>(Err(none.into())).unwrap_err();
        let told = Problem::from_error(&error, code::VERIFY_FAILED).to_string();
        assert!(told.starts_with("there is no program `snap`"), "{told}");
        assert!(told.contains("hint: install the package `snapd`"), "{told}");
    }

    #[test]
    fn a_channel_is_known_by_track_and_risk() {
        for (short, long) in [
            ("edge", "latest/edge"),
            ("5.21", "5.21/stable"),
            ("5.21/beta", "5.21/beta"),
            ("stable/hotfix", "latest/stable/hotfix"),
        ] {
            assert_eq!(whole(short), long);
        }
    }
}
