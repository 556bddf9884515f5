//! The codes of errors: one for each cause and remedy, whatever the words of the message.
//!
//! `togusa explain CODE` shows the page of a code, `cli/errors/CODE.md`. Crates of users have no codes
//! of their own: what they report without one gets the code of the step that it happened in.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The code of an error, shown as `T0123`.
///
/// There is one for each cause and remedy; several messages may share it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(u16);

impl Code {
    /// The code that a user wrote, as `T0123`, `t0123`, `123` or `error[T0123]`; `None` for what is
    /// no code or none that there is.
    pub fn find(text: &str) -> Option<Self> {
        let text = text.trim().trim_end_matches(':');
        let text = text.split_once('[').map_or(text, |(_, code)| code.trim_end_matches(']'));
        let digits = text.strip_prefix(['T', 't']).unwrap_or(text);
        let number = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse())?;
        Self::ALL.iter().copied().find(|code| number == Ok(code.0))
    }

    /// The number alone.
    pub fn number(self) -> u16 {
        self.0
    }

    /// What the errors of its area are about.
    pub fn area(self) -> &'static str {
        let area = AREAS.iter().find(|(area, _)| *area == self.0 / 100);
        area.map_or("Unknown", |(_, name)| name)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "T{:04}", self.0)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Code {
    /// Reads a code, also one that this build does not know: another build may have written it.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let number = text.strip_prefix('T').and_then(|digits| digits.parse().ok());
        number
            .map(Self)
            .ok_or_else(|| de::Error::custom(format!("`{text}` is no code of an error")))
    }
}

macro_rules! codes {
    ($($area:literal $title:literal { $($number:literal $name:ident $what:literal,)* })*) => {
        /// The areas: the hundreds of their numbers, and what they are about.
        const AREAS: &[(u16, &str)] = &[$(($area, $title),)*];

        $($(
            #[doc = concat!($what, ".")]
            pub const $name: Code = Code($number);
        )*)*

        impl Code {
            /// All codes, by their numbers.
            pub const ALL: &[Self] = &[$($($name,)*)*];
        }

        const _: () = {
            let mut index = 1;
            while index < Code::ALL.len() {
                assert!(Code::ALL[index - 1].0 < Code::ALL[index].0, "numbers rise, none is twice");
                index += 1;
            }
            $($(assert!($number / 100 == $area, "a number begins with its area");)*)*
        };
    };
}

codes! {
    0 "Command line and project" {
        1 ARGUMENTS "The command line is not understood",
        2 NO_PROJECT "There is no project here",
        3 UNKNOWN_ENVIRONMENT "There is no such environment",
        4 ENVIRONMENT_NAME "An environment cannot have this name",
        5 UNKNOWN_HOST "The environment has no such host",
        6 NOTHING_SELECTED "The selection matches nothing",
        7 ALL_IGNORED "Every selected host is ignored",
        8 SELECTION_PATTERN "A pattern of a selection cannot be read",
        9 UNKNOWN_CODE "There is no such code",
        10 THIS_MACHINE "This machine does not give what togusa needs",
        11 NO_HOME "The home directory is not known",
        12 OUTPUT_LOST "The output could not be written",
        13 NOT_CONFIRMED "The deployment was not confirmed",
        14 NOBODY_TO_ASK "A confirmation is needed, but nobody can be asked",
        15 PLAN_FAILED "The plan before the confirmation did not succeed",
        16 TREE_NOT_CLEAN "The environment wants a clean and pushed tree",
        17 NOT_OVER_SSH "The host is this machine, which is not reached by ssh",
        18 PUSHED_PROGRAM "The program that is pushed to hosts was started by hand",
        19 NO_SUCH_COMPONENT "The environment has no such component",
        20 COMPONENT_AMBIGUOUS "A name means several components",
        21 NAME_REFUSED "A project or a component cannot have this name",
        22 THERE_ALREADY "What is to be made is there already",
        23 NO_TOGUSA "It is not known where a new project takes togusa from",
        24 MANIFEST_LACKS "The project's `Cargo.toml` lacks what is needed",
        25 SEVERAL_PROGRAMS "The project has several programs",
        26 PROJECT_FILES "A file of the project cannot be read or written",
        27 NO_RUST "The project's program is to be built, but there is no Rust",
        28 BUILD_ENDED "The build of the project's program was ended by a signal",
    }
    1 "Environment file" {
        101 NOT_TOML "A file is not valid TOML",
        102 WRITTEN_TWICE "The same key is written twice",
        103 NOT_UTF8 "A file is not UTF-8",
        104 ENVIRONMENT_UNREADABLE "An environment cannot be read",
        105 UNKNOWN_KEY "A key is not known",
        106 KEY_VALUE "A key has a value that it cannot have",
        107 NUMBER_RANGE "A number is too large",
        108 NO_HOSTS "The environment has no hosts",
        109 UNUSED_ATTRIBUTES "Attributes are set for a component that is not there",
        110 COMPONENT_TWICE "A host names a component twice",
        111 HOST_NAME "A host cannot have this name",
        112 HOST_RANGE "A range of hosts is wrong",
        113 EXTENDS_CIRCLE "Environments extend each other in a circle",
        114 EXTENDS_TEXT "An environment of a test cannot extend another",
        115 NOTHING_TO_REMOVE "There is no host that `remove` could drop",
        116 REMOVED_HAS_KEYS "A host that is removed has other keys",
        117 SUDO_AND_USER "A host has both `sudo` and `service_user`",
        118 NO_ADDRESS_FAMILY "Neither IPv4 nor IPv6 is left",
        119 ADDRESS_WITHOUT_NAME "An address is given to an empty name",
        120 LOCAL_HOST_KEY "A key has no meaning for a local host",
        121 UNKNOWN_COMPONENT "There is no such component",
        122 UNKNOWN_FEATURE "The component has no such feature",
        123 UNKNOWN_ATTRIBUTE "The component has no such attribute",
        124 MISSING_ATTRIBUTE "A required attribute is not set",
        125 ATTRIBUTE_VALUE "An attribute has a value that it cannot have",
        126 HOST_DATA "The data of a host is not what a component expects",
        127 ROLLOUT_SETTING "A rollout is set to what it cannot keep",
        128 ROLLOUT_GROUP "Members of a group do not agree",
        129 ROLLOUT_MINIMUM "A batch would leave too few instances up",
    }
    2 "Secrets and members" {
        201 NO_SECRETS "The environment has no secrets",
        202 NO_IDENTITY "None of your keys opens the secrets",
        203 KEY_ALTERED "The key of the environment was changed by hand",
        204 KEY_TABLE "The table of the environment's key is damaged",
        205 MEMBER_KEY "A member cannot have this public key",
        206 PRIVATE_KEY_GIVEN "A private key was given for a member",
        207 PLUGIN_MISSING "A plugin of age is missing",
        208 MEMBER_NAME "A member cannot have this name",
        209 ALREADY_MEMBER "The member or the key is there already",
        210 NO_MEMBER "There is no such member",
        211 LAST_MEMBER "The last member cannot be removed",
        212 SECRET_PATH "There is no place for a secret at this path",
        213 SECRET_BELOW_SECRET "A secret cannot stand below another",
        214 NO_SUCH_SECRET "There is no such secret",
        215 CANNOT_DECRYPT "A secret cannot be decrypted",
        216 SECRET_MOVED "An encrypted value stands in a place that it was not made for",
        217 CANNOT_ENCRYPT "A secret cannot be encrypted",
        218 SECRETS_BUSY "The secrets are being changed by somebody else",
        219 SECRETS_FILE "The file of the secrets cannot be read or written",
        220 SECRET_IN_CLEAR "A secret stands in a file in clear",
        221 SECRET_AND_CLEAR "An attribute is set both in clear and as a secret",
        222 SECRET_FOR_NO_HOST "A secret is set for a host that is not there",
        223 EDITED_SECRETS "The edited secrets are not what they may be",
        224 BATOU_SECRETS "The secrets of batou cannot be read",
        225 FOREIGN_KEY "The key of the environment is not the committed one",
        226 UNUSED_SECRET_FILE "A secret file is used by nothing",
        227 EDIT_ENDED "The edit ended without a result",
        228 KEY_FILE "The file of a key cannot be read",
        229 NO_VALUE "No value was given for a secret",
        230 SECRET_TOO_LARGE "A secret is too large",
        231 SECRET_FOR_PLAIN "A secret is given to an attribute that would show it",
        232 NO_SECRET_FILE "The environment has no such secret file",
        233 PLACEHOLDERS "The model was configured without its secrets",
        234 SECRET_ARGUMENT "A secret stands on a command line",
        235 SECRET_PRINTED "A secret was printed where it should be used",
    }
    3 "The model" {
        300 CONFIGURE_FAILED "A component could not be configured",
        301 NOT_PROVIDED "A required resource is not provided",
        302 NOT_REQUIRED "A provided resource is required by nobody",
        303 SEVERAL_PROVIDED "One value of a resource is required, but several are provided",
        304 CIRCLE "Roots wait for each other in a circle",
        305 NEVER_SETTLES "The model never settles",
        306 IMPURE "A component is configured differently each time",
        307 SAME_SIBLINGS "Two siblings have the same name",
        308 TRIGGER_INSIDE "A change cannot trigger what lies inside of it",
        309 TRIGGER_BACKWARDS "A change cannot trigger what need not come later",
        310 RESOURCE_NAME "Two types of resources have one name",
        311 REGISTERED_TWICE "A component is registered twice",
        312 TEMPLATE "A template cannot be rendered",
        313 TEMPLATE_NOT_TEXT "A template is not text",
        314 NO_ASSET "There is no such file beside the component",
        315 ASSET_OUTSIDE "The name of an asset leads out of the component's crate",
        316 ASSET_UNREADABLE "An asset cannot be read",
        317 NO_SOURCE "Nothing tells where assets are to be looked for",
        318 ADDRESS_UNRESOLVED "The name of a host does not resolve",
        319 NOT_CONFIGURED "A component is used that was not added",
    }
    4 "Connecting and pushing" {
        401 NO_SSH "The program `ssh` cannot be run",
        402 SSH_CONFIG "ssh refuses its configuration",
        403 HOST_KEY_UNKNOWN "The host key is not known",
        404 HOST_KEY_CHANGED "The host key has changed",
        405 HOST_KEY_REVOKED "The host key was revoked",
        406 NO_ALGORITHM "ssh and the host have no algorithm in common",
        407 LOGIN_REFUSED "The host refuses the login",
        408 NAME_UNRESOLVED "The name of the host does not resolve for ssh",
        409 NO_ROUTE "There is no route to the host",
        410 CONNECTION_REFUSED "Nothing listens at the port of the host",
        411 HOST_SILENT "The host does not answer",
        412 SESSION_REFUSED "The host takes the login but no command",
        413 CONNECTION_DROPPED "The host closes the connection",
        414 SUDO_PASSWORD "sudo asks for a password",
        415 SUDO_TERMINAL "sudo wants a terminal",
        416 SUDO_NOT_ALLOWED "sudo does not let the login user become the other",
        417 NO_SERVICE_USER "The converging user does not exist on the host",
        418 NO_SUDO "sudo is not installed on the host",
        419 SUDO_BROKEN "sudo does not work on the host",
        420 STORE_UNWRITABLE "The agent cannot be kept on the host",
        421 OTHER_ARCHITECTURE "The agent is built for another kind of machine",
        422 STORE_NOEXEC "The host does not let the agent be run",
        423 NO_LOGIN_SHELL "The login user has no shell",
        424 JUMP_HOST "The jump host stands in the way",
        425 NO_AGENT_SPOKE "The login was done, but no agent spoke",
        426 CONNECTION_LOST "The connection was lost",
        427 HOST_SLOW "The host is too slow to answer",
        428 KEPT_CONNECTIONS "Connections cannot be kept for the next command",
        429 STORE_OPEN "Others may change the store of the agent",
        430 NO_UNPACKER "The host cannot unpack the agent",
        431 AGENT_DAMAGED "The agent on the host is damaged",
        432 AGENT_NOT_STARTED "The agent cannot be started",
        440 BUILD_FAILED "The agent could not be built",
        441 NO_CARGO "The agent is to be built, but there is no Rust",
        442 TARGET_NOT_INSTALLED "The target is not installed for Rust",
        443 TARGET_UNKNOWN "It is not known what to build for the host",
        444 NO_PACKAGE "The project has no such program",
        445 PROGRAM_OUTDATED "The program is older than the project's sources",
        446 PREPARED_DIFFER "The prepared binaries do not belong to this program",
        447 PREPARED_MISSING "No binary is prepared for the host",
        448 PROGRAM_ORIGIN "It is not known what the program was built from",
        449 BUILD_FILES "A file of the build cannot be read or written",
        450 COMMAND_LOST "A command on a host did not end by itself",
        460 LOW_SPACE "Little space is left on the host",
        461 CLOCKS_DIFFER "The clock of the host differs from the one here",
    }
    5 "The run" {
        501 LOCKED "Another deployment holds the lock",
        502 COMMAND_SURVIVES "A command of an earlier run is still running",
        503 TARGET_FOREIGN "The target directory belongs to something else",
        504 TARGET_NO_DIRECTORY "The target directory is not a directory",
        505 TARGET_OPEN "Others may write on the way to the target directory",
        506 CONFIGURED_DIFFERENTLY "A component is configured differently on its host",
        507 STATE_UNUSABLE "The state of the deployment cannot be kept on the host",
        508 STATE_DAMAGED "The state of the deployment on the host is damaged",
        509 INTERRUPTED "The run was interrupted",
        510 AGENT_GONE "The agent and the coordinator lost each other",
        511 OTHER_BUILD "Agent and coordinator are of different builds",
        512 PLAN_WHILE_RUNNING "A deployment is running while you plan",
        513 ASSET_CHANGED "An asset changed while it was sent",
        514 NOT_DRAINED "An instance could not be taken out of use",
        515 NOT_RESTORED "An instance could not be put back into use",
        516 TOO_FEW_UP "Too few instances are up to take another one",
        517 ROLLOUT_DECLINED "A rollout was not to go on",
        518 ROLLOUT_STOPPED "A rollout stopped because instances failed",
        519 NOT_BACK "A host did not come back after a reboot",
        520 OVERTAKEN "Another deployment came to a host that was being rebooted",
    }
    6 "Components at work" {
        601 VERIFY_FAILED "A component could not be verified",
        602 UPDATE_FAILED "A component could not be updated",
        603 NOT_CONVERGED "An update did not bring about what was asked for",
        604 NO_UPDATE "The component has no update",
        605 COMMAND_FAILED "A command failed",
        606 COMMAND_HUNG "A command did not end in time",
        607 NO_PROGRAM "A program is not installed on the host",
        608 NO_DIRECTORY "A directory is missing",
        609 COMMAND_NOT_STARTED "A command could not be started",
        610 NEEDS_ROOT "Only root may do this",
        611 PERMISSION_DENIED "The converging user may not do this",
        612 DISK_FULL "The disk is full",
        613 READ_ONLY "The file system is read-only",
        614 NO_FILE "A file is missing",
        615 IN_THE_WAY "Something else stands in the place",
        616 NEEDED_PATH "This path must not be removed",
        617 LED_ASTRAY "A path leads through what another user controls",
        618 NO_PROC "`/proc` is not mounted",
        619 PANICKED "The code of a component panicked",
        620 NO_ACCOUNT "There is no such user or group",
        621 NOT_FAKED "A test runs a program that it does not fake",
        622 NO_DRAIN "The component has no drain and restore",
        623 UNHEALTHY "An instance does not become healthy",
        624 NO_REBOOT "The host cannot be rebooted by the run",
        625 NOT_REBOOTED "The host did not go down to be rebooted",
        626 REBOOT_AGAIN "A host would be rebooted twice in one run",
    }
    7 "The library's components" {
        701 OPTIONS_CLASH "Two options do not go together",
        702 OPTION_MISSING "An option is missing",
        703 NOT_A_NAME "A name cannot be used",
        704 OPTION_VALUE "An option has a value that it cannot have",
        705 NO_GUARD "A command has no guard",
        706 NO_CHECKSUM "A download has no checksum",
        707 CHECKSUM_DIFFERS "A download has another checksum",
        708 PASSWORD_IN_URL "An address holds a password",
        709 ADDRESS_FORM "An address cannot be read",
        710 PATH_OF_OTHER_HOST "A path of another host is used",
        711 MODE_FORM "A mode cannot be read",
        712 KEY_READABLE "A key would be readable by everybody",
        720 EDIT_NO_FILE "There is no file to edit",
        721 EDIT_NOT_TEXT "The file to edit is not text",
        722 EDIT_OWNER "The owner of an edited file cannot be kept",
        723 EDIT_MARKERS "The markers around a part of a file are broken",
        724 EDIT_FORMAT "The format of the file cannot hold this",
        725 EDIT_TOO_MUCH "An edit would change more than it should",
        726 PATCH_FORM "A diff cannot be read",
        727 PATCH_UNFIT "A diff does not fit the file",
        730 HOME_IN_THE_WAY "A home directory cannot be moved or removed",
        731 NO_PASSWORD_HASH "The password of a user is no hash",
        732 NO_PASSWORD "A user has no password to unlock",
        733 SUDO_NOT_INCLUDED "sudo does not read the directory of its rules",
        734 GPG_KEY "A key of GnuPG cannot be read",
        735 NOT_REACHED "What is waited for does not answer",
        736 NO_ADDRESS "A name has no address on the host",
        740 CLUSTER_NOT_ADDED "The cluster was not added before its parts",
        741 DATABASE_FIXED "A database cannot be changed in this way",
        742 ROLE_NEEDED "PostgreSQL cannot be without this role's rights",
        743 POSTGRES_ANSWER "PostgreSQL gives no answer that can be read",
        744 MYSQL_ANSWER "MySQL refused a statement, or gives no answer that can be read",
        745 APT_KEY "A key of a package source cannot be read",
        746 DIRECTORY_OCCUPIED "A directory holds files of something else",
        747 MYSQL_CLOSED "The server of MySQL cannot be reached, or lets nobody in",
        748 MYSQL_NEEDED "MySQL cannot be without this",
        749 MYSQL_NO_USER "MySQL has no such user",
        750 CRON_SCHEDULE "A schedule of cron cannot be read",
        751 CRON_LINE "A line is too long for cron",
        752 CRON_VARIABLE "A variable would count for other jobs too",
        753 CONFIGURATION_REFUSED "A program refuses its new configuration",
        755 PROGRAM_NOT_STARTED "A program does not stay up",
        756 PROGRAM_NOT_STOPPED "A program cannot be stopped",
        757 SUPERVISOR_SILENT "supervisord does not answer",
        758 SUPERVISOR_REFUSES "supervisord does not take the program",
        759 SERVICE_NOT_RUNNING "A service does not run",
        760 NO_UNIT "systemd has no such unit",
        761 UNIT_NOT_LOADED "systemd cannot load the unit",
        762 UNIT_MASKED "The unit is masked",
        763 UNIT_NOT_ENABLED "The unit cannot be enabled",
        764 NO_USER_MANAGER "The systemd of a user does not run",
        765 NPM_LOCK "A lock file of npm cannot be read",
        770 ARCHIVE_UNREADABLE "An archive cannot be unpacked",
        771 ARCHIVE_UNSAFE "An archive holds what leads out of its directory",
        772 BUILD_PLACES "A build would be installed into the wrong place",
        773 CHECKOUT_CHANGED "A checkout was changed by hand",
        774 NO_REVISION "The repository has no such revision",
        780 KEY_MISMATCH "A key does not belong to its certificate",
        781 CERTIFICATE_EXPIRED "A certificate has expired, or soon will",
        782 CERTIFICATE_CHAIN "The certificates of a chain are in the wrong order",
        783 NOT_PEM "A certificate or key is not in PEM",
        784 NGINX_PID "It is not known where nginx keeps its process number",
        785 NOT_RELOADED "A server did not reload",
        786 NO_PARAMETER "The kernel has no such parameter",
        787 NO_MODULES "The kernel loads no modules",
        788 NO_MODULE "A module of the kernel is missing",
        789 MODULE_BUILT_IN "A module is built into the kernel",
        790 IN_USE "Something uses what is to be taken away",
        791 NO_ZONE "There is no such time zone",
        792 NO_LOCALE "There is no such locale",
        793 SWAP_PLACE "The file system cannot hold a swap file",
        794 SWAP_NEEDED "What was swapped out has no room elsewhere",
        795 HOLDS_DATA "A device or file holds something else",
        796 VOLUME_LARGER "A volume would have to shrink",
        797 NO_VOLUME_GROUP "There is no such volume group",
        798 DATASET_KIND "A dataset is of another kind",
    }
    8 "More of the library's components" {
        800 PLATFORM_UNKNOWN "It is not known what looks after the packages of a host",
        801 NO_PLATFORM "A platform of packages has a name that is not known",
        802 NO_VERSIONS "A program has no versions of packages to choose from",
        803 REFUSES_ROOT "A program refuses to be run by root",
        804 BUILD_UNKNOWN "It is not known what a build brought",
        805 ACME_REFUSED "An authority gives no certificate",
        806 ACME_SHORT "A certificate would be renewed at each deployment",
        807 VARNISH_NEEDED "Varnish has no other configuration to use",
        813 STORE_REFUSES "A store of objects refuses to give one",
        814 NO_OBJECT "A store has no such object",
        815 BUCKET_ELSEWHERE "A bucket is in another region",
        816 CLOCK_APART "The clock of a host is wrong",
        817 NO_CREDENTIALS "A host has no credentials for a store of objects",
        818 NO_ANSWER_OF_USE "A server answers something else than a file",
        820 DOCKER_CLOSED "The daemon of Docker does not run",
        821 DOCKER_DENIED "The daemon of Docker does not let the user in",
        822 DOCKER_ANSWER "Docker refused something",
        823 NO_IMAGE "An image cannot be had",
        824 PORT_TAKEN "A port of a container is taken",
        825 DOCKER_IN_USE "Something in Docker is still used",
        826 VOLUME_DIFFERS "A volume of Docker is there with other attributes",
        827 CONTAINER_ENDED "A container does not stay",
        828 NO_COMPOSE "Docker has no `compose`",
        829 COMPOSE_FILE "Compose cannot read the file of a project",
        830 REDIS_CLOSED "Redis cannot be reached",
        831 REDIS_PASSWORD "Redis takes another password",
        832 REDIS_ANSWER "Redis refused something",
        833 ARTIFACT_REFERENCE "A reference names no artifact",
        834 REGISTRY_LOGIN "A registry wants another login",
        835 NO_ARTIFACT "A registry has no such artifact",
        836 NO_REGISTRY "What answers is no registry",
        837 ARTIFACT_CONTENT "An artifact holds something else than was asked for",
        838 ARTIFACT_INDEX "A digest stands for several platforms",
    }
    9 "Defects" {
        900 DEFECT "This is a defect of togusa",
        999 UNCODED "The error comes from an older togusa",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_found_however_it_is_written() {
        for text in ["T0101", "t0101", "101", "0101", "error[T0101]", "error[T0101]:", " T0101 "] {
            assert_eq!(Code::find(text), Some(NOT_TOML), "{text}");
        }
        for text in ["", "T", "T0000", "T9998", "toml", "T01O1", "-101", "+101"] {
            assert_eq!(Code::find(text), None, "{text}");
        }
    }

    #[test]
    fn a_code_of_another_build_can_be_read() {
        let code: Code = serde_json::from_str("\"T0998\"").unwrap();
        assert_eq!(serde_json::to_string(&code).unwrap(), "\"T0998\"");
        assert!(serde_json::from_str::<Code>("\"998\"").is_err());
    }

    #[test]
    fn every_code_belongs_to_an_area() {
        assert!(Code::ALL.iter().all(|code| code.area() != "Unknown"));
        assert_eq!(
            (ARGUMENTS.area(), ARGUMENTS.to_string().as_str()),
            ("Command line and project", "T0001")
        );
    }
}
