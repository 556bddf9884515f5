//! The web: what stands before an application.
//!
//! | component | what it looks after |
//! |---|---|
//! | [`NginxSite`] | a site of nginx: its file, whether it is enabled, that nginx uses it |
//! | [`NginxReload`] | that nginx uses what its files say |
//! | [`HaproxyBackend`] | a backend of HAProxy and its servers |
//! | [`Certificate`] | a TLS certificate and its key, self-signed or given |

mod certificate;
mod connections;
mod haproxy_backend;
mod nginx_reload;
mod nginx_site;
mod servers;
mod workers;

pub use certificate::Certificate;
pub use haproxy_backend::HaproxyBackend;
pub use nginx_reload::NginxReload;
pub use nginx_site::NginxSite;
