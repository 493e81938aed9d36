//! `gristmill serve`, as a client sees it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::mill::Mill;

/// A server that is stopped when it is dropped.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(mill: &Mill) -> Self {
        let mut child = mill.command(&["serve", "--port", "0"]).stderr(Stdio::piped()).spawn().expect("it starts");
        let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines();
        let address = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("listening on http://").map(str::to_owned))
            .expect("it says where it listens");
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address }
    }

    /// Status and body of a request.
    fn ask(&self, method: &str, path: &str, body: &[u8]) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).expect("connected");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("set");
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).expect("sent");
        // The server may answer before it has read all of a body that is too large.
        let _ = stream.write_all(body);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_default();
        (status, answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
    }

    fn predict(&self, body: &Json) -> (u16, Json) {
        let (status, body) = self.ask("POST", "/predict", body.to_string().as_bytes());
        (status, serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}")))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn penguin() -> Json {
    json!({"island": "Biscoe", "bill_length_mm": 50.0, "bill_depth_mm": 15.2, "flipper_length_mm": 225, "body_mass_g": 5700, "sex": "male"})
}

#[test]
fn a_raw_penguin_is_answered_and_a_wrong_one_is_told_why() {
    let mill = Mill::penguins();
    mill.fine(&["run", "penguins"]);
    let server = Server::start(&mill);
    let (status, answer) = server.predict(&json!({"input_data": [penguin()]}));
    assert_eq!((status, &answer["prediction"]), (200, &json!(["Gentoo"])));
    assert!(answer["probability"][0]["Gentoo"].as_f64().expect("a probability") > 0.9);
    assert_eq!(answer["model"]["version"], 1);

    let mut wrong = penguin();
    wrong["island"] = json!(7);
    let mut short = penguin();
    short.as_object_mut().expect("a record").remove("sex");
    let (status, answer) = server.predict(&json!({"input_data": [penguin(), wrong, short]}));
    assert_eq!(status, 422, "{answer}");
    let told: Vec<(u64, &str)> = answer["details"]
        .as_array()
        .expect("details")
        .iter()
        .map(|one| (one["row"].as_u64().expect("a row"), one["field"].as_str().expect("a field")))
        .collect();
    assert_eq!(told, [(1, "island"), (2, "sex")]);

    let mut unknown = penguin();
    unknown["sex"] = json!("NA");
    let (status, answer) = server.predict(&json!({"input_data": [unknown]}));
    assert_eq!(status, 422, "what means no value in the source means none in a request");
    assert!(answer["error"].as_str().expect("text").contains("row 0: `sex` has no value"), "{answer}");

    assert_eq!(server.ask("POST", "/predict", b"not JSON").0, 400);
    assert_eq!(server.ask("POST", "/predict", &vec![b' '; 20 << 20]).0, 413);
    assert_eq!(server.ask("GET", "/nowhere", b"").0, 404);
    assert_eq!(server.ask("GET", "/predict", b"").0, 405);
    assert_eq!(server.ask("GET", "/health/live", b"").0, 200);
    assert_eq!(server.ask("GET", "/health/ready", b"").0, 200);
    assert!(server.ask("GET", "/openapi.json", b"").1.contains("bill_length_mm"));
    let (status, body) = server.ask(
        "POST",
        "/models/penguin-species/predict",
        json!({"input_data": [penguin()]}).to_string().as_bytes(),
    );
    assert_eq!(status, 200, "{body}");
}

#[test]
fn serving_equals_predicting_on_every_row() {
    let mill = Mill::penguins();
    mill.fine(&["run", "penguins"]);
    let text = mill.read("data/penguins.csv");
    let mut rows: Vec<&str> = text.lines().filter(|line| !line.contains("NA")).take(60).collect();
    mill.file("new.csv", &format!("{}\n", rows.join("\n")));
    mill.fine(&["predict", "penguin-species", "--in", "new.csv", "-o", "scored.json"]);
    let scored: Vec<Json> = serde_json::from_str(&mill.read("scored.json")).expect("JSON");
    let names: Vec<&str> = rows.remove(0).split(',').collect();
    let records: Vec<Json> = rows
        .iter()
        .map(|row| {
            names
                .iter()
                .zip(row.split(','))
                .map(|(name, cell)| {
                    ((*name).to_owned(), cell.parse::<f64>().map_or(json!(cell), |number| json!(number)))
                })
                .collect()
        })
        .collect();
    let server = Server::start(&mill);
    let (status, answer) = server.predict(&json!({"input_data": records}));
    assert_eq!(status, 200, "{answer}");
    for (row, scored) in scored.iter().enumerate() {
        assert_eq!(answer["prediction"][row], scored["prediction"]);
        for class in ["Adelie", "Chinstrap", "Gentoo"] {
            assert_eq!(answer["probability"][row][class], scored[format!("probability_{class}")], "row {row}");
        }
    }
}

#[cfg(unix)]
#[test]
fn sigterm_ends_it_with_0() {
    let mill = Mill::penguins();
    mill.fine(&["run", "penguins"]);
    let mut server = Server::start(&mill);
    let status =
        std::process::Command::new("kill").args(["-TERM", &server.child.id().to_string()]).status().expect("kill");
    assert!(status.success());
    assert_eq!(server.child.wait().expect("it ends").code(), Some(0));
}

#[test]
fn nothing_to_serve_is_said() {
    let ran = Mill::new().go(&["serve"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("to: rest"), "{}", ran.stderr);
}
