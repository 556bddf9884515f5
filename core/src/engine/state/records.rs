//! The deployments of a host, in `deployments.jsonl`: a line when one begins, and one when it ends.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::{StateError, durable};
use crate::deployment::{Deployment, Record, RecordEnd};

/// How many deployments are kept.
const KEPT: usize = 100;

/// Notes that a deployment begins, and forgets the oldest ones. The lock must be held.
pub(crate) fn begin(state: &Path, deployment: &Deployment) -> Result<(), StateError> {
    let mut records = read(state)?;
    if records.len() >= KEPT + KEPT / 4 {
        records.truncate(KEPT);
        let lines = records.iter().rev().map(line).collect::<io::Result<Vec<_>>>();
        let lines = lines.map_err(|source| StateError::Write { path: path(state), source })?;
        durable::write_bytes(&path(state), &lines.concat())?;
    }
    append(state, &Record { deployment: deployment.clone(), end: None })
}

/// Notes how a deployment ended. The lock must be held.
pub(crate) fn end(state: &Path, deployment: &Deployment, end: RecordEnd) -> Result<(), StateError> {
    append(state, &Record { deployment: deployment.clone(), end: Some(end) })
}

/// The deployments, the last one first. Lines that are damaged or unfinished are left out: they are
/// what a full disk or a crash has left, and nothing depends on them.
pub(crate) fn read(state: &Path) -> Result<Vec<Record>, StateError> {
    let content = match fs::read(path(state)) {
        Ok(content) => content,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(StateError::Read { path: path(state), source }),
    };
    let lines = content.split(|byte| *byte == b'\n');
    let mut records = Vec::<Record>::new();
    for record in lines.filter_map(|line| serde_json::from_slice::<Record>(line).ok()) {
        let same = |known: &&mut Record| known.deployment.id == record.deployment.id;
        match records.iter_mut().rev().find(same) {
            Some(begun) => *begun = record,
            None => records.push(record),
        }
    }
    records.reverse();
    Ok(records)
}

fn append(state: &Path, record: &Record) -> Result<(), StateError> {
    let write = || {
        let path = path(state);
        let mut file = File::options().create(true).append(true).mode(0o600).open(path)?;
        // Begun on a line of its own, whatever an earlier one was left at.
        let mut text = b"\n".to_vec();
        text.extend(line(record)?);
        file.write_all(&text)
    };
    write().map_err(|source| StateError::Write { path: path(state), source })
}

fn line(record: &Record) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(record)?;
    line.push(b'\n');
    Ok(line)
}

fn path(state: &Path) -> PathBuf {
    state.join("deployments.jsonl")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deployment::RecordedRoot;
    use crate::event::Counts;

    fn deployment(number: usize) -> Deployment {
        Deployment { id: number.to_string(), who: "ada".to_owned(), ..Deployment::default() }
    }

    fn ended() -> RecordEnd {
        let roots = [("app".into(), RecordedRoot::Converged)].into();
        RecordEnd { ended: 1, roots, counts: Counts::default() }
    }

    #[test]
    fn a_deployment_is_one_record_with_its_end() {
        let state = tempfile::tempdir().unwrap();
        assert_eq!(read(state.path()).unwrap(), []);
        begin(state.path(), &deployment(1)).unwrap();
        end(state.path(), &deployment(1), ended()).unwrap();
        begin(state.path(), &deployment(2)).unwrap();
        let records = read(state.path()).unwrap();
        let ids: Vec<_> = records.iter().map(|record| record.deployment.id.as_str()).collect();
        assert_eq!(ids, ["2", "1"]);
        assert_eq!(records[0].end, None);
        assert!(records[1].end.as_ref().unwrap().is_success());
    }

    #[test]
    fn a_line_that_was_cut_spoils_no_other() {
        let state = tempfile::tempdir().unwrap();
        begin(state.path(), &deployment(1)).unwrap();
        let mut file = File::options().append(true).open(path(state.path())).unwrap();
        file.write_all(br#"{"id":"2","who":"#).unwrap();
        begin(state.path(), &deployment(3)).unwrap();
        let records = read(state.path()).unwrap();
        let ids: Vec<_> = records.iter().map(|record| record.deployment.id.as_str()).collect();
        assert_eq!(ids, ["3", "1"]);
    }

    #[test]
    fn the_oldest_are_forgotten() {
        let state = tempfile::tempdir().unwrap();
        for number in 0..3 * KEPT {
            begin(state.path(), &deployment(number)).unwrap();
            end(state.path(), &deployment(number), ended()).unwrap();
        }
        let records = read(state.path()).unwrap();
        assert!((KEPT..=KEPT + KEPT / 4).contains(&records.len()), "{}", records.len());
        assert_eq!(records[0].deployment.id, (3 * KEPT - 1).to_string());
        assert!(records.iter().all(|record| record.end.is_some()));
    }
}
