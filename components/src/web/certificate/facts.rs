//! What `openssl` tells of certificates and keys.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use togusa_core::demand;
use togusa_core::fault::CodeExt as _;
use togusa_core::prelude::*;
use togusa_core::problem::code;

use crate::foreign;

const DAY: u64 = 24 * 60 * 60;

/// What `openssl` tells of a certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::web) struct Facts {
    pub(in crate::web) subject: String,
    pub(in crate::web) issuer: String,
    pub(in crate::web) names: BTreeSet<String>,
    /// In seconds since 1970.
    pub(in crate::web) begin: u64,
    pub(in crate::web) end: u64,
    pub(in crate::web) public_key: String,
}

impl Facts {
    /// How many days it holds in all.
    pub(in crate::web) fn days(&self) -> u64 {
        self.end.saturating_sub(self.begin) / DAY
    }

    /// How many seconds are left; negative ones have passed since its end.
    fn left(&self) -> i64 {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let seconds = |time: u64| i64::try_from(time).unwrap_or(i64::MAX);
        seconds(self.end) - seconds(now.as_secs())
    }

    pub(in crate::web) fn has_expired(&self) -> bool {
        self.left() <= 0
    }

    /// How many days are left, the one that has begun among them.
    pub(in crate::web) fn days_left(&self) -> u64 {
        u64::try_from(self.left()).unwrap_or(0).div_ceil(DAY)
    }

    /// What differs if it is to hold for some names and addresses.
    pub(in crate::web) fn names_change(&self, names: &[String]) -> Option<Change> {
        let wanted: BTreeSet<_> = names.iter().map(|name| plain_name(name)).collect();
        let shown = |names: &BTreeSet<String>| match names.is_empty() {
            true => "none".to_owned(),
            false => names.iter().map(String::as_str).collect::<Vec<_>>().join(", "),
        };
        let differ = wanted != self.names;
        differ.then(|| Change::property("names", shown(&self.names), shown(&wanted)))
    }

    /// `expires in 12 days`, `expired 3 days ago`.
    pub(in crate::web) fn expiry(&self) -> String {
        match self.has_expired() {
            false => format!("expires in {} days", self.days_left()),
            true => format!("expired {} days ago", self.left().unsigned_abs() / DAY),
        }
    }
}

/// What OpenSSL says of a text that is not what it was asked for; in lower case.
const NOTHING_THERE: [&str; 3] = ["unable to load ", "could not read ", "could not find "];

fn plain_openssl(args: &[&str]) -> Exec {
    let exec = foreign::program("openssl").args(args.iter().copied());
    exec.timeout(Duration::from_secs(60))
}

fn openssl(args: &[&str]) -> Exec {
    plain_openssl(args).sensitive()
}

/// Runs it on a text that it reads; `None`: it makes nothing of that.
fn ask(probe: &Probe<'_>, args: &[&str], input: &[u8]) -> Result<Option<String>> {
    let run = |exec: Exec| foreign::of_package(probe.query(&exec.stdin(input)), "openssl");
    let output = run(openssl(args).accept([0, 1]))?;
    let told = String::from_utf8_lossy(&output.stderr).to_lowercase();
    match output.code {
        0 => Ok(Some(output.stdout_text())),
        _ if NOTHING_THERE.iter().any(|nothing| told.contains(nothing)) => Ok(None),
        // Something else is wrong: it says what, and of a key prints the public half at most.
        _ => run(plain_openssl(args)).map(|output| Some(output.stdout_text())),
    }
}

/// What a certificate in PEM is; `None`: it is none.
pub(in crate::web) fn of_certificate(probe: &Probe<'_>, pem: &[u8]) -> Result<Option<Facts>> {
    let args = [
        "x509",
        "-noout",
        "-subject",
        "-issuer",
        "-nameopt",
        "RFC2253",
        "-dates",
        "-ext",
        "subjectAltName",
        "-pubkey",
    ];
    Ok(ask(probe, &args, pem)?.map(|text| parse(&text)))
}

/// The public half of a key in PEM; `None`: it is no key without a password.
pub(in crate::web) fn public_key(probe: &Probe<'_>, pem: &[u8]) -> Result<Option<String>> {
    ask(probe, &["pkey", "-pubout", "-passin", "pass:"], pem)
}

/// The certificates of a text, each by itself.
pub(in crate::web) fn chain(pem: &str) -> Vec<String> {
    const END: &str = "-----END CERTIFICATE-----";
    let parts = pem.split_inclusive(END);
    parts.filter(|part| part.contains(END)).map(|part| format!("{}\n", part.trim())).collect()
}

/// Makes a new key, and a certificate that it signs itself: both in PEM.
pub(in crate::web) fn make(
    probe: &Probe<'_>,
    names: &[String],
    days: u32,
) -> Result<(Secret, String)> {
    let alternatives: Vec<_> = names.iter().map(|name| alternative(name)).collect();
    let alternatives = format!("subjectAltName={}", alternatives.join(","));
    // A subject has room for 64 characters; clients look at the alternatives alone.
    let subject: String = names.first().map_or("", String::as_str).chars().take(64).collect();
    let (days, subject) = (days.to_string(), format!("/CN={subject}"));
    let args = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    let exec = openssl(&args).args(["-keyout", "/dev/stdout", "-out", "/dev/stdout", "-days"]);
    let exec = exec.args([&*days, "-subj", &*subject, "-addext", &*alternatives]);
    // It prints the key: nothing of that is shown.
    let output = foreign::of_package(probe.query(&exec), "openssl")?.stdout_text();
    let begin = output.find("-----BEGIN CERTIFICATE-----");
    let (key, certificate) =
        output.split_at(begin.context("openssl made no certificate").code(code::NOT_PEM)?);
    demand!(key.contains("PRIVATE KEY-----"), code::NOT_PEM, "openssl made no key");
    Ok((Secret::new(key.to_owned()), certificate.to_owned()))
}

/// A name as openssl takes it.
fn alternative(name: &str) -> String {
    match name.parse::<IpAddr>() {
        Ok(address) => format!("IP:{address}"),
        Err(_) => format!("DNS:{name}"),
    }
}

/// A name as openssl prints it, without its kind.
fn plain_name(name: &str) -> String {
    match name.parse::<IpAddr>() {
        Ok(address) => address.to_string(),
        Err(_) => name.to_owned(),
    }
}

fn parse(text: &str) -> Facts {
    let mut facts = Facts::default();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(subject) = line.strip_prefix("subject=") {
            subject.clone_into(&mut facts.subject);
        } else if let Some(issuer) = line.strip_prefix("issuer=") {
            issuer.clone_into(&mut facts.issuer);
        } else if let Some(date) = line.strip_prefix("notBefore=") {
            facts.begin = seconds(date).unwrap_or(0);
        } else if let Some(date) = line.strip_prefix("notAfter=") {
            facts.end = seconds(date).unwrap_or(0);
        } else if line.contains("Subject Alternative Name") {
            let names = lines.next().unwrap_or_default().split(',');
            let names = names.filter_map(|name| name.trim().split_once(':'));
            facts.names = names.map(|(_, name)| plain_name(name)).collect();
        } else if line == "-----BEGIN PUBLIC KEY-----" || !facts.public_key.is_empty() {
            let ended = facts.public_key.contains("-----END");
            if !ended {
                facts.public_key += &format!("{line}\n");
            }
        }
    }
    facts
}

/// The seconds since 1970 of a date such as `Nov 21 10:10:00 2026 GMT`.
fn seconds(date: &str) -> Option<u64> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let words: Vec<&str> = date.split_whitespace().collect();
    let [month, day, time, year, "GMT"] = words[..] else { return None };
    let month = u64::try_from(MONTHS.iter().position(|name| *name == month)?).ok()? + 1;
    let (day, year): (u64, u64) = (day.parse().ok()?, year.parse().ok()?);
    let time: Vec<u64> = time.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let [hours, minutes, seconds] = time[..] else { return None };
    // Years that begin in March, so that a leap day is the last of its year.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day;
    let days = days.checked_sub(719_469)?;
    Some(days * DAY + hours * 3600 + minutes * 60 + seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read() {
        assert_eq!(seconds("Jan  1 00:00:00 1970 GMT"), Some(0));
        assert_eq!(seconds("Feb 29 12:00:01 2000 GMT"), Some(951_825_601));
        assert_eq!(seconds("Nov 21 10:10:00 2026 GMT"), Some(1_795_255_800));
        assert_eq!(seconds("Mar  1 00:00:00 2100 GMT"), Some(4_107_542_400));
        assert_eq!(seconds("nonsense"), None);
    }

    #[test]
    fn what_openssl_tells_is_read() {
        // OpenSSL 3.0.19, `openssl x509 -noout -subject -issuer -nameopt RFC2253 -dates -ext
        // subjectAltName -pubkey`.
        let told = "subject=CN=shop.localhost\nissuer=CN=shop.localhost\n\
                    notBefore=Nov 21 10:10:00 2026 GMT\nnotAfter=Nov 22 10:10:00 2027 GMT\n\
                    X509v3 Subject Alternative Name: \n    \
                    DNS:shop.localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1\n\
                    -----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----\n";
        let facts = parse(told);
        assert_eq!(facts.names.iter().collect::<Vec<_>>(), ["127.0.0.1", "::1", "shop.localhost"]);
        assert_eq!((facts.days(), &*facts.subject), (366, "CN=shop.localhost"));
        assert_eq!(
            facts.public_key,
            "-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----\n"
        );
    }

    #[test]
    fn a_chain_is_taken_apart() {
        let one = "-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----\n";
        assert_eq!(chain(&format!("x\n{one}\n{one}rest")).len(), 2);
        assert!(chain("nothing").is_empty());
    }
}
