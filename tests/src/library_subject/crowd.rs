//! A host with much on it, and shims in the place of the programs that tell of it.

use std::fmt::Write as _;

use togusa::prelude::*;

use crate::lab::Host;

/// The root of this module.
pub const ROOT: &str = "crowd";

pub(super) fn register(registry: Registry) -> Registry {
    registry.with::<Crowd>(ROOT)
}

/// Many packages, users, services and files, each a component of its own.
#[derive(Debug, Attributes)]
pub struct Crowd {
    #[attribute(default = 200)]
    packages: usize,
    #[attribute(default = 50)]
    users: usize,
    #[attribute(default = 100)]
    services: usize,
    #[attribute(default = 500)]
    files: usize,
}

impl Component for Crowd {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        for number in 0..self.packages {
            scope.add(Apt::new(package(number)));
        }
        for number in 0..self.users {
            let user = User::new(format!("user-{number:03}"));
            scope.add(user.shell("/bin/sh").comment(format!("user {number}")));
        }
        for number in 0..self.files {
            let line = format!("file {number} of {}\n", scope.host());
            scope.add(File::new(format!("{number:03}.conf")).content(line.repeat(40)));
        }
        for number in 0..self.services {
            scope.add(SystemdService::new(service(number)));
        }
        Ok(())
    }
}

fn package(number: usize) -> String {
    format!("package-{number:03}")
}

fn service(number: usize) -> String {
    format!("service-{number:03}.service")
}

/// Puts shims for dpkg and systemd on a host: they answer at once, that all is as it shall be. No
/// deployment of [`Crowd`] can change a package or a service there.
pub fn prepare(host: &Host) {
    let (mut packages, mut units, mut files) = (String::new(), String::new(), String::new());
    for number in 0..1000 {
        let _ = writeln!(packages, "{}\tall\t1.0\tinstall\tinstalled\t", package(number));
        let name = service(number);
        let _ = write!(
            units,
            "Id={name}\nNames={name}\nLoadState=loaded\nActiveState=active\nSubState=running\n\
             UnitFileState=enabled\nNeedDaemonReload=no\nInvocationID={number:032x}\nNRestarts=0\n\n"
        );
        let _ = writeln!(files, "{name} enabled enabled");
    }
    host.write("/srv/shims/packages", packages);
    host.write("/srv/shims/show", units);
    host.write("/srv/shims/list-unit-files", files);
    let shims = [
        ("dpkg-query", "exec cat /srv/shims/packages"),
        ("systemctl", "[ -e /srv/shims/$1 ] || exit 1\nexec cat /srv/shims/$1"),
    ];
    for (name, script) in shims {
        let path = format!("/usr/local/bin/{name}");
        host.write(&path, format!("#!/bin/sh\n{script}\n"));
        host.sh(&format!("chmod 755 {path}"));
    }
}
