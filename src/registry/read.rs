//! The registry's queries, and its rows as types.

use std::collections::BTreeMap;
use std::error::Error;
use std::str::FromStr;

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row};
use serde_json::Value as Json;

use super::name::{CHAMPION, Selector};
use super::{LedgerRow, ModelRow, Move, Served, Version, VersionRow};
use crate::source::{Fault, suggest};

/// An alias and the version it points to.
type Pointer = (String, Version);

pub(super) fn names(sql: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut query = sql.prepare_cached("select name from models order by name")?;
    query.query_map([], |row| row.get(0))?.collect()
}

pub(super) fn models(sql: &Connection) -> rusqlite::Result<Vec<ModelRow>> {
    let mut query = sql.prepare_cached(
        "select m.name, m.created, count(*) as versions, max(v.version) as latest
         from models m join versions v on v.name = m.name group by m.name order by m.name",
    )?;
    let models = query.query_map([], |row| {
        Ok(ModelRow {
            name: row.get("name")?,
            versions: row.get::<_, u32>("versions")? as usize,
            latest: row.get("latest")?,
            aliases: BTreeMap::new(),
            created: row.get("created")?,
        })
    })?;
    let mut models = models.collect::<rusqlite::Result<Vec<_>>>()?;
    for model in &mut models {
        model.aliases = aliases(sql, &model.name)?.into_iter().collect();
    }
    Ok(models)
}

/// The aliases of a model, sorted.
pub(super) fn aliases(sql: &Connection, name: &str) -> rusqlite::Result<Vec<Pointer>> {
    let mut query = sql.prepare_cached("select alias, version from aliases where name = ? order by alias")?;
    query.query_map([name], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

pub(super) fn alias(sql: &Connection, name: &str, alias: &str) -> rusqlite::Result<Option<Version>> {
    let mut query = sql.prepare_cached("select version from aliases where name = ? and alias = ?")?;
    query.query_row([name, alias], |row| row.get(0)).optional()
}

pub(super) fn latest(sql: &Connection, name: &str) -> rusqlite::Result<Option<Version>> {
    let mut query = sql.prepare_cached("select max(version) from versions where name = ?")?;
    query.query_row([name], |row| row.get(0))
}

/// A model's versions, the newest first.
pub(super) fn versions(sql: &Connection, name: &str) -> rusqlite::Result<Vec<VersionRow>> {
    let pointers = aliases(sql, name)?;
    let mut query = sql.prepare_cached("select * from versions where name = ? order by version desc")?;
    query.query_map([name], |row| version_row(row, &pointers))?.collect()
}

/// The version of a model that a selector means.
pub(super) fn find(sql: &Connection, name: &str, selector: &Selector) -> rusqlite::Result<Option<VersionRow>> {
    let version = match selector {
        Selector::Version(version) => Some(*version),
        Selector::Latest => latest(sql, name)?,
        Selector::Alias(text) => alias(sql, name, text)?,
        Selector::Default => match alias(sql, name, CHAMPION)? {
            None => latest(sql, name)?,
            champion => champion,
        },
    };
    let Some(version) = version else {
        return Ok(None);
    };
    let pointers = aliases(sql, name)?;
    let mut query = sql.prepare_cached("select * from versions where name = ? and version = ?")?;
    query.query_row((name, version), |row| version_row(row, &pointers)).optional()
}

/// What to say when [`find`] found nothing.
pub(super) fn unknown(sql: &Connection, name: &str, selector: &Selector) -> rusqlite::Result<Fault> {
    let names = names(sql)?;
    if !names.iter().any(|known| known == name) {
        let fault = Fault::new("unknown-model", format!("there is no model `{name}`"));
        let help = suggest(name, names.iter().map(String::as_str));
        return Ok(
            fault.help(help.unwrap_or_else(|| "run a pipeline with a `deploy` step: it registers its model".into()))
        );
    }
    let fault = |what: &str| Fault::new("unknown-version", format!("the model `{name}` has no {what}"));
    match selector {
        Selector::Version(version) => {
            let latest = latest(sql, name)?.unwrap_or_default();
            Ok(fault(&format!("version {version}")).help(format!("its versions are 1 to {latest}")))
        }
        Selector::Alias(alias) => {
            let mut known: Vec<String> = aliases(sql, name)?.into_iter().map(|(alias, _)| alias).collect();
            known.extend(versions(sql, name)?.into_iter().map(|row| row.version.to_string()));
            Ok(fault(&format!("alias `{alias}`")).maybe_help(suggest(alias, known.iter().map(String::as_str))))
        }
        Selector::Default | Selector::Latest => Ok(fault("version")),
    }
}

/// What was done to the aliases of a model, oldest first.
pub(super) fn ledger(sql: &Connection, name: &str) -> rusqlite::Result<Vec<LedgerRow>> {
    let mut query = sql.prepare_cached("select * from ledger where name = ? order by id")?;
    query.query_map([name], ledger_row)?.collect()
}

pub(super) fn served(sql: &Connection) -> rusqlite::Result<Vec<Served>> {
    let mut query = sql.prepare_cached("select * from serving order by name, alias")?;
    let rows = query.query_map([], |row| {
        Ok(Served {
            name: row.get("name")?,
            alias: row.get("alias")?,
            settings: json(row, "settings")?,
            at: row.get("at")?,
        })
    })?;
    rows.collect()
}

fn version_row(row: &Row<'_>, pointers: &[Pointer]) -> rusqlite::Result<VersionRow> {
    let version = row.get("version")?;
    let here = pointers.iter().filter(|(_, to)| *to == version);
    Ok(VersionRow {
        name: row.get("name")?,
        version,
        digest: parsed(row, "digest")?,
        created: row.get("created")?,
        lineage: json(row, "lineage")?,
        aliases: here.map(|(alias, _)| alias.clone()).collect(),
    })
}

fn ledger_row(row: &Row<'_>) -> rusqlite::Result<LedgerRow> {
    let what: String = row.get("what")?;
    let evidence: Option<String> = row.get("evidence")?;
    Ok(LedgerRow {
        at: row.get("at")?,
        name: row.get("name")?,
        alias: row.get("alias")?,
        what: Move::ALL
            .into_iter()
            .find(|known| known.as_str() == what)
            .ok_or_else(|| unreadable(format!("`{what}` isn't a move of an alias")))?,
        version: row.get("version")?,
        before: row.get("before")?,
        moved: row.get("moved")?,
        evidence: evidence.map(|_| parsed(row, "evidence")).transpose()?,
        actor: row.get("actor")?,
        why: row.get("why")?,
    })
}

fn parsed<T: FromStr>(row: &Row<'_>, column: &str) -> rusqlite::Result<T>
where
    T::Err: Error + Send + Sync + 'static,
{
    row.get::<_, String>(column)?.parse().map_err(unreadable)
}

fn json(row: &Row<'_>, column: &str) -> rusqlite::Result<Json> {
    serde_json::from_str(&row.get::<_, String>(column)?).map_err(unreadable)
}

fn unreadable(error: impl Into<Box<dyn Error + Send + Sync>>) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, Type::Text, error.into())
}
