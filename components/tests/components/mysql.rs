//! What is refused before a server is asked.

use togusa_components::prelude::*;
use togusa_core::secret::Secret;

use crate::Bench;

#[test]
fn what_cannot_be_is_a_model_error() {
    type Make = fn(&mut togusa_core::scope::Scope<'_>);
    let wrong: [(Make, &str); 17] = [
        (|it| drop(it.add(MysqlDatabase::new(""))), "the name of the database is empty"),
        (|it| drop(it.add(MysqlDatabase::new("a\nb"))), r"`a\nb` cannot be"),
        (
            |it| drop(it.add(MysqlDatabase::new("a").character_set("a b"))),
            "`a b` is no character set",
        ),
        (
            |it| drop(it.add(MysqlDatabase::new("a").collation("utf8_bin"))),
            "write `utf8mb4_bin` for all of Unicode, or `utf8mb3_bin`",
        ),
        (
            |it| drop(it.add(MysqlDatabase::new("MySQL").absent_losing_all_data())),
            "the server cannot be without the database `MySQL`",
        ),
        (|it| drop(it.add(MysqlUser::new("a"))), "nothing says how the user logs in"),
        (
            |it| drop(it.add(MysqlUser::new("a").password(&Secret::new("")))),
            "the password is empty",
        ),
        (
            |it| drop(it.add(MysqlUser::new("a").unix_socket().password(&Secret::new("b")))),
            "it has both a password and `unix_socket`",
        ),
        (
            |it| drop(it.add(MysqlUser::new("a").password(&Secret::new("b")).unix_socket())),
            "it has both a password and `unix_socket`",
        ),
        (|it| drop(it.add(MysqlUser::anonymous().unix_socket())), "the name of the user is empty"),
        (|it| drop(it.add(MysqlUser::new("a").host("b@c").absent())), "`b@c` is no host"),
        (
            |it| drop(it.add(MysqlGrant::new("a").privileges(["SELECT"]))),
            "nothing says on what the privileges are",
        ),
        (|it| drop(it.add(MysqlGrant::new("a").everywhere())), "no privileges are given"),
        (
            |it| drop(it.add(MysqlGrant::new("a").everywhere().privileges(["SELECT (b)"]))),
            "`SELECT (b)` is no privilege",
        ),
        (
            |it| drop(it.add(MysqlGrant::new("a").everywhere().privileges(["ALL", "DROP"]))),
            "`ALL` stands beside other privileges",
        ),
        (
            |it| drop(it.add(MysqlGrant::new("a").table("b", "").absent())),
            "the name of the table is empty",
        ),
        (|it| drop(it.add(MysqlGrant::new("a").host("'").absent())), "`'` is no host"),
    ];
    for (make, words) in wrong {
        let test = Bench::new().model(move |scope| {
            make(scope);
            Ok(())
        });
        let problems = test.problems();
        assert!(problems.contains(words), "{problems}");
    }
}
