//! The system itself: its kernel, mounts, volumes, names and packet filter.
//!
//! | component | what it looks after |
//! |---|---|
//! | [`Sysctl`] | a parameter of the kernel |
//! | [`KernelModule`] | a module of the kernel |
//! | [`Mount`] | a file system in its place |
//! | [`Swap`] | a file or device to swap to |
//! | [`Hostname`] | the name of the host |
//! | [`Timezone`] | the time zone |
//! | [`Locale`] | a locale of the C library |
//! | [`FirewallRule`] | a rule of nftables |
//! | [`ZfsDataset`] | a file system or volume of ZFS |
//! | [`LvmVolume`] | a logical volume of LVM |
//! | [`Reboot`] | a reboot in the middle of the run |
//!
//! Where a setting has two places, the file that is read at boot and what holds now, both are looked
//! at and both are mended. All of it belongs to the system, so that the converging user must be root;
//! to look at most of it anybody will do. In a sandbox the files are looked after there, by any user,
//! and what runs now is left alone.

mod firewall_rule;
mod fstab;
mod hostname;
mod kernel_module;
mod locale;
mod lvm_volume;
mod mount;
mod paths;
mod reboot;
mod size;
mod swap;
mod sysctl;
mod timezone;
mod zfs_dataset;

pub use firewall_rule::FirewallRule;
pub use hostname::Hostname;
pub use kernel_module::KernelModule;
pub use locale::Locale;
pub use lvm_volume::LvmVolume;
pub use mount::Mount;
pub use reboot::Reboot;
pub use swap::Swap;
pub use sysctl::Sysctl;
pub use timezone::Timezone;
pub use zfs_dataset::ZfsDataset;
