//! The server as its clients see it, over real sockets.

use std::thread;
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use serde_json::{Value as Json, json};
use tower::ServiceExt;

use super::connection::Patience;
use super::testing::{Server, model, sealed};
use super::{Models, Settings, load, routes, server};
use crate::learn::Task;
use crate::registry::Registry;
use crate::store::Store;

fn good() -> Json {
    json!({"island": "Biscoe", "mass": 5000, "unasked": {"x": [1]}})
}

fn server() -> Server {
    Server::of(Settings::default())
}

fn short() -> Settings {
    Settings { timeout: Duration::from_millis(400), ..Settings::default() }
}

#[test]
fn records_are_answered() {
    let server = server();
    let reply = server.predict(json!([good(), {"island": "Dream", "mass": 3600.5}]));
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(reply.json["prediction"], json!(["Gentoo", "Adelie \"quoted\""]));
    assert_eq!(reply.json["model"], json!({"name": "penguins", "version": 3, "digest": "sha256:00"}));
    let shares = reply.json["probability"][1].as_object().expect("a class each");
    let sum: f64 = shares.values().map(|share| share.as_f64().expect("a number")).sum();
    assert!(shares["Adelie \"quoted\""].as_f64() > Some(0.5) && (sum - 1.0).abs() < 1e-12, "{reply:?}");
    let one = server.send("POST", "/models/penguins/predict", &json!({"input_data": good()}).to_string());
    assert_eq!(one.json["prediction"], json!(["Gentoo"]));
    // Away from the threads that serve, the answers are the same and in order.
    let rows: Vec<Json> =
        (0..9_000).map(|nth| if nth % 3 == 0 { good() } else { json!({"island": "Dream", "mass": 3500}) }).collect();
    for count in [65, 9_000] {
        let many = server.predict(json!(rows[..count]));
        let answers = many.json["prediction"].as_array().expect("answers");
        assert_eq!(answers.len(), count);
        assert!(answers.iter().enumerate().all(|(nth, answer)| (answer == "Gentoo") == (nth % 3 == 0)));
    }
}

#[test]
fn answers_are_explained_when_the_address_asks_for_it() {
    let server = server();
    let body = json!({"input_data": [good(), {"island": "Dream", "mass": 3600.5}]}).to_string();
    let plain = server.send("POST", "/predict", &body);
    assert!(plain.json.get("explanation").is_none());
    let reply = server.send("POST", "/predict?explain=true", &body);
    assert_eq!(reply.status, 200, "{reply:?}");
    for row in 0..2 {
        let why = &reply.json["explanation"][row];
        let values = why["contributions"].as_object().expect("one a feature");
        let sum: f64 = values.values().chain([&why["base"]]).map(|value| value.as_f64().expect("a number")).sum();
        let class = why["class"].as_str().expect("a class");
        let share = reply.json["probability"][row][class].as_f64().expect("a share");
        assert_eq!((class, &why["scale"]), ("Gentoo", &json!("log_odds")));
        assert!((1.0 / (1.0 + (-sum).exp()) - share).abs() < 1e-12, "{reply:?}");
    }
    let wrong = server.send("POST", "/predict?explian=true", &body);
    assert_eq!(wrong.status, 400);
    assert!(wrong.json["error"].as_str().is_some_and(|error| error.contains("`explain=true`")), "{wrong:?}");
}

#[test]
fn numbers_have_no_probability() {
    let models = vec![model("a", sealed(Task::Regression)), model("b", sealed(Task::Classification))];
    let patience = Patience {
        idle: Duration::from_secs(9),
        head: Duration::from_secs(9),
        write: Duration::from_secs(9),
        linger: Duration::ZERO,
    };
    let server = Server::patient(models, Settings::default(), patience);
    let body = json!({"input_data": [good()]}).to_string();
    let reply = server.send("POST", "/models/a/predict", &body);
    assert_eq!((&reply.json["prediction"], &reply.json["probability"]), (&json!([3.5]), &Json::Null));
    let several = server.send("POST", "/predict", &body);
    assert_eq!((several.status, &several.json["models"]), (404, &json!(["a", "b"])));
    assert!(several.error().contains("`a`, `b`"));
    assert_eq!(server.get("/models").json["default"], Json::Null);
    assert!(server.get("/openapi.json").json["paths"].get("/predict").is_none());
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let server = server();
    let reply = server.predict(json!([
        {"island": "Atlantis", "mass": "heavy"}, good(), {"island": "Dream"}, 7, {"island": "Dream", "mass": null}, {"island": "Dream", "mass": -1},
    ]));
    assert_eq!(reply.status, 422);
    assert!(reply.error().contains("6 things"));
    let told: Vec<(u64, &str, &str)> = reply.json["details"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| {
            (
                one["row"].as_u64().expect("a row"),
                one["field"].as_str().unwrap_or("-"),
                one["reason"].as_str().expect("a reason"),
            )
        })
        .collect();
    let expected = [
        (0, "island", "must be one of `Biscoe`, `Dream`"),
        (0, "mass", "must be a number"),
        (2, "mass", "is missing"),
        (3, "-", "must be an object, a value for each field"),
        (4, "mass", "must have a value"),
        (5, "mass", "must be at least 0"),
    ];
    assert_eq!(told, expected);
    let many = server.predict(json!(vec![json!({}); 90]));
    assert_eq!((many.json["details"].as_array().map(Vec::len), &many.json["more"]), (Some(100), &json!(80)));
    let bodies = [
        ("[]", "an object"),
        ("{}", "is missing"),
        (r#"{"input_data": 3}"#, "list of records"),
        (r#"{"input_data": []}"#, "no record"),
    ];
    for (body, word) in bodies {
        let reply = server.send("POST", "/predict", body);
        assert!(reply.status == 422 && reply.error().contains(word), "{reply:?}");
    }
}

#[test]
fn what_is_not_json_is_refused() {
    let server = server();
    let nested = |inside: String| format!(r#"{{"input_data": [{{"island": {inside}, "mass": 1}}]}}"#);
    let bomb = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    let bodies = [
        "".into(),
        "{".into(),
        "{\"input_data\": [{}]} x".into(),
        "\u{1}".into(),
        "[".repeat(1 << 20),
        nested(bomb(500)),
        nested("1e999".into()),
    ];
    for body in bodies {
        let reply = server.send("POST", "/predict", &body);
        assert!(
            reply.status == 400 && reply.error().contains("isn't JSON"),
            "{}: {reply:?}",
            &body[..body.len().min(50)]
        );
    }
    assert_eq!(server.send("POST", "/predict", &nested(bomb(20))).status, 422);
    let mut client = server.connect();
    let body = json!({"input_data": good()}).to_string();
    let types = [
        ("Content-Type: text/csv\r\n", 415),
        ("Content-Type: application/json; charset=latin1\r\n", 415),
        ("Content-Type: application/json\r\nContent-Encoding: gzip\r\n", 415),
        ("Content-Type: application/x-www-form-urlencoded\r\n", 200),
        ("Content-Type: Application/JSON; charset=UTF-8\r\n", 200),
        ("", 200),
    ];
    for (headers, status) in types {
        // Small bodies are read to their end, so that one connection serves them all.
        client.request("POST", "/predict", headers, body.as_bytes());
        let reply = client.reply();
        assert_eq!(reply.status, status, "{headers}: {reply:?}");
        if status != 200 {
            reply.error();
            client = server.connect();
        }
    }
}

#[test]
fn too_much_is_refused_before_it_is_read() {
    let server = Server::of(Settings { max_rows: 100, ..Settings::default() });
    let rows = server.predict(json!(vec![json!({}); 101]));
    assert!(rows.status == 413 && rows.error().contains("100 records"));
    let megabyte = vec![b' '; 1 << 20];
    // Said beforehand: nothing of the body is needed.
    let mut client = server.connect();
    client.write(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 20971520\r\n\r\n");
    assert_eq!(client.reply().status, 413);
    // Sent all the same, as most clients do: the response isn't lost.
    for chunked in [false, true] {
        let mut client = server.connect();
        let head = if chunked { "Transfer-Encoding: chunked" } else { "Content-Length: 20971520" };
        client.write(format!("POST /predict HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\n").as_bytes());
        for _ in 0..20 {
            let sent = (!chunked || client.write(b"100000\r\n"))
                && client.write(&megabyte)
                && (!chunked || client.write(b"\r\n"));
            assert!(sent, "torn down while sending, chunked: {chunked}");
        }
        let reply = client.reply();
        assert!(reply.status == 413 && reply.error().contains("2097152 bytes"), "{reply:?}");
    }
}

#[test]
fn addresses_and_methods_that_are_not_there_say_what_is() {
    let server = server();
    assert_eq!(server.get("/nowhere").status, 404);
    assert!(server.get("/nowhere").error().contains("`GET /`"));
    let unknown = server.send("POST", "/models/pengins/predict", "{}");
    assert_eq!((unknown.status, &unknown.json["models"]), (404, &json!(["penguins"])));
    assert!(unknown.error().contains("did you mean `penguins`?"));
    assert_eq!(server.get("/models/%ff").status, 404);
    let method = server.get("/predict");
    assert_eq!((method.status, method.headers["allow"].as_str()), (405, "post"));
    assert!(method.error().contains("use `POST`"));
    let method = server.send("DELETE", "/models", "");
    assert_eq!((method.status, method.headers["allow"].as_str()), (405, "get,head"));
    let head = server.send("HEAD", "/models", "");
    assert!(head.status == 200 && head.text.is_empty());
}

#[test]
fn a_server_tells_what_it_serves() {
    let server = server();
    assert_eq!(server.get("/").json["links"]["predict"], json!(["/predict"]));
    assert_eq!(server.get("/models").json["default"], "penguins");
    let model = server.get("/models/penguins").json;
    assert_eq!((&model["version"], &model["alias"], &model["features"]), (&json!(3), &json!("champion"), &json!(2)));
    assert_eq!(model["signature"][1], json!({"name": "mass", "type": "float", "min": 0.0, "max": 10000.0}));
    assert_eq!((server.get("/health/live").status, server.get("/health/ready").status), (200, 200));
    server.app.drain();
    let ready = server.get("/health/ready");
    assert!(ready.status == 503 && ready.error().contains("stopping"));

    let document = server.get("/openapi.json").json;
    assert_eq!(document["openapi"], "3.1.0");
    let record = &document["components"]["schemas"]["penguins.v3.record"];
    assert_eq!(record["required"], json!(["island", "mass"]));
    // The model refuses records without a mass; it can do without an island.
    assert_eq!(record["properties"]["mass"], json!({"type": "number", "minimum": 0.0, "maximum": 10000.0}));
    assert_eq!(record["properties"]["island"], json!({"type": ["string", "null"], "enum": ["Biscoe", "Dream", null]}));
    assert_eq!(server.predict(record["examples"].clone()).status, 200);
    assert_eq!(document["paths"].as_object().map(|paths| paths.contains_key("/predict")), Some(true));
    let mut references = Vec::new();
    collect_references(&document, &mut references);
    assert!(references.len() > 10);
    for reference in references {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
    }
}

fn collect_references(json: &Json, into: &mut Vec<String>) {
    match json {
        Json::Object(map) => {
            into.extend(map.get("$ref").and_then(Json::as_str).map(str::to_owned));
            map.values().for_each(|value| collect_references(value, into));
        }
        Json::Array(list) => list.iter().for_each(|value| collect_references(value, into)),
        _ => {}
    }
}

#[test]
fn slow_clients_are_not_waited_for() {
    let patience = Patience {
        idle: Duration::from_millis(600),
        head: Duration::from_millis(300),
        write: Duration::from_secs(9),
        linger: Duration::from_millis(100),
    };
    let server = Server::patient(vec![model("penguins", sealed(Task::Classification))], short(), patience);
    let mut body = server.connect();
    body.write(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{");
    let reply = body.reply();
    assert!(reply.status == 408 && reply.error().contains("0.4 seconds"));
    let started = Instant::now();
    let mut head = server.connect();
    while head.write(b"GET / HTTP/1.1\r\nX: 1\r\n"[..1].as_ref()) && started.elapsed() < Duration::from_secs(10) {
        thread::sleep(Duration::from_millis(50));
    }
    assert!(head.is_closed() && started.elapsed() < Duration::from_secs(5));
    // A connection may rest between requests, but not for ever.
    let mut idle = server.connect();
    for _ in 0..3 {
        thread::sleep(Duration::from_millis(400));
        idle.request("GET", "/models", "", b"");
        assert_eq!(idle.reply().status, 200);
    }
    let started = Instant::now();
    assert!(idle.is_closed() && started.elapsed() < Duration::from_secs(5));
}

#[test]
fn clients_that_never_read_are_not_written_to_for_ever() {
    let patience = Patience {
        idle: Duration::from_secs(9),
        head: Duration::from_secs(9),
        write: Duration::from_millis(300),
        linger: Duration::ZERO,
    };
    let server = Server::patient(vec![model("penguins", sealed(Task::Classification))], Settings::default(), patience);
    let mut client = server.connect();
    let body = json!({"input_data": vec![good(); 9_000]}).to_string();
    let request = format!("POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    assert!((0..200).any(|_| !client.write(request.as_bytes())), "it is given up on");
    assert_eq!(server.predict(json!(good())).status, 200);
}

#[test]
fn too_many_and_too_long_are_told_to_come_back() {
    let server = Server::of(Settings { concurrency: 1, ..short() });
    let permit = server.app.gate.clone().try_acquire_owned().expect("free");
    let busy = server.predict(json!(good()));
    assert_eq!((busy.status, busy.headers["retry-after"].as_str()), (503, "1"));
    busy.error();
    assert_eq!(server.get("/health/live").status, 200);
    drop(permit);
    assert_eq!(server.predict(json!(good())).status, 200);
    // No thread is free for longer work.
    let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    for _ in 0..=cores {
        server.runtime.spawn_blocking(|| thread::sleep(Duration::from_millis(1_500)));
    }
    let late = server.predict(json!(vec![good(); 65]));
    assert!(late.status == 504 && late.error().contains("too long"), "{late:?}");
    assert_eq!(server.predict(json!(good())).status, 503, "work that waits keeps its permit");
}

#[test]
fn a_panic_ends_its_request_only() {
    async fn boom() -> &'static str {
        tokio::task::yield_now().await;
        panic!("at src/secret.rs")
    }
    let routes = routes::guarded(Router::new().route("/boom", get(boom)).route("/", get(|| async { "fine" })), 1);
    let runtime = server::runtime().expect("a runtime");
    let status = |path: &str| {
        let request = axum::extract::Request::get(path).body(axum::body::Body::empty()).expect("a request");
        runtime.block_on(routes.clone().oneshot(request)).expect("a response").status().as_u16()
    };
    assert_eq!((status("/boom"), status("/")), (500, 200));
}

#[test]
fn requests_that_run_are_answered_before_it_stops() {
    let server = Server::of(Settings { timeout: Duration::MAX, ..Settings::default() });
    let body = json!({"input_data": good()}).to_string();
    let (first, rest) = body.split_at(10);
    let mut clients: Vec<_> = (0..8).map(|_| server.connect()).collect();
    for client in &mut clients {
        client.write(
            format!("POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{first}", body.len()).as_bytes(),
        );
    }
    let mut resting = server.connect();
    resting.request("GET", "/", "", b"");
    assert_eq!(resting.reply().status, 200);
    thread::sleep(Duration::from_millis(200));
    server.stop();
    assert!(resting.is_closed(), "nothing is asked on it");
    let refused = (0..100).any(|_| {
        thread::sleep(Duration::from_millis(20));
        std::net::TcpStream::connect(server.address).is_err()
    });
    assert!(refused, "it takes no more connections");
    assert!(server.app.is_draining());
    for client in &mut clients {
        client.write(rest.as_bytes());
        assert_eq!(client.reply().status, 200);
    }
    let started = Instant::now();
    server.wait().expect("a clean end");
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn draining_has_an_end() {
    for (drain, again) in [(Duration::from_millis(200), false), (Duration::from_secs(60), true)] {
        let server = Server::of(Settings { timeout: Duration::from_secs(60), drain, ..Settings::default() });
        let mut client = server.connect();
        client.write(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{");
        thread::sleep(Duration::from_millis(200));
        let started = Instant::now();
        server.stop();
        if again {
            server.stop();
        }
        server.wait().expect("a clean end");
        assert!(started.elapsed() < Duration::from_secs(5), "{again}");
    }
}

#[test]
fn a_taken_port_is_said() {
    let server = server();
    let settings = Settings { port: server.address.port(), ..Settings::default() };
    let fault = super::serve(vec![model("m", sealed(Task::Regression))], &settings, |_| panic!("it can't listen"))
        .expect_err("taken");
    assert_eq!(fault.code, "address-in-use");
    assert_eq!(fault.message, format!("port {} is taken", settings.port));
    let settings = Settings { host: "256.0.0.1".into(), ..Settings::default() };
    let fault = super::serve(vec![model("m", sealed(Task::Regression))], &settings, |_| panic!("it can't listen"))
        .expect_err("no address");
    assert_eq!(fault.code, "bad-address");
}

#[test]
fn models_come_from_the_registry() {
    let dir = tempfile::tempdir().expect("folder");
    let code = |wanted: &[String]| load(dir.path(), wanted).map(drop).expect_err("nothing").code;
    assert_eq!(code(&[]), "nothing-to-serve");
    assert_eq!(code(&["m".into()]), "unknown-model");
    let store = Store::open(dir.path()).expect("a store");
    let mut registry = Registry::open(dir.path()).expect("a registry");
    for task in [Task::Classification, Task::Regression] {
        let digest = store.put(&sealed(task).to_bytes()).expect("kept");
        registry.register("m", &digest, &json!({})).expect("new");
    }
    registry.promote("m", 1, "champion", "me").expect("moved");
    registry.promote("m", 2, "challenger", "me").expect("moved");
    let loaded = |wanted: &[&str]| -> Vec<(String, u32)> {
        let wanted: Vec<String> = wanted.iter().map(|&text| text.into()).collect();
        let models = Models::new(load(dir.path(), &wanted).expect("loaded")).expect("named");
        models.iter().map(|(name, model)| (name.to_owned(), model.version)).collect()
    };
    assert_eq!(loaded(&["m"]), [("m".into(), 1)]);
    assert_eq!(loaded(&["m@2", "m@champion"]), [("m".into(), 2), ("m@champion".into(), 1)]);
    for alias in ["challenger", "champion"] {
        registry.set_serving("m", alias, &json!({})).expect("recorded");
    }
    assert_eq!(loaded(&[]), [("m".into(), 1), ("m@challenger".into(), 2)]);
    let broken = store.put(b"no model").expect("kept");
    registry.register("n", &broken, &json!({})).expect("new");
    assert_eq!(code(&["n".into()]), "broken-model");
    std::fs::remove_file(store.path(&broken)).expect("removed");
    assert_eq!(code(&["n".into()]), "missing-object");
    let twice = load(dir.path(), &["m@2".into(), "m@2".into()]).expect("loaded");
    assert_eq!(Models::new(twice).err().map(|fault| fault.code), Some("served-twice"));
}
