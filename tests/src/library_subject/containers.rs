//! Roots of Docker.

use std::time::Duration;

use togusa::prelude::*;

pub(super) fn register(registry: Registry) -> Registry {
    registry
        .with::<AnImage>("docker-image")
        .with::<ANetwork>("docker-network")
        .with::<AVolume>("docker-volume")
        .with::<AContainer>("docker-container")
}

/// One image.
#[derive(Debug, Attributes)]
struct AnImage {
    name: String,
    archive: Option<String>,
    #[attribute(default = false)]
    absent: bool,
}

impl Component for AnImage {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let image = DockerImage::new(&self.name);
        set!(image: archive = self.archive.as_deref());
        ask!(image: absent if self.absent);
        scope.add(image);
        Ok(())
    }
}

/// One network.
#[derive(Debug, Attributes)]
struct ANetwork {
    name: String,
    subnet: Option<String>,
    gateway: Option<String>,
    label: Option<String>,
    #[attribute(default = false)]
    internal: bool,
    #[attribute(default = false)]
    absent: bool,
}

impl Component for ANetwork {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let network = DockerNetwork::new(&self.name);
        set!(network: subnet = &self.subnet, gateway = &self.gateway);
        ask!(network: internal if self.internal, absent if self.absent);
        let label = self.label.iter();
        scope.add(label.fold(network, |network, label| network.label("of", label)));
        Ok(())
    }
}

/// One volume.
#[derive(Debug, Attributes)]
struct AVolume {
    name: String,
    label: Option<String>,
    #[attribute(default = false)]
    recreate: bool,
    #[attribute(default = false)]
    absent: bool,
}

impl Component for AVolume {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let volume = DockerVolume::new(&self.name);
        ask!(volume:
            recreate_losing_all_data if self.recreate,
            absent_losing_all_data if self.absent,
        );
        let label = self.label.iter();
        scope.add(label.fold(volume, |volume, label| volume.label("of", label)));
        Ok(())
    }
}

/// One container, of an image that runs `sleep`.
#[derive(Debug, Attributes)]
struct AContainer {
    name: String,
    image: Option<String>,
    command: Option<Vec<String>>,
    #[attribute(default = Vec::new())]
    ports: Vec<String>,
    #[attribute(default = Vec::new())]
    networks: Vec<String>,
    volume: Option<String>,
    bind: Option<String>,
    password: Option<Secret>,
    user: Option<String>,
    restart: Option<String>,
    #[attribute(default = Vec::new())]
    options: Vec<String>,
    #[attribute(default = false)]
    stopped: bool,
}

impl Component for AContainer {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let Some(image) = &self.image else {
            scope.add(DockerContainer::absent(&self.name));
            return Ok(());
        };
        let container = DockerContainer::new(&self.name, image).options(&self.options);
        let container = container.start_time(Duration::from_millis(100));
        let container = container.stop_timeout(Duration::ZERO);
        let container = self.ports.iter().fold(container, DockerContainer::publish);
        let container = self.networks.iter().fold(container, DockerContainer::network);
        set!(container:
            command = self.command.clone(),
            user = &self.user,
            restart = &self.restart,
        );
        let container = match &self.volume {
            Some(name) => container.volume(name, "/data"),
            None => container,
        };
        let container = match &self.bind {
            Some(path) => container.bind_read_only(path, "/given"),
            None => container,
        };
        let container = match &self.password {
            Some(password) => container.env("PASSWORD", password),
            None => container,
        };
        ask!(container: stopped if self.stopped);
        scope.add(container);
        Ok(())
    }
}
