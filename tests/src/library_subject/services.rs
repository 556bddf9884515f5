//! Roots of services.

use std::collections::BTreeMap;
use std::time::Duration;

use togusa::prelude::*;

pub(super) fn register(registry: Registry) -> Registry {
    registry
        .with::<AProgram>("program")
        .with::<Supervised>("supervised")
        .with::<AUnit>("unit")
        .with::<AService>("service")
        .with::<ATimer>("timer")
}

/// A process of its own, of another user.
#[derive(Debug, Attributes)]
struct AProgram {
    command: Vec<String>,
    user: String,
    log: String,
    directory: String,
    password: Option<Secret>,
    #[attribute(default = false)]
    absent: bool,
}

impl Component for AProgram {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let (program, args) = self.command.split_first().context("a command has a program")?;
        let app = Program::new("app", program).args(args).user(&self.user).log(&*self.log);
        let app = app.directory(&*self.directory).start_time(Duration::from_millis(300));
        let app = match &self.password {
            Some(password) => app.env("PASSWORD", password),
            None => app,
        };
        ask!(app: absent if self.absent);
        scope.add(app);
        Ok(())
    }
}

/// A program below supervisord, and a file that it depends on.
#[derive(Debug, Attributes)]
struct Supervised {
    name: String,
    command: Vec<String>,
    user: Option<String>,
    log: Option<String>,
    #[attribute(default = 1)]
    start_seconds: u64,
    reload_signal: Option<String>,
    env: BTreeMap<String, String>,
    password: Option<Secret>,
    #[attribute(default = "")]
    conf: String,
    #[attribute(default = false)]
    absent: bool,
}

impl Component for Supervised {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let conf = scope.add(File::new("conf").content(&self.conf));
        let (program, args) = self.command.split_first().context("a command has a program")?;
        let app = SupervisorProgram::new(&*self.name, program).args(args).directory("/");
        let app = self.env.iter().fold(app, |app, (name, value)| app.env(name, value));
        let app = app.start_time(Duration::from_secs(self.start_seconds));
        set!(app:
            user = self.user.as_deref(),
            log = self.log.as_deref(),
            reload_signal = self.reload_signal.as_deref(),
        );
        let app = match &self.password {
            Some(password) => app.env("PASSWORD", password),
            None => app,
        };
        ask!(app: absent if self.absent);
        scope.on_change(&conf).add(app);
        Ok(())
    }
}

/// A unit file, and the service that it describes.
#[derive(Debug, Attributes)]
struct AUnit {
    unit: String,
    text: String,
    drop_in: Option<String>,
    #[attribute(default = false)]
    reload: bool,
    #[attribute(default = false)]
    of_user: bool,
    #[attribute(default = false)]
    absent: bool,
}

impl Component for AUnit {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let service = SystemdService::new(&self.unit).start_time(Duration::from_millis(500));
        ask!(service:
            reload if self.reload,
            of_user if self.of_user,
            stopped if self.absent,
            disabled if self.absent,
        );
        let unit = SystemdUnit::new(&self.unit).content(&self.text);
        ask!(unit: of_user if self.of_user, absent if self.absent);
        if self.absent {
            scope.add(service);
            scope.add(unit);
            return Ok(());
        }
        let unit = scope.add(unit);
        let more = self.drop_in.as_ref();
        let more = more.map(|text| SystemdUnit::drop_in(&self.unit, "more").content(text));
        let more = scope.add(more);
        scope.on_change(&unit).on_change(&more).add(service);
        Ok(())
    }
}

/// A service whose unit comes from elsewhere.
#[derive(Debug, Attributes)]
struct AService {
    service: String,
    #[attribute(default = "enabled")]
    boot: String,
    #[attribute(default = "running")]
    state: String,
}

impl Component for AService {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let service = SystemdService::new(&self.service).start_time(Duration::from_millis(500));
        ask!(service:
            disabled if self.boot == "disabled",
            masked if self.boot == "masked",
            any_enablement if self.boot == "any",
            stopped if self.state == "stopped",
            any_state if self.state == "any",
        );
        scope.add(service);
        Ok(())
    }
}

/// A command that systemd runs at set times.
#[derive(Debug, Attributes)]
struct ATimer {
    command: Vec<String>,
    on_calendar: String,
    password: Secret,
    #[attribute(default = false)]
    absent: bool,
}

impl Component for ATimer {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let timer = SystemdTimer::new("tick", &self.command).on_calendar(&*self.on_calendar);
        let timer = timer.env("PASSWORD", &self.password);
        ask!(timer: absent if self.absent);
        scope.add(timer);
        Ok(())
    }
}
