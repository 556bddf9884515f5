//! Roots of Redis.

use togusa::prelude::*;

pub(super) fn register(registry: Registry) -> Registry {
    registry.with::<AServer>("redis")
}

/// One server.
#[derive(Debug, Attributes)]
struct AServer {
    port: u16,
    password: Option<Secret>,
    memory: Option<String>,
    save: Option<String>,
    #[attribute(default = false)]
    absent: bool,
}

impl Component for AServer {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let redis = Redis::new("cache").port(self.port);
        set!(redis: password = &self.password);
        ask!(redis: absent if self.absent);
        let redis = match &self.memory {
            Some(memory) => redis.setting("maxmemory", memory),
            None => redis,
        };
        let redis = match &self.save {
            Some(save) => redis.setting("save", save),
            None => redis,
        };
        scope.add(redis);
        Ok(())
    }
}
