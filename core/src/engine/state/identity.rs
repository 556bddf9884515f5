//! Whose target directory it is.

use std::fmt;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{StateError, durable};
use crate::names::HostName;

/// The project, environment and host that a target directory belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub(crate) project: String,
    pub(crate) environment: String,
    pub(crate) host: HostName,
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { project, environment, host } = self;
        write!(f, "project `{project}`, environment `{environment}`, host `{host}`")
    }
}

impl Identity {
    /// Refuses a directory that belongs to another, or that is none; changes nothing.
    pub(crate) fn check(&self, target: &Path) -> Result<(), StateError> {
        let way = target.ancestors().find_map(|path| match path.metadata() {
            Ok(metadata) => Some(Ok((path, metadata))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => None,
            Err(source) => Some(Err(StateError::Read { path: path.to_owned(), source })),
        });
        if let Some((path, metadata)) = way.transpose()?
            && !metadata.is_dir()
        {
            return Err(StateError::NoDirectory { path: path.to_owned() });
        }
        durable::read(&self.path(target))?.map_or(Ok(()), |owner| self.compare(target, &owner))
    }

    /// Refuses a directory that belongs to another.
    fn compare(&self, target: &Path, owner: &Self) -> Result<(), StateError> {
        if owner == self {
            return Ok(());
        }
        Err(StateError::Foreign {
            path: target.to_owned(),
            owner: owner.to_string(),
            wanted: self.to_string(),
        })
    }

    /// Refuses a directory that belongs to another, as the content of its file tells it.
    pub(crate) fn check_content(&self, target: &Path, content: &str) -> Result<(), StateError> {
        let owner = serde_json::from_str(content)
            .map_err(|source| StateError::Damaged { path: self.path(target), source })?;
        self.compare(target, &owner)
    }

    /// Takes possession of a directory whose lock is held.
    pub(crate) fn claim(&self, target: &Path) -> Result<(), StateError> {
        self.check(target)?;
        let path = self.path(target);
        if path.exists() { Ok(()) } else { durable::write(&path, self) }
    }

    fn path(&self, target: &Path) -> std::path::PathBuf {
        target.join(".togusa/identity.json")
    }
}
