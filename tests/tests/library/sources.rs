//! Checkouts and scripts of another user.

use std::sync::LazyLock;

use crate::Subject;

/// One host for all tests of sources, with the user `web` and a repository.
static HERE: LazyLock<Subject> = LazyLock::new(|| {
    let here = Subject::start();
    here.host().sh("useradd --create-home --shell /bin/sh web");
    // Stands for ssh: notes what it was told and who runs it, looks at the key, and serves from here.
    here.host().sh(r#"cat >/usr/local/bin/ssh <<'EOF'
#!/bin/sh
echo "$(id -un): $*" >>/tmp/ssh.log
while [ $# -gt 0 ]; do
    case "$1" in
        -i) grep -q 'of the test' "$2" && stat -c 'key %a %U' "$2" >>/tmp/ssh.log; shift 2 ;;
        -o) shift 2 ;;
        -*) shift ;;
        *) break ;;
    esac
done
shift
exec sh -c "$*"
EOF
chmod 755 /usr/local/bin/ssh"#);
    here
});

#[test]
fn a_checkout_of_another_user_is_reached_over_ssh_with_its_own_key() {
    let host = HERE.host();
    host.sh("mkdir -p /srv/git && cd /srv/git && git init -q --bare -b main app.git
         git clone -q app.git work 2>/dev/null && cd work && git checkout -q -b main
         echo one > file && git add file
         git -c user.name=a -c user.email=a@b commit -q -m one && git push -q origin main
         chown -R web: /srv/git/app.git");
    let site = HERE.site("checkout");
    let attributes = "[components.checkout]\nurl = 'git@server:/srv/git/app.git'\n\
                      path = '/srv/app'\nuser = 'web'\nkey = 'the private key of the test'\n\
                      known_hosts = 'server ssh-ed25519 AAAA'\n";
    site.set(["checkout"], attributes);
    let changes = site.converge();
    assert!(changes.iter().any(|change| change.starts_with("+ create checkout of")), "{changes:?}");
    assert_eq!(
        host.sh("cat /srv/app/file; stat -c %U /srv/app /srv/app/file /srv/app/.git"),
        "one\nweb\nweb\nweb\n"
    );
    let log = host.read("/tmp/ssh.log");
    assert!(log.contains("web: -o BatchMode=yes -i /srv/.app.git-key"), "{log}");
    assert!(log.contains("UserKnownHostsFile=\"/srv/.app.git-known_hosts\""), "{log}");
    assert!(log.contains("key 600 web") && !log.contains("the private key"), "{log}");

    host.sh("chown -R root: /srv/git/app.git; cd /srv/git/work && echo two > file
         git -c user.name=a -c user.email=a@b commit -q -a -m two && git push -q origin main
         chown -R web: /srv/git/app.git");
    assert_eq!(site.converge().len(), 1);
    assert_eq!(host.sh("cat /srv/app/file; stat -c %U /srv/app/file"), "two\nweb\n");
    assert_eq!(site.converge(), [""; 0]);

    host.sh("while git=$(command -v git); do mv $git $git.away; done");
    let failure = site.failure();
    host.sh("for git in /usr/bin/git /usr/local/bin/git; do mv $git.away $git || true; done");
    assert!(
        failure.contains("there is no program `git`")
            && failure.contains("install the package `git`"),
        "{failure}"
    );
}

#[test]
fn a_checkout_of_mercurial_of_another_user_is_reached_over_ssh_with_its_own_key() {
    let host = HERE.host();
    host.sh("mkdir -p /srv/hg/app && cd /srv/hg/app && hg init && echo one > file
         hg commit -q -A -u a -m one && chown -R web: /srv/hg/app");
    let site = HERE.site("hg-checkout");
    let attributes = "[components.hg-checkout]\nurl = 'ssh://hg@server//srv/hg/app'\n\
                      path = '/srv/hg/deployed'\nuser = 'web'\n\
                      key = 'the private key of the test'\nknown_hosts = 'hg ssh-ed25519 AAAA'\n";
    site.set(["hg-checkout"], attributes);
    let changes = site.converge();
    assert!(changes.iter().any(|change| change.starts_with("+ create checkout of")), "{changes:?}");
    let state = "cd /srv/hg/deployed; cat file; find . ! -user web; cat .hg/hgrc";
    let settings = "[paths]\ndefault = ssh://hg@server//srv/hg/app\n";
    assert_eq!(host.sh(state), format!("one\n{settings}"));
    let log = host.read("/tmp/ssh.log");
    assert!(log.contains("web: -o BatchMode=yes -i /srv/hg/.deployed.hg-key"), "{log}");
    assert!(log.contains("UserKnownHostsFile=\"/srv/hg/.deployed.hg-known_hosts\""), "{log}");
    assert!(log.contains("key 600 web") && !log.contains("the private key"), "{log}");

    host.sh("cd /srv/hg/app && echo two > file && runuser -u web -- hg commit -u a -m two");
    assert_eq!(site.converge().len(), 1);
    assert_eq!(host.sh(state), format!("two\n{settings}"));
    // Mercurial trusts no settings of somebody else, and still it is known where it is from.
    host.sh("chown root: /srv/hg/deployed/.hg/hgrc");
    assert_eq!(site.converge(), [""; 0]);

    host.sh("mv /usr/bin/hg /usr/bin/hg.away");
    let failure = site.failure();
    host.sh("mv /usr/bin/hg.away /usr/bin/hg");
    assert!(
        failure.contains("there is no program `hg`")
            && failure.contains("install the package `mercurial`"),
        "{failure}"
    );
    site.set(["hg-checkout"], &format!("{attributes}absent = true\n"));
    assert_eq!(site.converge().len(), 3);
    assert_eq!(host.sh("ls -A /srv/hg"), "app\n");
}

#[test]
fn a_script_of_another_user_is_private_to_that_user() {
    let host = HERE.host();
    let site = HERE.site("script");
    // Who runs a script has to be able to reach the work directory.
    host.sh("chmod 711 /root; install -d -o web /srv/out");
    site.set(["script"], "[components.script]\nuser = 'web'\nout = '/srv/out/who'\n");
    site.converge();
    assert_eq!(host.read("/srv/out/who"), "web\n600 web\n");
}
