//! Members of an archive, as far as they may be unpacked.

use std::collections::BTreeSet;
use std::time::SystemTime;

use togusa_core::fault;
use togusa_core::prelude::*;
use togusa_core::problem::code;

use crate::globs::{Globs, Parsed};

use super::format::{Raw, RawKind};

/// Something that is to be unpacked.
#[derive(Debug, PartialEq)]
pub(super) struct Member {
    /// The path below the directory that is unpacked into: no `..`, no link of the archive in it.
    pub(super) path: String,
    pub(super) kind: MemberKind,
}

#[derive(Debug, PartialEq)]
pub(super) enum MemberKind {
    /// `None`: the archive holds what lies in it, and says nothing of itself.
    Directory {
        mode: Option<u32>,
    },
    File {
        mode: u32,
        modified: SystemTime,
    },
    /// Another name of a file before it, by the path of that; it becomes a file of its own.
    Copy {
        of: String,
        mode: u32,
    },
    Symlink {
        target: String,
    },
}

impl Member {
    pub(super) fn directory(path: &str) -> Self {
        Self { path: path.to_owned(), kind: MemberKind::Directory { mode: None } }
    }

    pub(super) fn mode(&self) -> Option<u32> {
        match self.kind {
            MemberKind::Directory { mode } => Some(mode.unwrap_or(0o755)),
            MemberKind::File { mode, .. } | MemberKind::Copy { mode, .. } => Some(mode),
            MemberKind::Symlink { .. } => None,
        }
    }

    /// The directories that it lies in, the outermost first.
    pub(super) fn above(&self) -> impl Iterator<Item = &str> {
        self.path.match_indices('/').map(|(at, _)| &self.path[..at])
    }
}

/// Looks at one member after the other, and refuses what leads out of the directory.
#[derive(Debug)]
pub(super) struct Members {
    strip: usize,
    only: Option<Parsed>,
    exclude: Parsed,
    links: BTreeSet<String>,
}

impl Members {
    pub(super) fn new(strip: usize, only: &Globs, exclude: &Globs) -> Result<Self> {
        let only = if only.is_empty() { None } else { Some(only.parse()?) };
        Ok(Self { strip, only, exclude: exclude.parse()?, links: BTreeSet::new() })
    }

    /// What is to be unpacked of a member; `None`: nothing.
    pub(super) fn check(&mut self, raw: Raw) -> Result<Option<Member>> {
        let refused = |why: &str| {
            Err(fault!(code::ARCHIVE_UNSAFE, "the archive holds `{}`, {why}", raw.path))
                .hint("nothing was unpacked; if this is meant, unpack it by a `Command`")
        };
        let Some(path) = inside(&raw.path) else {
            return refused("which leads out of the directory");
        };
        let Some(path) = self.stripped(&path) else { return Ok(None) };
        if self.exclude.match_path(&path)
            || self.only.as_ref().is_some_and(|only| !only.match_path(&path))
        {
            return Ok(None);
        }
        let member = |kind| Member { path: path.clone(), kind };
        if self.links.contains(&path)
            || Member::directory(&path).above().any(|above| self.links.contains(above))
        {
            return refused("whose way leads through a link of the archive");
        }
        let mode = raw.mode & 0o755 | 0o400;
        let kind = match &raw.kind {
            RawKind::File => MemberKind::File { mode, modified: raw.modified },
            RawKind::Directory => MemberKind::Directory { mode: Some(mode | 0o700) },
            RawKind::Symlink(target) => {
                if !stays_inside(&path, target) {
                    return refused(&format!(
                        "a link that leads out of the directory, to `{target}`"
                    ));
                }
                self.links.insert(path.clone());
                MemberKind::Symlink { target: target.clone() }
            }
            RawKind::Hardlink(target) => match inside(target).and_then(|of| self.stripped(&of)) {
                Some(of) if !self.links.contains(&of) => MemberKind::Copy { of, mode },
                _ => {
                    return refused(&format!("a second name of `{target}`, which is not unpacked"));
                }
            },
            RawKind::Other(what) => return refused(what),
        };
        Ok(Some(member(kind)))
    }

    /// The path without the directories that are taken off; `None`: nothing is left of it.
    fn stripped(&self, path: &str) -> Option<String> {
        let parts: Vec<_> =
            path.split('/').skip(self.strip).filter(|part| !part.is_empty()).collect();
        (!parts.is_empty()).then(|| parts.join("/"))
    }
}

/// A path without `.`; `None`: it is absolute or has `..` in it.
fn inside(path: &str) -> Option<String> {
    if path.starts_with('/') || path.contains('\0') || path.split('/').any(|part| part == "..") {
        return None;
    }
    let parts: Vec<_> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    Some(parts.join("/"))
}

/// Whether a link leads to something inside. `..` counts only at its beginning, where it leads up from
/// real directories: behind a name it could lead up from where a link went.
fn stays_inside(path: &str, target: &str) -> bool {
    if target.is_empty() || target.starts_with('/') || target.contains('\0') {
        return false;
    }
    let depth = path.matches('/').count();
    let parts: Vec<_> = target.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    let ups = parts.iter().take_while(|part| **part == "..").count();
    ups <= depth && !parts[ups..].contains(&"..")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(path: &str, kind: RawKind) -> Raw {
        Raw { path: path.into(), mode: 0o6777, modified: SystemTime::UNIX_EPOCH, kind }
    }

    fn members(strip: usize) -> Members {
        Members::new(strip, &Globs::default(), &Globs::default()).unwrap()
    }

    #[test]
    fn modes_give_no_more_than_they_should() {
        let member = members(0).check(raw("./a//b", RawKind::File)).unwrap().unwrap();
        assert_eq!((member.path.as_str(), member.mode()), ("a/b", Some(0o755)));
        assert_eq!(member.above().collect::<Vec<_>>(), ["a"]);
    }

    #[test]
    fn leading_directories_are_taken_off_names_and_second_names() {
        let mut members = members(1);
        assert_eq!(members.check(raw("top/", RawKind::Directory)).unwrap(), None);
        assert_eq!(members.check(raw("file", RawKind::File)).unwrap(), None);
        let second =
            members.check(raw("top/b", RawKind::Hardlink("top/a".into()))).unwrap().unwrap();
        assert_eq!(second.path, "b");
        assert_eq!(second.kind, MemberKind::Copy { of: "a".into(), mode: 0o755 });
    }

    #[test]
    fn what_leads_out_is_refused() {
        let link = |target: &str| RawKind::Symlink(target.into());
        for (path, kind) in [
            ("/etc/passwd", RawKind::File),
            ("../a", RawKind::File),
            ("a/../../b", RawKind::File),
            ("a", link("/etc")),
            ("a", link("..")),
            ("a/b", link("../..")),
            ("a/b", link("c/../../..")),
            ("a/b", link("")),
            ("a", RawKind::Hardlink("/etc/shadow".into())),
            ("a", RawKind::Hardlink("../b".into())),
            ("a", RawKind::Other("a pipe")),
        ] {
            let what = format!("{path} {kind:?}");
            assert!(members(0).check(raw(path, kind)).is_err(), "{what}");
        }
        for target in ["b", "./b/c", "../b", "../x/y"] {
            assert!(members(0).check(raw("a/l", link(target))).is_ok(), "{target}");
        }
    }

    #[test]
    fn nothing_passes_through_a_link_that_the_archive_brought() {
        let mut members = members(0);
        members.check(raw("s/u", RawKind::Symlink("..".into()))).unwrap();
        for path in ["s/u/x", "s/u"] {
            assert!(members.check(raw(path, RawKind::File)).is_err(), "{path}");
        }
        assert!(members.check(raw("s/v", RawKind::Hardlink("s/u".into()))).is_err());
        assert!(members.check(raw("s/ux", RawKind::File)).is_ok());
    }
}
