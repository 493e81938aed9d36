//! A small sealed model, a server of it on a free port, and a client that is only a socket.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Value as Json, json};
use tokio::runtime::Handle;

use super::app::App;
use super::connection::Patience;
use super::{Model, Models, Settings, server};
use crate::data::{Kind, Matrix, Shape, Value};
use crate::expr::{Expr, Scope};
use crate::learn::{Target, Task, Training, find_model};
use crate::recipe::RowStep;
use crate::seal::{FORMAT, Feature, InputField, Sample, Sealed, Trained};
use crate::source::Fault;

/// A model of `island` and `mass` with three classes of any type, or of numbers.
pub fn sealed(task: Task) -> Sealed {
    let shape = Shape::of([("island", Kind::Category), ("mass", Kind::Float)]);
    let params = BTreeMap::new();
    let parse = |sql: &str| Expr::parse(sql, &Scope { shape: &shape, params: &params }).expect("an expression");
    let steps = vec![
        RowStep::refuse(parse("mass IS NULL"), "must have a value", Some("mass")),
        RowStep::set(vec![
            ("biscoe".into(), parse("CASE WHEN island = 'Biscoe' THEN 1.0 ELSE 0.0 END")),
            ("tons".into(), parse("mass / 1000")),
        ]),
    ];
    let features = vec!["biscoe".to_owned(), "tons".to_owned()];
    let x = Matrix::new(features.clone(), 6, vec![1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 5.0, 5.2, 4.8, 3.5, 3.7, 3.6]);
    let (name, y, kind) = match task {
        Task::Classification => {
            ("logistic_regression", Target::Classes { codes: vec![1, 1, 1, 0, 0, 0], count: 2 }, Kind::Str)
        }
        Task::Regression => ("baseline", Target::Numbers(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), Kind::Float),
    };
    let model = (find_model(name).expect("a model").check)(Json::Null).expect("defaults");
    let classes = match task {
        Task::Classification => vec![Value::str("Adelie \"quoted\""), Value::str("Gentoo")],
        Task::Regression => Vec::new(),
    };
    let trained = Trained {
        model: name.into(),
        version: 1,
        target: "species".into(),
        kind,
        task,
        classes,
        positive: None,
        threshold: None,
        features: features.into_iter().map(Feature::number).collect(),
        missing: false,
        rows: 6,
        estimator: model.fit(&Training::new(&x, &y)).expect("fitted"),
    };
    let island = InputField {
        name: "island".into(),
        kind: Kind::Category,
        one_of: vec![Value::str("Biscoe"), Value::str("Dream")],
        min: None,
        missing: Vec::new(),
        max: None,
    };
    let mass = InputField {
        name: "mass".into(),
        kind: Kind::Float,
        one_of: Vec::new(),
        min: Some(0.0),
        max: Some(10_000.0),
        missing: Vec::new(),
    };
    Sealed {
        format: FORMAT,
        ops: BTreeMap::new(),
        signature: vec![island, mass],
        steps,
        trained,
        reference: Vec::new(),
        samples: Vec::new(),
    }
}

/// Such a model with one recorded sample, opened.
pub fn model(name: &str, mut sealed: Sealed) -> Model {
    let record = vec![Value::str("Biscoe"), Value::Float(5100.0)];
    let outcome = Sealed::open(&sealed.to_bytes()).expect("opened").answer(&record);
    sealed.samples.push(Sample { record, outcome });
    let predictor = Sealed::open(&sealed.to_bytes()).expect("opened");
    Model { name: name.into(), version: 3, alias: Some("champion".into()), digest: "sha256:00".into(), predictor }
}

/// A server that runs until it is dropped or told to stop.
pub struct Server {
    pub address: SocketAddr,
    pub app: Arc<App>,
    pub runtime: Handle,
    stop: tokio::sync::mpsc::Sender<()>,
    thread: Option<JoinHandle<Result<(), Fault>>>,
}

impl Server {
    /// Of the penguins, with these settings but for the port.
    pub fn of(settings: Settings) -> Self {
        let patience = Patience {
            idle: Duration::from_secs(20),
            head: Duration::from_secs(20),
            write: Duration::from_secs(20),
            linger: Duration::from_secs(2),
        };
        Self::patient(vec![model("penguins", sealed(Task::Classification))], settings, patience)
    }

    pub fn patient(models: Vec<Model>, settings: Settings, patience: Patience) -> Self {
        let app = App::new(Models::new(models).expect("models"), &Settings { port: 0, ..settings });
        let (stop, stops) = tokio::sync::mpsc::channel(2);
        let (tell, told) = mpsc::channel();
        let own = app.clone();
        let thread = std::thread::spawn(move || {
            let runtime = server::runtime()?;
            let handle = runtime.handle().clone();
            let result = runtime.block_on(server::run(own, patience, stops, move |address| {
                tell.send((address, handle)).expect("the test waits")
            }));
            runtime.shutdown_background();
            result
        });
        let (address, runtime) = told.recv().expect("it listens");
        Self { address, app, runtime, stop, thread: Some(thread) }
    }

    /// Tells it to stop, as a signal does.
    pub fn stop(&self) {
        // A server that has stopped already hears nothing.
        let _ = self.stop.try_send(());
    }

    /// Waits until it has stopped.
    pub fn wait(mut self) -> Result<(), Fault> {
        self.thread.take().expect("waited for once").join().expect("no panic")
    }

    pub fn connect(&self) -> Client {
        Client::to(self.address)
    }

    /// One request on a connection of its own.
    pub fn send(&self, method: &str, path: &str, body: &str) -> Reply {
        let mut client = self.connect();
        client.request(method, path, "Content-Type: application/json\r\n", body.as_bytes());
        client.reply_to(method)
    }

    pub fn get(&self, path: &str) -> Reply {
        self.send("GET", path, "")
    }

    pub fn predict(&self, rows: Json) -> Reply {
        self.send("POST", "/predict", &json!({"input_data": rows}).to_string())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
        if let Some(thread) = self.thread.take() {
            // A test that fails has said so already.
            let _ = thread.join();
        }
    }
}

/// A connection.
pub struct Client {
    socket: TcpStream,
    left: Vec<u8>,
}

impl Client {
    pub fn to(address: SocketAddr) -> Self {
        let socket = TcpStream::connect(address).expect("connected");
        socket.set_read_timeout(Some(Duration::from_secs(20))).expect("set");
        Self { socket, left: Vec::new() }
    }

    /// Sends bytes; false if the server has closed the connection.
    pub fn write(&mut self, bytes: &[u8]) -> bool {
        self.socket.write_all(bytes).is_ok()
    }

    pub fn request(&mut self, method: &str, path: &str, headers: &str, body: &[u8]) {
        let head = format!("{method} {path} HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
        self.write(&[head.as_bytes(), body].concat());
    }

    pub fn reply(&mut self) -> Reply {
        self.reply_to("GET")
    }

    pub fn reply_to(&mut self, method: &str) -> Reply {
        let end = loop {
            match self.left.windows(4).position(|four| four == b"\r\n\r\n") {
                Some(end) => break end + 4,
                None => assert!(self.more(), "closed before a response: {:?}", String::from_utf8_lossy(&self.left)),
            }
        };
        let head = String::from_utf8(self.left.drain(..end).collect()).expect("UTF-8").to_lowercase();
        let status = head[9..12].parse().expect("a status");
        let headers: BTreeMap<String, String> = head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .map(|(key, value)| (key.into(), value.into()))
            .collect();
        let length = headers.get("content-length").map_or(0, |text| text.parse().expect("a length"));
        let length = if method == "HEAD" { 0 } else { length };
        while self.left.len() < length {
            assert!(self.more(), "closed within a body");
        }
        let text = String::from_utf8(self.left.drain(..length).collect()).expect("UTF-8");
        Reply { status, headers, json: serde_json::from_str(&text).unwrap_or(Json::Null), text }
    }

    /// Whether the server closes without a word.
    pub fn is_closed(&mut self) -> bool {
        !self.more() && self.left.is_empty()
    }

    fn more(&mut self) -> bool {
        let mut bytes = [0; 1 << 16];
        let count = self.socket.read(&mut bytes).unwrap_or(0);
        self.left.extend(&bytes[..count]);
        count > 0
    }
}

/// A response.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub json: Json,
    pub text: String,
}

impl Reply {
    /// What a refusal says, after checking that it tells nothing of the insides.
    pub fn error(&self) -> &str {
        assert_eq!(self.headers.get("content-type").map(String::as_str), Some("application/json"), "{self:?}");
        for word in ["src/", ".rs", "axum", "serde", "panicked", "Rust", "/root", "/tmp"] {
            assert!(!self.text.contains(word), "{} tells of {word}", self.text);
        }
        self.json["error"].as_str().expect("an error")
    }
}
