//! The command line as data.

use std::path::PathBuf;

use clap::{ArgAction, ColorChoice, Parser};

use crate::commands::Command;

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "togusa",
    version,
    about = "Deploys services onto the hosts of an environment",
    after_help = "\
Exit codes:
  0    converged, or nothing to do
  1    the deployment failed somewhere
  2    wrong use, or the environment or the model is wrong; no host was touched
  3    another deployment holds the lock of a host
  4    `plan --exit-code` or `verify` found changes
  70   a defect of togusa
  130  interrupted",
    disable_help_subcommand = true
)]
pub struct Arguments {
    /// What holds for every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What holds for every command.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// The project's directory [default: the nearest one upwards that has `environments/`]
    #[arg(long, global = true, value_name = "DIR", env = "TOGUSA_PROJECT", hide_env_values = true)]
    pub project: Option<PathBuf>,
    /// A private key that opens secrets [default: TOGUSA_IDENTITY, else the usual SSH keys]
    #[arg(long, global = true, value_name = "FILE")]
    pub identity: Vec<PathBuf>,
    /// Write JSON to standard output: events one per line, or the data asked for
    #[arg(long, global = true)]
    pub json: bool,
    /// Also show current components, output of commands, logs, whole diffs and reasons
    #[arg(short, long, global = true, action = ArgAction::Count, conflicts_with = "quiet")]
    pub verbose: u8,
    /// Show failures and warnings alone
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// When to use colour; `auto` also honours NO_COLOR
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: ColorChoice,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;
    use clap::error::ErrorKind;

    use super::*;
    use crate::commands::GraphFormat;

    fn parse(line: &str) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from(line.split_whitespace())
    }

    fn help(line: &str) -> String {
        parse(line).unwrap_err().to_string()
    }

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn the_help_bears_the_name_of_the_program_that_was_called() {
        assert!(help("/opt/shop/shop --help").contains("Usage: shop [OPTIONS] <COMMAND>"));
        assert!(help("shop deploy --help").contains("Usage: shop deploy [OPTIONS] <ENVIRONMENT>"));
    }

    #[test]
    fn options_for_every_command_stand_before_or_after_it() {
        assert!(parse("togusa --json environments").unwrap().global.json);
        assert!(parse("togusa environments --json").unwrap().global.json);
    }

    #[test]
    fn hosts_are_separated_by_commas_or_given_one_by_one() {
        let arguments = parse("togusa deploy prod --host web*,db1 --host cache").unwrap();
        let Command::Deploy(deploy) = arguments.command else { panic!("{arguments:?}") };
        assert_eq!(deploy.environment, "prod");
        assert_eq!(deploy.run.hosts, ["web*", "db1", "cache"]);
    }

    #[test]
    fn diffs_are_shown_as_the_last_word_says_and_else_by_the_command() {
        let diffs = |line| match parse(line).unwrap().command {
            Command::Plan(plan) => plan.run.diffs(true),
            Command::Verify(verify) => verify.run.diffs(false),
            other => panic!("{other:?}"),
        };
        assert!(diffs("togusa plan prod"));
        assert!(!diffs("togusa plan prod --no-diff"));
        assert!(diffs("togusa plan prod --no-diff --diff"));
        assert!(!diffs("togusa verify prod"));
        assert!(diffs("togusa verify prod --diff"));
    }

    #[test]
    fn no_jobs_at_all_is_wrong_use() {
        assert_eq!(
            parse("togusa deploy prod --jobs 0").unwrap_err().kind(),
            ErrorKind::ValueValidation
        );
    }

    #[test]
    fn quiet_and_verbose_exclude_each_other() {
        assert_eq!(
            parse("togusa plan prod -q -v").unwrap_err().kind(),
            ErrorKind::ArgumentConflict
        );
    }

    #[test]
    fn a_graph_is_text_unless_a_format_is_named() {
        let format = |line| match parse(line).unwrap().command {
            Command::Graph(graph) => graph.format,
            other => panic!("{other:?}"),
        };
        assert_eq!(format("togusa graph prod"), None);
        assert_eq!(format("togusa graph prod --format mermaid"), Some(GraphFormat::Mermaid));
    }

    #[test]
    fn the_agent_is_not_for_users() {
        assert!(matches!(parse("togusa agent").unwrap().command, Command::Agent(_)));
        assert!(!help("togusa --help").contains("agent"));
    }

    #[test]
    fn the_main_help_lists_commands_options_and_exit_codes() {
        insta::assert_snapshot!(help("togusa --help"), @r"
        Deploys services onto the hosts of an environment

        Usage: togusa [OPTIONS] <COMMAND>

        Commands:
          check          Check an environment and its model without touching a host
          plan           Show what a deployment would change
          deploy         Make the hosts what the environment says
          verify         Look for drift
          status         Show what was deployed to hosts, when, by whom, and how it ended
          exec           Run a command on hosts
          ssh            Open a shell on a host
          disconnect     End the connections that are kept open for the next command
          secrets        Look at the secrets of an environment and change them
          build          Build what would be pushed to hosts, and show it
          graph          Show in which order roots converge, and why
          explain-order  Tell why a component waits for what, or why one comes after another
          show           Show what a host gets: attributes and where they come from, resources, files, triggers
          components     List components with their attributes, types and defaults
          environments   List the environments of the project
          explain        Explain an error by its code: cause, remedy and an example
          schema         Print a JSON Schema, by which editors complete and check what you write
          completions    Print a completion script for a shell
          doctor        Look whether hosts can be deployed to, and say what to do where they cannot

        Options:
          -h, --help     Print help
          -V, --version  Print version

        Global options:
              --project <DIR>    The project's directory [default: the nearest one upwards that has `environments/`] [env: TOGUSA_PROJECT]
              --identity <FILE>  A private key that opens secrets [default: TOGUSA_IDENTITY, else the usual SSH keys]
              --json             Write JSON to standard output: events one per line, or the data asked for
          -v, --verbose...       Also show current components, output of commands, logs, whole diffs and reasons
          -q, --quiet            Show failures and warnings alone
              --color <WHEN>     When to use colour; `auto` also honours NO_COLOR [default: auto] [possible values: auto, always, never]

        Exit codes:
          0    converged, or nothing to do
          1    the deployment failed somewhere
          2    wrong use, or the environment or the model is wrong; no host was touched
          3    another deployment holds the lock of a host
          4    `plan --exit-code` or `verify` found changes
          70   a defect of togusa
          130  interrupted
        ");
    }

    #[test]
    fn the_help_of_deploy_lists_its_options() {
        insta::assert_snapshot!(help("togusa deploy -h"), @r"
        Make the hosts what the environment says

        Usage: togusa deploy [OPTIONS] <ENVIRONMENT>

        Arguments:
          <ENVIRONMENT>  The environment's name

        Options:
              --wait              Wait for another deployment that holds the lock of a host
              --yes               Do not ask, also where the environment wants a confirmation
              --host <GLOB>       Only these hosts; may be given often and with commas
              --component <GLOB>  Only these components; may be given often and with commas
              --jobs <N>          How many roots run at once on one host [default: what the environment says]
              --fail-fast         Start nothing more after the first failure
              --diff              Show the differences of texts
              --no-diff           Show that texts differ, but not how
              --agents <DIR>      Push prepared binaries, from `build --out DIR`; no cargo is needed then [env: TOGUSA_AGENTS]
          -h, --help              Print help (see more with '--help')

        Global options:
              --project <DIR>    The project's directory [default: the nearest one upwards that has `environments/`] [env: TOGUSA_PROJECT]
              --identity <FILE>  A private key that opens secrets [default: TOGUSA_IDENTITY, else the usual SSH keys]
              --json             Write JSON to standard output: events one per line, or the data asked for
          -v, --verbose...       Also show current components, output of commands, logs, whole diffs and reasons
          -q, --quiet            Show failures and warnings alone
              --color <WHEN>     When to use colour; `auto` also honours NO_COLOR [default: auto] [possible values: auto, always, never]
        ");
    }

    /// The help of a command without what stands in every help.
    fn own_help(command: &str) -> String {
        let help = help(&format!("togusa {command} -h"));
        help.split("Global options:").next().unwrap_or_default().trim_end().to_owned()
    }

    #[test]
    fn the_help_of_what_looks_at_hosts_lists_its_options() {
        insta::assert_snapshot!(own_help("status"), @r"
        Show what was deployed to hosts, when, by whom, and how it ended

        Usage: togusa status [OPTIONS] <ENVIRONMENT>

        Arguments:
          <ENVIRONMENT>  The environment's name

        Options:
              --host <GLOB>   Only these hosts; may be given often and with commas
              --agents <DIR>  Push prepared binaries, from `build --out DIR`; no cargo is needed then [env: TOGUSA_AGENTS]
          -h, --help          Print help (see more with '--help')
        ");
        insta::assert_snapshot!(own_help("doctor"), @r"
        Look whether hosts can be deployed to, and say what to do where they cannot

        Usage: togusa doctor [OPTIONS] <ENVIRONMENT>

        Arguments:
          <ENVIRONMENT>  The environment's name

        Options:
              --host <GLOB>   Only these hosts; may be given often and with commas
              --data          Print facts of the hosts as TOML for `data`, and nothing else
              --agents <DIR>  Push prepared binaries, from `build --out DIR`; no cargo is needed then [env: TOGUSA_AGENTS]
          -h, --help          Print help (see more with '--help')
        ");
        insta::assert_snapshot!(own_help("exec"), @r"
        Run a command on hosts

        Usage: togusa exec [OPTIONS] <ENVIRONMENT> -- <COMMAND>...

        Arguments:
          <ENVIRONMENT>  The environment's name
          <COMMAND>...   The command and its arguments, after `--`

        Options:
              --host <GLOB>  Only these hosts; may be given often and with commas
              --login        As the user who logs in, also where a host converges as another
          -h, --help         Print help (see more with '--help')
        ");
        insta::assert_snapshot!(own_help("ssh"), @r"
        Open a shell on a host

        Usage: togusa ssh [OPTIONS] <ENVIRONMENT> <HOST> [-- <COMMAND>...]

        Arguments:
          <ENVIRONMENT>  The environment's name
          <HOST>         The host's name in the environment
          [COMMAND]...   A command instead of a shell; the login shell of the host reads it, as with ssh itself

        Options:
          -h, --help  Print help (see more with '--help')
        ");
        insta::assert_snapshot!(own_help("disconnect"), @r"
        End the connections that are kept open for the next command

        Usage: togusa disconnect [OPTIONS] [ENVIRONMENT]

        Arguments:
          [ENVIRONMENT]  The environment's name [default: all connections]

        Options:
          -h, --help  Print help (see more with '--help')
        ");
    }

    #[test]
    fn a_command_for_hosts_stands_behind_two_dashes() {
        let line = "togusa exec prod --host web* --login -- ls -l --host x";
        let Command::Exec(exec) = parse(line).unwrap().command else { panic!("{line}") };
        assert_eq!((exec.hosts.hosts.as_slice(), exec.login), (&["web*".to_owned()][..], true));
        assert_eq!(exec.command, ["ls", "-l", "--host", "x"]);
        assert!(parse("togusa exec prod ls").is_err() && parse("togusa exec prod --").is_err());

        let line = "togusa ssh prod app01 -- uptime -p";
        let Command::Ssh(ssh) = parse(line).unwrap().command else { panic!("{line}") };
        assert_eq!((ssh.host.as_str(), ssh.command.len()), ("app01", 2));
    }

    #[test]
    fn the_long_help_is_what_the_command_says_of_itself() {
        assert!(
            help("togusa deploy --help").contains("A root that fails stops what depends on it")
        );
    }
}
