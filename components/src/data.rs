//! Databases.
//!
//! | component | what it looks after |
//! |---|---|
//! | [`PostgresCluster`] | how the server is reached, where the default does not do |
//! | [`PostgresRole`] | one role: password, rights, memberships |
//! | [`PostgresDatabase`] | one database: owner, encoding, locale, privileges |
//! | [`PostgresExtension`] | one extension in one database: version, schema |
//! | [`MysqlDatabase`] | one database of MariaDB or MySQL: character set, collation |
//! | [`MysqlUser`] | one account of MariaDB or MySQL: how it logs in |
//! | [`MysqlGrant`] | what one account may do in one place |
//! | [`Redis`] | a server of Redis: files, process, running configuration |
//!
//! All of them work through the server's own client (`redis-cli`, `psql`, `mariadb` or `mysql`), which reads its
//! statements from its standard input. What is there is read by one query for all components of a
//! kind, and again after something was changed. Components that change the same host's PostgreSQL or
//! MySQL wait for each other.

mod mysql;
mod mysql_database;
mod mysql_grant;
mod mysql_user;
mod postgres_cluster;
mod postgres_database;
mod postgres_extension;
mod postgres_role;
mod psql;
mod redis;
mod scram;
mod sql;

pub use mysql_database::MysqlDatabase;
pub use mysql_grant::MysqlGrant;
pub use mysql_user::MysqlUser;
pub use postgres_cluster::PostgresCluster;
pub use postgres_database::PostgresDatabase;
pub use postgres_extension::PostgresExtension;
pub use postgres_role::PostgresRole;
pub use redis::Redis;
