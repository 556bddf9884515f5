//! A host with much on it, where nothing is to be done.

use togusa_tests::library_subject::crowd;

use crate::Subject;

/// As many programs as a deployment may start there.
const PROGRAMS: usize = 30;

#[test]
fn facts_of_many_components_come_from_few_programs() {
    let here = Subject::start();
    crowd::prepare(here.host());
    let site = here.site("crowd");
    site.set([crowd::ROOT], "");
    site.deploy().expect(0);

    let ran = site.deploy_traced("/srv/trace").expect(0);
    assert_eq!(ran.changes(), [""; 0]);
    let started = here.host().sh("grep -c 'execve(.* = 0$' /srv/trace");
    let started: usize = started.trim().parse().unwrap();
    // The first one is the deployment itself; packages and services took one at least.
    assert!((3..=PROGRAMS).contains(&started), "{}", here.host().read("/srv/trace"));
}
