//! What a checkout of Mercurial is, asked at once.

use togusa_core::fault;
use togusa_core::prelude::*;
use togusa_core::problem::code;

use super::Wanted;
use super::repository::Repository;

/// The setting that tells that nothing was checked out to its end yet.
pub(super) const INCOMPLETE: &str = "togusa.incomplete";

/// What is asked of a server: a commit, and the bookmarks that it has there.
const IDENTIFIED: &str = r#"{node}\n{bookmarks % "{bookmark}\n"}"#;

/// What is asked of a commit that is here.
const FOUND: &str = r"{node}\n{branch}\n";

/// What is asked of a commit that was made by hand.
const MADE: &str = r"{node|short} {desc|firstline}\n";

/// What stands for no commit.
const NULL: &str = "0000000000000000000000000000000000000000";

/// How a checkout is.
#[derive(Debug, Default, PartialEq)]
pub(super) struct State {
    pub(super) head: Option<Found>,
    pub(super) url: Option<String>,
    /// Whether the first checkout was cut off.
    pub(super) incomplete: bool,
    /// Files that Mercurial knows and that differ from the commit.
    pub(super) changed: Vec<String>,
    /// Files that Mercurial neither knows nor ignores.
    pub(super) unknown: Vec<String>,
    /// The number of the last commit that is here; -1 if there is none.
    pub(super) last: i64,
    /// Commits below what is checked out that are not from the server.
    pub(super) own: Vec<String>,
    /// All commits that are not from the server.
    pub(super) drafts: Vec<String>,
}

/// A commit that is here.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Found {
    pub(super) commit: String,
    pub(super) branch: String,
}

impl State {
    /// That of a repository that was just made.
    pub(super) fn made() -> Self {
        Self { incomplete: true, last: -1, ..Self::default() }
    }

    pub(super) fn head(&self) -> Option<&str> {
        self.head.as_ref().map(|head| &*head.commit)
    }
}

impl Repository {
    /// How the checkout is, with its history.
    pub(super) fn state(&self, probe: &Probe<'_>) -> Result<State> {
        Ok(self.state_and(probe, true, None)?.0)
    }

    /// How the checkout is, and the commit that is wanted: of a branch or a bookmark the one that the
    /// server has, of a tag or a commit none if it is not here.
    /// The history is only for who would lose something of it.
    pub(super) fn look(
        &self,
        probe: &Probe<'_>,
        url: &str,
        wanted: &Wanted,
        history: bool,
    ) -> Result<(State, Option<String>)> {
        let Some(set) = set(wanted) else {
            let (state, told) = self.state_and(probe, history, Some(identify(url, wanted)))?;
            return Ok((state, Some(told_by_server(&told, url, wanted)?)));
        };
        let (state, told) = self.state_and(probe, history, Some(log(&set, FOUND)))?;
        Ok((state, found(&told).map(|found| found.commit)))
    }

    /// How the checkout is, and the answer to one more question.
    fn state_and(
        &self,
        probe: &Probe<'_>,
        history: bool,
        more: Option<Vec<&str>>,
    ) -> Result<(State, String)> {
        let status = ["status", "--modified", "--added", "--removed", "--deleted", "--unknown"];
        let mut questions = vec![
            log(".", FOUND),
            [&status[..], &["--print0"]].concat(),
            setting("paths.default"),
            setting(INCOMPLETE),
        ];
        if history {
            let (own, drafts) = ("::. and not public()", "not public()");
            questions.extend([log("tip", r"{rev}\n"), log(own, MADE), log(drafts, MADE)]);
        }
        questions.extend(more);
        let mut answers = self.ask_all(probe, &questions)?.into_iter();
        let mut next = || answers.next().unwrap_or_default();
        let head = found(&next());
        let (changed, unknown) = files(&next());
        let url = Some(next().trim_end().to_owned()).filter(|url| !url.is_empty());
        let incomplete = !next().is_empty();
        let mut state = State { head, url, incomplete, changed, unknown, ..State::default() };
        if history {
            state.last = number(&next())?;
            state.own = next().lines().map(str::to_owned).collect();
            state.drafts = next().lines().map(str::to_owned).collect();
        }
        Ok((state, next()))
    }

    /// What came after a commit and is a draft, and what is wanted; of a branch or a bookmark the
    /// commit is known already.
    pub(super) fn pulled(
        &self,
        probe: &Probe<'_>,
        last: i64,
        wanted: &Wanted,
        target: Option<&str>,
    ) -> Result<(bool, Option<Found>)> {
        let new = match last {
            -1 => "not public()".to_owned(),
            last => format!("not public() and not :{last}"),
        };
        let wanted = set(wanted).or(target.map(id)).unwrap_or_else(|| "none()".into());
        let answers = self.ask_all(probe, &[log(&new, FOUND), log(&wanted, FOUND)])?;
        let found_in = |index: usize| answers.get(index).and_then(|told| found(told));
        Ok((found_in(0).is_some(), found_in(1)))
    }
}

/// The commits of a set, each as a template shows it.
fn log<'a>(set: &'a str, template: &'a str) -> Vec<&'a str> {
    vec!["log", "--limit", "10", "--rev", set, "--template", template]
}

/// A setting of the checkout, also where it belongs to somebody else.
fn setting(name: &str) -> Vec<&str> {
    vec!["config", "--untrusted", name]
}

/// The commit that a name has on the server.
pub(super) fn identify<'a>(url: &'a str, wanted: &'a Wanted) -> Vec<&'a str> {
    let name = wanted.name();
    vec!["identify", "--bookmarks", "--template", IDENTIFIED, "--rev", name, "--", url]
}

/// The commit that a tag, or a commit's own name, stands for on the host.
fn set(wanted: &Wanted) -> Option<String> {
    match wanted {
        Wanted::Commit(commit) => Some(id(commit)),
        Wanted::Tag(tag) => Some(format!("present(tag(\"literal:{tag}\"))")),
        Wanted::Branch(_) | Wanted::Bookmark(_) => None,
    }
}

fn id(commit: &str) -> String {
    format!("id(\"{commit}\")")
}

fn number(told: &str) -> Result<i64> {
    let told = told.trim_end();
    told.parse().with_context(|| format!("hg says `{told}` for the number of a commit"))
}

/// The first commit of some that were found here.
fn found(told: &str) -> Option<Found> {
    let mut lines = told.lines();
    let commit = lines.next().filter(|commit| *commit != NULL)?.to_owned();
    Some(Found { commit, branch: lines.next().unwrap_or_default().to_owned() })
}

/// The commit that a server told; nothing was printed where it knows no such name.
pub(super) fn told_by_server(told: &str, url: &str, wanted: &Wanted) -> Result<String> {
    identified(told, wanted).ok_or_else(|| no_such(url, wanted))
}

/// The error that a server has not what is wanted.
pub(super) fn no_such(url: &str, wanted: &Wanted) -> anyhow::Error {
    let (kind, name) = (wanted.kind(), wanted.name());
    fault!(code::NO_REVISION, "`{url}` has no {kind} `{name}`")
}

/// The commit that a server told, with the bookmarks that it has there.
fn identified(told: &str, wanted: &Wanted) -> Option<String> {
    let mut lines = told.lines();
    let commit = lines.next()?;
    let whole = commit.len() == NULL.len() && commit != NULL;
    let is_it = match wanted {
        Wanted::Bookmark(name) => lines.any(|bookmark| bookmark == name),
        _ => true,
    };
    (whole && is_it).then(|| commit.to_owned())
}

/// Reads what `hg status --print0` prints: files that differ, and files that are not known.
fn files(status: &str) -> (Vec<String>, Vec<String>) {
    let (mut changed, mut unknown) = (Vec::new(), Vec::new());
    for line in status.split('\0') {
        match line.split_once(' ') {
            Some(("?", name)) => unknown.push(name.to_owned()),
            Some((_, name)) => changed.push(name.to_owned()),
            None => {}
        }
    }
    (changed, unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_is_read_with_odd_names() {
        // As hg 6.3 prints it.
        let (changed, unknown) = files("M a file\0R gone\0! lost\0? un\nknown\0");
        assert_eq!(changed, ["a file", "gone", "lost"]);
        assert_eq!(unknown, ["un\nknown"]);
        assert_eq!(files(""), (Vec::new(), Vec::new()));
    }

    #[test]
    fn a_commit_is_read_with_its_branch() {
        // As hg 6.3 prints it.
        let told = "03fe5d443b7af287d04563c6fb2b1dd6219450cf\na branch\n";
        let commit = told[..40].to_owned();
        assert_eq!(found(told), Some(Found { commit, branch: "a branch".into() }));
        assert_eq!(found(&format!("{NULL}\ndefault\n")), None);
        assert_eq!(found(""), None);
    }

    #[test]
    fn a_bookmark_is_one_that_the_server_has_there() {
        // As hg 6.3 prints it.
        let told = "03fe5d443b7af287d04563c6fb2b1dd6219450cf\nmain\nnext one\n";
        let commit = Some(told[..40].to_owned());
        assert_eq!(identified(told, &Wanted::Bookmark("next one".into())), commit);
        assert_eq!(identified(told, &Wanted::Bookmark("next".into())), None);
        assert_eq!(identified(told, &Wanted::Branch("default".into())), commit);
        assert_eq!(identified(&told[..41], &Wanted::Bookmark("main".into())), None);
        assert_eq!(identified(NULL, &Wanted::Branch("default".into())), None);
    }
}
