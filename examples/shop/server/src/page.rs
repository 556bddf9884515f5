//! What the goods look like.

use std::fmt::Write as _;

use anyhow::Result;
use postgres::Client;

/// Where the goods stand in the page.
const PLACE: &str = "<!-- goods -->";

/// The page with all goods that the database has.
pub fn with_goods(page: &str, database: &mut Client) -> Result<String> {
    let mut rows = String::new();
    for row in database.query("SELECT name, cents, stock FROM goods ORDER BY name", &[])? {
        let (name, cents, stock): (String, i32, i32) = (row.get(0), row.get(1), row.get(2));
        let (name, euros, cents) = (escaped(&name), cents / 100, cents % 100);
        writeln!(rows, "<tr><td>{name}</td><td>{euros}.{cents:02} €</td><td>{stock}</td></tr>")?;
    }
    Ok(page.replace(PLACE, rows.trim_end()))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goods_cannot_bring_html_of_their_own() {
        assert_eq!(escaped("<b>Tea & more</b>"), "&lt;b&gt;Tea &amp; more&lt;/b&gt;");
    }
}
