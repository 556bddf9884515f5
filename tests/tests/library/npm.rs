//! Packages of a real npm, for the whole host and of another user.

use crate::Subject;

#[test]
fn a_package_is_for_the_host_and_a_locked_project_for_its_user() {
    let subject = Subject::start();
    let host = subject.host();
    host.sh(r#"useradd --create-home app
         mkdir -p /srv/tool && cd /srv/tool
         echo '{"name": "togusa-tool", "version": "1.0.0", "bin": "cli.js"}' >package.json
         printf '#!/bin/sh\necho it runs\n' >cli.js && chmod 755 cli.js
         npm pack --offline --silent >/dev/null
         install -d -o app /srv/app && cd /srv/app
         runuser -u app -- npm install --offline --silent /srv/tool/togusa-tool-1.0.0.tgz
         rm -r node_modules"#);
    let site = subject.site("npm");
    let package = "[components.npm]\npackage = 'togusa-tool'\nversion = '1.0.0'\n\
                   source = '/srv/tool/togusa-tool-1.0.0.tgz'\n";
    site.set(["npm"], package);
    assert_eq!(site.converge(), ["+ create package togusa-tool 1.0.0"]);
    assert_eq!(host.sh("togusa-tool"), "it runs\n");
    site.set(["npm"], &format!("{package}absent = true\n"));
    assert_eq!(site.converge(), ["- remove package togusa-tool"]);
    assert_eq!(host.sh("command -v togusa-tool || echo gone"), "gone\n");

    site.set(["npm"], "[components.npm]\ndirectory = '/srv/app'\nuser = 'app'\n");
    assert_eq!(site.converge(), ["+ create package togusa-tool 1.0.0"]);
    assert_eq!(host.sh("/srv/app/node_modules/.bin/togusa-tool"), "it runs\n");
    assert_eq!(host.sh("find /srv/app ! -user app"), "");

    host.sh("while npm=$(command -v npm); do mv $npm $npm.away; done");
    assert_eq!(site.converge(), [""; 0], "what is locked is told without npm");
    host.sh("rm -r /srv/app/node_modules");
    let failure = site.failure();
    assert!(failure.contains("there is no program `npm`"), "{failure}");
    assert!(failure.contains("install the package `npm`"), "{failure}");
}
