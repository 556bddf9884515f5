//! Having a client get a certificate.

use std::fs;
use std::time::Duration;

use togusa_core::fault;
use togusa_core::fault::CodeExt as _;
use togusa_core::host::Ownership;
use togusa_core::prelude::*;
use togusa_core::problem::code;

use crate::foreign;
use crate::waiting::{seconds, wait};

use super::client::Client;
use super::present::{Present, behind, demand_own};
use super::{AcmeCertificate, Resolved};

/// What certbot says when it runs already.
const ANOTHER: &str = "Another instance of Certbot is already running";

/// How long it is waited for another one to end.
const BUSY: Duration = Duration::from_secs(5 * 60);

const INTERVAL: Duration = Duration::from_millis(500);

impl AcmeCertificate {
    /// The command that gets a certificate.
    fn command(&self, machine: &Machine<'_>) -> Result<Exec> {
        let Resolved { directory, ca_file, webroot, .. } = self.resolved()?;
        let local = |path: &HostPath| machine.local(path).display().to_string();
        let own = local(directory);
        let exec = self.client.program();
        let exec = match ca_file {
            Some(file) => exec.env(self.client.trust(), local(file)),
            None => exec,
        };
        let mail = |exec: Exec| match &self.email {
            Some(email) => exec.args(["--email", email]),
            None => exec.arg("--register-unsafely-without-email"),
        };
        let exec = match self.client {
            Client::Certbot => {
                let exec = exec.args(["certonly", "--non-interactive", "--agree-tos"]);
                let exec = mail(exec).args(["--server", &self.authority, "--config-dir", &own]);
                let exec = match self.directory {
                    Some(_) => {
                        let exec = exec.args(["--work-dir", &format!("{own}/work")]);
                        exec.args(["--logs-dir", &format!("{own}/logs")])
                    }
                    None => exec,
                };
                let exec = exec.args(["--cert-name", self.name()]);
                let exec = self.names.iter().fold(exec, |exec, name| exec.args(["--domain", name]));
                let exec = match (webroot, self.port) {
                    (Some(webroot), _) => {
                        exec.args(["--webroot", "--webroot-path", &local(webroot)])
                    }
                    (None, Some(port)) => {
                        exec.args(["--standalone", "--http-01-port", &port.to_string()])
                    }
                    (None, None) => exec.arg("--standalone"),
                };
                let exec = exec.args(self.key_type.for_certbot());
                exec.args(["--force-renewal", "--renew-with-new-domains"]).args(&self.options)
            }
            Client::Lego => {
                let exec = mail(exec.arg("--accept-tos"));
                let exec = exec.args(["--server", &self.authority, "--path", &own]);
                let exec =
                    self.names.iter().fold(exec, |exec, name| exec.args(["--domains", name]));
                let exec = exec.args(self.key_type.for_lego()).arg("--http");
                let exec = match (webroot, self.port) {
                    (Some(webroot), _) => exec.args(["--http.webroot", &local(webroot)]),
                    (None, Some(port)) => exec.args(["--http.port", &format!(":{port}")]),
                    (None, None) => exec,
                };
                exec.args(&self.options).arg("run")
            }
        };
        Ok(exec)
    }

    /// Has the client get a certificate.
    pub(super) fn obtain(&self, machine: &Machine<'_>, present: &Present) -> Result {
        let Resolved { directory, places, .. } = self.resolved()?;
        if self.client == Client::Certbot && !(present.is_whole() && self.is_linked(machine)?) {
            // Of what is broken certbot would make nothing but another name.
            places.lineage.iter().try_for_each(|path| put_aside(machine, path))?;
            let asked = self.ask(machine);
            let end = if asked.is_ok() { forget } else { put_back };
            let ended = places.lineage.iter().try_for_each(|path| end(machine, path));
            return asked.and(ended);
        }
        if self.recorded(machine)?.is_none() {
            // Missing, or half written by a run that was killed.
            let own = machine.local(directory).display().to_string();
            if let Some(record) = self.client.least_record(&own, self.name()) {
                machine.create_leading(&places.record)?;
                machine.write(&places.record, &record, &Ownership::mode(0o644))?;
            }
        }
        self.ask(machine)
    }

    /// Whether certbot takes what lies there for its own: all are links into its archive.
    fn is_linked(&self, machine: &Machine<'_>) -> Result<bool> {
        let live = self.resolved()?.places.key.parent().context("the key has no directory")?;
        for name in ["cert", "privkey", "chain", "fullchain"] {
            let path = live.join(format!("{name}.pem"));
            let is_link = machine.entry(&path)?.is_some_and(|entry| entry.is_symlink());
            if !is_link || behind(machine, &path)?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Runs the client.
    fn ask(&self, machine: &Machine<'_>) -> Result {
        let command = self.command(machine)?;
        // certbot, also when a timer of its package runs it, lets no other run beside it.
        let ran = wait(machine, BUSY, INTERVAL, || {
            let ran = foreign::of_package(machine.run(&command), self.client.name());
            Ok(if ran.as_ref().is_err_and(is_busy) { Err(String::new()) } else { Ok(ran) })
        })?;
        let Ok(ran) = ran else {
            let time = seconds(BUSY);
            return Err(fault!(
                code::ACME_REFUSED,
                "another certbot is still running after {time}"
            ))
            .hint("look at what it waits for, and end it");
        };
        match ran {
            Err(error) if foreign::failure(&error).is_some() => Err(error)
                .context("there is no new certificate")
                .code(code::ACME_REFUSED)
                .hint(
                    "what the client says tells why; each name must lead to this host, whose port 80 \
                     the authority must reach",
                ),
            ran => ran.map(|_| ()),
        }
    }
}

/// Where something waits until the client is done; no pattern of certbot finds it.
pub(super) fn aside(path: &HostPath) -> Result<HostPath> {
    let directory = path.parent().context("what the client keeps has no directory")?;
    Ok(directory.join(format!(".togusa-{}.old", path.file_name())))
}

#[expect(clippy::disallowed_methods, reason = "directories are moved as well, nothing is written")]
fn rename(machine: &Machine<'_>, from: &HostPath, to: &HostPath) -> Result {
    demand_own(machine, from)?;
    let (from, to) = (machine.local(from), machine.local(to));
    let failed = || format!("cannot move `{}` to `{}`", from.display(), to.display());
    fs::rename(&from, &to).with_context(failed)
}

fn put_aside(machine: &Machine<'_>, path: &HostPath) -> Result {
    if machine.entry(path)?.is_none() {
        // What a run that was killed has put aside stays for `put_back`.
        return Ok(());
    }
    let aside = aside(path)?;
    machine.remove(&aside)?;
    rename(machine, path, &aside)
}

fn put_back(machine: &Machine<'_>, path: &HostPath) -> Result {
    let aside = aside(path)?;
    if machine.entry(&aside)?.is_none() {
        return Ok(());
    }
    machine.remove(path)?;
    rename(machine, &aside, path)
}

fn forget(machine: &Machine<'_>, path: &HostPath) -> Result {
    machine.remove(&aside(path)?)
}

/// Whether a client has not even begun.
fn is_busy(error: &anyhow::Error) -> bool {
    foreign::failure(error).is_some_and(|failed| {
        [&failed.stdout_tail, &failed.stderr_tail].iter().any(|tail| tail.contains(ANOTHER))
    })
}
