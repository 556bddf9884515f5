//! Packages of dnf, zypper and pacman by the real programs, from repositories that the host has for
//! itself, as hosts of their platforms have them.

use crate::{Site, Subject};

/// Makes packages of RPM and of pacman: `package NAME VERSION PROVIDED`, `index`.
const TOOLS: &str = r#"
set -e
export HOME=/root
package() {
    mkdir -p /srv/rpm /srv/arch /srv/build/usr/share/$1
    cd /srv/build
    echo "$2" >usr/share/$1/version
    { printf 'Name: %s\nVersion: %s\nRelease: 1\nSummary: x\nLicense: x\nBuildArch: noarch\n' "$1" "$2"
      printf 'Provides: %s\n%%description\nx\n%%install\n' "$3"
      printf 'mkdir -p %%{buildroot}/usr/share/%s\n' "$1"
      printf 'echo %s >%%{buildroot}/usr/share/%s/version\n' "$2" "$1"
      printf '%%files\n/usr/share/%s\n' "$1"
    } >$1.spec
    rpmbuild --quiet -bb --define '_rpmdir /srv/rpm' --define '_topdir /srv/top' $1.spec
    printf 'pkgname = %s\npkgver = %s-1\npkgdesc = x\nurl = x\nbuilddate = 1\npackager = x\nsize = 1\narch = any\nprovides = %s\n' \
        "$1" "$2" "$3" >.PKGINFO
    tar -cf - .PKGINFO usr | zstd -q >/srv/arch/$1-$2-1-any.pkg.tar.zst
    rm -r usr
}
index() {
    createrepo_c -q /srv/rpm
    cd /srv/arch
    rm -f own.*
    repo-add -q own.db.tar.gz *.zst >/dev/null 2>&1
}
"#;

fn start() -> Subject {
    let subject = Subject::start();
    let host = subject.host();
    host.write(
        "/etc/yum.repos.d/own.repo",
        "[own]\nname=own\nbaseurl=file:///srv/rpm\ngpgcheck=0\n",
    );
    // Debian's RPM looks into the home of who calls it, where no zypper does.
    host.write("/etc/rpm/macros.here", "%_dbpath /var/lib/rpm\n");
    host.write(
        "/etc/pacman.conf",
        "[options]\nArchitecture = auto\nSigLevel = Never\n[own]\nServer = file:///srv/arch\n",
    );
    host.sh(&format!("{TOOLS} package tool 1.0 a-tool; package other 1.0 virtual-other; index"));
    subject
}

/// Goes through all that can be asked for; `newer` is the second version as it is shown.
#[track_caller]
fn goes_all_ways(subject: &Subject, site: &Site<'_>, platform: &str) {
    let set = |packages: &str, more: &str| {
        let package = format!("[components.package]\npackages = [{packages}]\n{more}");
        site.set(["package"], &format!("platform = '{platform}'\n{package}"));
    };
    let version = || subject.host().sh("cat /usr/share/tool/version || echo none");
    set("'tool', 'virtual-other'", "");
    let created = ["+ create package tool", "+ create package virtual-other"];
    assert_eq!(site.converge(), created, "{platform}");
    assert_eq!(version(), "1.0\n");
    set("'tool=1.0', 'other=1.0-1'", "");
    assert_eq!(site.converge(), [""; 0], "{platform}");
    // The index is older than the package.
    subject.host().sh(&format!("{TOOLS} package tool 2.0 a-tool; index"));
    set("'tool=2.0'", "");
    assert_eq!(site.converge(), ["~ version of tool 1.0-1 → 2.0"], "{platform}");
    assert_eq!(version(), "2.0\n");
    set("'tool=9'", "");
    let failure = site.failure();
    assert!(failure.contains("name a package and a version"), "{failure}");
    assert_eq!(version(), "2.0\n");
    set("'tool', 'more'", "absent = true");
    assert_eq!(site.converge(), ["- remove package tool 2.0-1"], "{platform}");
    assert_eq!(version(), "none\n");
    subject.host().sh("rm -f /srv/rpm/noarch/tool-2* /srv/arch/tool-2*");
    subject.host().sh(&format!("{TOOLS} index"));
}

#[test]
fn packages_follow_the_platform() {
    let subject = start();
    let site = subject.site("package");
    goes_all_ways(&subject, &site, "fedora");
    subject.host().sh("rpm --erase other");
    subject.host().sh("zypper --non-interactive --quiet addrepo --no-gpgcheck file:///srv/rpm own");
    goes_all_ways(&subject, &site, "opensuse-leap");
    subject.host().sh("rpm --erase other");
    goes_all_ways(&subject, &site, "arch");

    let package = "[components.package]\npackages = ['hello=0.1']\n";
    site.set(["package"], package);
    assert_eq!(site.plan().expect(0).differences(), ["+ create package hello 0.1"]);
    subject.host().sh("mv /usr/bin/rpm /usr/bin/rpm.away");
    site.set(["package"], &format!("platform = 'fedora'\n{package}"));
    let failure = site.failure();
    assert!(failure.contains("there is no program `rpm`"), "{failure}");
    assert!(failure.contains("`dnf` looks after packages of Fedora"), "{failure}");
}
