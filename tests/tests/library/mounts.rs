//! Mounts and swap.

use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use togusa_tests::lab::Host;

use crate::Subject;

/// One host for all tests of mounts, with the loop devices of the machine.
static HERE: LazyLock<Subject> = LazyLock::new(|| {
    let here = Subject::start();
    here.host().sh(
        "mknod /dev/loop-control c 10 237; for it in $(seq 0 31); do mknod /dev/loop$it b 7 $it; done
         printf '# <file system> <mount point>\\nLABEL=root / ext4 defaults 0 1\\n' >/etc/fstab",
    );
    here
});

/// One test after the other: who writes fstab while another does takes its entry away.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn source(host: &Host, path: &str) -> String {
    host.sh(&format!("findmnt --noheadings --output SOURCE --mountpoint {path} || :"))
        .trim()
        .to_owned()
}

fn options(host: &Host, path: &str) -> String {
    host.sh(&format!("findmnt --noheadings --output OPTIONS --mountpoint {path}"))
}

fn entry(host: &Host, path: &str) -> String {
    host.sh(&format!("grep -F '{path}' /etc/fstab || :"))
}

#[test]
fn a_file_system_in_memory_is_mounted_and_kept_right() {
    let _alone = alone();
    let host = HERE.host();
    let site = HERE.site("memory");
    let text =
        "[components.mount]\npath = '/srv/deep/cache'\ndevice = 'tmpfs'\nfs_type = 'tmpfs'\n";
    let full = format!("{text}options = ['size=1M', 'mode=0750', 'noexec']");
    site.set(["mount"], &full);
    let created =
        ["+ create mount of tmpfs", "+ create entry in fstab (options size=1M,mode=0750,noexec)"];
    assert_eq!(site.converge(), created);
    assert_eq!(
        host.sh("stat -f -c %T /srv/deep/cache; stat -c %a /srv/deep/cache"),
        "tmpfs\n750\n"
    );
    let line = "tmpfs\t/srv/deep/cache\ttmpfs\tsize=1M,mode=0750,noexec\t0\t0\n";
    assert_eq!(entry(host, "/srv/deep"), line);
    assert!(host.read("/etc/fstab").starts_with("# <file system> <mount point>\nLABEL=root /"));

    for (drift, seen) in [
        ("umount /srv/deep/cache", "+ create mount of tmpfs"),
        ("mount -o remount,exec /srv/deep/cache", "~ mounted exec → noexec"),
        ("mount -o remount,ro /srv/deep/cache", "~ mounted ro → rw"),
        ("mount -o remount,size=2M /srv/deep/cache", "~ mounted size 2048k → 1M"),
        ("mount -t ramfs over /srv/deep/cache", "~ mounted device over → tmpfs"),
        (
            "sed -i s/noexec/exec/ /etc/fstab",
            "~ options in fstab size=1M,mode=0750,exec → size=1M,mode=0750,noexec",
        ),
        ("sed -i '/deep/s/0$/2/' /etc/fstab", "~ pass in fstab 2 → 0"),
        ("sed -i '/deep/s/tmpfs/xfs/2' /etc/fstab", "~ type in fstab xfs → tmpfs"),
        ("sed -i /deep/d /etc/fstab", "+ create entry in fstab (options size=1M,mode=0750,noexec)"),
    ] {
        host.sh(drift);
        let changes = site.converge();
        assert!(changes.iter().any(|it| it == seen), "{drift}: {changes:?}");
        assert_eq!(entry(host, "/srv/deep"), line, "{drift}");
        let options = options(host, "/srv/deep/cache");
        assert!(
            options.contains("rw,noexec") && options.contains("size=1024k"),
            "{drift}: {options}"
        );
    }
    site.set(["mount"], &format!("{full}\nonly = 'unmounted'"));
    host.sh("mount -t tmpfs above /srv/deep/cache");
    assert_eq!(site.converge(), ["- remove mount of above"]);
    assert_eq!(source(host, "/srv/deep/cache"), "");
    site.set(["mount"], &format!("{full}\nonly = 'at boot'\ndump = 1\npass = 2"));
    assert_eq!(site.converge(), ["~ dump in fstab 0 → 1", "~ pass in fstab 0 → 2"]);
    site.set(["mount"], &format!("{full}\nonly = 'now'"));
    assert_eq!(site.converge(), ["+ create mount of tmpfs"]);
    site.set(["mount"], "[components.mount]\npath = '/srv/deep/cache'");
    assert_eq!(site.converge(), ["- remove mount of tmpfs", "- remove entry for tmpfs in fstab"]);
    assert!(host.exists("/srv/deep/cache"));
    assert_eq!(entry(host, "/srv/deep"), "");
    assert!(host.read("/etc/fstab").starts_with("# <file system> <mount point>\nLABEL=root /"));
}

#[test]
fn a_directory_is_seen_in_a_second_place() {
    let _alone = alone();
    let host = HERE.host();
    let site = HERE.site("bind");
    host.sh("mkdir -p /srv/from/a /srv/from/b; touch /srv/from/a/file");
    let text = "[components.mount]\npath = '/srv/to'\nbind = '/srv/from/a'\noptions = ['ro']";
    site.set(["mount"], text);
    let entry = "+ create entry in fstab (options bind,ro)";
    assert_eq!(site.converge(), ["+ create mount of /srv/from/a", entry]);
    assert!(host.exists("/srv/to/file"));
    assert!(host.command("touch").arg("/srv/to/new").output().failed().contains("Read-only"));
    host.sh("mount -o remount,bind,rw /srv/to");
    assert_eq!(site.converge(), ["~ mounted rw → ro"]);
    // What the second place has of the first is kept.
    host.sh("umount /srv/to; mount -t tmpfs -o nosuid,nodev tmpfs /srv/from; mkdir -p /srv/from/a /srv/from/b
             touch /srv/from/a/file");
    assert_eq!(site.converge(), ["+ create mount of /srv/from/a"]);
    host.sh("mount -o remount,bind,rw,nosuid,nodev /srv/from/a /srv/to");
    assert_eq!(site.converge(), ["~ mounted rw → ro"]);
    assert!(
        options(host, "/srv/to").starts_with("ro,nosuid,nodev"),
        "{}",
        options(host, "/srv/to")
    );
    host.sh("umount /srv/to; umount /srv/from; mount --bind /srv/from/b /srv/to");
    let [other] = &site.converge()[..] else { panic!("one change") };
    assert!(other.ends_with("/srv/from/b] → /srv/from/a"), "{other}");
    assert!(host.exists("/srv/to/file"));

    host.sh("cd /srv/to && sleep 1000 >/dev/null 2>&1 &");
    crate::wait_until("the process", || !host.processes_with("sleep 1000").is_empty());
    site.set(["mount"], "[components.mount]\npath = '/srv/to'");
    let failure = site.failure();
    assert!(failure.contains("busy") && failure.contains("`fuser -vm /srv/to`"), "{failure}");
    host.sh("kill $(pgrep -f '[s]leep 1000')");
    crate::wait_until("the end of it", || host.processes_with("sleep 1000").is_empty());
    let [gone, entry] = &site.converge()[..] else { panic!("two changes") };
    assert!(gone.ends_with("[/srv/from/a]") || gone.contains("/srv/from/a"), "{gone}");
    assert_eq!(entry, "- remove entry for /srv/from/a in fstab");
}

#[test]
fn a_place_is_known_by_where_its_links_lead() {
    let _alone = alone();
    let host = HERE.host();
    let site = HERE.site("links");
    host.sh("mkdir -p /srv/behind/data/sub /srv/behind/place; ln -s behind /srv/link");
    let text = "[components.mount]\npath = '/srv/link/place'\nbind = '/srv/link/data/sub'";
    site.set(["mount"], text);
    let created = "+ create mount of /srv/link/data/sub";
    assert_eq!(site.converge(), [created, "+ create entry in fstab (options bind)"]);
    assert_ne!(source(host, "/srv/behind/place"), "");
    site.set(["mount"], "[components.mount]\npath = '/srv/link/place'");
    assert_eq!(site.converge().len(), 2);
    assert_eq!(source(host, "/srv/behind/place"), "");
}

#[test]
fn an_image_is_mounted_by_its_path_and_a_device_by_its_label() {
    let _alone = alone();
    let host = HERE.host();
    host.sh(
        "for it in one two; do truncate -s 8M /srv/$it.img; mkfs.ext4 -q -L $it /srv/$it.img; done",
    );
    let site = HERE.site("image");
    let text = "[components.mount]\npath = '/srv/image'\ndevice = '/srv/one.img'\nfs_type = 'ext4'\n\
                options = ['loop', 'noatime']";
    site.set(["mount"], text);
    let entry = "+ create entry in fstab (options loop,noatime)";
    assert_eq!(site.converge(), ["+ create mount of /srv/one.img", entry]);
    assert!(host.exists("/srv/image/lost+found"));
    host.sh("mount -o remount,nodev /srv/image");
    assert_eq!(site.converge(), ["~ mounted nodev → dev"]);
    assert!(
        host.sh("losetup --all").matches("/srv/one.img").count() == 1,
        "it has a second device"
    );
    host.sh("umount /srv/image; mount -o loop /srv/two.img /srv/image");
    let [other] = &site.converge()[..] else { panic!("one change") };
    assert!(other.ends_with(" → /srv/one.img"), "{other}");

    let device = source(host, "/srv/image");
    let by_path = HERE.site("device");
    let text = text.replace("'loop', ", "").replace("/srv/one.img", &device);
    by_path.set(["mount"], &text);
    let changes = by_path.converge();
    assert_eq!(changes[0], format!("~ device in fstab /srv/one.img → {device}"), "{changes:?}");
    // What udev would do.
    host.sh(&format!("mkdir -p /dev/disk/by-label; ln -s {device} /dev/disk/by-label/one"));
    let by_label = HERE.site("label");
    by_label.set(["mount"], &text.replace(&device, "LABEL=one"));
    assert_eq!(by_label.converge(), [format!("~ device in fstab {device} → LABEL=one")]);
    by_label.set(["mount"], "[components.mount]\npath = '/srv/image'");
    assert_eq!(by_label.converge().len(), 2);

    site.set(["mount"], "[components.mount]\npath = '/srv/no'\ndevice = '/dev/nothing'");
    let failure = site.failure();
    assert!(failure.contains("/dev/nothing"), "{failure}");
    assert!(!host.read("/etc/fstab").contains("nothing"), "what cannot be mounted is not written");
}

/// A file system that can hold swap, and none of that in use when the test is over: it is used by
/// the whole machine.
struct Swapped<'a>(&'a Host);

impl<'a> Swapped<'a> {
    fn start(host: &'a Host) -> Self {
        host.sh(
            "truncate -s 64M /srv/swap.img; mkfs.ext4 -q -m 0 /srv/swap.img; mkdir -p /srv/swap
             mount -o loop /srv/swap.img /srv/swap",
        );
        Self(host)
    }
}

impl Drop for Swapped<'_> {
    fn drop(&mut self) {
        // What is not in use is no error here.
        let off = "for it in /srv/swap/file /dev/swap; do swapoff $it 2>/dev/null || :; done";
        self.0.sh(off);
    }
}

#[test]
fn a_file_and_a_device_are_swapped_to() {
    let _alone = alone();
    let host = HERE.host();
    let _swapped = Swapped::start(host);
    let site = HERE.site("swap");
    let in_use = || host.sh("grep ^/srv/swap/file /proc/swaps || :");
    let text = "[components.swap]\npath = '/srv/swap/file'\nsize = '8M'\n";
    site.set(["swap"], &format!("{text}priority = 5"));
    let created = ["+ create swap file (8M)", "+ create entry in fstab (options sw,pri=5)"];
    assert_eq!(site.converge(), created);
    assert!(in_use().trim_end().ends_with("\t5"), "{}", in_use());
    assert_eq!(host.sh("stat -c '%a %s' /srv/swap/file"), "600 8388608\n");
    assert_eq!(entry(host, "/srv/swap/file"), "/srv/swap/file\tnone\tswap\tsw,pri=5\t0\t0\n");

    for (drift, seen) in [
        ("swapoff /srv/swap/file", "~ not in use"),
        ("swapoff /srv/swap/file; swapon -p 7 /srv/swap/file", "~ priority 7 → 5"),
        ("chmod 644 /srv/swap/file", "~ mode 0644 → 0600"),
        ("swapoff /srv/swap/file; truncate -s 1M /srv/swap/file", "~ size 1M → 8M"),
        ("swapoff /srv/swap/file; rm /srv/swap/file", "+ create swap file (8M)"),
        ("sed -i /swap.file/d /etc/fstab", "+ create entry in fstab (options sw,pri=5)"),
        ("sed -i s/pri=5/pri=6/ /etc/fstab", "~ options in fstab sw,pri=6 → sw,pri=5"),
    ] {
        host.sh(drift);
        assert_eq!(site.converge(), [seen], "{drift}");
        assert!(in_use().trim_end().ends_with("\t5"), "{drift}: {}", in_use());
    }
    host.sh("swapoff /srv/swap/file; dd if=/dev/zero of=/srv/swap/file bs=64K count=1 conv=notrunc 2>&1");
    assert_eq!(site.converge(), ["+ create swap signature", "~ not in use"]);
    site.set(["swap"], &format!("{text}priority = 5").replace("8M", "4M"));
    assert_eq!(site.converge(), ["~ size 8M → 4M"]);
    site.set(["swap"], &text.replace("8M", "900M"));
    assert!(site.failure().contains("No space left on device"));
    assert!(!host.exists("/srv/swap/file"), "a full disk is given its room back");
    site.set(["swap"], &format!("{text}absent = true"));
    assert_eq!(site.converge(), ["- remove entry for /srv/swap/file in fstab"]);
    site.set(["swap"], &format!("{text}only_now = true"));
    assert_eq!(site.converge(), ["+ create swap file (8M)"]);
    assert_eq!(entry(host, "/srv/swap/file"), "");
    site.set(["swap"], &format!("{text}absent = true"));
    assert_eq!(site.converge(), ["- remove swap file", "- remove swap in use"]);
    assert_eq!((in_use(), host.exists("/srv/swap/file")), (String::new(), false));

    host.write("/srv/swap/file", "what somebody needs");
    site.set(["swap"], text);
    let failure = site.failure();
    assert!(failure.contains("`/srv/swap/file` is a file of something else"), "{failure}");
    assert_eq!(host.read("/srv/swap/file"), "what somebody needs");

    site.set(["swap"], "[components.swap]\npath = '/run/swap'\nsize = '1M'");
    let failure = site.failure();
    assert!(failure.contains("a file must lie in a file system that can hold one"), "{failure}");

    // A name of its own, so that nobody else's device is meant.
    host.sh("truncate -s 8M /srv/device.img; mkfs.ext4 -q /srv/device.img
         ln -s $(losetup --find --show /srv/device.img) /dev/swap; cp -a $(readlink /dev/swap) /dev/swap.new
         mv /dev/swap.new /dev/swap");
    site.set(["swap"], "[components.swap]\npath = '/dev/swap'");
    let failure = site.failure();
    assert!(failure.contains("`/dev/swap` holds something else: ext4"), "{failure}");
    host.sh("wipefs --quiet --all /dev/swap");
    let entry = "+ create entry in fstab (options sw)";
    assert_eq!(site.converge(), ["+ create swap signature", "~ not in use", entry]);
    assert!(host.read("/proc/swaps").contains("/dev/swap"));
    // As those of LVM are.
    host.sh("mkdir /dev/group; ln -s ../swap /dev/group/swap");
    let by_link = "[components.swap]\npath = '/dev/group/swap'\n";
    site.set(["swap"], by_link);
    assert_eq!(site.converge(), [entry]);
    site.set(["swap"], &format!("{by_link}absent = true"));
    let removed = "- remove entry for /dev/group/swap in fstab";
    assert_eq!(site.converge(), ["- remove swap in use", removed]);
    site.set(["swap"], "[components.swap]\npath = '/dev/swap'");
    assert_eq!(site.converge(), ["~ not in use"]);
    site.set(["swap"], "[components.swap]\npath = '/dev/swap'\nabsent = true");
    assert_eq!(site.converge(), ["- remove swap in use", "- remove entry for /dev/swap in fstab"]);
    host.sh("losetup --detach /dev/swap");
}
