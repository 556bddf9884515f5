//! The system itself: kernel, names, locales, volumes.

use std::sync::LazyLock;

use crate::Subject;

/// One host for all tests of the system.
static HERE: LazyLock<Subject> = LazyLock::new(Subject::start);

#[test]
fn a_parameter_of_the_kernel_is_set_now_and_at_boot() {
    let host = HERE.host();
    let site = HERE.site("sysctl");
    let name = "net.ipv4.ip_local_port_range";
    let now = || host.sh(&format!("sysctl -n {name}"));
    let before = now().split_whitespace().collect::<Vec<_>>().join(" ");
    let text = format!("[components.sysctl]\nname = '{name}'\nvalue = '20000 60000'");
    site.set(["sysctl"], &text);
    let value = format!("~ value {before} → 20000 60000");
    let file = "+ create file (mode 0644, owner root)";
    assert_eq!(site.converge(), [&*value, file, "~ content (+2 -0 lines)"]);
    let path = format!("/etc/sysctl.d/99-togusa-{name}.conf");
    assert_eq!(host.read(&path), format!("# Kept by togusa.\n{name} = 20000 60000\n"));
    // What a boot does.
    host.sh(&format!("sysctl -q -w {name}='1024 2048'; sysctl -q -p {path}"));
    assert_eq!(now(), "20000\t60000\n");

    for (drift, seen) in [
        (format!("sysctl -q -w {name}='1024 2048'"), "~ value 1024 2048 → 20000 60000"),
        (format!("echo >>{path}"), "~ content (+0 -1 lines)"),
        (format!("chmod 666 {path}"), "~ mode 0666 → 0644"),
    ] {
        host.sh(&drift);
        assert_eq!(site.converge(), [seen], "{drift}");
    }
    site.set(["sysctl"], &format!("[components.sysctl]\nname = '{name}'"));
    assert_eq!(site.converge(), ["- remove file"]);
    assert_eq!(now(), "20000\t60000\n");
    site.set(["sysctl"], &format!("{}\nonly_now = true", text.replace("60000", "50000")));
    assert_eq!(site.converge(), ["~ value 20000 60000 → 20000 50000"]);
    assert!(!host.exists(&path));
    let other = "/etc/sysctl.d/50-ports.conf";
    site.set(["sysctl"], &format!("{text}\nfile = '{other}'"));
    assert_eq!(
        site.converge(),
        ["~ value 20000 50000 → 20000 60000", file, "~ content (+2 -0 lines)"]
    );
    assert_eq!((host.exists(other), host.exists(&path)), (true, false));
    site.set(["sysctl"], "[components.sysctl]\nname = 'net.ipv4.nothing'\nvalue = '1'");
    let failure = site.failure();
    assert!(failure.contains("has no parameter `net.ipv4.nothing`"), "{failure}");
    assert!(failure.contains("by a `KernelModule` before"), "{failure}");
}

#[test]
fn a_module_that_is_built_in_is_told() {
    let host = HERE.host();
    let site = HERE.site("kernel-module");
    host.sh("mkdir -p /lib/modules/$(uname -r)
         echo kernel/drivers/block/loop.ko >/lib/modules/$(uname -r)/modules.builtin");
    let text = "[components.kernel-module]\nname = 'loop'\n";
    let full = format!("{text}parameter = 'togusa=4'\n");
    site.set(["kernel-module"], &full);
    let (file, content) = ("+ create file (mode 0644, owner root)", "~ content (+2 -0 lines)");
    assert_eq!(site.converge(), [file, content, file, content]);
    let load = "/etc/modules-load.d/togusa-loop.conf";
    let options = "/etc/modprobe.d/togusa-loop.conf";
    assert_eq!(host.read(load), "# Kept by togusa.\nloop\n");
    assert_eq!(host.read(options), "# Kept by togusa.\noptions loop togusa=4\n");
    for (drift, seen) in [
        (format!("echo floppy >{load}"), "~ content (+2 -1 lines)"),
        (format!("echo >>{options}"), "~ content (+0 -1 lines)"),
        (format!("chmod 600 {load}"), "~ mode 0600 → 0644"),
        (format!("chmod 666 {options}"), "~ mode 0666 → 0644"),
    ] {
        host.sh(&drift);
        assert_eq!(site.converge(), [seen], "{drift}");
    }
    site.set(["kernel-module"], text);
    assert_eq!(site.converge(), ["- remove file"]);
    assert!(!host.exists(options));
    site.set(["kernel-module"], &format!("{full}only_now = true"));
    host.sh(&format!("rm {load}"));
    assert_eq!(site.converge(), [""; 0]);
    site.set(["kernel-module"], &format!("{text}absent = true"));
    let failure = site.failure();
    assert!(failure.contains("module `loop` is built into the kernel of this host"), "{failure}");

    site.set(["kernel-module"], "[components.kernel-module]\nname = 'no-such-module'");
    let failure = site.failure();
    let none = "the kernel of this host loads no modules, and has no `no-such-module`";
    // One that loads modules has `modprobe` say that it has none of this name.
    let expected = if host.exists("/proc/modules") { "`modprobe" } else { none };
    assert!(failure.contains(expected), "{failure}");
}

#[test]
fn what_is_not_there_or_refuses_is_told() {
    let lacking = Subject::start();
    let host = lacking.host();
    host.sh("rm -f /usr/sbin/sysctl /sbin/sysctl /usr/sbin/lvs /sbin/lvs /usr/sbin/zfs /sbin/zfs");
    host.sh("rm -f $(command -v hostname) /usr/sbin/nft");
    host.sh("rm -f /usr/bin/mount /bin/mount /usr/sbin/mkswap /sbin/mkswap");
    let site = lacking.site("lacking");
    for (root, text, program, package) in [
        ("sysctl", "name = 'net.ipv4.ip_forward'\nvalue = '1'", "sysctl", "procps"),
        ("hostname", "name = 'other'", "hostname", "hostname"),
        ("firewall", "rules = ['a input 50 accept']", "nft", "nftables"),
        ("mount", "path = '/srv/x'\ndevice = 'tmpfs'\nfs_type = 'tmpfs'", "mount", "mount"),
        ("swap", "path = '/swapfile'\nsize = '1M'", "mkswap", "util-linux"),
        ("lvm-volume", "size = '1G'", "lvs", "lvm2"),
        ("zfs-dataset", "quota = '1G'", "zfs", "zfsutils-linux"),
    ] {
        site.set([root], &format!("[components.{root}]\n{text}"));
        let failure = site.failure();
        let expected = format!("there is no program `{program}`");
        assert!(failure.contains(&expected), "{failure}");
        assert!(failure.contains(&format!("`{package}`")), "{failure}");
    }
    host.write("/usr/sbin/sysctl", "#!/bin/sh\necho broken >&2; exit 7\n");
    host.sh("chmod 755 /usr/sbin/sysctl");
    site.set(["sysctl"], "[components.sysctl]\nname = 'net.ipv4.ip_forward'\nvalue = '1'");
    let failure = site.failure();
    assert!(failure.contains("exited with 7") && failure.contains("| broken"), "{failure}");
    assert!(
        !host.exists("/etc/sysctl.d/99-togusa-net.ipv4.ip_forward.conf"),
        "nothing is half done"
    );
}

#[test]
fn only_root_may_change_the_system() {
    let host = HERE.host();
    host.sh("useradd -m nobodys");
    let site = HERE.site_of("nobodys", "unprivileged");
    for (root, text, words) in [
        ("sysctl", "name = 'net.ipv4.ip_forward'\nvalue = '1'", "set parameters of the kernel"),
        ("hostname", "name = 'other'", "name the host"),
        ("timezone", "zone = 'Factory'", "set the time zone"),
        ("mount", "path = '/srv/x'\ndevice = 'tmpfs'", "mount file systems"),
        ("firewall", "rules = ['a input 50 accept']", "look at the packet filter"),
        ("lvm-volume", "size = '1G'", "look at the volumes of LVM"),
    ] {
        site.set([root], &format!("[components.{root}]\n{text}"));
        if root == "timezone" {
            host.sh("mkdir -p /usr/share/zoneinfo; touch /usr/share/zoneinfo/Factory");
        }
        let failure = site.failure();
        let expected = format!("only root may {words}, and this runs as `nobodys`");
        assert!(failure.contains(&expected), "{root}: {failure}");
        assert!(failure.contains("hint: set `sudo = true`"), "{failure}");
    }
}

#[test]
fn a_host_has_its_name_now_and_at_boot() {
    let named = Subject::start();
    let host = named.host();
    host.sh("chmod 644 /etc/hostname");
    let site = named.site("hostname");
    site.set(["hostname"], "[components.hostname]\nname = 'web1'");
    assert_eq!(site.converge(), ["~ name here → web1", "~ content (+1 -1 lines)"]);
    assert_eq!(
        (host.sh("hostname"), host.read("/etc/hostname")),
        ("web1\n".into(), "web1\n".into())
    );
    host.sh("hostname other");
    assert_eq!(site.converge(), ["~ name other → web1"]);
    host.sh("echo other >/etc/hostname; chmod 600 /etc/hostname");
    assert_eq!(site.converge(), ["~ mode 0600 → 0644", "~ content (+1 -1 lines)"]);
    site.set(["hostname"], "[components.hostname]\nname = 'web_1'");
    let said = site.deploy().expect(2).output.stderr;
    assert!(said.contains("`web_1` cannot be the name of a host"), "{said}");
}

#[test]
fn a_zone_is_a_link_and_a_text_where_there_is_one() {
    let host = HERE.host();
    let site = HERE.site("timezone");
    let zones = "/usr/share/zoneinfo";
    host.sh(&format!(
        "mkdir -p {zones}/Test; touch {zones}/Test/City {zones}/Test/Other
         ln -sfn ..{zones}/Test/Other /etc/localtime; echo Test/Other >/etc/timezone"
    ));
    site.set(["timezone"], "[components.timezone]\nzone = 'Test/City'");
    let changes = ["~ zone Test/Other → Test/City", "~ content (+1 -1 lines)"];
    assert_eq!(site.converge(), changes);
    let link = format!("{zones}/Test/City\n");
    assert_eq!(host.sh("readlink /etc/localtime"), link);
    assert_eq!(host.read("/etc/timezone"), "Test/City\n");
    host.sh("echo Test/Other >/etc/timezone");
    assert_eq!(site.converge(), ["~ content (+1 -1 lines)"]);
    host.sh("rm /etc/timezone");
    assert_eq!(site.converge(), [""; 0]);
    host.sh("rm /etc/localtime");
    assert_eq!(site.converge(), ["+ create link to Test/City"]);
    host.sh("rm /etc/localtime; cp /etc/hostname /etc/localtime");
    assert_eq!(site.converge(), ["~ zone no link → Test/City"]);
    site.set(["timezone"], "[components.timezone]\nzone = 'Test/Nowhere'");
    let failure = site.failure();
    assert!(failure.contains("there is no time zone `Test/Nowhere`"), "{failure}");
}

#[test]
fn a_locale_is_made_chosen_and_taken_away() {
    let host = HERE.host();
    let site = HERE.site("locale");
    host.sh("printf '# a comment\\n# eo ISO-8859-3\\n# eo UTF-8\\n' >/etc/locale.gen");
    host.sh("locale-gen >/dev/null; echo 'LC_TIME=C' >/etc/default/locale");
    let text = "[components.locale]\nlocale = 'eo'\ncharset = 'UTF-8'";
    site.set(["locale"], text);
    assert_eq!(site.converge(), ["+ create locale eo", "+ create line in locale.gen"]);
    assert_eq!(host.read("/etc/locale.gen"), "# a comment\n# eo ISO-8859-3\neo UTF-8\n");
    assert!(host.sh("locale -a").lines().any(|line| line == "eo"));

    site.set(["locale"], &format!("{text}\nsystem_default = true"));
    assert_eq!(site.converge(), ["~ default none → eo"]);
    assert_eq!(host.read("/etc/default/locale"), "LC_TIME=C\nLANG=eo\n");
    host.sh("sed -i s/=eo/=C/ /etc/default/locale");
    assert_eq!(site.converge(), ["~ default C → eo"]);
    host.sh("rm /usr/lib/locale/locale-archive");
    assert_eq!(site.converge(), ["+ create locale eo"]);
    host.sh("sed -i '/^eo/d' /etc/locale.gen");
    assert_eq!(site.converge(), ["+ create line in locale.gen"]);

    site.set(["locale"], &format!("{text}\nabsent = true"));
    assert_eq!(site.converge(), ["- remove locale eo", "- remove line in locale.gen"]);
    assert!(!host.sh("locale -a").lines().any(|line| line == "eo"));
    site.set(["locale"], "[components.locale]\nlocale = 'xx_XX.UTF-8'");
    let failure = site.failure();
    assert!(failure.contains("locale-gen"), "{failure}");
    host.sh("rm /etc/locale.gen");
    let failure = site.failure();
    assert!(failure.contains("install the package `locales` (Debian)"), "{failure}");
}
