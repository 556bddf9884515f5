//! What customers talk to: nginx, in front of all servers of the application.

use shop_app::Backend;
use togusa::prelude::*;

/// An nginx of its own, which speaks TLS.
#[derive(Debug, Attributes)]
pub struct Web {
    /// Port to listen on.
    #[attribute(default = 443)]
    port: u16,
    /// The name by which customers reach the shop.
    name: String,
    /// User of the system that requests are handled as; default: who deploys.
    user: Option<String>,
}

impl Component for Web {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let backends = scope.require_all::<Backend>()?;
        scope.add_on("debian", Apt::new("nginx"));
        scope.add(Directory::new("sites"));
        let work = scope.work_directory();
        let context = context! { work, user => self.user };
        let config = scope.add(File::new("nginx.conf").template("nginx.conf.j2", context));
        let certificate = scope.add(Certificate::self_signed(&self.name));

        let context = context! {
            backends => backends, port => self.port, name => self.name,
            certificate => certificate.certificate_path(), key => certificate.key_path(),
        };
        let site = NginxSite::new("shop").template("shop.conf.j2", context);
        // An application that is rolled is taken out of the upstream first.
        let site = backends.iter().fold(site, |site, app| site.server_of(app, &app.address));
        scope.add(site.config(config.path()).include_directory("sites"));
        let nginx = Program::new("nginx", "nginx").args(["-c", "nginx.conf", "-p", "."]);
        let nginx = nginx.stop_signal("QUIT").reload_signal("HUP");
        scope.on_change(&config).on_change(&certificate).add(nginx);

        let log = Logrotate::new("shop-web").log("access.log").log("error.log");
        scope.add(log.post_rotate(format!("kill -USR1 $(cat {}/master.pid)", work.as_str())));
        let page = WaitForHttp::new(format!("https://localhost:{}/", self.port));
        scope.add(page.insecure().contains("<td>"));
        Ok(())
    }
}
