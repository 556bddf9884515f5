//! Packages of Debian, from a repository that each host has for itself.

use crate::{Subject, wait_until};

/// Makes packages and the index of them: `package NAME VERSION [FIELDS]`, `index`.
const TOOLS: &str = r#"
repo=/srv/repo
package() {
    rm -rf /tmp/build; mkdir -p /tmp/build/DEBIAN /tmp/build/usr/share/$1 /tmp/build/etc $repo
    echo "$2" >/tmp/build/usr/share/$1/version
    echo "from $2" >/tmp/build/etc/$1.conf
    echo "/etc/$1.conf" >/tmp/build/DEBIAN/conffiles
    printf 'Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: T <t@example.org>\n%sDescription: x\n' \
        "$1" "$2" "${3:-}" >/tmp/build/DEBIAN/control
    if [ -n "${4:-}" ]; then
        printf '#!/bin/sh\nset -e\n%s\n' "$4" >/tmp/build/DEBIAN/postinst
        chmod 755 /tmp/build/DEBIAN/postinst
    fi
    dpkg-deb --build --root-owner-group /tmp/build "$repo/$1_$2_all.deb" >/dev/null
}
index() {
    cd $repo
    for deb in *.deb; do
        dpkg-deb --field "$deb"
        printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' \
            "$deb" "$(stat -c %s "$deb")" "$(sha256sum "$deb" | cut -d' ' -f1)"
    done >Packages
    { printf 'Origin: t\nDate: %s\nSHA256:\n' "$(LC_ALL=C date -Ru)"
      printf ' %s %s Packages\n' "$(sha256sum Packages | cut -d' ' -f1)" "$(stat -c %s Packages)"
    } >Release
}
"#;

/// A host whose one source of packages is a directory of its own.
struct Shop {
    subject: Subject,
}

impl Shop {
    fn start() -> Self {
        let shop = Self { subject: Subject::start() };
        shop.sh("rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/* /var/lib/apt/lists/*");
        shop.sh("package tool 1.0; package other 1.0; index");
        let source = "Types: deb\nURIs: file:/srv/repo\nSuites: ./\nTrusted: yes\n";
        shop.subject.host().write("/etc/apt/sources.list.d/own.sources", source);
        shop
    }

    fn sh(&self, script: &str) -> String {
        self.subject.host().sh(&format!("{TOOLS}\n{script}"))
    }

    /// The version that is installed, and how far that came.
    fn version(&self, name: &str) -> String {
        let show =
            "dpkg-query --show --showformat '${db:Status-Want} ${Version} ${db:Status-Status}'";
        self.sh(&format!("{show} {name} 2>/dev/null || echo none")).trim().to_owned()
    }
}

#[test]
fn packages_are_installed_in_the_version_that_is_asked_for_and_removed() {
    let shop = Shop::start();
    let site = shop.subject.site("packages");
    let set = |packages: &str, more: &str| {
        site.set(["packages"], &format!("[components.packages]\npackages = [{packages}]\n{more}"));
    };
    set("'tool', 'other'", "");
    assert_eq!(site.converge(), ["+ create package tool", "+ create package other"]);
    assert_eq!(shop.version("tool"), "install 1.0 installed");

    shop.sh("dpkg --remove tool");
    assert_eq!(site.converge(), ["+ create package tool"]);
    // Newer than the index, and younger than it may be.
    shop.sh("package tool 2.0; index; echo mine >/etc/tool.conf");
    assert_eq!(site.converge(), [""; 0], "another version is not asked for");
    set("'tool=2.0'", "");
    assert_eq!(site.converge(), ["~ version of tool 1.0 → 2.0"]);
    assert_eq!(shop.subject.host().read("/etc/tool.conf"), "mine\n", "what was changed is kept");
    set("'tool=1.0'", "held = true");
    assert_eq!(site.converge(), ["~ version of tool 2.0 → 1.0", "~ hold of tool no → yes"]);
    assert_eq!(shop.version("tool"), "hold 1.0 installed");
    set("'tool=2.0'", "held = true");
    assert_eq!(site.converge(), ["~ version of tool 1.0 → 2.0"], "a hold is about what others do");
    set("'tool'", "held = false");
    assert_eq!(site.converge(), ["~ hold of tool yes → no"]);

    shop.sh("package tool 3.0; index; touch -d 1990-01-01 /var/lib/apt/periodic/*");
    shop.sh("touch -d 1990-01-01 /var/lib/apt/lists /var/lib/apt/lists/partial");
    set("'tool'", "latest = true");
    let old = "~ the index of packages is too old to tell what is the latest";
    let done = site.deploy().expect(0).differences();
    assert_eq!(done, [old]);
    assert_eq!(shop.version("tool"), "install 3.0 installed");
    shop.sh("package tool 4.0; index; apt-get update");
    assert_eq!(site.converge(), ["~ version of tool 3.0 → 4.0"]);

    set("'tool', 'other', 'never-there'", "absent = true");
    let removed = ["- remove package tool 4.0", "- remove package other 1.0"];
    assert_eq!(site.converge(), removed);
    assert_eq!(shop.version("tool"), "deinstall 4.0 config-files");
    set("'tool'", "purged = true");
    assert_eq!(site.converge(), ["- remove configuration of package tool"]);
    assert_eq!(shop.version("tool"), "none");
    assert!(!shop.subject.host().exists("/etc/tool.conf"));

    set("'no-such-package'", "");
    let failure = site.failure();
    assert!(failure.contains("Unable to locate package no-such-package"), "{failure}");
    assert!(failure.contains("hint: name a package and a version"), "{failure}");
}

#[test]
fn two_roots_with_packages_at_once_wait_for_each_other_and_for_others() {
    let shop = Shop::start();
    shop.sh("package slow 1.0 '' 'until [ -e /run/go ]; do sleep 0.05; done'; index");
    shop.sh("package held 1.0 '' 'touch /run/other; until [ -e /run/free ]; do sleep 0.05; done'");
    let held =
        shop.subject.host().command("dpkg").args(["-i", "/srv/repo/held_1.0_all.deb"]).spawn();
    wait_until("the other program", || shop.subject.host().exists("/run/other"));
    let site = shop.subject.site("two");
    let text = "[components.packages]\npackages = ['tool', 'slow']\n\
                [components.more-packages]\npackages = ['other']";
    site.set(["packages", "more-packages"], text);
    let running = site.command("deploy two --json").spawn();
    running.wait_until_printed("Waiting for cache lock");
    shop.subject.host().write("/run/free", "");
    held.wait().succeeded();
    shop.subject.host().write("/run/go", "");
    running.wait().succeeded();
    let shim = "#!/bin/sh\necho >>/run/queries\nexec /usr/bin/dpkg-query \"$@\"\n";
    shop.subject.host().write("/usr/local/bin/dpkg-query", shim);
    shop.sh("chmod 755 /usr/local/bin/dpkg-query");
    assert_eq!(site.deploy().expect(0).differences(), [""; 0]);
    assert_eq!(shop.subject.host().read("/run/queries"), "\n", "one query for both");
    for name in ["tool", "slow", "other"] {
        assert_eq!(shop.version(name), "install 1.0 installed", "{name}");
    }
}

#[test]
fn an_installation_that_was_killed_is_finished() {
    let shop = Shop::start();
    shop.sh(
        "package slow 1.0 '' 'touch /run/at; until [ -e /run/go ]; do sleep 0.05; done'; index",
    );
    shop.sh("apt-get update");
    let site = shop.subject.site("killed");
    site.set(["packages"], "[components.packages]\npackages = ['slow', 'tool']");
    let host = shop.subject.host();
    let install = ["install", "-y", "slow"];
    let running = host.command("apt-get").args(install).own_group().spawn();
    wait_until("the installation", || host.exists("/run/at"));
    for process in host.processes_with("slow").into_iter().chain(host.processes_with("dpkg")) {
        let pid = nix::unistd::Pid::from_raw(process.pid);
        // It may have ended with another.
        let _ = nix::sys::signal::kill(pid, togusa_tests::lab::Signal::SIGKILL);
    }
    running.wait();
    assert_eq!(shop.version("slow"), "install 1.0 half-configured");
    // What dpkg noted and did not come to write into its status: with this apt does nothing at all.
    shop.sh(
        "dpkg --status slow >/var/lib/dpkg/updates/0001; apt-get check 2>&1 | grep interrupted",
    );
    host.write("/run/go", "");
    let half = "~ package slow is half-configured, not installed";
    assert_eq!(site.converge(), [half, "+ create package tool"]);
    assert_eq!(shop.version("slow"), "install 1.0 installed");
}

#[test]
fn a_source_is_added_with_its_key_and_removed() {
    let shop = Shop::start();
    let host = shop.subject.host();
    host.sh("rm -rf /etc/apt/sources.list.d/*; apt-get update");
    let make = "export GNUPGHOME=/run/gpg; mkdir -m 700 -p $GNUPGHOME
                gpg --batch --quiet --passphrase '' --quick-gen-key shop@example.org ed25519 sign
                gpg --armor --export shop@example.org; gpgconf --kill all";
    let key = host.sh(make);
    host.sh("GNUPGHOME=/run/gpg gpg --batch --quiet --clearsign -o /srv/repo/InRelease /srv/repo/Release
             GNUPGHOME=/run/gpg gpgconf --kill all");
    let site = shop.subject.site("source");
    let set = |key: &str, more: &str| {
        let text = format!(
            "[components.repository]\nname = 'own'\nuri = 'file:/srv/repo'\n\
             suite = './'\n{more}\nkey = '''\n{key}'''"
        );
        site.set(["repository"], &text);
    };
    let wrong = host.sh(&make.replace("/run/gpg", "/run/other-gpg"));
    set(&wrong, "");
    let failure = site.failure();
    assert!(failure.contains("hint: correct the sources below `/etc/apt`"), "{failure}");
    set(&key, "");
    host.sh("touch -d 1990-01-01 /var/lib/apt/lists /var/lib/apt/lists/partial");
    let changes = site.converge();
    let fetched = host.sh("stat -c %y /var/lib/apt/lists /var/lib/apt/lists/partial");
    let is_old = fetched.lines().all(|line| line.starts_with("1990"));
    assert!(is_old, "the index of the other sources passes for a new one: {fetched}");
    assert!(changes.iter().any(|change| change.starts_with("triggered by")), "{changes:?}");
    let sources = host.read("/etc/apt/sources.list.d/own.sources");
    let signed = "Signed-By: /etc/apt/keyrings/own.asc\n";
    assert_eq!(sources, format!("Types: deb\nURIs: file:/srv/repo\nSuites: ./\n{signed}"));
    assert!(host.sh("apt-cache policy tool").contains("Candidate: 1.0"));

    host.sh("echo >>/etc/apt/keyrings/own.asc");
    assert!(site.converge()[0].starts_with("~ content"));
    host.sh("chmod 600 /etc/apt/sources.list.d/own.sources");
    assert_eq!(site.converge()[0], "~ mode 0600 → 0644");
    set(&key, "architectures = ['amd64']");
    assert!(site.converge()[0].starts_with("~ content (+1"));

    site.set(["repository"], "[components.repository]\nname = 'own'\nabsent = true");
    assert_eq!(site.converge().len(), 4, "two files, and one trigger for each");
    assert!(!host.exists("/etc/apt/keyrings/own.asc"));
    assert!(!host.sh("apt-cache policy tool").contains("Candidate: 1.0"));
    host.sh("rm -r /srv/repo");
    set(&key, "");
    let failure = site.failure();
    assert!(failure.contains("/srv/repo"), "{failure}");
    assert!(failure.contains("hint: correct the sources below `/etc/apt`"), "{failure}");
}

#[test]
fn a_host_without_apt_or_one_that_is_broken_is_told() {
    let subject = Subject::start();
    let site = subject.site("without");
    site.set(["packages"], "[components.packages]\npackages = ['no-such-tool']");
    subject.host().sh("printf '#!/bin/sh\\necho broken >&2\\nexit 9' >/usr/bin/apt-get");
    let failure = site.failure();
    assert!(failure.contains("exited with 9") && failure.contains("| broken"), "{failure}");
    subject.host().sh("rm /usr/bin/apt-get");
    assert!(site.failure().contains("there is no program `apt-get`"));
    subject.host().sh("rm /usr/bin/dpkg-query");
    let failure = site.failure();
    assert!(failure.contains("there is no program `dpkg-query`"), "{failure}");
    assert!(failure.contains("hint: packages of apt are for Debian"), "{failure}");
    let subject_of_user = Subject::start();
    subject_of_user.host().sh("useradd -m anna");
    let site = subject_of_user.site_of("anna", "user");
    site.set(["packages"], "[components.packages]\npackages = ['no-such-tool']");
    assert!(site.failure().contains("only root may change packages, and this runs as `anna`"));
}
