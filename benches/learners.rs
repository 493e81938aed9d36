//! One fit of one model, for `benches/learners.py`, which compares it with what others take.

#![expect(clippy::print_stdout, reason = "the figures are what a bench is run for")]

use std::fs::{self, File};
use std::io::{BufReader, Read as _};
use std::path::Path;
use std::time::Instant;

use gristmill::data::Matrix;
use gristmill::learn::{Prediction, Target, Training, find_model};
use serde_json::json;

/// The program's own allocator: memory is measured too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    // `cargo bench` and `cargo test` run it too; there it is enough that it builds.
    let [_, flag, folder, kind, model, with] = arguments.as_slice() else { return };
    assert_eq!(flag, "--work");
    let folder = Path::new(folder);
    let before = memory("VmRSS:");
    let y = floats(folder, "y");
    let x = matrix(folder, "x", y.len());
    let target = match kind.as_str() {
        "numbers" => Target::Numbers(y),
        _ => {
            let codes: Vec<u32> = y.into_iter().map(|class| class as u32).collect();
            let count = codes.iter().max().map_or(0, |most| *most as usize + 1);
            Target::Classes { codes, count }
        }
    };
    let with = serde_json::from_str(with).expect("settings");
    let entry = find_model(model).unwrap_or_else(|fault| panic!("{}", fault.message));
    let model = (entry.check)(with).unwrap_or_else(|faults| panic!("{}", faults[0].message));
    let (fitted, fit) = timed(|| model.fit(&Training::new(&x, &target)).unwrap_or_else(|f| panic!("{}", f.message)));
    let peak = memory("VmHWM:") - before;
    let yt = floats(folder, "yt");
    let xt = matrix(folder, "xt", yt.len());
    let (said, predict) = timed(|| fitted.predict(&xt).expect("a prediction"));
    println!("{}", json!({"fit": fit, "predict": predict, "memory": peak, "score": score(&said, &yt), "version": ""}));
}

/// A file of floats, never held twice.
fn floats(folder: &Path, name: &str) -> Vec<f64> {
    let file = File::open(folder.join(format!("{name}.bin"))).expect("a file of floats");
    let count = file.metadata().expect("its length").len() / 8;
    let mut file = BufReader::new(file);
    let mut bytes = [0; 8];
    let mut float = |_| {
        file.read_exact(&mut bytes).expect("whole floats");
        f64::from_le_bytes(bytes)
    };
    (0..count).map(&mut float).collect()
}

fn matrix(folder: &Path, name: &str, rows: usize) -> Matrix {
    let values = floats(folder, name);
    let names = (0..values.len() / rows).map(|column| format!("x{column}")).collect();
    Matrix::new(names, rows, values)
}

/// Accuracy, or R² for numbers.
fn score(said: &Prediction, truth: &[f64]) -> f64 {
    let rows = truth.len() as f64;
    if let Prediction::Numbers(said) = said {
        let mean = truth.iter().sum::<f64>() / rows;
        let wrong: f64 = said.iter().zip(truth).map(|(said, truth)| (said - truth).powi(2)).sum();
        return 1.0 - wrong / truth.iter().map(|truth| (truth - mean).powi(2)).sum::<f64>();
    }
    let labels = said.labels().expect("classes");
    labels.iter().zip(truth).filter(|(said, truth)| f64::from(**said) == **truth).count() as f64 / rows
}

/// What it gives, and its CPU and wall time in seconds.
fn timed<T>(work: impl FnOnce() -> T) -> (T, [f64; 2]) {
    let (cpu, wall) = (cpu(), Instant::now());
    let made = work();
    (made, [self::cpu() - cpu, wall.elapsed().as_secs_f64()])
}

/// User and system seconds of all threads: fields 14 and 15 of `/proc/self/stat`, in hundredths.
fn cpu() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").expect("Linux");
    let after = stat.rsplit(')').next().expect("a name in brackets");
    let ticks = after.split_whitespace().skip(11).take(2).map(|field| field.parse::<f64>().expect("a number"));
    ticks.sum::<f64>() / 100.0
}

/// A line of `/proc/self/status`, in MB.
fn memory(key: &str) -> f64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with(key)).expect("the line is there");
    line.split_whitespace().nth(1).expect("a figure").parse::<f64>().expect("a number") / 1024.0
}
