//! Roots of what stands before an application.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use togusa::prelude::*;

pub(super) fn register(registry: Registry) -> Registry {
    registry
        .with::<ASite>("site")
        .with::<ABackend>("backend")
        .with::<ACaddySite>("caddy")
        .with::<ACertificate>("certificate")
        .with::<AnAcmeCertificate>("acme")
        .with::<Answers>("answers")
        .with::<Application>("application")
        .with::<Balancer>("balancer")
        .with::<AVarnish>("varnish")
}

/// A site of nginx.
#[derive(Debug, Attributes)]
struct ASite {
    site: String,
    #[attribute(default = "")]
    text: String,
    #[attribute(default = false)]
    conf_d: bool,
    #[attribute(default = false)]
    disabled: bool,
    #[attribute(default = false)]
    absent: bool,
}

impl Component for ASite {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let site = NginxSite::new(&*self.site).content(&self.text);
        ask!(site:
            conf_d if self.conf_d,
            disabled if self.disabled,
            absent if self.absent,
        );
        scope.add(site);
        Ok(())
    }
}

/// A backend of HAProxy.
#[derive(Debug, Attributes)]
struct ABackend {
    backend: String,
    listen: u16,
    ports: Vec<u16>,
    options: Vec<String>,
    include_directory: Option<String>,
    #[attribute(default = false)]
    absent: bool,
}

impl Component for ABackend {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let backend = HaproxyBackend::new(&*self.backend).listen(self.listen);
        let backend = self.options.iter().fold(backend, HaproxyBackend::option);
        let backend = self.ports.iter().fold(backend, |backend, port| {
            let address = Address { host: "127.0.0.1".into(), port: *port };
            backend.server(format!("s{port}"), &address)
        });
        set!(backend: include_directory = self.include_directory.as_deref());
        ask!(backend: absent if self.absent);
        scope.add(backend);
        Ok(())
    }
}

/// A site of Caddy, and its certificate.
#[derive(Debug, Attributes)]
struct ACaddySite {
    site: String,
    address: String,
    root: Option<String>,
    upstream: Option<u16>,
    path: Option<String>,
    directive: Option<String>,
    /// The mode of the key of a self-signed one.
    key_mode: Option<String>,
    #[attribute(default = 90)]
    days: u32,
    #[attribute(default = false)]
    internal: bool,
    #[attribute(default = false)]
    absent: bool,
}

impl Component for ACaddySite {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let site = CaddySite::new(&*self.site).address(&*self.address);
        let upstream = self.upstream.map(|port| Address { host: "127.0.0.1".into(), port });
        set!(site:
            root = self.root.as_deref(),
            upstream = upstream.as_ref(),
            upstream_path = self.path.as_deref(),
            directive = self.directive.as_deref(),
        );
        ask!(site: internal_tls if self.internal, absent if self.absent);
        let Some(key_mode) = self.key_mode.as_deref() else {
            scope.add(site);
            return Ok(());
        };
        let own = Certificate::self_signed("localhost").directory("/etc/caddy").days(self.days);
        let own = scope.add(own.group("caddy").key_mode(key_mode));
        scope.add(site.certificate(own.certificate_path(), own.key_path()));
        scope.on_change(&own).add(CaddyReload::new());
        Ok(())
    }
}

/// The configuration of Varnish.
#[derive(Debug, Attributes)]
struct AVarnish {
    #[attribute(default = "")]
    text: String,
    #[attribute(default = "")]
    included: String,
    group: Option<String>,
    #[attribute(default = false)]
    absent: bool,
}

impl Component for AVarnish {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let included = File::new("/etc/varnish/included.vcl").content(&self.included);
        let included = scope.add(included.mode(0o644));
        let varnish = Varnish::new("/etc/varnish/default.vcl").content(&self.text);
        set!(varnish: group = self.group.as_deref());
        ask!(varnish: absent if self.absent);
        scope.on_change(&included).add(varnish);
        Ok(())
    }
}

/// A self-signed certificate of a user of the host.
#[derive(Debug, Attributes)]
struct ACertificate {
    name: String,
    directory: String,
    owner: String,
}

impl Component for ACertificate {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let certificate = Certificate::self_signed(&*self.name).directory(&*self.directory);
        scope.add(certificate.owner(&*self.owner));
        Ok(())
    }
}

/// A certificate of an authority that speaks ACME.
#[derive(Debug, Attributes)]
struct AnAcmeCertificate {
    names: Vec<String>,
    authority: String,
    ca_file: String,
    port: Option<u16>,
    webroot: Option<String>,
    group: Option<String>,
    directory: Option<String>,
    #[attribute(default = false)]
    rsa: bool,
    #[attribute(default = false)]
    combined: bool,
    #[attribute(default = false)]
    lego: bool,
    #[attribute(default = false)]
    absent: bool,
}

impl Component for AnAcmeCertificate {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let (name, more) = self.names.split_first().context("it has no name")?;
        let certificate = AcmeCertificate::new(name).names(more).terms_agreed();
        let certificate = certificate.email("ops@shop.test").authority(&*self.authority);
        let certificate = certificate.ca_file(&*self.ca_file);
        set!(certificate:
            port = self.port,
            webroot = self.webroot.as_deref(),
            group = self.group.as_deref(),
            directory = self.directory.as_deref(),
            key_type = self.rsa.then_some(KeyType::Rsa2048),
        );
        ask!(certificate:
            lego if self.lego,
            combined if self.combined,
            absent if self.absent,
        );
        scope.add(certificate);
        Ok(())
    }
}

/// What an address answers.
#[derive(Debug, Attributes)]
struct Answers {
    url: String,
    contains: String,
    #[attribute(default = false)]
    insecure: bool,
}

impl Component for Answers {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let check = WaitForHttp::new(&*self.url).contains(&*self.contains);
        let check = check.timeout(Duration::from_secs(1)).interval(Duration::from_millis(100));
        ask!(check: insecure if self.insecure);
        scope.add(check);
        Ok(())
    }
}

/// Where an application answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Backend {
    address: Address,
}

impl Resource for Backend {}

/// An application that takes its time to answer, and cuts what is under way when it is stopped.
#[derive(Debug, Attributes)]
struct Application {
    port: u16,
    version: String,
}

const APPLICATION: &str = "\
user root;
daemon off;
worker_processes 1;
pid {{ directory }}/nginx.pid;
error_log {{ directory }}/error.log;
events {}
http {
    access_log {{ directory }}/access.log;
    server {
        listen 127.0.0.1:{{ port }};
        root {{ directory }};
        location = /health { access_log off; return 200 {{ version }}; }
        location /endless { rewrite ^ /answer break; limit_rate_after 1k; limit_rate 10; }
        location / { rewrite ^ /answer break; limit_rate 40k; }
    }
}
";

impl Component for Application {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let (port, version) = (self.port, &self.version);
        let answer = format!("{}end\n", format!("{version} ").repeat(4000));
        let answer = scope.add(File::new("answer").content(answer));
        let context = context! { port, version, directory => scope.work_directory() };
        let conf = scope.add(File::new("nginx.conf").inline_template(APPLICATION, context));
        // What is out of use is asked nothing.
        let count =
            "touch access.log; wc -l <access.log >before; sleep 0.5; wc -l <access.log >after";
        let count = Command::shell(count).named("count").on_trigger_only();
        scope.on_change(&answer).add(count);
        let conf = conf.path().clone();
        let start = format!("exec /usr/sbin/nginx -c \"$PWD/{}\"", conf.file_name());
        let program = Program::new("application", "sh").args(["-c", &start]);
        scope.on_change(&answer).add(program.start_time(Duration::from_millis(100)));
        let health = HealthCheck::http(format!("http://127.0.0.1:{port}/health"));
        scope.add(health.status(200).body_contains(version));
        scope.provide(Backend { address: Address { host: "127.0.0.1".into(), port } });
        Ok(())
    }
}

/// What stands before all applications.
#[derive(Debug, Attributes)]
struct Balancer {
    listen: u16,
    #[attribute(default = false)]
    haproxy: bool,
    /// In milliseconds.
    #[attribute(default = 30_000)]
    drain_timeout: u64,
}

const SITE: &str = "\
upstream applications {
    zone applications 64k;
{% for server in servers %}
    server {{ server }};
{% endfor %}
    server 127.0.0.1:9 down;
}
server {
    listen 127.0.0.1:{{ listen }};
    location / { proxy_pass http://applications; proxy_next_upstream off; proxy_buffering off; }
}
";

impl Component for Balancer {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let backends = scope.require_all::<Backend>()?;
        let timeout = Duration::from_millis(self.drain_timeout);
        if self.haproxy {
            let shop = HaproxyBackend::new("shop").listen(self.listen).drain_timeout(timeout);
            let shop = shop.option("retries 0").option("timeout queue 1s");
            scope.add(backends.iter().fold(shop, |shop, backend| {
                shop.server_of(backend, backend.host().as_str(), &backend.address)
            }));
            return Ok(());
        }
        let servers: Vec<_> = backends.iter().map(|it| it.address.to_string()).collect();
        let context = context! { servers, listen => self.listen };
        let site = NginxSite::new("shop").inline_template(SITE, context).drain_timeout(timeout);
        scope.add(
            backends.iter().fold(site, |site, backend| site.server_of(backend, &backend.address)),
        );
        Ok(())
    }
}
