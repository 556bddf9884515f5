//! What a target directory tells to who looks at it without an agent.

use std::path::{Path, PathBuf};

use crate::names::HostName;
use crate::problem::Problem;

use super::state::{HostLock, Identity, StateError};

/// Why a target directory whose `.togusa/identity.json` has this content cannot be used for a host
/// of an environment of a project, if so.
pub fn foreign(
    path: &Path,
    (project, environment, host): (&str, &str, &HostName),
    identity: &str,
) -> Option<Problem> {
    let (project, environment) = (project.to_owned(), environment.to_owned());
    let wanted = Identity { project, environment, host: host.clone() };
    wanted.check_content(path, identity).err().map(StateError::into_problem)
}

/// That a deployment holds the lock of a target directory whose `.togusa/holder.json` has this
/// content.
pub fn locked(path: &Path, holder: &str) -> Problem {
    HostLock::held(path, holder).into_problem()
}

/// That something else than a directory stands in the way to a target directory.
pub fn no_directory(path: impl Into<PathBuf>) -> Problem {
    StateError::NoDirectory { path: path.into() }.into_problem()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_of_another_is_told_from_the_own_one() {
        let foreign = |content: &str| {
            let of = ("shop", "live", &"web1".into());
            let problem = foreign(Path::new("/srv/shop"), of, content);
            problem.map(|problem| problem.to_string())
        };
        let own = r#"{"project":"shop","environment":"live","host":"web1"}"#;
        assert_eq!(foreign(own), None);
        let told = foreign(&own.replace("live", "dev")).unwrap();
        let names = "belongs to project `shop`, environment `dev`, host `web1`, not to project";
        assert!(told.contains(names) && told.contains("\n  hint: set another"), "{told}");
        assert!(foreign("{").unwrap().starts_with("`/srv/shop/.togusa/identity.json` is damaged"));
    }

    #[test]
    fn who_holds_a_lock_is_told_as_far_as_it_is_known() {
        let content = r#"{"who":"ada@desk","pid":7,"since":0,"updates":["app: App"]}"#;
        let told = locked(Path::new("/t"), content).to_string();
        assert!(told.contains("ada@desk, process 7, for ") && told.contains("updating app: App"));
        assert!(locked(Path::new("/t"), "").to_string().contains("has not said who it is"));
    }
}
