//! Certificates that somebody else has signed.

use togusa_core::fault::CodeExt as _;
use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::{demand, fault};

use crate::content::Content;
use crate::file::File;

use super::facts::{self, Facts};

/// A certificate with its chain and its key, both given.
#[derive(Debug)]
pub(super) struct Given {
    certificate: File,
    key: File,
    renew_before: u32,
}

impl Given {
    pub(super) fn new((certificate, key): (File, File), renew_before: u32) -> Self {
        Self { certificate, key, renew_before }
    }

    fn facts(&self, probe: &Probe<'_>) -> Result<Vec<Facts>> {
        let pem = bytes(&self.certificate, probe)?;
        let pem = std::str::from_utf8(&pem)
            .context("the certificate is not in PEM")
            .code(code::NOT_PEM)?;
        let chain = facts::chain(pem);
        demand!(!chain.is_empty(), code::NOT_PEM, "the certificate is not in PEM");
        let read = |(number, pem): (usize, &String)| {
            let facts = facts::of_certificate(probe, pem.as_bytes())?;
            facts.with_context(|| format!("certificate {} of the chain cannot be read", number + 1))
        };
        chain.iter().enumerate().map(read).collect()
    }

    /// Refuses what no client would accept.
    fn check(&self, probe: &Probe<'_>) -> Result {
        let chain = self.facts(probe)?;
        check_order(&chain)?;
        let own = &chain[0];
        let key = facts::public_key(probe, &bytes(&self.key, probe)?)?;
        let key = key.context("the key cannot be read").code(code::NOT_PEM);
        let key = key.hint("give it in PEM, without a password")?;
        if key != own.public_key {
            return Err(fault!(
                code::KEY_MISMATCH,
                "the key does not belong to the certificate of {}",
                own.subject
            ))
            .hint("give the key that its request was made with; the server's own comes first");
        }
        if own.has_expired() {
            return Err(fault!(
                code::CERTIFICATE_EXPIRED,
                "the certificate of {} {}",
                own.subject,
                own.expiry()
            ))
            .hint("give a new one");
        }
        Ok(())
    }
}

/// Refuses a chain in which one was not issued by the next.
fn check_order(chain: &[Facts]) -> Result {
    for (number, pair) in chain.windows(2).enumerate() {
        let [one, next] = pair else { continue };
        if one.issuer != next.subject {
            let (first, second) = (number + 1, number + 2);
            return Err(fault!(
                code::CERTIFICATE_CHAIN,
                "certificate {first} of the chain was issued by {}, but certificate {second} is of \
                 {}",
                one.issuer,
                next.subject
            ))
            .hint("put the server's own first, and behind each the one that issued it");
        }
    }
    Ok(())
}

fn bytes(file: &File, probe: &Probe<'_>) -> Result<Vec<u8>> {
    match file.wanted(probe)? {
        Content::Asset(asset) => probe.asset(asset),
        Content::Bytes(bytes) => Ok(bytes.to_vec()),
        Content::Rendered(rendered) => Ok(rendered.text.into_bytes()),
    }
}

impl Component for Given {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        self.certificate.configure(scope)?;
        self.key.configure(scope)
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let verdict = self.certificate.verify(probe)?.and(self.key.verify(probe)?);
        if !verdict.is_current() {
            return Ok(verdict);
        }
        let own = self.facts(probe)?.into_iter().next().unwrap_or_default();
        let holds = !own.has_expired() && own.days_left() >= u64::from(self.renew_before);
        Ok(Verdict::expect(holds, format!("{} {}", own.subject, own.expiry())))
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        self.check(machine)?;
        let unchanged = self.key.verify(machine)?.is_current()
            && self.certificate.verify(machine)?.is_current();
        if unchanged && !self.verify(machine)?.is_current() {
            return Err(fault!(
                code::CERTIFICATE_EXPIRED,
                "the certificate comes to its end, and was given"
            ))
            .hint("give a new one, or a smaller `.renew_before(…)`");
        }
        self.key.update(machine)?;
        self.certificate.update(machine)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_in_the_wrong_order_is_refused() {
        let of = |subject: &str, issuer: &str| Facts {
            subject: subject.into(),
            issuer: issuer.into(),
            ..Facts::default()
        };
        let (own, middle, root) = (of("a", "m"), of("m", "r"), of("r", "r"));
        assert!(check_order(&[own.clone(), middle.clone(), root.clone()]).is_ok());
        assert!(check_order(std::slice::from_ref(&own)).is_ok());
        let error = format!("{:#}", check_order(&[own, root, middle]).unwrap_err());
        assert!(error.contains("certificate 1 of the chain was issued by m, but"), "{error}");
    }
}
