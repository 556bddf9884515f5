use togusa_tests::example::program;
use togusa_tests::lab::{HostSpec, Lab, User};

use crate::project::Project;

const PAGE: &str = include_str!("../../../docs/src/guide/ssh.md");

/// The fenced blocks of a language in a section.
fn blocks(section: &str, language: &str) -> Vec<&'static str> {
    let (_, section) = PAGE.split_once(&format!("\n## {section}\n")).unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let fence = format!("```{language}\n");
    section.split(fence.as_str()).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

#[test]
fn what_the_page_about_ssh_says_can_be_followed_literally() {
    let hosts = ["web1", "web2", "web3"];
    let lab = Lab::start(hosts.map(|name| HostSpec::new(name).user(User::new("deploy"))));
    let project = Project::new(&lab, "", "");
    let environment = blocks("From zero", "toml");
    assert_eq!(environment.len(), 1);
    project.write("environments/live/environment.toml", environment[0]);

    let scripts = [blocks("From zero", "sh"), blocks("Before the first deployment: doctor", "sh")];
    let scripts = scripts.concat().concat();
    assert_eq!(scripts.matches("hello ").count(), 10, "{scripts}");
    let programs = program(&lab).parent().unwrap().display();
    let said = project.sh(&format!("exec 2>&1; PATH={programs}:$PATH; set -x\n{scripts}"));
    for host in hosts {
        assert!(lab[host].exists("~deploy/deployment/hello/live/work/site/current/checksums"));
    }
    let nothing_wrong = "nothing stands in the way of a deployment to `live`: 3 hosts";
    for words in [
        "`live` is sound",
        "converged: ",
        "no drift: ",
        "exit 0: all 3 hosts",
        "hello\n",
        nothing_wrong,
        "[hosts.web3.data]",
    ] {
        assert!(said.contains(words), "`{words}` is not in:\n{said}");
    }
}
