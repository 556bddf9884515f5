//! Containers, by the command line of Docker.
//!
//! | component | what it looks after |
//! |---|---|
//! | [`DockerImage`] | an image that is there |
//! | [`DockerNetwork`] | a network that containers share |
//! | [`DockerVolume`] | a volume that outlives its containers |
//! | [`DockerContainer`] | one container, made anew when its definition changes |
//! | [`ComposeProject`] | the services of a file of Docker Compose |
//!
//! All of them work through `docker`, which finds the daemon as it does for the converging user: by
//! its context or by `/var/run/docker.sock`, which belongs to root and the group `docker`. What is
//! there is read once for all components of a kind, and again after something was changed. A sandbox
//! maps nothing of it but the paths of the host that containers are given.

mod compose_project;
mod docker;
mod docker_container;
mod docker_image;
mod docker_network;
mod docker_volume;
mod reference;

pub use compose_project::ComposeProject;
pub use docker_container::DockerContainer;
pub use docker_image::DockerImage;
pub use docker_network::DockerNetwork;
pub use docker_volume::DockerVolume;
