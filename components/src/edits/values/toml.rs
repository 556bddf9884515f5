//! TOML.

use togusa_core::fail;
use togusa_core::fault::CodeExt as _;
use togusa_core::prelude::*;
use togusa_core::problem::code;
use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, Table, TableLike, Value};

use super::{Datum, Document};

pub(super) fn parse(text: &str) -> Result<DocumentMut> {
    text.parse().context("it is not TOML").code(code::EDIT_FORMAT)
}

impl Document for DocumentMut {
    fn read(&self) -> Result<Datum> {
        Ok(of_table(self.as_table()))
    }

    fn set(&mut self, path: &[String], value: &Datum) -> Result {
        let (name, above) = path.split_last().context("the path is empty")?;
        let mut at: &mut dyn TableLike = self.as_table_mut();
        for name in above {
            let next = at.entry(name).or_insert_with(|| {
                let mut table = Table::new();
                table.set_implicit(true);
                Item::Table(table)
            });
            at = next
                .as_table_like_mut()
                .with_context(|| format!("`{name}` is no table"))
                .code(code::EDIT_FORMAT)?;
        }
        let mut new = item(value)?;
        match at.get_mut(name) {
            Some(present) => {
                // Spaces and comments around the value stay.
                if let (Some(old), Some(new)) = (present.as_value(), new.as_value_mut()) {
                    *new.decor_mut() = old.decor().clone();
                }
                *present = new;
            }
            None => {
                at.insert(name, new);
            }
        }
        Ok(())
    }

    fn remove(&mut self, path: &[String]) -> Result {
        let (name, above) = path.split_last().context("the path is empty")?;
        let mut at: &mut dyn TableLike = self.as_table_mut();
        for name in above {
            let Some(next) = at.get_mut(name).and_then(Item::as_table_like_mut) else {
                return Ok(());
            };
            at = next;
        }
        at.remove(name);
        Ok(())
    }

    fn text(&self) -> String {
        self.to_string()
    }
}

fn of_table(table: &dyn TableLike) -> Datum {
    Datum::Table(table.iter().map(|(name, item)| (name.to_owned(), of_item(item))).collect())
}

fn of_item(item: &Item) -> Datum {
    match item {
        Item::None => Datum::Null,
        Item::Value(value) => of_value(value),
        Item::Table(table) => of_table(table),
        Item::ArrayOfTables(tables) => {
            Datum::List(tables.iter().map(|table| of_table(table)).collect())
        }
    }
}

fn of_value(value: &Value) -> Datum {
    match value {
        Value::String(text) => Datum::Text(text.value().clone()),
        Value::Integer(number) => Datum::Integer(*number.value()),
        Value::Float(number) => Datum::Float(*number.value()),
        Value::Boolean(flag) => Datum::Boolean(*flag.value()),
        Value::Datetime(time) => Datum::Other(time.value().to_string()),
        Value::Array(items) => Datum::List(items.iter().map(of_value).collect()),
        Value::InlineTable(table) => of_table(table),
    }
}

fn item(value: &Datum) -> Result<Item> {
    match value {
        Datum::Table(table) if table.is_empty() => Ok(Item::Table(Table::new())),
        Datum::List(items)
            if !items.is_empty() && items.iter().all(|item| matches!(item, Datum::Table(_))) =>
        {
            let mut tables = ArrayOfTables::new();
            for one in items {
                let Datum::Table(table) = one else { continue };
                let mut new = Table::new();
                for (name, value) in table {
                    new.insert(name, item(value)?);
                }
                tables.push(new);
            }
            Ok(Item::ArrayOfTables(tables))
        }
        value => Ok(Item::Value(inline(value)?)),
    }
}

fn inline(value: &Datum) -> Result<Value> {
    Ok(match value {
        Datum::Null => fail!(code::EDIT_FORMAT, "TOML has no null"),
        Datum::Boolean(flag) => (*flag).into(),
        Datum::Integer(number) => (*number).into(),
        Datum::Float(number) => (*number).into(),
        Datum::Text(text) => text.as_str().into(),
        Datum::Other(text) => {
            let time: toml_edit::Datetime = text
                .parse()
                .with_context(|| format!("`{text}` is no date or time"))
                .code(code::EDIT_FORMAT)?;
            time.into()
        }
        Datum::List(items) => {
            let mut array = Array::new();
            for item in items {
                array.push(inline(item)?);
            }
            array.into()
        }
        Datum::Table(table) => {
            let mut new = InlineTable::new();
            for (name, value) in table {
                new.insert(name, inline(value)?);
            }
            new.into()
        }
    })
}
