//! Docker, by a real daemon on the host, whose containers are of busybox.

use std::sync::LazyLock;

use togusa_tests::lab::{HostSpec, User};

use crate::{Subject, wait_until};

/// One host for all tests: each has names of its own.
static HERE: LazyLock<Subject> = LazyLock::new(|| {
    let subject = Subject::on(HostSpec::new("here").user(User::new("al")));
    let host = subject.host();
    host.sh(START);
    let up = |words: &[&str]| host.command(words[0]).args(&words[1..]).output().code() == Some(0);
    wait_until("the daemon", || up(&["docker", "info"]));
    wait_until("the registry", || up(&["curl", "--fail", "--silent", "http://127.0.0.1:5000/v2/"]));
    host.sh(IMAGES);
    subject
});

/// A daemon that copies the files of images, for overlays cannot lie on one another. It wants the
/// groups of processes, which a host of the lab does not show. The command line of Docker writes down
/// how it is called.
const START: &str = r#"
mkdir -p /srv/docker /srv/image/bin
cat >/srv/start <<'END'
mount -t sysfs sysfs /sys
if [ "$(awk '$1 == "devices" { print $2 }' /proc/cgroups)" = 0 ]; then
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
else
    mount -t tmpfs cgroup /sys/fs/cgroup
    for name in $(awk '$4 == 1 { print $1 }' /proc/cgroups); do
        mkdir /sys/fs/cgroup/$name
        mount -t cgroup -o $name cgroup /sys/fs/cgroup/$name
    done
fi
exec dockerd --storage-driver=vfs --data-root=/srv/docker
END
cd /srv
setsid sh start >docker.log 2>&1 </dev/null &
cat >registry.yml <<'END'
version: 0.1
storage: { filesystem: { rootdirectory: /srv/registry } }
http: { addr: 127.0.0.1:5000 }
END
touch calls
cat >/usr/local/bin/docker <<'END'
#!/bin/sh
{ printf '%s\n' "$@"; env; } >>/srv/calls
for word in "$@"; do
    [ "$last" != --env-file ] || stat -c 'variables have mode %a' "$word" >>/srv/calls
    last=$word
done
exec /usr/bin/docker "$@"
END
chmod 755 /usr/local/bin/docker
setsid docker-registry serve registry.yml >registry.log 2>&1 </dev/null &
"#;

/// Two images of the same programs, one in a file, and one in the registry.
const IMAGES: &str = r#"
cp "$(command -v busybox)" /srv/image/bin/busybox
for library in $(ldd /srv/image/bin/busybox | grep -o '/[^ ]*'); do
    mkdir -p "/srv/image$(dirname "$library")"
    cp -L "$library" "/srv/image$library"
done
for name in sh sleep true echo; do ln -s busybox /srv/image/bin/$name; done
tar -C /srv/image -c . | docker import --change 'CMD ["/bin/sleep", "1000"]' - box:1
tar -C /srv/image -c . | docker import --change 'CMD ["/bin/sleep", "2000"]' - box:2
docker tag box:1 kept:1
docker save kept:1 -o /srv/kept.tar
docker image rm kept:1
docker tag box:1 localhost:5000/team/box:1
docker push localhost:5000/team/box:1
docker image rm localhost:5000/team/box:1
"#;

/// What Docker tells of something by a template.
#[track_caller]
fn told(kind: &str, name: &str, template: &str) -> String {
    HERE.host().sh(&format!("docker {kind} inspect {name} --format '{template}'")).trim().to_owned()
}

#[test]
fn an_image_is_pulled_or_loaded_and_removed() {
    let (host, site) = (HERE.host(), HERE.site("image"));
    let of = |settings: &str| {
        site.set(["docker-image"], &format!("[components.docker-image]\n{settings}"));
    };
    of("name = 'kept:1'\narchive = '/srv/kept.tar'");
    assert_eq!(site.converge(), ["+ create image"]);
    host.sh("docker image rm kept:1");
    assert_eq!(site.converge(), ["+ create image"]);
    of("name = 'docker.io/library/kept:1'\nabsent = true");
    assert_eq!(site.converge(), ["- remove image"]);
    of("name = 'other:1'\narchive = '/srv/kept.tar'");
    let failure = site.failure();
    assert!(failure.contains("`/srv/kept.tar` holds no image `other:1`"), "{failure}");

    of("name = 'localhost:5000/team/box:1'");
    assert_eq!(site.converge(), ["+ create image"]);
    let pinned = told("image", "localhost:5000/team/box:1", "{{index .RepoDigests 0}}");
    of(&format!("name = '{pinned}'"));
    assert_eq!(site.converge(), Vec::<String>::new());
    host.sh(&format!(
        "docker image rm localhost:5000/team/box:1; docker image rm -f {pinned} \
        2>/dev/null || true"
    ));
    assert_eq!(site.converge(), ["+ create image"]);
    of(&format!("name = '{pinned}'\nabsent = true"));
    assert_eq!(site.converge(), ["- remove image"]);
    of("name = 'localhost:5000/team/box:9'");
    let failure = site.failure();
    assert!(failure.contains("the image cannot be had"), "{failure}");
}

#[test]
fn a_network_is_made_anew_with_its_containers() {
    let (host, site) = (HERE.host(), HERE.site("network"));
    let of = |settings: &str| {
        let settings = format!("[components.docker-network]\nname = 'inner'\n{settings}");
        site.set(["docker-network"], &settings);
    };
    let all = "subnet = '10.77.0.0/24'\ngateway = '10.77.0.9'\nlabel = 'shop'";
    of(all);
    assert_eq!(site.converge(), ["+ create network"]);
    host.sh("docker network rm inner; docker network create --ipv6=false --internal inner \
        --subnet 10.78.0.0/24 --label of=other");
    host.sh("docker run --detach --name in-it --network inner box:1");
    let changes = site.converge();
    assert_eq!(changes[0], "~ subnet 10.78.0.0/24 → 10.77.0.0/24");
    assert!(changes[1].starts_with("~ gateway ") && changes[1].ends_with(" → 10.77.0.9"));
    assert_eq!(changes[2..], ["~ internal yes → no", "~ label of other → shop"]);
    let address = "{{.NetworkSettings.Networks.inner.IPAddress}}";
    assert!(told("container", "in-it", address).starts_with("10.77.0."));
    of("absent = true");
    let failure = site.failure();
    assert!(failure.contains("something in Docker still uses it"), "{failure}");
    host.sh("docker rm --force in-it");
    assert_eq!(site.converge(), ["- remove network"]);
}

#[test]
fn a_volume_keeps_its_data_unless_told() {
    let (host, site) = (HERE.host(), HERE.site("volume"));
    let of = |settings: &str| {
        let settings = format!("[components.docker-volume]\nname = 'goods'\n{settings}");
        site.set(["docker-volume"], &settings);
    };
    of("label = 'shop'");
    assert_eq!(site.converge(), ["+ create volume"]);
    host.sh("docker volume rm goods; docker volume create --label of=other goods");
    let failure = site.failure();
    assert!(failure.contains("is there with another label of other → shop"), "{failure}");
    of("label = 'shop'\nrecreate = true");
    assert_eq!(site.converge(), ["~ label of other → shop"]);
    of("absent = true");
    assert_eq!(site.converge(), ["- remove volume with all its data"]);
}

#[test]
fn a_container_is_made_anew_for_every_difference() {
    let (host, site) = (HERE.host(), HERE.site("container"));
    let of = |settings: &str| {
        let settings = format!("[components.docker-container]\nname = 'app'\n{settings}");
        site.set(["docker-container"], &settings);
    };
    host.sh("docker network create app-net; touch /srv/given /srv/other");
    host.sh("docker network create app-more");
    let all = "image = 'box:1'\ncommand = ['/bin/sleep', '3000']\nports = ['127.0.0.1:8099:80']\n\
        networks = ['app-net', 'app-more']\nvolume = 'app-data'\nbind = '/srv/given'\n\
        password = 'hunter2 $x \"'\nuser = '33:33'\noptions = ['--memory=64m']";
    of(all);
    assert_eq!(site.converge(), ["+ create container of `box:1`"]);
    let of_it = |template: &str| told("container", "app", template);
    assert_eq!(of_it("{{index .Config.Env 0}}"), "PASSWORD=hunter2 $x \"");
    assert_eq!(of_it("{{.HostConfig.Memory}}"), "67108864");
    assert_eq!(
        of_it("{{.State.Status}} {{.HostConfig.RestartPolicy.Name}}"),
        "running unless-stopped"
    );
    let left = host
        .sh("find / -xdev -name '.app.env' 2>/dev/null; docker ps -aq --filter name=togusa-new");
    assert_eq!(left, "");
    let calls = host.read("/srv/calls");
    assert!(calls.contains("variables have mode 600"), "{calls}");
    assert!(calls.contains("--memory=64m") && !calls.contains("hunter2"), "{calls}");

    host.sh("docker rm --force app; docker run --detach --name app --user 34 --publish 8098:80 \
         --network app-net --mount type=bind,source=/srv/given,target=/given \
         --env PASSWORD=hunter3 box:2 /bin/sleep 1000");
    let changes = [
        "~ image box:2 → box:1",
        "~ command /bin/sleep 1000 → /bin/sleep 3000",
        "~ ports 8098:80/tcp → 127.0.0.1:8099:80/tcp",
        "~ mounts /srv/given on /given → /srv/given on /given read-only, app-data on /data",
        "~ networks app-net → app-more, app-net",
        "~ restart no → unless-stopped",
        "~ user 34 → 33:33",
        "~ variable `PASSWORD` has another value",
    ];
    assert_eq!(site.converge(), changes);
    for (drift, seen) in [
        ("docker network disconnect app-more app", "~ networks app-net → app-more, app-net"),
        ("docker kill app", "~ state exited with 137 → running"),
        ("docker rename app app.togusa-new", "- remove app.togusa-new"),
    ] {
        host.sh(drift);
        assert_eq!(site.converge()[0], seen, "{drift}");
    }
    // The name leads to another image, as after a pull.
    host.sh("docker tag box:1 app:now");
    of(&all.replace("box:1", "app:now"));
    assert_eq!(site.converge(), ["~ image box:1 → app:now"]);
    host.sh("docker tag box:2 app:now");
    let changes = site.converge();
    assert!(changes.len() == 1 && changes[0].starts_with("~ image "), "{changes:?}");
    of("image = 'app:now'\nstopped = true");
    let changes = site.converge();
    assert_eq!(changes.last().unwrap(), "~ state running → stopped", "{changes:?}");
    assert_eq!(of_it("{{.State.Status}}"), "created");
    host.sh("docker start app");
    assert_eq!(site.converge(), ["~ state running → stopped"]);
    of("");
    assert_eq!(site.converge(), ["- remove container"]);
}

#[test]
fn who_may_not_ask_docker_is_told_who_may() {
    let site = HERE.site_of("al", "outsider");
    site.set(["docker-volume"], "[components.docker-volume]\nname = 'goods'");
    let failure = site.failure();
    assert!(failure.contains("the daemon of Docker does not let this user in"), "{failure}");
}

#[test]
fn what_keeps_a_container_from_running_is_told() {
    let (host, site) = (HERE.host(), HERE.site("broken"));
    let of = |settings: &str| {
        let settings = format!("[components.docker-container]\nname = 'bad'\n{settings}");
        site.set(["docker-container"], &settings);
    };
    let first = "image = 'box:1'\ncommand = ['/bin/sleep', '100']";
    of(first);
    assert_eq!(site.converge(), ["+ create container of `box:1`"]);
    // What cannot be created leaves the old one alone.
    of("image = 'localhost:5000/team/none:1'");
    let failure = site.failure();
    assert!(failure.contains("the image cannot be had"), "{failure}");
    assert_eq!(told("container", "bad", "{{.State.Status}} {{.Config.Image}}"), "running box:1");

    of(
        "image = 'box:1'\ncommand = ['/bin/sh', '-c', 'echo no configuration; exit 3']\nrestart = 'no'",
    );
    let failure = site.failure();
    assert!(failure.contains("was to run, and is exited with 3"), "{failure}");
    assert!(failure.contains("| no configuration"), "{failure}");
    host.sh("docker run --detach --name takes --publish 8123:80 box:1");
    of(&format!("{first}\nports = ['8123:80']"));
    let failure = site.failure();
    assert!(failure.contains("a port that the container publishes is taken"), "{failure}");
    host.sh("docker rm --force takes");
    assert_eq!(site.converge(), ["~ state created → running"]);
    of("");
    assert_eq!(site.converge(), ["- remove container"]);
}

#[test]
fn who_or_what_is_missing_is_named() {
    let lacking = Subject::on(HostSpec::new("here").user(User::new("al")));
    let (host, site) = (lacking.host(), lacking.site("lacking"));
    site.set(["docker-volume"], "[components.docker-volume]\nname = 'goods'");
    let failure = site.failure();
    assert!(failure.contains("the daemon of Docker does not run"), "{failure}");
    host.sh("rm -f $(command -v docker) /usr/bin/docker");
    let failure = site.failure();
    assert!(failure.contains("install the package `docker.io`"), "{failure}");
}
