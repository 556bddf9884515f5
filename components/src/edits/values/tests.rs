//! What each format keeps, and what it makes of values.

use togusa_core::value::ValueKind;

use super::*;

fn edited(format: Format, text: &str, values: Values) -> Result<String> {
    let (made, _) = applied(format, text, values.leaves()?)?;
    let (again, differences) = applied(format, &made, values.leaves()?)?;
    assert!(differences.is_empty() && again == made, "a second run changes {made}");
    Ok(made)
}

fn values() -> Values {
    Values::new("f")
}

#[track_caller]
fn check(format: Format, text: &str, values: Values, expected: &str) {
    let made = edited(format, text, values).unwrap();
    assert_eq!(made, expected, "\n{made}");
}

#[test]
fn json_keeps_comments_order_and_spaces() {
    check(
        Format::Json,
        "{\n    // the port\n    \"server\": { \"port\": 80, \"host\": \"a\" },\n    \"z\": [1, 2], // z\n    \"a\": true\n}\n",
        values().set("server.port", 8080).set("z", vec![3.into(), "x".into()]).unset("a"),
        "{\n    // the port\n    \"server\": { \"port\": 8080, \"host\": \"a\" },\n    \"z\": [3, \"x\"] // z\n}\n",
    );
    check(
        Format::Json,
        "{\n  \"a\": 1\n}\n",
        values().set("b.c.d", "x\"\n\u{1}").set("e", 1.5),
        "{\n  \"a\": 1,\n  \"b\": {\n    \"c\": {\n      \"d\": \"x\\\"\\n\\u0001\"\n    }\n  },\n  \"e\": 1.5\n}\n",
    );
    check(Format::Json, "", values().set("a", false), "{\n  \"a\": false\n}\n");
    // Numbers that no type here holds keep their digits.
    let long = "{\"a\":123456789012345678901234567890,\"b\":0}";
    let same = "{\"a\":123456789012345678901234567890,\"b\":1}";
    check(Format::Json, long, values().set("b", 1), same);
}

#[test]
fn yaml_keeps_comments_order_and_spaces() {
    check(
        Format::Yaml,
        "# top\nserver:\n    port: 80   # the port\n    host: \"a\"\n\nz:\n- 1\n- 2\nb: &x\n  c: 1\nd: *x\n",
        values().set("server.port", 8080).set("server.tls.cert", "/x").unset("server.host"),
        "# top\nserver:\n    port: 8080   # the port\n    tls:\n      cert: /x\n\nz:\n- 1\n- 2\nb: &x\n  c: 1\nd: *x\n",
    );
    check(Format::Yaml, "", values().set("a.b", 1), "a:\n  b: 1\n");
    check(Format::Yaml, "# only this\n", values().set("a", 1), "# only this\na: 1\n");
    check(Format::Yaml, "---\na: 1\n", values().set("b", 2), "---\na: 1\nb: 2\n");
}

#[test]
fn yaml_texts_stay_texts_for_every_reader() {
    for text in [
        "yes",
        "on",
        "12",
        "1.5",
        "null",
        "~",
        "",
        " x ",
        "a: b",
        "# c",
        "0x10",
        "x\ny\n",
        "*a",
        "22:22",
        "1_000",
        "0b11",
        "2024-01-01",
        "2024-01-01 10:00:00Z",
        "=",
        "a\tb",
    ] {
        let made = edited(Format::Yaml, "a: 1\n", values().set("b", text)).unwrap();
        let plain = format!("a: 1\nb: {text}\n");
        assert_ne!(made, plain, "{text:?} stands there unquoted");
    }
}

#[test]
fn a_date_is_a_text_where_the_format_has_none() {
    let date = || Value::from(ValueKind::Datetime("2024-01-01".into()));
    let dates = || values().set("a", date()).set("b", vec![date()]);
    check(
        Format::Json,
        "{}\n",
        dates(),
        "{\n  \"a\": \"2024-01-01\",\n  \"b\": [\"2024-01-01\"]\n}\n",
    );
    check(Format::Yaml, "", dates(), "a: '2024-01-01'\nb:\n- '2024-01-01'\n");
    check(Format::Toml, "", values().set("a", date()), "a = 2024-01-01\n");
}

#[test]
fn toml_keeps_comments_order_and_spaces() {
    check(
        Format::Toml,
        "# top\na  =  1 # one\n\n[server]\nport = 80\nhost = { name = 'x' }\n\n[[more]]\nx = 1\n",
        values()
            .set("a", 2)
            .set("server.host.port", 1)
            .set("server.tls.cert", "x")
            .unset("server.port"),
        "# top\na  =  2 # one\n\n[server]\nhost = { name = 'x' , port = 1 }\n\n[server.tls]\ncert = \"x\"\n\n[[more]]\nx = 1\n",
    );
    check(Format::Toml, "", values().set("a.b", vec![1.into(), 2.into()]), "[a]\nb = [1, 2]\n");
}

#[test]
fn ini_keeps_lines_and_takes_over_how_they_are_written() {
    check(
        Format::Ini,
        "; top\n[PHP]\n; comment\nengine=On\nsession.save_path=/tmp\n\n[Date]\nzone=UTC\n",
        values().set(["PHP", "session.save_path"], "/run").set(["PHP", "x"], 1).set("New.a", true),
        "; top\n[PHP]\n; comment\nengine=On\nsession.save_path=/run\nx=1\n\n[Date]\nzone=UTC\n\n[New]\na=true\n",
    );
    check(
        Format::Ini,
        "[user]\n\tname = x\n\temail = y\n[core]\n\tbare = no",
        values().set("core.editor", "vi").unset("user.name"),
        "[user]\n\temail = y\n[core]\n\tbare = no\n\teditor = vi\n",
    );
    // Continued lines belong to their value, and several values stand below each other.
    check(
        Format::Ini,
        "[a]\nx = 1\n  2\ny = 3\ny = 4\nskip\n",
        values().set("a.x", "5").set("a.y", vec!["6".into(), "7".into(), "8".into()]),
        "[a]\nx = 5\ny = 6\ny = 7\ny = 8\nskip\n",
    );
    // Whatever they look like.
    check(
        Format::Ini,
        "[o]\nneeds =\n    a==1\n    b\nname = q\n",
        values().set("o.needs", "z"),
        "[o]\nneeds = z\nname = q\n",
    );
    check(
        Format::Ini,
        "[Service]\nExecStart=/old \\\n--a=1 \\\n# why\n  --b=2\nUser=a\n",
        values().set("Service.ExecStart", "/new"),
        "[Service]\nExecStart=/new\nUser=a\n",
    );
    check(
        Format::Ini,
        "top = 1\n[a]\nb = 1\n[c]\nd = 1\n",
        values().unset("a").set("top", 2),
        "top = 2\n[c]\nd = 1\n",
    );
    check(Format::Ini, "a=\r\n", values().set("a", "x").set("b", "y"), "a=x\r\nb=y\r\n");
}

#[test]
fn what_is_on_the_way_is_not_overwritten() {
    for (format, text) in [
        (Format::Json, "{\"a\": 5}"),
        (Format::Yaml, "a: 5\n"),
        (Format::Toml, "a = 5\n"),
        (Format::Ini, "a = 5\n"),
    ] {
        let error = edited(format, text, values().set("a.b", 1)).unwrap_err();
        let message = format!("{error:?}");
        assert!(message.contains("`a` is a single value in the file, not a table"), "{message}");
    }
    let error = edited(Format::Yaml, "a: [1]\n", values().set("a.0", 1)).unwrap_err();
    assert!(format!("{error:?}").contains("`a` is a list in the file"), "{error:?}");
    // An empty table of YAML is a null.
    check(Format::Yaml, "a:\nb: 1\n", values().set("a.c", 1), "a:\n  c: 1\nb: 1\n");
}

#[test]
fn a_file_of_another_kind_is_named() {
    for (format, text, message) in [
        (Format::Json, "{", "it is not JSON"),
        (Format::Json, "[1]", "does not hold a table"),
        (Format::Json, "{'a': 1}", "it is not JSON"),
        (Format::Yaml, "a: [", "it is not YAML"),
        (Format::Yaml, "- 1\n", "does not hold a table"),
        (Format::Yaml, "a: 1\n---\nb: 1\n", "several documents"),
        (Format::Toml, "a = \n", "it is not TOML"),
    ] {
        let error = format.parse(text).err().map(|error| format!("{error:?}")).unwrap_or_default();
        assert!(error.contains(message), "{format:?} {text:?}: {error}");
    }
}

#[test]
fn a_table_is_merged_at_any_depth() {
    let mut inner = Table::default();
    inner.insert("b", 2);
    inner.insert("c", Table::default());
    let mut outer = Table::default();
    outer.insert("a", inner);
    outer.insert("d", "x");
    let merged = || values().merge(outer.clone());
    check(Format::Toml, "[a]\nb = 1\nz = 1\n", merged(), "d = \"x\"\n[a]\nb = 2\nz = 1\n\n[a.c]\n");
    check(
        Format::Json,
        "{}",
        merged(),
        "{\n  \"a\": {\n    \"b\": 2,\n    \"c\": {}\n  },\n  \"d\": \"x\"\n}",
    );
    check(Format::Yaml, "a:\n  z: 1\n", merged(), "a:\n  z: 1\n  b: 2\n  c: {}\nd: x\n");
}

#[test]
fn an_edit_that_would_change_more_than_it_shall_is_not_made() {
    // What the alias stands for would be cut down to the one value that is set.
    let text = "a: &x\n  b: 1\n  c: 2\nd: *x\n";
    let error = edited(Format::Yaml, text, values().set("d.b", 5)).unwrap_err();
    assert!(format!("{error:?}").contains("would change more than it shall"), "{error:?}");
    let text = "a: &x\n  b: 1\nd: *x\n";
    let error = edited(Format::Yaml, text, values().set("a.b", 5)).unwrap_err();
    assert!(format!("{error:?}").contains("would change more than it shall"), "{error:?}");
}
