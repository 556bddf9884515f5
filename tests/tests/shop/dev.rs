//! One machine, and nobody is root.

use togusa_tests::lab::{HostSpec, Lab, User};

use crate::project::Project;

#[test]
fn a_developer_needs_no_root_and_leaves_nothing_outside_the_own_home() {
    let lab = Lab::start([HostSpec::new("here").user(User::new("jo"))]);
    let host = &lab["here"];
    let project = Project::new(&lab).on(host, "jo");
    host.sh("touch /srv/before");
    project.deploy("dev");
    assert_eq!(project.deploy("dev"), Vec::<String>::new());

    let page = host.sh("curl --silent --show-error --fail --insecure https://localhost:8443/");
    assert!(page.contains("<tr><td>Teapot</td><td>24.50 €</td>"), "{page}");
    let made = r#"home=~jo; find / -xdev -newer /srv/before -type f -not -path "$home/*""#;
    let made = host.sh(made);
    assert_eq!(made, "");
    let sandbox = "~jo/deployment/shop/dev/root/etc";
    assert!(host.read(&format!("{sandbox}/cron.d/shop-backup")).contains("\n30 2 * * * jo "));
    assert!(host.exists(&format!("{sandbox}/logrotate.d/shop-web")));
    assert_eq!(host.sh("ps -o user= -C shop-server"), "jo\n");
}
