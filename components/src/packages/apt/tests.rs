//! What is read and what is told, on output of the real programs.

use super::*;

/// `dpkg-query --show --showformat …` of dpkg 1.21.22, shortened; the last ones made half-installed,
/// removed and held by hand.
const QUERY: &str = "\
adduser\tall\t3.134\tinstall\tinstalled\t
libc6\tamd64\t2.36-9+deb12u10\tinstall\tinstalled\tlibc6-amd64\n\
mawk\tamd64\t1.3.4.20200120-3.1\tinstall\tinstalled\tawk, virtual-awk (= 1.3)
nginx\tamd64\t1.22.1-9\tinstall\thalf-configured\thttpd
apache2\tamd64\t2.4.57-2\tdeinstall\tconfig-files\thttpd-cgi
vim\ti386\t2:9.0\tunknown\tnot-installed\t
curl\tamd64\t7.88.1-10\thold\tinstalled\t
";

/// `apt list --upgradable` of apt 2.6.1, shortened.
const LIST: &str = "\
Listing...
apt-transport-https/oldstable-security 2.6.2 all [upgradable from: 2.6.1]
curl/oldstable,oldstable-security 7.88.1-10+deb12u14 amd64 [upgradable from: 7.88.1-10]
";

fn changes(apt: &Apt) -> Vec<String> {
    let (installed, newer) = (Installed::parse(QUERY), Upgradable::parse(LIST));
    let newer = apt.latest.then_some(&newer);
    let changes = apt.packages.iter().filter_map(|one| apt.change(one, &installed, newer));
    let held = apt.wrongly_held(&installed).map(|one| format!("held {}", one.name));
    changes.map(|change| format!("{} {change}", change.symbol())).chain(held).collect()
}

#[test]
fn every_difference_of_a_package_is_told() {
    for (apt, told) in [
        (Apt::all(["adduser", "libc6", "libc6:amd64", "mawk", "awk", "virtual-awk"]), vec![]),
        (Apt::new("httpd"), vec!["+ create package httpd"]),
        (Apt::new("libc6:i386"), vec!["+ create package libc6:i386"]),
        (Apt::new("awk=1"), vec!["+ create package awk 1"]),
        (Apt::new("adduser=3.134"), vec![]),
        (Apt::new("adduser=3.137"), vec!["~ version of adduser 3.134 → 3.137"]),
        (Apt::new("nginx"), vec!["~ package nginx is half-configured, not installed"]),
        (Apt::new("apache2"), vec!["+ create package apache2"]),
        (Apt::new("vim"), vec!["+ create package vim"]),
        (Apt::new("curl"), vec![]),
        (Apt::new("curl").held(), vec![]),
        (Apt::new("curl").unheld(), vec!["held curl"]),
        (Apt::new("mawk").held(), vec!["held mawk"]),
        (Apt::new("curl").latest(), vec!["~ version of curl 7.88.1-10 → 7.88.1-10+deb12u14"]),
        (Apt::all(["mawk", "curl=7.88.1-10"]).latest(), vec![]),
        (Apt::all(["vim", "apache2", "unknown"]).absent(), vec![]),
        (Apt::new("curl").absent(), vec!["- remove package curl 7.88.1-10"]),
        (Apt::new("nginx").absent(), vec!["- remove package nginx 1.22.1-9"]),
        (Apt::new("apache2").purged(), vec!["- remove configuration of package apache2"]),
    ] {
        assert_eq!(changes(&apt), told, "{apt:?}");
    }
}
