//! What `ssh -G` has said of hosts, kept until something changes that it would read.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use togusa_core::digest::Digest;
use togusa_core::environment::Host;
use togusa_core::problem::Problem;

use super::configuration::{Configuration, Places};
use super::destination::{Destination, Resolved};
use super::limits::Limits;
use super::locked;
use super::sockets::Sockets;

/// The answers of ssh; its configuration is looked at once a run.
#[derive(Debug)]
pub struct Answers {
    sockets: Sockets,
    places: Option<Places>,
    /// What ssh would read now, by the file that stands in for its own ones.
    configurations: Mutex<BTreeMap<Option<PathBuf>, Option<Arc<Configuration>>>>,
}

impl Answers {
    /// Those that are kept beside these sockets.
    pub fn new(sockets: &Sockets, places: Option<Places>) -> Self {
        Self { sockets: sockets.clone(), places, configurations: Mutex::default() }
    }

    /// What ssh makes of a destination, which it is asked only if it may say something new.
    ///
    /// # Errors
    /// ssh is not installed, or refuses its configuration.
    pub async fn resolve(
        &self,
        host: &Host,
        destination: &Destination,
        limits: &Limits,
    ) -> Result<Resolved, Problem> {
        if let Some(printed) = self.kept(destination) {
            return Ok(destination.read(&printed));
        }
        let _leave = limits.look().await;
        let (printed, said) = destination.ask(host).await?;
        // What is not kept is asked for again by the next run.
        let _ = self.keep(destination, &printed, &said);
        Ok(destination.read(&printed))
    }

    /// What ssh would print, if nothing has changed since it did.
    fn kept(&self, destination: &Destination) -> Option<Vec<u8>> {
        let configuration = self.configuration(destination)?;
        let kept = fs::read(self.sockets.answer(&destination.stem)).ok()?;
        let at = kept.iter().position(|byte| *byte == b'\n')?;
        let (seal, printed) = (&kept[..at], &kept[at + 1..]);
        (seal == sealed(&configuration, destination, printed).as_bytes()).then(|| printed.to_vec())
    }

    fn keep(&self, destination: &Destination, printed: &[u8], said: &[u8]) -> io::Result<()> {
        let Some(configuration) = self.configuration(destination) else { return Ok(()) };
        let (printed_text, said) =
            (String::from_utf8_lossy(printed), String::from_utf8_lossy(said));
        // It may have been changed while ssh read it.
        let is_unchanged = self.look(destination).is_some_and(|now| now == *configuration);
        if !is_unchanged || !configuration.explains(&printed_text, &said) {
            return Ok(());
        }
        let path = self.sockets.answer(&destination.stem);
        // Swept away like the answer itself if nothing comes of it.
        let builder = tempfile::Builder::new().suffix(".answer").to_owned();
        let mut file = builder.tempfile_in(self.sockets.directory())?;
        writeln!(file, "{}", sealed(&configuration, destination, printed))?;
        file.write_all(printed)?;
        file.persist(path)?;
        Ok(())
    }

    fn configuration(&self, destination: &Destination) -> Option<Arc<Configuration>> {
        let mut configurations = locked(&self.configurations);
        let found = configurations.entry(destination.file.clone());
        found.or_insert_with(|| self.look(destination).map(Arc::new)).clone()
    }

    fn look(&self, destination: &Destination) -> Option<Configuration> {
        Configuration::read(self.places.as_ref()?, destination.file.as_deref()).ok()
    }
}

/// Says that ssh printed this of this destination with this configuration.
fn sealed(configuration: &Configuration, destination: &Destination, printed: &[u8]) -> String {
    let mut all = configuration.digest.to_string().into_bytes();
    for word in destination.arguments([]) {
        all.extend(word.as_encoded_bytes());
        all.push(0);
    }
    all.push(0);
    all.extend(printed);
    Digest::of(&all).to_string()
}

#[cfg(test)]
mod tests;
