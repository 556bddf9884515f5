//! A dump of the database every night.

use togusa::prelude::*;

/// A job that keeps a dump for each day of the week.
#[derive(Debug)]
pub struct Backup {
    pub port: u16,
    pub user: Option<String>,
}

impl Component for Backup {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let dumps = Directory::new("server/backups").mode(0o700);
        scope.add(self.user.iter().fold(dumps, Directory::owner));
        let script = scope.add(File::new("server/backup.sh").mode(0o755));
        let command = format!("{} {}", script.path().as_str(), self.port);
        let job = Cron::new("shop-backup", "30 2 * * *", command);
        scope.add(self.user.iter().fold(job, Cron::user));
        Ok(())
    }
}
