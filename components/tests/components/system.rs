//! The system's files in a sandbox: nothing of the machine is touched.

use std::fs;

use togusa_components::prelude::*;

use crate::Bench;

#[test]
fn in_a_sandbox_the_files_of_the_system_are_kept_and_nothing_else() {
    let test = Bench::new().sandbox("~/box").model(|scope| {
        scope.add(Sysctl::new("kernel.no-such-parameter", 1));
        scope.add(KernelModule::new("no-such-module").parameter("size", 4));
        scope.add(KernelModule::new("pcspkr").blacklisted());
        scope.add(Hostname::new("elsewhere"));
        scope.add(Mount::new("/srv/data", "LABEL=nothing").options(["noatime"]).pass(2));
        scope.add(Swap::file("/swapfile", "1M"));
        scope.add(Locale::new("de_DE.UTF-8"));
        scope.add(FirewallRule::new("ssh", "no rule at all"));
        Ok(())
    });
    fs::create_dir_all(test.home("box/etc")).unwrap();
    fs::write(test.home("box/etc/fstab"), "").unwrap();
    test.converge();
    let read = |path: &str| fs::read_to_string(test.home(&format!("box/etc/{path}"))).unwrap();
    let kept = |text: &str| format!("# Kept by togusa.\n{text}\n");
    let sysctl = "sysctl.d/99-togusa-kernel.no-such-parameter.conf";
    let load = "modules-load.d/togusa-no-such-module.conf";
    let options = "modprobe.d/togusa-no-such-module.conf";
    assert_eq!(read(sysctl), kept("kernel.no-such-parameter = 1"));
    assert_eq!(read(load), kept("no-such-module"));
    assert_eq!(read(options), kept("options no-such-module size=4"));
    assert_eq!(read("modprobe.d/togusa-pcspkr.conf"), kept("blacklist pcspkr"));
    assert_eq!(read("hostname"), "elsewhere\n");
    assert_eq!(read("locale.gen"), "de_DE.UTF-8 UTF-8\n");
    let box_of = |path: &str| test.home("box").join(path).display().to_string();
    let fstab = format!(
        "LABEL=nothing\t{}\tauto\tnoatime\t0\t2\n{}\tnone\tswap\tsw\t0\t0\n",
        box_of("srv/data"),
        box_of("swapfile")
    );
    assert_eq!(read("fstab"), fstab);
    assert!(!test.home("box/swapfile").exists());
    let include = format!("include \"{}/*.nft\"\n", box_of("etc/nftables.d/togusa"));
    assert_eq!(read("nftables.conf"), include);
    let rule = read("nftables.d/togusa/050-ssh.nft");
    assert!(rule.contains("        no rule at all comment \"togusa 050-ssh\"\n"), "{rule}");

    fs::write(test.home(&format!("box/etc/{load}")), "other\n").unwrap();
    fs::remove_file(test.home(&format!("box/etc/{options}"))).unwrap();
    let changes = test.converge();
    let created = "+ create file (mode 0644";
    assert!(changes.iter().any(|it| it.starts_with(created)), "{changes:?}");
    assert!(changes.contains(&"~ content (+2 -1 lines)".to_owned()), "{changes:?}");

    test.set_model(|scope| {
        scope.add(Sysctl::absent("kernel.no-such-parameter"));
        scope.add(KernelModule::new("no-such-module").absent());
        scope.add(Mount::absent("/srv/data"));
        scope.add(Swap::file("/swapfile", "1M").absent());
        scope.add(Locale::new("de_DE.UTF-8").absent());
        scope.add(FirewallRule::new("ssh", "").absent());
        Ok(())
    });
    test.converge();
    for path in [sysctl, load, options, "nftables.d/togusa/050-ssh.nft"] {
        assert!(!test.home(&format!("box/etc/{path}")).exists(), "{path}");
    }
    assert_eq!(
        (read("fstab"), read("locale.gen")),
        (String::new(), "# de_DE.UTF-8 UTF-8\n".into())
    );
}

#[test]
fn what_begins_the_table_is_loaded_before_each_rule() {
    let test = Bench::new().sandbox("~/box").model(|scope| {
        scope.add(FirewallRule::new("first", "accept").order(0));
        Ok(())
    });
    test.converge();
    let files = fs::read_dir(test.home("box/etc/nftables.d/togusa")).unwrap();
    let mut names: Vec<_> =
        files.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    let head = test.home("box/etc/nftables.d/togusa").join(&names[0]);
    assert!(fs::read_to_string(head).unwrap().contains("delete table inet togusa"), "{names:?}");
}

#[test]
fn what_cannot_be_is_a_model_error() {
    type Make = fn(&mut togusa_core::scope::Scope<'_>);
    let wrong: [(Make, &str); 14] = [
        (|it| drop(it.add(Sysctl::new("../x", 1))), "`../x` cannot be the name of a parameter"),
        (|it| drop(it.add(Sysctl::new("a.b", "1\n2"))), "the value is not one line"),
        (|it| drop(it.add(KernelModule::new("a b"))), "`a b` cannot be the name of a module"),
        (
            |it| drop(it.add(KernelModule::new("a").parameter("b", 1).absent())),
            "parameters mean nothing to an absent module",
        ),
        (|it| drop(it.add(Mount::new("/x", "y").options(["a b"]))), "`a b` is no option"),
        (|it| drop(it.add(Mount::new("/x", "y").fs_type(""))), "`` is no type"),
        (|it| drop(it.add(Swap::file("/x", "1.5G"))), "`1.5G` is no size"),
        (|it| drop(it.add(Swap::file("/x", "1K"))), "a swap file cannot have `1K`"),
        (|it| drop(it.add(Swap::device("/x").priority(40000))), "more than 32767"),
        (|it| drop(it.add(Timezone::new("../x"))), "`../x` cannot be the name of a time zone"),
        (|it| drop(it.add(Locale::new("de_DE"))), "locale `de_DE` has no charset"),
        (|it| drop(it.add(LvmVolume::new("vg0", "a"))), "the volume has no size"),
        (|it| drop(it.add(ZfsDataset::new("tank").absent())), "`tank` is a pool"),
        (|it| drop(it.add(FirewallRule::new("a", "accept").order(1000))), "more than 999"),
    ];
    for (make, words) in wrong {
        let test = Bench::new().model(move |scope| {
            make(scope);
            Ok(())
        });
        let problems = test.problems();
        assert!(problems.contains(words), "{problems}");
    }
}
