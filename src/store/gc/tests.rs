//! What stays and what goes, and what happens beside it.

use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use serde_json::json;

use super::*;
use crate::store::claims::Held;
use crate::store::{Record, STATE};

/// A store of its own process, as it were: with its own scratch.
fn store() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().expect("folder");
    let store = Store::open(dir.path()).expect("a store");
    (dir, store)
}

fn key(name: &str) -> Key {
    Key(Digest::of(name.as_bytes()))
}

/// A result with one output, as a run leaves it that has ended.
fn keep(store: &Store, name: &str) -> Digest {
    let output = store.put(format!("output of {name}").as_bytes()).expect("kept");
    let about = store.put(format!("about {name}").as_bytes()).expect("kept");
    let record = Record {
        key: key(name),
        parts: Vec::new(),
        outputs: BTreeMap::from([("out".to_owned(), output)]),
        meta: json!({}),
        seconds: 0.0,
        made: String::new(),
        about: BTreeMap::from([("files".to_owned(), about)]),
        pieces: Vec::new(),
    };
    store.keep(&record).expect("kept");
    output
}

fn nothing() -> Result<HashSet<Digest>, Fault> {
    Ok(HashSet::new())
}

fn wanted(fixed: &[Digest]) -> Wanted<'static> {
    let pipelines = Some(BTreeSet::from(["p".to_owned()]));
    Wanted { fixed: fixed.iter().copied().collect(), moving: &nothing, pipelines, damaged: false, dry: false }
}

fn there(store: &Store, name: &str, output: &Digest) -> (bool, bool) {
    (store.record(&key(name)).is_some(), store.has(output))
}

#[test]
fn what_is_named_or_the_newest_stays_with_all_it_made() {
    let (dir, store) = store();
    let names = ["locked", "newest", "before", "gone pipeline", "unneeded"];
    let outputs = names.map(|name| keep(&store, name));
    let sealed = store.put(b"a registered model").expect("kept");
    store.set_latest("p/a", &key("newest")).expect("set");
    store.set_latest("p/a was", &key("before")).expect("set");
    store.set_latest("q/a", &key("gone pipeline")).expect("set");
    store.set_latest("p/b", &key("never made")).expect("set");
    drop(store);

    let store = Store::open(dir.path()).expect("a store");
    let mut dry = wanted(&[key("locked").0, sealed]);
    dry.dry = true;
    let planned = collect(&store, &dry).expect("counted");
    assert_eq!(store.keys().expect("list").len(), 5);
    let swept = collect(&store, &wanted(&[key("locked").0, sealed])).expect("collected");
    assert_eq!(planned, swept);
    let counts =
        |of: &BTreeMap<&'static str, Tally>| of.iter().map(|(kind, tally)| (*kind, tally.count)).collect::<Vec<_>>();
    assert_eq!(counts(&swept.dropped), [("objects", 6), ("pointers", 2), ("records", 2)]);
    assert_eq!(counts(&swept.kept), [("objects", 5), ("pointers", 2), ("records", 3)]);
    let left: Vec<_> = names.iter().zip(&outputs).map(|(name, output)| there(&store, name, output)).collect();
    assert_eq!(left, [(true, true), (true, true), (true, false), (false, false), (false, false)]);
    assert!(store.has(&sealed));
    let again = collect(&store, &wanted(&[key("locked").0, sealed])).expect("collected");
    assert_eq!(again.freed(), Tally::default());
    drop(store);
    assert_eq!(fs::read_dir(dir.path().join(STATE).join("tmp")).expect("list").count(), 0);
    assert_eq!(fs::read_dir(dir.path().join(STATE).join("claims")).expect("list").count(), 0);
}

/// A result that is put together from others, each kept by itself.
fn keep_of(store: &Store, name: &str, pieces: &[&str]) {
    keep(store, name);
    let record = store.record(&key(name)).expect("kept");
    store.keep(&Record { pieces: pieces.iter().map(|piece| key(piece)).collect(), ..record }).expect("kept");
}

#[test]
fn pieces_stay_as_long_as_what_is_put_together_from_them() {
    let (dir, store) = store();
    let pieces = ["a", "b", "of another", "of none"];
    let outputs = pieces.map(|name| keep(&store, name));
    keep_of(&store, "search", &["a", "b", "never made"]);
    keep_of(&store, "unneeded", &["b", "of another"]);
    store.set_latest("p/a/tune", &key("search")).expect("set");
    drop(store);
    let store = Store::open(dir.path()).expect("a store");
    let left = || pieces.iter().zip(&outputs).map(|(name, output)| there(&store, name, output)).collect::<Vec<_>>();
    collect(&store, &wanted(&[])).expect("collected");
    assert_eq!(left(), [(true, true), (true, true), (false, false), (false, false)]);
    // A search that nobody needs any more goes with its trials.
    store.set_latest("p/a/tune", &key("another")).expect("set");
    drop(store);
    let store = Store::open(dir.path()).expect("a store");
    collect(&store, &wanted(&[])).expect("collected");
    assert!(store.keys().expect("list").is_empty());
}

#[test]
fn pieces_come_back_with_what_turns_out_to_be_needed() {
    let (dir, store) = store();
    let output = keep(&store, "trial");
    keep_of(&store, "search", &["trial"]);
    keep_of(&store, "whole", &["search"]);
    drop(store);
    let store = Store::open(dir.path()).expect("a store");
    let asked = AtomicBool::new(false);
    let moving = || {
        let again = asked.swap(true, Ordering::SeqCst);
        Ok(if again { HashSet::from([key("whole").0]) } else { HashSet::new() })
    };
    let swept = collect(&store, &Wanted { moving: &moving, ..wanted(&[]) }).expect("collected");
    assert_eq!(swept.freed(), Tally::default());
    assert_eq!(there(&store, "trial", &output), (true, true));
    assert!(store.record(&key("search")).is_some());
}

#[test]
fn what_a_living_process_relies_on_stays_until_it_ends() {
    let (dir, store) = store();
    let output = keep(&store, "used");
    drop(store);
    let living = Store::open(dir.path()).expect("a store");
    living.rely_on(&key("used").0).expect("said");
    collect(&living, &wanted(&[])).expect("collected");
    assert_eq!(there(&living, "used", &output), (true, true));
    drop(living);
    let store = Store::open(dir.path()).expect("a store");
    collect(&store, &wanted(&[])).expect("collected");
    assert_eq!(there(&store, "used", &output), (false, false));
}

#[test]
fn what_turns_out_to_be_needed_is_put_back() {
    let (dir, store) = store();
    let output = keep(&store, "late");
    drop(store);
    let store = Store::open(dir.path()).expect("a store");
    // Nobody needs it when it is looked at, and somebody does when it was moved away.
    let asked = AtomicBool::new(false);
    let moving = || {
        let again = asked.swap(true, Ordering::SeqCst);
        Ok(if again { HashSet::from([key("late").0]) } else { HashSet::new() })
    };
    let swept = collect(&store, &Wanted { moving: &moving, ..wanted(&[]) }).expect("collected");
    assert_eq!(swept.freed(), Tally::default());
    assert_eq!(there(&store, "late", &output), (true, true));
}

#[test]
fn a_dead_collector_s_trash_is_put_back_by_whoever_misses_it() {
    let (dir, store) = store();
    let output = keep(&store, "moved");
    let trash = Trash::new(&store).expect("made");
    trash.take_record(&key("moved")).expect("moved");
    trash.take_object(&output).expect("moved");
    // Killed: its folder and the window's file are there, and nobody has their locks.
    let home = dir.path().join(STATE);
    let mine = store.mine().expect("there").folder().to_owned();
    let dead = home.join("tmp/1-dead");
    fs::rename(mine.join("trash"), home.join("kept")).expect("moved");
    fs::create_dir(&dead).expect("made");
    fs::rename(home.join("kept"), dead.join("trash")).expect("moved");
    assert_eq!(there(&store, "moved", &output), (false, false), "nobody tells that it is away");
    fs::write(home.join("claims/gc-window"), "")
        .or_else(|_| {
            fs::create_dir_all(home.join("claims"))?;
            fs::write(home.join("claims/gc-window"), "")
        })
        .expect("left");
    assert_eq!(there(&store, "moved", &output), (true, true));
    assert!(!dead.exists() && !home.join("claims/gc-window").exists());
}

#[test]
fn a_reader_waits_while_the_window_is_open() {
    let (dir, store) = store();
    let output = keep(&store, "away");
    let trash = Trash::new(&store).expect("made");
    let window = Held::attempt(&dir.path().join(STATE).join("claims/gc-window")).expect("no error");
    trash.take_object(&output).expect("moved");
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| store.get(&output).expect("read"));
        std::thread::sleep(Duration::from_millis(30));
        assert!(!reader.is_finished());
        trash.return_object(&output).expect("back");
        drop(window);
        assert!(reader.join().expect("no panic").is_some());
    });
}

#[test]
fn old_damage_and_old_unfinished_files_go() {
    let (dir, store) = store();
    let home = dir.path().join(STATE);
    let old = SystemTime::now() - Duration::from_secs(40 * 24 * 60 * 60);
    for (path, is_old) in [
        ("damaged/a", true),
        ("damaged/b", false),
        ("objects/aa/.tmp-x", true),
        ("latest/.tmp-y", false),
        ("logs/run-1/a.log", true),
        ("logs/run-2/a.log", false),
    ] {
        let path = home.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        let file = fs::File::create(&path).expect("made");
        if is_old {
            file.set_modified(old).expect("set");
        }
    }
    collect(&store, &wanted(&[])).expect("collected");
    let left = ["damaged/a", "damaged/b", "objects/aa/.tmp-x", "latest/.tmp-y", "logs/run-1", "logs/run-2"]
        .map(|path| home.join(path).exists());
    assert_eq!(left, [false, true, false, true, false, true]);
    collect(&store, &Wanted { damaged: true, ..wanted(&[]) }).expect("collected");
    assert!(!home.join("damaged/b").exists());
}

/// Makers that look up, make and rely on results, beside a collector that wants nothing kept.
#[test]
fn nobody_loses_what_he_saw() {
    let (dir, first) = store();
    drop(first);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let makers: Vec<_> = (0..3)
            .map(|maker| {
                let root = dir.path();
                scope.spawn(move || {
                    for round in 0..60 {
                        let store = Store::alone(root).expect("a store");
                        let name = format!("step {}", (round + maker) % 7);
                        store.rely_on(&key(&name).0).expect("said");
                        let whole = store.record(&key(&name)).is_some_and(|record| record.is_whole(&store));
                        let output = if whole {
                            Digest::of(format!("output of {name}").as_bytes())
                        } else {
                            keep(&store, &name)
                        };
                        std::thread::yield_now();
                        assert!(store.get(&output).expect("read").is_some(), "{name}, found {whole}");
                        assert!(store.record(&key(&name)).is_some_and(|record| record.is_whole(&store)));
                    }
                })
            })
            .collect();
        let collector = scope.spawn(|| {
            let mut dropped = 0;
            while !done.load(Ordering::SeqCst) {
                let store = Store::alone(dir.path()).expect("a store");
                dropped += collect(&store, &wanted(&[])).expect("collected").freed().count;
            }
            dropped
        });
        // The collector ends also when a maker doesn't end well.
        let ends: Vec<_> = makers.into_iter().map(|maker| maker.join()).collect();
        done.store(true, Ordering::SeqCst);
        ends.into_iter().for_each(|end| end.expect("no panic"));
        assert!(collector.join().expect("no panic") > 0);
    });
}
