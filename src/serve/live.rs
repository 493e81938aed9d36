//! A server beside other work, which follows the registry: when an alias moves, its model is swapped, and no request fails.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use tokio::sync::mpsc::Sender;

use super::app::App;
use super::models::{open, recorded};
use super::server::{patience, run, runtime};
use super::{Model, Models, Settings};
use crate::registry::{Registry, VersionRow};
use crate::source::Fault;
use crate::store::Store;

/// A served model that was exchanged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Swap {
    /// Its name in the registry.
    pub name: String,
    /// The alias that is served.
    pub alias: Option<String>,
    /// The version before; none if it is served for the first time.
    pub from: Option<u32>,
    /// The version now; none if it is served no more.
    pub to: Option<u32>,
}

/// What came of a look at the registry.
#[derive(Debug, Default)]
pub struct Followed {
    /// What was exchanged.
    pub swaps: Vec<Swap>,
    /// What could not be: the models before it go on being served. Each is told once.
    pub faults: Vec<Fault>,
}

/// Closes a server's door from another thread.
#[derive(Clone)]
pub struct Closer {
    stops: Sender<()>,
    /// A second message would end it at once.
    closed: Arc<AtomicBool>,
}

impl Closer {
    /// From now on no more connections are taken; the requests that run end.
    pub fn close(&self) {
        if !self.closed.swap(true, Ordering::Relaxed) {
            // A server that has stopped already hears nothing.
            let _ = self.stops.try_send(());
        }
    }
}

/// A server on threads of its own.
pub struct Live {
    app: Arc<App>,
    address: SocketAddr,
    closer: Closer,
    thread: JoinHandle<Result<(), Fault>>,
    root: PathBuf,
    /// What is served, by what the registry calls it: `name@alias`.
    now: BTreeMap<String, Arc<Model>>,
    /// What was told of last, by what it is about.
    told: BTreeMap<String, String>,
}

impl Live {
    /// Listens, with no model yet: until [`Live::follow`] has found one, requests for predictions are told to come back.
    ///
    /// # Errors
    /// If it can't listen there.
    pub fn start(root: &Path, settings: &Settings) -> Result<Self, Fault> {
        let app = App::new(Models::none(), settings);
        let (stops, stopped) = tokio::sync::mpsc::channel(2);
        let (ready, listening) = mpsc::channel();
        let own = app.clone();
        let thread = std::thread::spawn(move || {
            let runtime = runtime()?;
            let patience = patience(&own.settings);
            let result = runtime.block_on(run(own, patience, stopped, move |address| {
                // Whoever started it may have gone away: then nobody waits for the address.
                let _ = ready.send(address);
            }));
            runtime.shutdown_background();
            result
        });
        let Ok(address) = listening.recv() else {
            thread.join().unwrap_or_else(|_| Err(died()))?;
            return Err(died());
        };
        let root = root.to_owned();
        let closer = Closer { stops, closed: Arc::default() };
        Ok(Self { app, address, closer, thread, root, now: BTreeMap::new(), told: BTreeMap::new() })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What closes its door.
    pub fn closer(&self) -> Closer {
        self.closer.clone()
    }

    /// Looks what the registry says is to be served, and swaps what is served for it. A model that can't be read, or that
    /// doesn't answer its recorded samples as it did when it was made, is not swapped in.
    pub fn follow(&mut self) -> Followed {
        let mut faults = Vec::new();
        let wanted = match self.wanted() {
            Ok(wanted) => wanted,
            Err(fault) => {
                self.tell("", fault, &mut faults);
                return Followed { swaps: Vec::new(), faults };
            }
        };
        self.told.remove("");
        let mut next = Vec::new();
        for (text, row) in &wanted {
            let before = self.now.get(text);
            if let Some(same) = before.filter(|model| is(model, row)) {
                next.push((text.clone(), Arc::clone(same)));
                continue;
            }
            match Store::open(&self.root).map_err(Fault::from).and_then(|store| open(&store, row, text)) {
                Ok(model) => next.push((text.clone(), Arc::new(model))),
                Err(fault) => {
                    next.extend(before.map(|before| (text.clone(), Arc::clone(before))));
                    self.tell(text, fault, &mut faults);
                }
            }
        }
        let swaps = swaps(&self.now, &next);
        if !swaps.is_empty() {
            match Models::some(next.iter().map(|(_, model)| Arc::clone(model))) {
                Ok(models) => self.app.swap(models),
                Err(fault) => {
                    self.tell("", fault, &mut faults);
                    return Followed { swaps: Vec::new(), faults };
                }
            }
            for swap in &swaps {
                self.told.retain(|text, _| text.split('@').next() != Some(&swap.name));
            }
            self.now = next.into_iter().collect();
        }
        Followed { swaps, faults }
    }

    /// Takes no more connections, lets the requests that run end, and waits for that.
    pub fn stop(self) -> Result<(), Fault> {
        self.closer.close();
        self.thread.join().unwrap_or_else(|_| Err(died()))
    }

    /// What is to be served, champions first, with the version that each alias points to.
    fn wanted(&self) -> Result<Vec<(String, VersionRow)>, Fault> {
        let registry = Registry::open(&self.root)?;
        let mut found = Vec::new();
        for text in recorded(&registry)? {
            match registry.resolve(&text) {
                Ok(row) => found.push((text, row)),
                // The alias points nowhere yet: its run is still to come.
                Err(fault) if fault.code == "unknown-version" => {}
                Err(fault) => return Err(fault),
            }
        }
        Ok(found)
    }

    /// Says a thing once.
    fn tell(&mut self, about: &str, fault: Fault, faults: &mut Vec<Fault>) {
        let text = fault.to_string();
        if self.told.insert(about.to_owned(), text.clone()) != Some(text) {
            faults.push(fault);
        }
    }
}

fn is(model: &Model, row: &VersionRow) -> bool {
    model.version == row.version && model.digest == row.digest.to_string()
}

fn swaps(before: &BTreeMap<String, Arc<Model>>, after: &[(String, Arc<Model>)]) -> Vec<Swap> {
    let swap = |model: &Model, from, to| Swap { name: model.name.clone(), alias: model.alias.clone(), from, to };
    let mut found = Vec::new();
    for (text, model) in after {
        match before.get(text) {
            Some(same) if Arc::ptr_eq(same, model) => {}
            old => found.push(swap(model, old.map(|old| old.version), Some(model.version))),
        }
    }
    for (text, model) in before {
        if !after.iter().any(|(other, _)| other == text) {
            found.push(swap(model, Some(model.version), None));
        }
    }
    found
}

fn died() -> Fault {
    Fault::new("server-died", "the server ended by itself")
        .help("start it again, and tell its makers what it was asked")
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Client, Reply, sealed};
    use super::*;
    use crate::learn::Task;
    use serde_json::json;
    use std::collections::BTreeSet;

    fn settings() -> Settings {
        Settings { port: 0, ..Settings::default() }
    }

    /// Registers a model that is like the others but for the largest mass it takes.
    fn register(root: &Path, most: f64, change: impl FnOnce(&mut crate::seal::Sealed)) -> u32 {
        let mut made = sealed(Task::Classification);
        made.signature[1].max = Some(most);
        change(&mut made);
        let digest = Store::open(root).expect("a store").put(&made.to_bytes()).expect("kept");
        Registry::open(root).expect("opened").register("m", &digest, &json!({})).expect("new").0
    }

    fn promote(root: &Path, version: u32) {
        let mut registry = Registry::open(root).expect("opened");
        registry.promote("m", version, "champion", "me").expect("moved");
        registry.set_serving("m", "champion", &json!({})).expect("recorded");
    }

    fn ask(client: &mut Client) -> Reply {
        let body = json!({"input_data": [{"island": "Biscoe", "mass": 5000}]}).to_string();
        client.request("POST", "/predict", "Content-Type: application/json\r\n", body.as_bytes());
        client.reply()
    }

    fn get(live: &Live, path: &str) -> Reply {
        let mut client = Client::to(live.address());
        client.request("GET", path, "", b"");
        client.reply()
    }

    #[test]
    fn before_the_first_model_it_listens_and_asks_for_patience() {
        let dir = tempfile::tempdir().expect("folder");
        let mut live = Live::start(dir.path(), &settings()).expect("started");
        assert_eq!(live.follow().swaps, []);
        let reply = ask(&mut Client::to(live.address()));
        assert_eq!((reply.status, reply.headers.get("retry-after").map(String::as_str)), (503, Some("1")));
        assert!(reply.error().starts_with("no model yet"), "{reply:?}");
        assert_eq!((get(&live, "/health/ready").status, get(&live, "/health/live").status), (503, 200));
        assert_eq!(get(&live, "/models").json["models"], json!([]));
        assert_eq!(get(&live, "/models/m").status, 503);

        let version = register(dir.path(), 9000.0, |_| ());
        promote(dir.path(), version);
        let first = Swap { name: "m".into(), alias: Some("champion".into()), from: None, to: Some(1) };
        assert_eq!(live.follow().swaps, [first]);
        assert_eq!(live.follow().swaps, [], "nothing moved");
        assert_eq!((get(&live, "/health/ready").status, ask(&mut Client::to(live.address())).status), (200, 200));
        live.stop().expect("stopped");
    }

    #[test]
    fn models_are_swapped_under_constant_requests_and_no_request_fails() {
        let dir = tempfile::tempdir().expect("folder");
        let mut live = Live::start(dir.path(), &settings()).expect("started");
        let version = register(dir.path(), 6000.0, |_| ());
        promote(dir.path(), version);
        live.follow();
        let (address, done) = (live.address(), AtomicBool::new(false));
        let seen = std::thread::scope(|scope| {
            let askers: Vec<_> = (0..3)
                .map(|_| {
                    scope.spawn(|| {
                        let (mut client, mut seen) = (Client::to(address), BTreeSet::new());
                        while !done.load(Ordering::Relaxed) {
                            let reply = ask(&mut client);
                            assert_eq!(reply.status, 200, "{reply:?}");
                            seen.insert(reply.json["model"]["version"].as_u64().expect("a version"));
                        }
                        seen
                    })
                })
                .collect();
            for most in 1..12 {
                let version = register(dir.path(), 6000.0 + f64::from(most), |_| ());
                promote(dir.path(), version);
                let followed = live.follow();
                assert_eq!((followed.swaps.len(), followed.faults.len()), (1, 0));
                let shown = get(&live, "/openapi.json").text;
                assert!(shown.contains(&format!("m.v{version}.record")), "the document is swapped along");
                let mut client = Client::to(address);
                assert_eq!(ask(&mut client).json["model"]["version"], json!(version));
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            done.store(true, Ordering::Relaxed);
            askers
                .into_iter()
                .flat_map(|asker| asker.join().expect("every request is answered"))
                .collect::<BTreeSet<_>>()
        });
        assert_eq!(seen.last(), Some(&12));
        assert!(seen.len() > 6, "{seen:?}");
    }

    #[test]
    fn a_model_that_answers_otherwise_than_it_did_is_not_swapped_in() {
        let dir = tempfile::tempdir().expect("folder");
        let mut live = Live::start(dir.path(), &settings()).expect("started");
        let version = register(dir.path(), 6000.0, |_| ());
        promote(dir.path(), version);
        live.follow();
        let version = register(dir.path(), 7000.0, |made| {
            let record = vec![crate::data::Value::str("Biscoe"), crate::data::Value::Float(5100.0)];
            let other = crate::seal::Sealed::open(&made.to_bytes())
                .expect("opened")
                .answer(&[crate::data::Value::str("Dream"), crate::data::Value::Float(3500.0)]);
            made.samples.push(crate::seal::Sample { record, outcome: other });
        });
        promote(dir.path(), version);
        let followed = live.follow();
        assert_eq!((followed.swaps, followed.faults.len()), (vec![], 1));
        assert!(followed.faults[0].message.contains("version 2 of `m` can't be served"), "{}", followed.faults[0]);
        assert_eq!(live.follow().faults.len(), 0, "it is said once");
        let version = |reply: Reply| reply.json["model"]["version"].clone();
        assert_eq!(version(ask(&mut Client::to(live.address()))), json!(1));

        let mended = register(dir.path(), 8000.0, |_| ());
        promote(dir.path(), mended);
        assert_eq!(live.follow().swaps.len(), 1);
        assert_eq!(version(ask(&mut Client::to(live.address()))), json!(3));
        let stopped = Registry::open(dir.path()).expect("opened").stop_serving("m", "champion").expect("recorded");
        assert!(stopped);
        assert_eq!(live.follow().swaps[0].to, None::<u32>);
        assert_eq!(ask(&mut Client::to(live.address())).status, 503);
    }

    #[test]
    fn a_port_that_is_taken_is_said() {
        let dir = tempfile::tempdir().expect("folder");
        let live = Live::start(dir.path(), &settings()).expect("started");
        let taken = Settings { port: live.address().port(), ..settings() };
        let fault = Live::start(dir.path(), &taken).err().expect("taken");
        assert_eq!(fault.code, "address-in-use");
    }
}
