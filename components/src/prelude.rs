//! All components: `use togusa_components::prelude::*;`.

#[cfg(feature = "checks")]
pub use crate::checks::{HealthCheck, WaitForHttp, WaitForPort};
#[cfg(feature = "containers")]
pub use crate::containers::{
    ComposeProject, DockerContainer, DockerImage, DockerNetwork, DockerVolume,
};
#[cfg(feature = "monitoring")]
pub use crate::monitoring::{CheckFile, PrometheusTarget};
#[cfg(feature = "services")]
pub use crate::services::{Program, SupervisorProgram, SystemdService, SystemdTimer, SystemdUnit};
#[cfg(feature = "system")]
pub use crate::system::{
    FirewallRule, Hostname, KernelModule, Locale, LvmVolume, Mount, Reboot, Swap, Sysctl, Timezone,
    ZfsDataset,
};
#[cfg(feature = "web")]
pub use crate::web::{
    AcmeCertificate, CaddyReload, CaddySite, Certificate, HaproxyBackend, KeyType, NginxReload,
    NginxSite, Varnish,
};
#[cfg(feature = "packages")]
pub use crate::{
    Apk, Apt, AptRepository, Brew, CargoInstall, Dnf, Npm, Package, Pacman, Pkg, Snap, VirtualEnv,
    Zypper,
};
#[cfg(feature = "sources")]
pub use crate::{Archive, Build, Download, GitCheckout, HgCheckout, OciArtifact, S3Object};
#[cfg(feature = "accounts")]
pub use crate::{AuthorizedKey, GpgKey, Group, KnownHost, PamLimit, SudoRule, User};
#[cfg(feature = "edits")]
pub use crate::{Block, Line, Patch, Permissions, Values};
pub use crate::{Command, Directory, File, IntoMode, Location, Purge, Script, Symlink};
#[cfg(feature = "scheduled")]
pub use crate::{Cron, Logrotate};
#[cfg(feature = "data")]
pub use crate::{
    MysqlDatabase, MysqlGrant, MysqlUser, PostgresCluster, PostgresDatabase, PostgresExtension,
    PostgresRole, Redis,
};
