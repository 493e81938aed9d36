//! What `deploy … to: rest` recorded: which models are to be served, and how.

use serde_json::Value as Json;

use super::models::require;
use super::name::{Selector, check_alias};
use super::{Registry, Served, read};
use crate::source::Fault;

impl Registry {
    /// All that is to be served, by name and alias.
    pub fn served(&self) -> Result<Vec<Served>, Fault> {
        self.read(read::served)
    }

    /// Records that what `alias` of a model points to is to be served with these settings (port, protocols, …), instead of
    /// what was said before. Whether that changed anything. The alias needn't point anywhere yet.
    pub fn set_serving(&mut self, name: &str, alias: &str, settings: &Json) -> Result<bool, Fault> {
        check_alias(alias)?;
        let at = self.now();
        self.write(|sql| {
            require(sql, name, &Selector::Latest)??;
            let same = |row: &Served| row.name == name && row.alias == alias && row.settings == *settings;
            if read::served(sql)?.iter().any(same) {
                return Ok(false);
            }
            sql.execute(
                "insert into serving values (?, ?, ?, ?)
                 on conflict do update set settings = excluded.settings, at = excluded.at",
                (name, alias, settings.to_string(), at),
            )?;
            Ok(true)
        })
    }

    /// Records that it is to be served no more. Whether it was.
    pub fn stop_serving(&mut self, name: &str, alias: &str) -> Result<bool, Fault> {
        self.write(|sql| {
            let gone = sql.execute("delete from serving where name = ? and alias = ?", [name, alias])?;
            Ok(gone > 0)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Digest;
    use serde_json::json;

    #[test]
    fn what_is_served_is_what_was_said_last() {
        let dir = tempfile::tempdir().expect("folder");
        let mut registry = Registry::open(dir.path()).expect("opened");
        let unknown = registry.set_serving("m", "champion", &json!({})).expect_err("no model");
        assert_eq!(unknown.code, "unknown-model");
        registry.register("m", &Digest::of(b"1"), &json!({})).expect("new");
        let mut set = |port: u16| registry.set_serving("m", "champion", &json!({"port": port})).expect("set");
        assert_eq!([set(80), set(80), set(8080)], [true, false, true]);
        let served = registry.served().expect("one");
        assert_eq!(served.len(), 1);
        assert_eq!((&*served[0].name, &served[0].settings["port"]), ("m", &json!(8080)));
        assert!(registry.stop_serving("m", "champion").expect("stopped"));
        assert!(!registry.stop_serving("m", "champion").expect("stopped already"));
        assert_eq!(registry.served().expect("none"), []);
    }
}
