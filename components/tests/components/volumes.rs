//! Datasets of ZFS and volumes of LVM, by programs that go from one state to the next.

use std::collections::BTreeMap;

use togusa_components::prelude::*;
use togusa_core::component::Component;
use togusa_core::testing::{Answer, Fake};

use crate::{Bench, is_root};

const ZFS: &str = "zfs get -Hp -t filesystem,volume -o name,property,value,source all";
const LVM: &str = "lvs --noheadings --units b --nosuffix --separator | -o \
                   vg_name,lv_name,lv_size,lv_active,vg_extent_size";

/// A host that prints a list when it is asked for one. Each command is answered once those before it
/// were run, and changes the list; no other is answered.
fn host(ask: &str, list: &str, steps: &[(&str, &str)]) -> Bench {
    let mut fakes = BTreeMap::new();
    let mut on = |command: &str, answer: Answer| {
        let (program, words) = command.split_once(' ').unwrap();
        let fake = fakes.remove(program).unwrap_or_else(|| Fake::new(program));
        fakes.insert(program.to_owned(), fake.on(words.split(' '), answer));
    };
    let after = |place: usize| format!("after {place}");
    for (place, (command, list)) in steps.iter().enumerate() {
        let done = Answer::ok().sets(after(place));
        on(
            command,
            match place.checked_sub(1).map(after) {
                Some(before) => done.when(&*before).unsets(before),
                None => done,
            },
        );
        on(ask, Answer::ok().stdout(*list).when(after(place)));
    }
    on(ask, Answer::ok().stdout(list));
    fakes.into_values().fold(Bench::new(), Bench::fake)
}

/// Adds a component and nothing else.
fn set<C: Component>(test: &Bench, make: fn() -> C) {
    test.set_model(move |scope| {
        scope.add(make());
        Ok(())
    });
}

/// Whether this may change volumes; if not, that is said.
fn may(test: &Bench, words: &str) -> bool {
    if !is_root() {
        let failure = test.failure();
        assert!(failure.contains(&format!("only root may {words}")), "{failure}");
    }
    is_root()
}

#[test]
fn a_dataset_is_made_changed_and_destroyed() {
    // As `man zfs-get` describes it, not recorded.
    const POOL: &str = "tank\ttype\tfilesystem\t-\n";
    let has = |quota: &str, atime: &str| {
        format!(
            "{POOL}tank/data\ttype\tfilesystem\t-\ntank/data\tquota\t{quota}\tlocal\n\
             tank/data\tatime\t{atime}\ntank/data/below\ttype\tfilesystem\t-\n"
        )
    };
    let disk = |size: &str| {
        format!("{POOL}tank/disk0\ttype\tvolume\t-\ntank/disk0\tvolsize\t{size}\tlocal\n")
    };
    let test = host(
        ZFS,
        POOL,
        &[
            (
                "zfs create -p -o atime=off -o quota=100G tank/data",
                &has("107374182400", "off\tlocal"),
            ),
            ("zfs set quota=50G tank/data", &has("53687091200", "off\tlocal")),
            ("zfs inherit atime tank/data", &has("53687091200", "on\tdefault")),
            ("zfs destroy -r tank/data", POOL),
            ("zfs create -p -V 1G tank/disk0", &disk("1073741824")),
            ("zfs set volsize=2G tank/disk0", &disk("2147483648")),
            ("zfs destroy tank/disk0", POOL),
        ],
    );
    set(&test, || ZfsDataset::new("tank/data").property("quota", "100G").property("atime", "off"));
    if !may(&test, "change datasets") {
        return;
    }
    assert_eq!(test.converge(), ["+ create file system (atime=off, quota=100G)"]);
    set(&test, || ZfsDataset::new("tank/data").property("quota", "50G").inherited("atime"));
    assert_eq!(test.converge(), ["~ quota 107374182400 → 50G", "~ atime off → inherited"]);
    set(&test, || ZfsDataset::new("tank/data").volume("1G"));
    let failure = test.failure();
    assert!(failure.contains("dataset `tank/data` is a filesystem, not a volume"), "{failure}");
    set(&test, || ZfsDataset::new("tank/data").absent().recursive());
    assert_eq!(test.converge(), ["- remove dataset with 1 below it"]);

    set(&test, || ZfsDataset::new("tank/disk0").volume("1G"));
    assert_eq!(test.converge(), ["+ create volume (volsize=1G)"]);
    set(&test, || ZfsDataset::new("tank/disk0").volume("2G"));
    assert_eq!(test.converge(), ["~ volsize 1073741824 → 2G"]);
    set(&test, || ZfsDataset::new("tank/disk0").absent());
    assert_eq!(test.converge(), ["- remove dataset"]);
}

#[test]
fn a_zfs_that_cannot_work_says_what_is_missing() {
    let failure = |answer: Answer| {
        let test = Bench::new().fake(Fake::new("zfs").otherwise(answer));
        set(&test, || ZfsDataset::new("tank/data"));
        test.failure()
    };
    // As the sources of OpenZFS have it, not recorded.
    let modules = "The ZFS modules are not loaded.\n\
                   Try running '/sbin/modprobe zfs' as root to load them.\n";
    let said = failure(Answer::exit(1).stderr(modules));
    assert!(said.contains("hint: add a `KernelModule` for `zfs` before"), "{said}");
    let said = failure(Answer::exit(7).stderr("broken\n"));
    assert!(said.contains("exited with 7") && said.contains("| broken"), "{said}");
    assert!(!said.contains("KernelModule"), "{said}");
}

#[test]
fn a_volume_is_made_resized_activated_and_removed() {
    // In the form of what LVM 2.03.16 listed; of what is active, as `man lvs` describes it.
    const LOGS: &str = "  vg0|logs|25165824|active|4194304\n";
    let data = |size: u64, active: &str| format!("  vg0|data|{size}|{active}|4194304\n{LOGS}");
    let test = host(
        LVM,
        LOGS,
        &[
            (
                "lvcreate --yes --wipesignatures y --size 10485760b --name data vg0",
                &data(12_582_912, "active"),
            ),
            ("lvextend --yes --resizefs --size 20971520b vg0/data", &data(20_971_520, "active")),
            ("lvreduce --yes --size 8388608b vg0/data", &data(8_388_608, "active")),
            ("lvremove --yes vg0/data", LOGS),
            (
                "lvcreate --yes --wipesignatures y --extents 100%FREE --name data vg0",
                &data(29_360_128, "active"),
            ),
        ],
    );
    set(&test, || LvmVolume::new("vg0", "data").size("10M"));
    if !may(&test, "look at the volumes of LVM") {
        return;
    }
    assert_eq!(test.converge(), ["+ create volume (10M)"]);
    set(&test, || LvmVolume::new("vg0", "data").size("20M").resize_fs());
    assert_eq!(test.converge(), ["~ size 12M → 20M"]);
    set(&test, || LvmVolume::new("vg0", "data").size("8M"));
    let failure = test.failure();
    assert!(failure.contains("volume `vg0/data` has 20M, more than `8M`"), "{failure}");
    set(&test, || LvmVolume::new("vg0", "data").size("8M").shrink());
    assert_eq!(test.converge(), ["~ size 20M → 8M"]);
    set(&test, || LvmVolume::new("vg0", "data").absent());
    assert_eq!(test.converge(), ["- remove volume (8M)"]);
    set(&test, || LvmVolume::new("vg0", "data").share("100%FREE"));
    assert_eq!(test.converge(), ["+ create volume (100%FREE)"]);

    let test = host(
        LVM,
        &data(12_582_912, ""),
        &[
            ("lvchange --activate y vg0/data", &data(12_582_912, "active")),
            ("lvextend --yes --size 20971520b vg0/data", &data(20_971_520, "active")),
        ],
    );
    set(&test, || LvmVolume::new("vg0", "data").size("20M"));
    assert_eq!(test.converge(), ["~ size 12M → 20M", "~ not active"]);
}

#[test]
fn an_lvm_that_cannot_work_says_what_is_missing() {
    let test = |answer: Answer| {
        let test =
            Bench::new().fake(Fake::new("lvs")).fake(Fake::new("lvcreate").otherwise(answer));
        set(&test, || LvmVolume::new("vg0", "data").size("1G"));
        test
    };
    // LVM 2.03.16 said this, of `lvextend`; without device-mapper `lvcreate` does not come so far.
    let group = "  Volume group \"vg0\" not found\n  Cannot process volume group vg0\n";
    let lacking = test(Answer::exit(5).stderr(group));
    if !may(&lacking, "look at the volumes of LVM") {
        return;
    }
    let said = lacking.failure();
    assert!(said.contains("hint: make the group in an earlier component, by `vgcreate`"), "{said}");
    // LVM 2.03.16 said this, of `lvcreate`.
    let mapper = "  /dev/mapper/control: open failed: No such device\n  Failure to communicate with \
                  kernel device-mapper driver.\n";
    let said = test(Answer::exit(3).stderr(mapper)).failure();
    assert!(said.contains("exited with 3") && said.contains("device-mapper driver"), "{said}");
    assert!(!said.contains("vgcreate"), "{said}");
}
