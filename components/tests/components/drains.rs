//! Servers of nginx and HAProxy that are taken out of use and put back, where neither runs.

use serde::{Deserialize, Serialize};
use togusa_components::prelude::*;
use togusa_core::prelude::*;
use togusa_core::testing::{Answer, Fake, Harness};

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Backend {
    address: Address,
}

impl Resource for Backend {}

/// A site of nginx before all backends.
#[derive(Debug, Attributes)]
struct Site {
    #[attribute(default = "")]
    comment: String,
}

impl Component for Site {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let backends = scope.require_all::<Backend>()?;
        let servers = backends.iter().map(|it| format!("    server {};\n", it.address));
        let servers: String = servers.collect();
        let text = format!("{}upstream all {{\n{servers}    server c:1 down;\n}}\n", self.comment);
        let site = NginxSite::new("all").content(text).config("/etc/nginx.conf").conf_d();
        let site = site.pid_file("/run/nginx.pid");
        scope.add(Directory::new("/etc").leading_directories());
        scope.add(Directory::new("/etc/conf.d"));
        scope.add(File::new("/etc/nginx.conf").content("http {\ninclude conf.d/*.conf;\n}\n"));
        scope.add(backends.iter().fold(site, |site, it| site.server_of(it, &it.address)));
        Ok(())
    }
}

/// A backend of HAProxy with all backends.
#[derive(Debug, Attributes)]
struct Section {
    #[attribute(default = false)]
    own_file: bool,
}

impl Component for Section {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let backends = scope.require_all::<Backend>()?;
        scope.add(Directory::new("/etc/haproxy").leading_directories());
        scope.add(Directory::new("/etc/haproxy/conf.d"));
        let config = scope.path("/etc/haproxy/haproxy.cfg");
        let write = "[ -e haproxy.cfg ] || echo global >haproxy.cfg";
        let write = Command::new(Exec::shell(write).directory(&scope.path("/etc/haproxy")));
        scope.add(write.named("config").creates("/etc/haproxy/haproxy.cfg"));
        let section = HaproxyBackend::new("all").config(&config);
        let section = match self.own_file {
            true => section.include_directory("/etc/haproxy/conf.d"),
            false => section,
        };
        scope.add(
            backends.iter().fold(section, |section, it| {
                section.server_of(it, it.host().as_str(), &it.address)
            }),
        );
        Ok(())
    }
}

fn harness() -> Harness {
    let registry = Registry::new().with::<Site>("site").with::<Section>("section");
    let backend = |host: &str| Backend { address: Address { host: host.into(), port: 80 } };
    Harness::new(registry)
        .host("lb", ["site", "section"])
        .sandbox("lb")
        .provide_on("a", backend("a"))
        .provide_on("b", backend("b"))
        .fake("nginx")
        .fake("haproxy")
}

#[test]
fn drained_servers_of_a_site_are_no_drift_and_come_back_as_they_were() {
    let harness = harness();
    let (site, instance) = (harness.root("lb", "site"), harness.root("a", "given-0"));
    harness.assert_drains(&site, &instance);
    let read = || harness.read("lb", "~/sandbox/etc/conf.d/all.conf");
    let text = "upstream all {\n    server a:80;\n    server b:80;\n    server c:1 down;\n}\n";
    assert_eq!(read(), text);
    harness.drain(&site, &instance);
    let drained = text.replace("a:80;", "a:80 down; # togusa: drained");
    assert_eq!(read(), drained);

    // What the model wants is something new by now, whose time has not come.
    let harness = harness.set("lb", "site", "comment", "# new\n");
    harness.restore(&site, &instance);
    assert_eq!(harness.read("lb", "~/sandbox/etc/conf.d/all.conf"), text);
    harness.drain(&site, &instance);
    assert_eq!(harness.read("lb", "~/sandbox/etc/conf.d/all.conf"), drained);
    let planned = harness.plan().to_string();
    assert!(planned.contains("+# new") && !planned.contains("-    server"), "{planned}");
}

#[test]
fn a_configuration_that_nginx_refuses_leaves_the_server_in_use() {
    let harness = harness();
    harness.assert_converges();
    let text = harness.read("lb", "~/sandbox/etc/conf.d/all.conf");
    let harness =
        harness.fake(Fake::new("nginx").otherwise(Answer::exit(1).stderr("[emerg] no\n")));
    let (site, instance) = (harness.root("lb", "site"), harness.root("a", "given-0"));
    let drained = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        harness.drain(&site, &instance);
    }));
    let told = drained.unwrap_err();
    let told = told.downcast_ref::<String>().unwrap();
    assert!(told.contains("the site is not changed") && told.contains("[emerg] no"), "{told}");
    assert_eq!(harness.read("lb", "~/sandbox/etc/conf.d/all.conf"), text);
}

#[test]
fn drained_servers_of_a_section_are_no_drift_and_come_back_as_they_were() {
    for (own_file, file) in [(false, "haproxy.cfg"), (true, "conf.d/all.cfg")] {
        let harness = harness().set("lb", "section", "own_file", own_file);
        let (section, instance) = (harness.root("lb", "section"), harness.root("b", "given-1"));
        harness.assert_drains(&section, &instance);
        let path = format!("~/sandbox/etc/haproxy/{file}");
        let text = harness.read("lb", &path);
        harness.drain(&section, &instance);
        let line = "    server b b:80 check";
        assert!(text.contains(&format!("{line}\n")), "{text}");
        let drained = text.replace(line, &format!("{line} disabled # togusa: drained"));
        assert_eq!(harness.read("lb", &path), drained);
        // A deployment finds nothing to be rolled, and puts it back.
        harness.deploy().assert_success();
        assert_eq!(harness.read("lb", &path), text);
    }
}
