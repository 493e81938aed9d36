//! Trouble from outside: flipped bytes, a full disk, a disk that can't be written, a clock set back. Each is told once and clearly,
//! and the next run with the cause removed ends well.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use serde_json::Value as Json;

use crate::mill::{Mill, made};
use crate::store::files;

const LOCK: &str = "pipelines/grades.lock";

/// A project with every kind of object: parts, fitted, recipe, model, folds, report, sealed.
fn every_kind() -> Mill {
    let mill = Mill::grades();
    mill.edit("pipelines/grades.yaml", "model: linear_regression}", "model: linear_regression, cv: 3}");
    mill
}

/// One object for each name of an output.
fn kinds(mill: &Mill) -> BTreeMap<String, PathBuf> {
    let mut kinds = BTreeMap::new();
    for record in files(mill, "records") {
        let record: Json = serde_json::from_slice(&fs::read(record).expect("read")).expect("JSON");
        for (name, digest) in record["body"]["outputs"].as_object().expect("outputs") {
            let hex = digest.as_str().expect("a digest").trim_start_matches("sha256:");
            kinds.insert(name.clone(), mill.at(".gristmill/objects").join(&hex[..2]).join(&hex[2..]));
        }
    }
    kinds
}

fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).expect("flipped");
}

#[test]
fn a_flipped_byte_in_any_kind_of_object_is_found_and_made_again() {
    let mill = every_kind();
    mill.run(&["grades"]);
    let lock = mill.read(LOCK);
    let kinds = kinds(&mill);
    let names: Vec<&str> = kinds.keys().map(String::as_str).collect();
    assert_eq!(names, ["fitted", "folds", "model", "recipe", "report", "sealed", "table", "test", "train"]);
    for (name, path) in &kinds {
        flip(path);
        assert_eq!(mill.go(&["verify"]).code, 1, "{name} is found");
        let run = mill.run(&["grades"]);
        assert_eq!(run["status"], "done", "{name}: {run:#}");
        assert_eq!(mill.read(LOCK), lock, "{name} is what it was");
        mill.fine(&["verify"]);
    }
}

#[test]
fn a_flipped_byte_is_found_by_whoever_reads_it() {
    let mill = every_kind();
    mill.run(&["grades"]);
    for (name, path) in &kinds(&mill) {
        flip(path);
        if name == "sealed" {
            mill.file("record.json", "{\"hours\": 3.0, \"group\": \"a\"}");
            let ran = mill.go(&["predict", "grade", "--in", "record.json"]);
            assert_ne!(ran.code, 0);
            assert!(ran.stderr.contains("is gone or damaged") && ran.stderr.contains("run again"), "{}", ran.stderr);
        }
    }
    // Every step reads what the steps before it made.
    mill.edit("pipelines/grades.yaml", "cv: 3", "cv: 4").edit(
        "pipelines/grades.yaml",
        "slices: [group]",
        "slices: [id]",
    );
    let run = mill.run(&["grades"]);
    assert_eq!(run["status"], "done", "{run:#}");
    let clean = every_kind();
    clean.edit("pipelines/grades.yaml", "cv: 3", "cv: 4").edit(
        "pipelines/grades.yaml",
        "slices: [group]",
        "slices: [id]",
    );
    clean.run(&["grades"]);
    assert_eq!(mill.read(LOCK), clean.read(LOCK), "as if nothing had happened");
}

#[test]
fn a_damaged_record_pointer_or_memory_costs_no_more_than_its_step() {
    let mill = every_kind();
    mill.run(&["grades"]);
    let lock = mill.read(LOCK);
    for folder in ["records", "latest"] {
        files(&mill, folder).iter().for_each(|path| flip(path));
        let run = mill.run(&["grades"]);
        assert_eq!(run["status"], "done", "{folder}: {run:#}");
        assert_eq!(made(&run).is_empty(), folder == "latest", "{folder}");
        assert_eq!(mill.read(LOCK), lock);
    }
    // Old enough to be remembered.
    std::thread::sleep(Duration::from_millis(150));
    mill.run(&["grades"]);
    let memory = mill.at(".gristmill/sources.bin");
    flip(&memory);
    assert!(made(&mill.run(&["grades"])).is_empty());
    mill.fine(&["verify"]);
}

#[test]
fn a_damaged_database_is_told_and_moving_it_away_helps() {
    let mill = every_kind();
    mill.run(&["grades"]);
    let database = mill.at(".gristmill/state.db");
    let mut bytes = fs::read(&database).expect("read");
    bytes[..4096].fill(0x55);
    fs::write(&database, &bytes).expect("damaged");
    for end in ["-wal", "-shm"] {
        let _ = fs::remove_file(mill.at(&format!(".gristmill/state.db{end}")));
    }
    for verb in [&["run", "grades"][..], &["models", "list"]] {
        let ran = mill.go(verb);
        assert_eq!(ran.code, 5, "{verb:?}\n{}", ran.stderr);
        assert!(ran.stderr.contains("can't be used") && ran.stderr.contains("move it away"), "{}", ran.stderr);
    }
    fs::rename(&database, mill.at("aside.db")).expect("moved away");
    let run = mill.run(&["grades"]);
    assert_eq!(run["status"], "done");
    assert!(made(&run).is_empty(), "results are kept");
    assert_eq!(run["deployed"][0]["version"], 1, "the registry starts anew");
}

/// Runs a shell script in a mount namespace of its own; none where that isn't permitted.
fn apart(script: &str) -> Option<std::process::Output> {
    let probe = Command::new("unshare").args(["-rm", "sh", "-c", "mount -t tmpfs -o size=64k tmpfs /mnt"]).output();
    if !probe.is_ok_and(|probe| probe.status.success()) {
        let _ = writeln!(std::io::stderr(), "skipped: mounting in a namespace isn't permitted here");
        return None;
    }
    let ran = Command::new("unshare").args(["-rm", "sh", "-c", script]).env("NO_COLOR", "1").output();
    Some(ran.expect("unshare was there"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_full_disk_is_told_and_the_next_run_ends_well() {
    let calm = every_kind();
    calm.run(&["grades"]);
    let expected = calm.read(LOCK);
    let mut full = 0;
    // Full at the first byte, at the database, at objects here and there.
    for kibibytes in [28, 40, 100, 200, 260, 320, 380, 440] {
        let mill = every_kind();
        let disk = tempfile::tempdir().expect("a folder");
        let script = format!(
            "set -e; mount -t tmpfs -o size={kibibytes}k tmpfs {disk}; cp -r {project}/. {disk}; cd {disk}
            code=0; {bin} run grades || code=$?
            mount -o remount,size=64m {disk}
            {bin} run grades >&2
            find .gristmill/tmp .gristmill/claims -type f >&2
            cat {LOCK}; exit $code",
            project = mill.path().display(),
            disk = disk.path().display(),
            bin = env!("CARGO_BIN_EXE_gristmill"),
        );
        let Some(ran) = apart(&script) else { return };
        let (code, stderr) = (ran.status.code(), text(&ran.stderr));
        assert!(matches!(code, Some(0 | 5)), "{kibibytes} KiB: {code:?}\n{stderr}");
        assert!(!stderr.contains("panicked"), "{stderr}");
        if code == Some(5) {
            full += 1;
            assert!(stderr.contains("the disk has no room for") && stderr.contains("make room"), "{stderr}");
        }
        assert!(!stderr.contains(".gristmill/tmp/") && !stderr.contains(".gristmill/claims/"), "left over: {stderr}");
        assert!(text(&ran.stdout).ends_with(&expected), "{kibibytes} KiB\n{}\n{stderr}", text(&ran.stdout));
    }
    assert!(full >= 4, "only {full} disks were full");
}

#[test]
fn a_disk_that_can_only_be_read_is_told_and_looking_goes_on() {
    let mill = every_kind();
    mill.run(&["grades"]);
    let lock = mill.read(LOCK);
    let go = |verbs: &[&str]| {
        let runs: Vec<String> = verbs
            .iter()
            .map(|verb| {
                format!("code=0; {} {verb} || code=$?; echo \"$code {verb}\" >&3\n", env!("CARGO_BIN_EXE_gristmill"))
            })
            .collect();
        let script = format!(
            "set -e; mount --bind {at} {at}; mount -o remount,bind,ro {at}; cd {at}; exec 3>&1 >&2\n{}",
            runs.concat(),
            at = mill.path().display()
        );
        apart(&script).map(|ran| (text(&ran.stdout), text(&ran.stderr)))
    };
    let Some((codes, told)) =
        go(&["check", "status", "plan grades", "show features", "models list", "why line", "verify", "gc --dry-run"])
    else {
        return;
    };
    assert!(codes.lines().all(|line| line.starts_with("0 ")) && codes.lines().count() == 8, "{codes}\n{told}");
    for verb in ["run grades", "gc"] {
        let (codes, told) = go(&[verb]).expect("it was permitted before");
        assert_eq!(codes, format!("5 {verb}\n"), "{told}");
        assert!(told.contains("is on a read-only file system") && told.contains("mount it writable"), "{told}");
        assert_eq!(told.matches("error").count(), 1, "{told}");
    }
    assert!(made(&mill.run(&["grades"])).is_empty());
    assert_eq!(mill.read(LOCK), lock);
}

#[test]
fn times_in_the_future_mislead_nobody() {
    let mill = every_kind();
    let data = mill.at("data/grades.csv");
    let later = SystemTime::now() + Duration::from_secs(24 * 60 * 60);
    let date = |path: &Path| {
        let file = fs::File::options().append(true).open(path).expect("opened");
        file.set_modified(later).expect("set");
    };
    date(&data);
    mill.run(&["grades"]);
    let lock = mill.read(LOCK);
    for folder in ["records", "objects", "latest"] {
        files(&mill, folder).iter().for_each(|path| date(path));
    }
    date(&mill.at(LOCK));
    let database = rusqlite::Connection::open(mill.at(".gristmill/state.db")).expect("opened");
    database.execute("update runs set started = '2099-01-01T00:00:00.000Z'", []).expect("a run of tomorrow");
    drop(database);
    assert!(made(&mill.run(&["grades"])).is_empty());
    assert_eq!(mill.read(LOCK), lock);
    mill.fine(&["gc", "--keep-runs", "1"]);
    assert!(made(&mill.run(&["grades"])).is_empty());
    // The same length and the same time of tomorrow: only the bytes tell.
    let text = mill.read("data/grades.csv");
    let (head, tail) = text.split_at(text.len() - 2);
    let digit = if tail.starts_with('1') { "2\n" } else { "1\n" };
    mill.file("data/grades.csv", &format!("{head}{digit}"));
    date(&data);
    assert!(made(&mill.run(&["grades"])).contains(&"features".to_owned()));
}

#[test]
fn a_source_that_changes_while_it_is_read_gives_no_wrong_result() {
    let mill = every_kind();
    let text = mill.read("data/grades.csv");
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut nth = 0;
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                nth += 1;
                let row = format!("{},1.5,a,{}.0\n", 1000 + nth, nth % 7);
                fs::write(mill.at("data/grades.csv.new"), format!("{text}{row}")).expect("written");
                fs::rename(mill.at("data/grades.csv.new"), mill.at("data/grades.csv")).expect("renamed");
            }
        });
        for _ in 0..6 {
            let ran = mill.go(&["run", "grades"]);
            // Either it caught a moment of rest, or it says what is wrong.
            assert!(ran.code == 0 || ran.stderr.contains("changes while it is read"), "{}\n{}", ran.code, ran.stderr);
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    let run = mill.run(&["grades"]);
    assert_eq!(run["status"], "done", "{run:#}");
    let clean = every_kind();
    clean.file("data/grades.csv", &mill.read("data/grades.csv"));
    clean.run(&["grades"]);
    assert_eq!(mill.read(LOCK), clean.read(LOCK));
}
