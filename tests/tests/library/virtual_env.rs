//! Virtual environments, from a directory of wheels.

use std::sync::LazyLock;

use crate::{Site, Subject};

/// A wheel is a zip file of some texts: `wheel NAME VERSION`.
const WHEEL: &str = r#"
import sys, zipfile
name, version = sys.argv[1:]
info = f"{name}-{version}.dist-info"
with zipfile.ZipFile(f"/srv/wheels/{name}-{version}-py3-none-any.whl", "w") as wheel:
    wheel.writestr(f"{name}.py", f"version = '{version}'\n")
    wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    wheel.writestr(f"{info}/RECORD", f"{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
"#;

static HERE: LazyLock<Subject> = LazyLock::new(|| {
    let subject = Subject::start();
    subject.host().write("/srv/wheel.py", WHEEL);
    for wheel in ["tool 1.0", "tool 2.0", "other 1.0"] {
        subject.host().sh(&format!("mkdir -p /srv/wheels; python3 /srv/wheel.py {wheel}"));
    }
    subject.host().sh("useradd -m app");
    subject
});

fn set(site: &Site<'_>, requirements: &str, more: &str) {
    let options = "options = ['--no-index', '--find-links', '/srv/wheels']";
    let text = format!("[components.venv]\nrequirements = [{requirements}]\n{options}\n{more}");
    site.set(["venv"], &text);
}

/// The version of a package as Python sees it.
fn version(at: &str, package: &str) -> String {
    let say = format!("{at}/bin/python -c 'import {package}; print({package}.version)'");
    HERE.host().sh(&say).trim().to_owned()
}

#[test]
fn an_environment_is_made_with_its_requirements_and_kept_right() {
    let host = HERE.host();
    let site = HERE.site("venv");
    let at = "/srv/venv";
    let path = "path = '/srv/venv'";
    set(&site, "'tool==1.0', 'other'", path);
    assert_eq!(site.converge(), ["+ create virtual environment", "~ content (+2 -0 lines)"]);
    assert_eq!((version(at, "tool"), version(at, "other")), ("1.0".into(), "1.0".into()));

    let pip = |arguments: &str| {
        host.sh(&format!("{at}/bin/pip {arguments} --no-input 2>&1"));
    };
    pip("install --no-index --find-links /srv/wheels tool==2.0");
    assert_eq!(site.converge(), ["~ version of tool 2.0 → 1.0"]);
    pip("uninstall --yes other");
    assert_eq!(site.converge(), ["+ create package other"]);
    set(&site, "'tool==2.0', 'other>=1'", path);
    let changed = "~ content (+2 -2 lines)";
    assert_eq!(site.converge(), ["~ version of tool 1.0 → 2.0", changed]);
    host.sh(&format!("rm {at}/requirements.installed.txt"));
    assert_eq!(site.converge(), ["~ content (+2 -0 lines)"], "of this only the record tells");

    // What an upgrade of the system's Python leaves behind.
    host.sh(&format!(
        "cd {at}; mv lib/python3.* lib/python3.4; sed -i 's/^version.*/version = 3.4.1/' pyvenv.cfg"
    ));
    let [python, _] = &site.converge()[..] else { panic!("it is made anew") };
    assert!(python.starts_with("~ python 3.4 → 3."), "{python}");
    assert_eq!(version(at, "tool"), "2.0");
    host.sh(&format!("ln -sfn /usr/bin/python3.4 {at}/bin/python3"));
    assert_eq!(site.converge()[0], "~ its interpreter is gone");
    host.sh(&format!("rm {at}/pyvenv.cfg"));
    assert_eq!(site.converge()[0], "~ it is no whole virtual environment");
    host.sh(&format!("rm -r {at}; echo >{at}"));
    assert_eq!(site.converge()[0], "- remove file");

    // Without pip it can still be told that nothing is to do.
    host.sh(&format!("chmod -x {at}/bin/*"));
    assert_eq!(site.plan().expect(0).differences(), [""; 0]);
    host.sh(&format!("chmod +x {at}/bin/*"));

    set(&site, "'nowhere==1'", path);
    assert!(site.failure().contains("No matching distribution found for nowhere==1"));
    assert_eq!(version(at, "tool"), "2.0");
    set(&site, "", "path = '/srv/venv'\nabsent = true");
    assert_eq!(site.converge(), ["- remove directory with all that it holds"]);
}

#[test]
fn it_belongs_to_the_user_who_is_named_and_hashes_are_compared() {
    let host = HERE.host();
    let site = HERE.site("venv-of-app");
    let sum = host.sh("sha256sum /srv/wheels/tool-1.0-* | cut -d' ' -f1");
    let more = "path = '/srv/app-venv'\nuser = 'app'\nhashes = true";
    set(&site, &format!("'tool==1.0 --hash=sha256:{}'", "0".repeat(64)), more);
    assert!(site.failure().contains("THESE PACKAGES DO NOT MATCH THE HASHES"));
    set(&site, &format!("'tool==1.0 --hash=sha256:{}'", sum.trim()), more);
    let first = "+ create package tool 1.0";
    assert_eq!(site.converge(), [first, "~ content (+1 -0 lines)"]);
    assert_eq!(host.sh("find /srv/app-venv ! -user app"), "");
}

#[test]
fn uv_is_asked_if_it_shall_be() {
    let host = HERE.host();
    // It does what the real one does with these options.
    let shim = "#!/bin/sh\necho \"$@\" >>/run/uv\ncase $1 in\n\
                venv) exec \"$4\" -m venv \"$5\" ;;\n\
                pip) python=$4; shift 4; exec \"$python\" -m pip install \"$@\" ;;\nesac\n";
    host.write("/usr/local/bin/uv", shim);
    host.sh("chmod 755 /usr/local/bin/uv");
    let site = HERE.site("venv-by-uv");
    set(&site, "'tool'", "path = '/srv/uv-venv'\nuv = true");
    assert_eq!(site.converge().len(), 2);
    let asked = host.read("/run/uv");
    assert!(
        asked.starts_with("venv --allow-existing --python python3 /srv/uv-venv\npip install"),
        "{asked}"
    );
    host.sh("rm /usr/local/bin/uv");
    set(&site, "'other'", "path = '/srv/uv-venv'\nuv = true");
    let failure = site.failure();
    assert!(failure.contains("there is no program `uv`"), "{failure}");
    assert!(failure.contains("hint: install `uv` on the host"), "{failure}");
}

#[test]
fn a_python_that_is_missing_or_cannot_make_environments_is_told() {
    let subject = Subject::start();
    let site = subject.site("no-venv");
    let text = "[components.venv]\npath = 'venv'\nrequirements = []\noptions = []";
    site.set(["venv"], &format!("{text}\npython = 'python3.77'"));
    let failure = site.failure();
    assert!(failure.contains("there is no program `python3.77`"), "{failure}");
    assert!(failure.contains("package `python3.77` and `python3.77-venv`"), "{failure}");
    subject.host().sh("rm -r /usr/lib/python3*/ensurepip");
    site.set(["venv"], text);
    let failure = site.failure();
    assert!(failure.contains("hint: install what makes virtual environments"), "{failure}");
    assert!(failure.contains("package `python3-venv`"), "{failure}");
}
