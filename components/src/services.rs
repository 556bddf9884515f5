//! Services: what runs, and keeps running when the deployment is over.
//!
//! | component | what it looks after |
//! |---|---|
//! | [`Program`] | a process of its own, on a machine without an init system |
//! | [`SystemdUnit`] | a unit file that systemd has loaded |
//! | [`SystemdService`] | that a unit of systemd is enabled and runs |
//! | [`SystemdTimer`] | a command that systemd runs at set times |
//! | [`SupervisorProgram`] | a process below supervisord |

mod program;
mod supervisor_program;
mod systemd;
mod systemd_service;
mod systemd_timer;
mod systemd_unit;
mod text;

pub use program::Program;
pub use supervisor_program::SupervisorProgram;
pub use systemd_service::SystemdService;
pub use systemd_timer::SystemdTimer;
pub use systemd_unit::SystemdUnit;
