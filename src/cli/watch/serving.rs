//! The server of `watch --serve`: it follows the registry after each run, and between runs when others move an alias.

use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use super::super::{out, say};
use crate::serve::{Closer, Followed, Live, Settings, Swap};
use crate::source::{Diagnostic, Fault};
use crate::watch::head;

/// How often the registry is looked at for what other processes did.
const EVERY: Duration = Duration::from_millis(500);

pub(super) struct Serving {
    live: Arc<Mutex<Live>>,
    json: bool,
    /// Ends the thread that looks from time to time.
    end: Sender<()>,
    thread: JoinHandle<()>,
}

impl Serving {
    /// Listens, and serves what the registry says already.
    pub(super) fn start(root: &Path, settings: &Settings, json: bool) -> Result<Self, Fault> {
        let live = Live::start(root, settings)?;
        let address = live.address();
        if json {
            let mut told = head("listening", Timestamp::now());
            told.insert("address".to_owned(), json!(format!("http://{address}")));
            out(&json!(told).to_string());
        } else {
            say(&format!("listening on http://{address}"));
        }
        let live = Arc::new(Mutex::new(live));
        follow(&live, json);
        let own = Arc::clone(&live);
        let (end, ended) = channel();
        let thread = std::thread::spawn(move || {
            while matches!(ended.recv_timeout(EVERY), Err(RecvTimeoutError::Timeout)) {
                follow(&own, json);
            }
        });
        Ok(Self { live, json, end, thread })
    }

    /// What closes its door, from wherever the signal is heard.
    pub(super) fn closer(&self) -> Closer {
        self.live.lock().unwrap_or_else(PoisonError::into_inner).closer()
    }

    /// Looks at the registry now.
    pub(super) fn follow(&self) {
        follow(&self.live, self.json);
    }

    /// Lets the requests that run end.
    pub(super) fn stop(self) -> Result<(), Fault> {
        drop(self.end);
        // It only looks; if it ended early there is nothing to mend here.
        let _ = self.thread.join();
        match Arc::into_inner(self.live) {
            Some(live) => live.into_inner().unwrap_or_else(PoisonError::into_inner).stop(),
            None => Ok(()),
        }
    }
}

fn follow(live: &Mutex<Live>, json: bool) {
    // Held while it is told, so that swaps are told in their order.
    let mut live = live.lock().unwrap_or_else(PoisonError::into_inner);
    let Followed { swaps, faults } = live.follow();
    for swap in &swaps {
        tell_swap(swap, json);
    }
    for fault in &faults {
        let diagnostic = Diagnostic::placeless(fault);
        if json {
            let mut told = head("note", Timestamp::now());
            told.insert("message".to_owned(), json!(diagnostic.message));
            told.insert("diagnostics".to_owned(), json!([diagnostic]));
            out(&json!(told).to_string());
        } else {
            say(&format!("what is served stays as it is\n{}", diagnostic.render(false)));
        }
    }
}

fn tell_swap(swap: &Swap, json: bool) {
    let Swap { name, alias, from, to } = swap;
    if json {
        let mut told = head("swapped", Timestamp::now());
        let rest = [("model", json!(name)), ("alias", json!(alias)), ("from", json!(from)), ("to", json!(to))];
        told.extend(rest.map(|(key, value)| (key.to_owned(), value)));
        out(&json!(told).to_string());
        return;
    }
    let alias = alias.as_ref().map(|alias| format!(" ({alias})")).unwrap_or_default();
    say(&match (from, to) {
        (Some(from), Some(to)) => format!("swapped {name}{alias}: version {from} → {to}"),
        (None, Some(to)) => format!("serving {name}{alias}: version {to}"),
        (_, None) => format!("serving {name}{alias} no more"),
    });
}
