//! The web: what stands before an application.
//!
//! | component | what it looks after |
//! |---|---|
//! | [`NginxSite`] | a site of nginx: its file, whether it is enabled, that nginx uses it |
//! | [`NginxReload`] | that nginx uses what its files say |
//! | [`CaddySite`] | a site of Caddy: its file, that it is imported, that Caddy uses it |
//! | [`CaddyReload`] | that Caddy uses what its files say |
//! | [`HaproxyBackend`] | a backend of HAProxy and its servers |
//! | [`Varnish`] | the configuration of Varnish: its file, and that Varnish uses it |
//! | [`Certificate`] | a TLS certificate and its key, self-signed or given |
//! | [`AcmeCertificate`] | a TLS certificate of an authority that speaks ACME |

mod acme_certificate;
mod caddy_reload;
mod caddy_site;
mod certificate;
mod connections;
mod haproxy_backend;
mod nginx_reload;
mod nginx_site;
mod servers;
mod text_source;
mod varnish;
mod workers;

pub use acme_certificate::{AcmeCertificate, KeyType};
pub use caddy_reload::CaddyReload;
pub use caddy_site::CaddySite;
pub use certificate::Certificate;
pub use haproxy_backend::HaproxyBackend;
pub use nginx_reload::NginxReload;
pub use nginx_site::NginxSite;
pub use varnish::Varnish;
