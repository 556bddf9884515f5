//! What can go wrong with a host, made and undone.

use std::sync::PoisonError;
use std::time::Duration;

use super::host::{Host, START_SSHD};
use super::relay::Relay;

/// Packets that open a connection to sshd.
const OPENING: &str = "tcp dport 22 tcp flags & (fin|syn|rst|ack) == syn";

/// Faults of the network. They may be combined; `restore` ends all of them.
impl Host {
    /// Cuts its line: nothing gets through, and no connection hears of it.
    ///
    /// Who connects is told `No route to host` after some seconds.
    pub fn cut(&self) {
        // A neighbour that was heard of a moment ago is believed to be there for much longer.
        self.directory.station.sh(&format!(
            "ip link set {} down; ip neigh flush to {}",
            self.place.line, self.place.address
        ));
    }

    /// Refuses new connections, as without an sshd. Open ones go on.
    pub fn refuse(&self) {
        self.filter(&format!("add rule inet faults in {OPENING} reject with tcp reset"));
    }

    /// Drops all packets without a word, as a strict firewall does, also those of open connections.
    pub fn drop_packets(&self) {
        self.filter("add rule inet faults in drop; add rule inet faults out drop");
    }

    fn filter(&self, rule: &str) {
        self.sh(&format!(
            "nft 'add table inet faults; \
             add chain inet faults in {{ type filter hook input priority 0; }}; \
             add chain inet faults out {{ type filter hook output priority 0; }}; \
             {rule}'"
        ));
    }

    /// Undoes `cut`, `refuse` and `drop_packets`. Open connections go on if they have not ended.
    pub fn restore(&self) {
        // Adding it first makes it right to delete it in any case.
        self.sh("nft 'add table inet faults; delete table inet faults'");
        // Both sides may have found out that the other one is not there.
        self.sh("ip neigh flush dev eth0");
        self.directory.station.sh(&format!(
            "ip link set {} up; ip neigh flush to {}",
            self.place.line, self.place.address
        ));
    }

    /// Makes the way to it long: connections by its name, from now on, take this much time for a
    /// question and its answer. Connections by its address do not.
    ///
    /// The kernel's own means for this are not in every kernel, so the delay is made by the test.
    pub fn slow(&self, round_trip: Duration) {
        assert!(!self.is_behind(), "the coordinator has no line to `{}` itself", self.name());
        let mut relay = self.relay.lock().unwrap_or_else(PoisonError::into_inner);
        // The one before has the address.
        relay.take();
        let slow = self.place.slow_address;
        let coordinator = &self.directory.station;
        coordinator.sh(&format!("ip addr replace {slow}/32 dev lo"));
        let namespaces = coordinator.now_inside().namespaces;
        let (from, to) = ((slow, 22).into(), (self.place.address, 22).into());
        *relay = Some(Relay::start(&namespaces, from, to, round_trip / 2));
        self.directory.change(self.name(), |entry| entry.is_slow = true);
    }

    /// Undoes `slow` for new connections, and ends those over the slow line.
    pub fn fast(&self) {
        self.directory.change(self.name(), |entry| entry.is_slow = false);
        self.relay.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// Faults of sshd and its keys.
impl Host {
    /// Stops sshd by SIGSTOP: connections open, but no banner ever comes. Sessions go on.
    pub fn stop_sshd(&self) {
        self.sh("kill -STOP $(cat /run/sshd.pid)");
    }

    /// Undoes `stop_sshd`.
    pub fn continue_sshd(&self) {
        self.sh("kill -CONT $(cat /run/sshd.pid)");
    }

    /// Kills the sshd of each connection; what runs in the sessions is told by the end of its
    /// standard input.
    pub fn kill_sshd_sessions(&self) {
        self.sh("listener=$(cat /run/sshd.pid)\n\
             for pid in $(pgrep '^sshd'); do\n\
                 [ $pid = $listener ] || kill -KILL $pid 2>/dev/null || :\n\
             done");
    }

    /// Gives it a new host key, which the coordinator is not told: the known one is wrong then.
    pub fn new_host_key(&self) {
        self.sh(&format!(
            "rm /etc/ssh/ssh_host_ed25519_key*\n\
             ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key\n\
             listener=$(cat /run/sshd.pid)\n\
             kill -KILL $listener\n\
             while kill -0 $listener 2>/dev/null; do sleep 0.01; done\n\
             {START_SSHD}"
        ));
    }

    /// Makes the coordinator forget its host key, which is unknown then.
    pub fn forget_host_key(&self) {
        self.directory.change(self.name(), |entry| entry.key = None);
    }

    /// Tells the coordinator its host key.
    pub fn trust_host_key(&self) {
        let key = self.host_key();
        self.directory.change(self.name(), |entry| entry.key = Some(key));
    }

    /// Takes the coordinator's key from a user, who cannot log in any more.
    pub fn revoke_key(&self, user: &str) {
        self.sh(&format!("rm /etc/ssh/authorized_keys/{user}"));
    }
}

/// Faults of the disk.
impl Host {
    /// Fills the file system of a directory, which the host must have been given as a
    /// [small](super::HostSpec::small) one. The path may begin with `~USER`.
    pub fn fill(&self, path: &str) {
        let at = self.small_file_system(path);
        // The end of the space is what is wanted.
        self.sh(&format!("dd if=/dev/zero of={at}/.filled bs=4k 2>/dev/null || :"));
    }

    /// Undoes `fill`.
    pub fn free(&self, path: &str) {
        let at = self.small_file_system(path);
        self.sh(&format!("rm {at}/.filled"));
    }

    fn small_file_system(&self, path: &str) -> String {
        let kind = self.sh(&format!("df --output=fstype,target {path} | tail -n 1"));
        match kind.split_whitespace().collect::<Vec<_>>()[..] {
            ["tmpfs", at] => at.to_owned(),
            _ => panic!("`{path}` of {} has no small file system: {kind}", self.name()),
        }
    }
}
