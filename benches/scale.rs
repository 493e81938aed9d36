//! How runs grow with steps and files: no-op and cold runs, a large source, many small ones. Whole-program figures.
//!
//! `cargo bench --bench scale` prints wall time and CPU time (user and system, with children), medians where repeated.

#![expect(clippy::print_stdout, reason = "the figures are what a bench is run for")]

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const PROGRAM: &str = env!("CARGO_BIN_EXE_gristmill");
/// How often what takes little time is repeated.
const TIMES: usize = 11;
/// Linux counts CPU time of children in ticks of this length.
const TICK: f64 = 0.01;

fn main() {
    // `cargo test` also runs benches; there it is enough that this one builds.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    println!("{:44} {:>10} {:>10}", "", "wall", "CPU");
    for shape in ["chain", "fan"] {
        for steps in [1, 100, 1_000, 10_000] {
            let project = tempfile::tempdir().expect("a folder");
            pipeline(project.path(), steps, shape);
            tell(&format!("{shape} of {steps}: cold run"), measured(1, || run(project.path())));
            let times = if steps > 1_000 { 3 } else { TIMES };
            tell(&format!("{shape} of {steps}: nothing to do"), measured(times, || run(project.path())));
        }
    }
    large_source();
    many_files();
}

/// Trivial table steps: each on the one before, or all on the source.
fn pipeline(project: &Path, steps: usize, shape: &str) {
    write(project, "gristmill.yaml", "");
    let rows: String = (0..100).map(|row| format!("{row},{}\n", row * 7 % 13)).collect();
    write(project, "data/t.csv", &format!("a,b\n{rows}"));
    let mut text = "name: p\nsources:\n  t: {path: data/t.csv}\nsteps:\n".to_owned();
    for step in 0..steps {
        let input = if step == 0 || shape == "fan" { "t".to_owned() } else { format!("s{}", step - 1) };
        text.push_str(&format!("  s{step}: {{clean: {input}, ops: [{{derive: {{c: a * {} + b}}}}]}}\n", step + 1));
    }
    write(project, "pipelines/p.yaml", &text);
}

/// 1 GiB of rows: hashed once, then not read again until it is touched.
fn large_source() {
    let project = tempfile::tempdir().expect("a folder");
    write(project.path(), "gristmill.yaml", "");
    fs::create_dir_all(project.path().join("data")).expect("a folder");
    let path = project.path().join("data/big.csv");
    let mut file = fs::File::create(&path).expect("made");
    let block: String = (0..1 << 16).map(|row| format!("{row:07},{:07}\n", row * 31 % 9_999_991)).collect();
    file.write_all(b"a,b\n").expect("written");
    for _ in 0..(1 << 30) / block.len() {
        file.write_all(block.as_bytes()).expect("written");
    }
    file.sync_all().expect("written");
    write(
        project.path(),
        "pipelines/p.yaml",
        "name: p\nsources:\n  big: {path: data/big.csv, columns: {a: int, b: int}}\nsteps:\n  s: {run: [\"true\"], inputs: [big]}\n",
    );
    std::thread::sleep(Duration::from_secs(1));
    let sum = measured(3, || {
        assert!(Command::new("sha256sum").arg(&path).stdout(Stdio::null()).status().expect("sha256sum").success());
    });
    tell("1 GiB source: sha256sum, for comparison", sum);
    tell("1 GiB source: first run", measured(1, || run(project.path())));
    tell("1 GiB source: nothing to do", measured(TIMES, || run(project.path())));
    let touch = || {
        let now = std::time::SystemTime::now() - Duration::from_secs(60);
        fs::File::options().write(true).open(&path).expect("opened").set_modified(now).expect("touched");
        std::thread::sleep(Duration::from_millis(300));
    };
    touch();
    tell("1 GiB source: touched", measured(1, || run(project.path())));
    tell("1 GiB source: after the touch", measured(TIMES, || run(project.path())));
}

/// 100,000 small files of one glob.
fn many_files() {
    let project = tempfile::tempdir().expect("a folder");
    write(project.path(), "gristmill.yaml", "");
    fs::create_dir_all(project.path().join("data")).expect("a folder");
    for file in 0..100_000 {
        fs::write(project.path().join(format!("data/{file:06}.csv")), format!("a,b\n{file},1\n")).expect("written");
    }
    let text = "name: p\nsources:\n  many: {path: \"data/*.csv\"}\nsteps:\n  s: {clean: many}\n";
    write(project.path(), "pipelines/p.yaml", text);
    std::thread::sleep(Duration::from_secs(3));
    tell("100,000 files: first run", measured(1, || run(project.path())));
    tell("100,000 files: nothing to do", measured(TIMES, || run(project.path())));
    fs::write(project.path().join("data/000500.csv"), "a,b\n7,7\n").expect("written");
    std::thread::sleep(Duration::from_secs(3));
    tell("100,000 files: one changed", measured(1, || run(project.path())));
}

fn write(project: &Path, path: &str, text: &str) {
    let path = project.join(path);
    fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    fs::write(path, text).expect("written");
}

fn run(project: &Path) {
    let output = Command::new(PROGRAM).current_dir(project).args(["run", "p"]).output().expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The median of the wall times and the mean of the CPU times, in seconds.
fn measured(times: usize, mut work: impl FnMut()) -> (f64, f64) {
    let before = children();
    let mut walls: Vec<f64> = (0..times)
        .map(|_| {
            let began = Instant::now();
            work();
            began.elapsed().as_secs_f64()
        })
        .collect();
    walls.sort_by(f64::total_cmp);
    (walls[times / 2], (children() - before) / times as f64)
}

/// CPU time of all children that have ended, in seconds; 0 where there is no `/proc`.
fn children() -> f64 {
    let text = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = text.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
    fields.skip(13).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() * TICK
}

fn tell(what: &str, (wall, cpu): (f64, f64)) {
    println!("{what:44} {:>8.3} s {:>8.3} s", wall, cpu);
}
