//! Roots of what stands before an application.

use std::time::Duration;

use togusa::prelude::*;

pub(super) fn register(registry: Registry) -> Registry {
    registry
        .with::<ASite>("site")
        .with::<ABackend>("backend")
        .with::<ACertificate>("certificate")
        .with::<Answers>("answers")
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
