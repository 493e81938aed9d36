//! `gristmill watch`: what starts a run, what doesn't, and what is told of it.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use crate::mill::{Mill, made};

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);
/// Long enough for a run to start that should not.
const STILL: Duration = Duration::from_millis(1200);

/// A watch that is ended when it is dropped.
struct Watching {
    child: Child,
    events: Receiver<Json>,
}

impl Watching {
    fn start(mill: &Mill, arguments: &[&str]) -> Self {
        let all: Vec<&str> = ["watch", "--json"].iter().chain(arguments).copied().collect();
        let mut command = mill.command(&all);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let (sender, events) = channel();
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let event = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
                if sender.send(event).is_err() {
                    return;
                }
            }
        });
        Self { child, events }
    }

    /// With its first run behind it.
    fn settled(mill: &Mill, arguments: &[&str]) -> Self {
        let watching = Self::start(mill, arguments);
        let ended = watching.ended();
        assert_eq!(ended["status"], "done", "{ended}");
        watching
    }

    /// The next event of that name.
    fn next(&self, name: &str) -> Json {
        let until = Instant::now() + PATIENCE;
        loop {
            let event = self.events.recv_timeout(until.saturating_duration_since(Instant::now()));
            let event = event.unwrap_or_else(|_| panic!("no `{name}` in time"));
            if event["event"] == name {
                return event;
            }
        }
    }

    /// The next run that ends.
    fn ended(&self) -> Json {
        self.next("run_ended")
    }

    /// The next run, which must start because of these files, as it ended.
    fn run_of(&self, files: &[(&str, &str)]) -> Json {
        let started = self.next("run_started");
        let told: Vec<(&str, &str)> = started["files"]
            .as_array()
            .unwrap_or_else(|| panic!("no files: {started}"))
            .iter()
            .map(|file| (file["path"].as_str().expect("a path"), file["change"].as_str().expect("a change")))
            .collect();
        assert_eq!(told, files);
        self.ended()
    }

    /// That nothing is told for a while.
    fn is_still(&self) {
        if let Ok(event) = self.events.recv_timeout(STILL) {
            panic!("it should be still, and told {event}");
        }
    }

    #[cfg(unix)]
    fn signal(&self, name: &str) {
        let told = std::process::Command::new("kill").args([name, &self.child.id().to_string()]).status();
        assert!(told.expect("kill").success());
    }

    fn code(&mut self) -> Option<i32> {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait().expect("asked") {
                return status.code();
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("it doesn't end");
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Rows that move the line, so that the model becomes another one.
fn append(mill: &Mill, round: usize) {
    let mut rows = String::new();
    for row in 0..8 {
        let id = 1000 + round * 8 + row;
        let hours = (id * 31 % 97) as f64 / 10.0;
        rows.push_str(&format!("{id},{hours},a,{:.3}\n", 2.0 * hours + round as f64 / 50.0));
    }
    let file = fs::File::options().append(true).open(mill.at("data/grades.csv"));
    file.and_then(|mut file| file.write_all(rows.as_bytes())).expect("appended");
}

fn quick(mill: &Mill) -> &Mill {
    mill.edit("pipelines/grades.yaml", "target: grade\n", "target: grade\nwatch: {debounce: 100ms}\n")
}

#[test]
fn an_appended_row_starts_a_run_and_a_touched_file_none() {
    let mill = Mill::grades();
    quick(&mill);
    let watching = Watching::start(&mill, &[]);
    let begun = watching.next("watching");
    assert_eq!(begun["pipelines"], json!(["grades"]));
    assert_eq!(watching.next("run_started")["cause"], "start");
    assert_eq!(watching.ended()["status"], "done");
    watching.is_still();

    append(&mill, 0);
    let ended = watching.run_of(&[("data/grades.csv", "changed")]);
    assert_eq!(made(&ended), ["features", "line", "quality"]);
    assert_eq!(ended["deployed"][0]["version"], 2, "{ended}");
    assert!(ended["seconds"].as_f64().expect("seconds") > 0.0);

    // The same bytes, another time; and another file by the same name with the same bytes.
    mill.file("data/grades.csv", &mill.read("data/grades.csv"));
    fs::copy(mill.at("data/grades.csv"), mill.at("data/copy")).expect("copied");
    fs::rename(mill.at("data/copy"), mill.at("data/grades.csv")).expect("renamed");
    watching.is_still();
}

#[test]
fn files_may_be_replaced_and_folders_made_again() {
    let mill = Mill::grades();
    quick(&mill);
    let watching = Watching::settled(&mill, &["grades"]);
    for round in 0..2 {
        // As editors save: another file, renamed over the old one.
        fs::copy(mill.at("data/grades.csv"), mill.at("data/.grades.swp")).expect("copied");
        let text = mill.read("data/grades.csv").replacen("\n0,", &format!("\n{},", 5000 + round), 1);
        mill.file("data/.grades.swp", &text);
        fs::rename(mill.at("data/.grades.swp"), mill.at("data/grades.csv")).expect("renamed");
        let text = mill.read("data/grades.csv").replacen(&format!("\n{},", 5000 + round), "\n0,", 1);
        assert_eq!(watching.run_of(&[("data/grades.csv", "changed")])["status"], "done");
        mill.file("data/grades.csv", &text);
        watching.run_of(&[("data/grades.csv", "changed")]);

        let text = mill.read("data/grades.csv");
        fs::rename(mill.at("data"), mill.at(&format!("old-{round}"))).expect("renamed");
        let ended = watching.run_of(&[("data/grades.csv", "gone")]);
        assert_eq!((&ended["status"], &ended["exit"]), (&json!("failed"), &json!(1)), "{ended}");
        mill.file("data/grades.csv", &text);
        assert_eq!(watching.run_of(&[("data/grades.csv", "new")])["status"], "done");
    }
    watching.is_still();
}

#[test]
fn a_glob_takes_new_files_in_and_what_runs_write_starts_none() {
    let mill = Mill::grades();
    quick(&mill);
    mill.edit("pipelines/grades.yaml", "data/grades.csv", "\"data/**/*.csv\"");
    mill.edit("pipelines/grades.yaml", "  line:", "    save: data/out/features.csv\n  line:");
    let watching = Watching::settled(&mill, &[]);
    watching.is_still();
    assert!(mill.at("data/out/features.csv").exists());
    let text = mill.read("data/grades.csv");
    fs::remove_file(mill.at("data/out/features.csv")).expect("removed");
    watching.is_still();
    mill.file("data/2025/06/more.csv", &text.replace("\n0,", "\n900,"));
    let ended = watching.run_of(&[("data/2025/06/more.csv", "new")]);
    assert_eq!(ended["status"], "done", "{ended}");
    fs::remove_dir_all(mill.at("data/2025")).expect("removed");
    watching.run_of(&[("data/2025/06/more.csv", "gone")]);
}

#[test]
fn a_broken_file_is_told_with_a_caret_and_the_last_good_one_stays() {
    let mill = Mill::grades();
    quick(&mill);
    let watching = Watching::settled(&mill, &[]);
    mill.edit("pipelines/grades.yaml", "train: features", "trian: features");
    let broken = watching.next("broken");
    let first = &broken["diagnostics"][0];
    assert_eq!((&first["line"], &broken["last_good_stays"]), (&json!(15), &json!(true)), "{broken}");
    assert_eq!(first["help"], "did you mean `train`?");
    watching.is_still();
    append(&mill, 0);
    let ended = watching.run_of(&[("data/grades.csv", "changed")]);
    assert_eq!((ended["status"].as_str(), made(&ended).len()), (Some("done"), 3), "{ended}");
    mill.edit("pipelines/grades.yaml", "trian: features", "train: features");
    assert_eq!(watching.run_of(&[("pipelines/grades.yaml", "changed")])["status"], "done");
    fs::remove_file(mill.at("pipelines/grades.yaml")).expect("removed");
    assert_eq!(watching.next("broken")["last_good_stays"], false);
}

#[test]
fn the_same_in_words() {
    let mill = Mill::grades();
    quick(&mill);
    mill.edit("pipelines/grades.yaml", "train: features", "trian: features");
    let mut child = mill.command(&["watch"]).stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("started");
    let stdout = child.stdout.take().expect("piped");
    let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines().map_while(Result::ok);
    // Ends it, whatever comes of the test.
    let watching = Watching { child, events: channel().1 };
    let told: Vec<String> = lines.by_ref().take_while(|line| !line.starts_with("watching")).collect();
    let text = told.join("\n");
    assert!(text.contains("grades is wrong; nothing is run until it is mended"), "{text}");
    assert!(text.contains("trian: features") && text.contains("^^^^^"), "{text}");
    mill.edit("pipelines/grades.yaml", "trian: features", "train: features");
    let started = lines.find(|line| line.contains("run started")).expect("told");
    assert_eq!(started, "grades: run started: pipelines/grades.yaml changed");
    let mut result = String::new();
    BufReader::new(stdout).read_line(&mut result).expect("told");
    drop(watching);
    let rest: Vec<String> = lines.collect();
    assert!(
        result.starts_with("grades: done in ") && result.contains("grade version 1 (champion)"),
        "{result}{rest:?}"
    );
}

#[test]
fn failed_steps_gates_and_contracts_are_survived() {
    let mill = Mill::grades();
    quick(&mill);
    let watching = Watching::settled(&mill, &[]);
    let good = mill.read("data/grades.csv");
    // A number that is none.
    mill.file("data/grades.csv", &good.replacen(",a,", ",a,x", 1));
    let ended = watching.run_of(&[("data/grades.csv", "changed")]);
    assert_eq!(ended["status"], "failed", "{ended}");
    assert!(ended["errors"][0]["message"].as_str().is_some_and(|text| text.contains("grade")), "{ended}");
    mill.file("data/grades.csv", &good);
    assert_eq!(watching.run_of(&[("data/grades.csv", "changed")])["status"], "done");
    mill.edit("pipelines/grades.yaml", "{min: 0.5}", "{min: 0.9999}");
    let ended = watching.run_of(&[("pipelines/grades.yaml", "changed")]);
    assert_eq!((&ended["status"], &ended["exit"]), (&json!("gate_failed"), &json!(3)));
    mill.file("schemas/grades.yaml", "columns:\n  hours: {type: float, nullable: true, min: 3}\n");
    mill.edit(
        "pipelines/grades.yaml",
        "{path: data/grades.csv}",
        "{path: data/grades.csv, contract: schemas/grades.yaml}",
    );
    assert_eq!(watching.ended()["exit"], 6);
    mill.file("schemas/grades.yaml", "columns:\n  hours: {type: float, nullable: true, min: 0}\n");
    let ended = watching.run_of(&[("schemas/grades.yaml", "changed")]);
    assert_eq!(ended["status"], "gate_failed", "{ended}");
}

#[test]
fn new_pipelines_are_taken_up_and_polling_finds_changes_too() {
    let mill = Mill::grades();
    quick(&mill);
    let watching = Watching::settled(&mill, &["--poll=0.2"]);
    append(&mill, 0);
    watching.run_of(&[("data/grades.csv", "changed")]);
    let other =
        mill.read("pipelines/grades.yaml").replace("name: grades", "name: marks").replace("as: grade", "as: mark");
    mill.file("pipelines/marks.yaml", &other);
    let started = watching.next("run_started");
    assert_eq!((&started["pipeline"], &started["cause"]), (&json!("marks"), &json!("start")));
    assert_eq!(watching.ended()["status"], "done");
    append(&mill, 1);
    let mut ran: Vec<Json> = (0..2).map(|_| watching.ended()["pipeline"].clone()).collect();
    ran.sort_by_key(Json::to_string);
    assert_eq!(ran, [json!("grades"), json!("marks")]);
}

/// With a step that takes a while.
fn slow(mill: &Mill, trees: usize) {
    quick(mill);
    let forest = format!("line: {{train: features, model: random_forest, with: {{n_estimators: {trees}}}}}");
    mill.edit("pipelines/grades.yaml", "line: {train: features, model: linear_regression}", &forest);
}

#[test]
fn a_change_during_a_run_starts_exactly_one_more() {
    let mill = Mill::grades();
    slow(&mill, 3000);
    let watching = Watching::settled(&mill, &[]);
    append(&mill, 0);
    assert_eq!(watching.next("run_started")["cause"], "files");
    for round in 1..4 {
        append(&mill, round);
        thread::sleep(Duration::from_millis(20));
    }
    // The first may find that the file changes under its eyes.
    watching.ended();
    assert_eq!(watching.run_of(&[("data/grades.csv", "changed")])["status"], "done");
    watching.is_still();
    let run = mill.run(&["grades"]);
    assert_eq!(made(&run), [""; 0], "nothing was missed");
}

#[cfg(unix)]
#[test]
fn a_run_that_is_interrupted_ends_it_with_130() {
    let mill = Mill::grades();
    slow(&mill, 30_000);
    let mut watching = Watching::start(&mill, &[]);
    watching.next("run_started");
    thread::sleep(Duration::from_millis(300));
    watching.signal("-INT");
    let ended = watching.ended();
    watching.next("stopped");
    assert_eq!((&ended["status"], watching.code()), (&json!("interrupted"), Some(130)), "{ended}");
}

#[cfg(unix)]
#[test]
fn it_ends_at_once_when_it_is_told_to() {
    let mill = Mill::grades();
    for signal in ["-TERM", "-INT"] {
        let mut watching = Watching::settled(&mill, &[]);
        watching.signal(signal);
        watching.next("stopped");
        assert_eq!(watching.code(), Some(0), "{signal}");
    }
}

#[test]
fn what_can_not_be_watched_is_said() {
    let mill = Mill::grades();
    let told = |arguments: &[&str]| {
        let ran = mill.go(arguments);
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        ran.stderr
    };
    assert!(told(&["watch", "grade"]).contains("did you mean `grades`?"));
    assert!(told(&["watch", "--poll=often"]).contains("a number of seconds"));
    assert!(told(&["watch", "--port", "1"]).contains("--serve"));
    mill.edit(
        "pipelines/grades.yaml",
        "target: grade\n",
        "target: grade\nwatch: {schedule: 0 6 * * *, timezone: Mars}\n",
    );
    assert!(told(&["check"]).contains("no time zone `Mars`"));
    assert_eq!(Mill::new().go(&["watch"]).code, 2);
}

/// Asks for a prediction on a connection that stays open.
struct Asker(TcpStream);

impl Asker {
    fn to(address: &str) -> Self {
        let stream = TcpStream::connect(address).expect("connected");
        stream.set_read_timeout(Some(PATIENCE)).expect("set");
        Self(stream)
    }

    /// The status, and the version that answered.
    fn ask(&mut self) -> (u16, u64) {
        let body = r#"{"input_data": [{"hours": 3.5, "group": "a"}]}"#;
        let head = format!(
            "POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        self.0.write_all((head + body).as_bytes()).expect("sent");
        let (mut answer, mut bytes) = (String::new(), [0; 4096]);
        loop {
            let count = self.0.read(&mut bytes).expect("answered");
            assert!(count > 0, "closed: {answer}");
            answer.push_str(std::str::from_utf8(&bytes[..count]).expect("UTF-8"));
            let Some((head, body)) = answer.split_once("\r\n\r\n") else { continue };
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            if body.len() < length.expect("a length") {
                continue;
            }
            let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
            let json: Json = serde_json::from_str(body).expect("JSON");
            return (status, json["model"]["version"].as_u64().unwrap_or_default());
        }
    }
}

#[test]
fn every_request_is_answered_and_every_version_served_while_data_changes() {
    const ROUNDS: usize = 20;
    let mill = Mill::grades();
    quick(&mill);
    let mut watching = Watching::start(&mill, &["--serve", "--port", "0"]);
    let listening = watching.next("listening");
    let address = listening["address"].as_str().and_then(|text| text.strip_prefix("http://")).expect("an address");
    let mut main = Asker::to(address);
    let swapped = watching.next("swapped");
    assert_eq!((&swapped["from"], &swapped["to"]), (&Json::Null, &json!(1)));
    let done = AtomicBool::new(false);
    let (asked, mut seen) = thread::scope(|scope| {
        let askers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let (mut asker, mut asked, mut seen) = (Asker::to(address), 0, Vec::new());
                    while !done.load(Ordering::Relaxed) {
                        let (status, version) = asker.ask();
                        assert_eq!(status, 200, "every request is answered");
                        assert!(seen.last().is_none_or(|last| *last <= version), "no way back");
                        asked += 1;
                        seen.push(version);
                        seen.dedup();
                        thread::sleep(Duration::from_millis(2));
                    }
                    (asked, seen)
                })
            })
            .collect();
        let mut version = 1;
        for round in 0..ROUNDS {
            if round % 7 == 3 {
                mill.edit("pipelines/grades.yaml", "train: features", "trian: features");
                assert_eq!(watching.next("broken")["last_good_stays"], true);
            }
            append(&mill, round);
            let swapped = watching.next("swapped");
            assert_eq!(swapped["from"], json!(version), "{swapped}");
            version = swapped["to"].as_u64().expect("a version");
            assert_eq!(main.ask(), (200, version));
            // Time for the others to meet it.
            thread::sleep(Duration::from_millis(30));
            if round % 7 == 4 {
                mill.edit("pipelines/grades.yaml", "trian: features", "train: features");
            }
        }
        done.store(true, Ordering::Relaxed);
        let mut all = (0, vec![version]);
        for asker in askers {
            let (asked, seen) = asker.join().expect("no request failed");
            all.0 += asked;
            all.1.extend(seen);
        }
        all
    });
    seen.sort_unstable();
    seen.dedup();
    let versions: Vec<u64> = (1..=ROUNDS as u64 + 1).collect();
    assert_eq!(seen, versions, "every version was served");
    assert!(asked > 100, "{asked} requests");
    #[cfg(unix)]
    {
        watching.signal("-TERM");
        watching.next("stopped");
        assert_eq!(watching.code(), Some(0));
    }
}

#[test]
fn an_alias_that_another_process_moves_is_followed() {
    let mill = Mill::grades();
    quick(&mill);
    let watching = Watching::start(&mill, &["--serve", "--port", "0"]);
    let listening = watching.next("listening");
    let address = listening["address"].as_str().and_then(|text| text.strip_prefix("http://")).expect("an address");
    assert!(matches!(Asker::to(address).ask(), (503, 0) | (200, 1)), "it listens before there is a model");
    assert_eq!(watching.next("swapped")["to"], 1);
    append(&mill, 0);
    assert_eq!(watching.next("swapped")["to"], 2);
    mill.fine(&["models", "rollback", "grade"]);
    let swapped = watching.next("swapped");
    assert_eq!((&swapped["from"], &swapped["to"]), (&json!(2), &json!(1)));
    assert_eq!(Asker::to(address).ask(), (200, 1));
}

#[test]
fn the_data_of_another_pipeline_and_the_code_of_a_program_start_runs() {
    let mill = Mill::grades();
    quick(&mill);
    mill.file("pipelines/below.yaml", "name: below\nwatch: {debounce: 100ms}\nsources:\n  upper: {from: grades.features}\nsteps:\n  high: {clean: upper, ops: [filter: grade > 5]}\n  said:\n    run: cat code/word.txt > {{ outputs.text }}\n    code: [code]\n    outputs: {text: {path: said.txt}}\n");
    mill.file("code/word.txt", "one");
    mill.fine(&["run", "grades"]);
    let watching = Watching::settled(&mill, &["below"]);
    mill.file("code/word.txt", "two");
    assert_eq!(made(&watching.run_of(&[("code/word.txt", "changed")])), ["said"]);
    append(&mill, 0);
    let ended = watching.run_of(&[("data/grades.csv", "changed")]);
    assert_eq!(made(&ended), ["high"], "{ended}");
    mill.edit("pipelines/grades.yaml", "one_hot: [group]", "one_hot: [grup]");
    let broken = watching.next("broken");
    assert_eq!((&broken["pipeline"], &broken["last_good_stays"]), (&json!("below"), &json!(true)), "{broken}");
    append(&mill, 1);
    let ended = watching.run_of(&[("data/grades.csv", "changed")]);
    assert_eq!(ended["status"], "failed", "its last good one stands, and the other has none: {ended}");
    mill.edit("pipelines/grades.yaml", "one_hot: [grup]", "one_hot: [group]");
    assert_eq!(made(&watching.run_of(&[("pipelines/grades.yaml", "changed")])), ["high"]);
}
