use super::*;

fn shown(database: &MysqlDatabase, states: &[(&str, &str, &str)]) -> Vec<String> {
    let rows = states.iter().map(|(name, set, collation)| State {
        name: (*name).into(),
        character_set: (*set).into(),
        collation: (*collation).into(),
    });
    let (changes, statement) = database.differences(&Databases::of(rows.collect()));
    let changes = changes.iter().map(|change| format!("{} {change}", change.symbol()));
    changes.chain(statement).collect()
}

#[test]
fn every_difference_is_shown_with_what_mends_it() {
    let shop = || MysqlDatabase::new("a`b");
    let full = || shop().character_set("utf8mb4").collation("utf8mb4_bin");
    let is = &[("a`b", "latin1", "latin1_swedish_ci")][..];
    let right = &[("a`b", "utf8mb4", "utf8mb4_bin")][..];
    let set = "~ character set latin1 → utf8mb4";
    let collation = "~ collation latin1_swedish_ci → utf8mb4_bin";
    let table: [(MysqlDatabase, &[_], &[&str]); 9] = [
        (shop(), &[], &["+ create database", "CREATE DATABASE `a``b`"]),
        (
            full(),
            &[],
            &[
                "+ create database (character set utf8mb4, collation utf8mb4_bin)",
                "CREATE DATABASE `a``b` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
            ],
        ),
        (shop(), is, &[]),
        (
            full(),
            is,
            &[set, collation, "ALTER DATABASE `a``b` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"],
        ),
        (
            shop().character_set("utf8mb4"),
            is,
            &[set, "ALTER DATABASE `a``b` CHARACTER SET utf8mb4"],
        ),
        (
            shop().collation("utf8mb4_bin"),
            is,
            &[collation, "ALTER DATABASE `a``b` COLLATE utf8mb4_bin"],
        ),
        (full(), right, &[]),
        (
            shop().absent_losing_all_data(),
            right,
            &["- remove database with all its data", "DROP DATABASE `a``b`"],
        ),
        (shop().absent_losing_all_data(), &[], &[]),
    ];
    for (database, is, expected) in table {
        assert_eq!(shown(&database, is), expected);
    }
}

#[test]
fn names_that_mean_the_same_are_the_same() {
    let shop = MysqlDatabase::new("shop").character_set("UTF8MB3").collation("utf8mb3_bin");
    assert!(shown(&shop, &[("shop", "utf8", "utf8_bin")]).is_empty());
    assert!(shown(&shop, &[("shop", "utf8mb3", "utf8mb3_bin")]).is_empty());
    assert!(!shown(&shop, &[("shop", "utf8mb4", "utf8mb3_bin")]).is_empty());
    let short = MysqlDatabase::new("shop").character_set("utf8mb4").collation("uca1400_ai_ci");
    assert!(shown(&short, &[("shop", "utf8mb4", "utf8mb4_uca1400_ai_ci")]).is_empty());
}

#[test]
fn a_collation_is_kept_when_the_character_set_moves() {
    let shop = MysqlDatabase::new("shop").character_set("utf8mb4").collation("uca1400_ai_ci");
    let shown = shown(&shop, &[("shop", "utf8mb3", "utf8mb3_uca1400_ai_ci")]);
    let alter = "ALTER DATABASE `shop` CHARACTER SET utf8mb4 COLLATE uca1400_ai_ci";
    assert_eq!(shown, ["~ character set utf8mb3 → utf8mb4", alter]);
}

#[test]
fn what_is_no_word_or_two_things_is_refused() {
    let refusal = |word| check_word("collation", word).err().map(|error| format!("{error:#}"));
    assert_eq!(refusal("utf8mb4_bin"), None);
    for word in ["", "utf8mb4 bin", "x;--", "utf8mb4`"] {
        assert!(refusal(word).is_some_and(|said| said.contains("is no collation")), "{word}");
    }
    for word in ["utf8", "UTF8_bin"] {
        assert!(refusal(word).is_some_and(|said| said.contains("means one thing")), "{word}");
    }
}
