//! What is felt every minute: starting, a run that has nothing to do, and one row through a sealed model.
//!
//! `cargo bench` prints the median of each.

#![expect(clippy::print_stdout, reason = "the figures are what a bench is run for")]

use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use gristmill::recipe::Evaluator;
use gristmill::seal::Sealed;

const PROGRAM: &str = env!("CARGO_BIN_EXE_gristmill");

fn main() {
    // `cargo test` also runs benches; there it is enough that this one builds.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let project = tempfile::tempdir().expect("a folder");
    go(project.path(), &["init", "."]);
    let cold = timed(|| go(project.path(), &["run", "penguins"]));
    println!("cold run of penguins      {:8.1} ms", ms(cold));
    println!("no-op run of penguins     {:8.1} ms", ms(median(30, || go(project.path(), &["run", "penguins"]))));
    println!("check of penguins         {:8.1} ms", ms(median(30, || go(project.path(), &["check"]))));
    println!("--version                 {:8.1} ms", ms(median(30, || go(project.path(), &["--version"]))));
    row(project.path());
}

fn row(project: &Path) {
    go(project, &["get", "penguin-species", "-o", "model"]);
    let predictor = Sealed::open(&std::fs::read(project.join("model")).expect("the model")).expect("a sealed model");
    let sealed = predictor.sealed();
    let record = &sealed.samples[0].record;
    let inputs: Vec<String> = sealed.signature.iter().map(|field| field.name.clone()).collect();
    let features: Vec<String> = sealed.trained.features.iter().map(|feature| feature.name.clone()).collect();
    let evaluator = Evaluator::new(&sealed.steps, &inputs, &features).expect("compiled");
    const ROWS: u32 = 200_000;
    let (mut slots, mut out) = (Vec::new(), Vec::new());
    let recipe = timed(|| {
        for _ in 0..ROWS {
            let _ = black_box(evaluator.run(black_box(record), &mut slots, &mut out));
        }
    });
    println!("one row, recipe           {:8.2} µs", micros(recipe) / f64::from(ROWS));
    let answer = timed(|| {
        for _ in 0..ROWS {
            let _ = black_box(predictor.answer(black_box(record)));
        }
    });
    println!("one row, recipe and model {:8.2} µs", micros(answer) / f64::from(ROWS));
}

fn go(folder: &Path, arguments: &[&str]) {
    let output = Command::new(PROGRAM).current_dir(folder).args(arguments).output().expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn timed(work: impl FnOnce()) -> Duration {
    let began = Instant::now();
    work();
    began.elapsed()
}

fn median(times: usize, work: impl Fn()) -> Duration {
    let mut found: Vec<Duration> = (0..times).map(|_| timed(&work)).collect();
    found.sort();
    found[times / 2]
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
