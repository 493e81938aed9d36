//! Steps that run a program: what they read and leave, what reruns them, and how they end.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::mill::{Mill, made, outcomes, step};

/// A table of 40 rows and a pipeline with `steps`.
fn mill(steps: &str) -> Mill {
    let mill = Mill::new();
    let rows: String = (0..40).map(|id| format!("{id},{},{}\n", id * 3 % 7, ["a", "b"][id % 2])).collect();
    mill.file("data/t.csv", &format!("id,x,kind\n{rows}"));
    mill.file("pipelines/p.yaml", &format!("name: p\nsources: {{t: {{path: data/t.csv}}}}\n{steps}"));
    mill
}

/// Whether any process has `mark` in its command line.
fn lives(mark: &str) -> bool {
    let found = Command::new("pgrep").args(["-f", mark]).stdout(Stdio::null()).status().expect("pgrep runs");
    found.success()
}

fn soon(what: impl Fn() -> bool) -> bool {
    let until = Instant::now() + Duration::from_secs(10);
    while Instant::now() < until {
        if what() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    false
}

const COPY: &str = "steps:\n  f:\n    clean: t\n    ops: [{split: {test: 0.25}}, {derive: {y: x * 2}}]\n  copy:\n    run: [cp, \"{{ inputs.f.train }}\", \"{{ outputs.rows }}\"]\n    inputs: [f]\n    outputs: {rows: rows.parquet}\n  after:\n    clean: copy\n    ops: [{derive: {z: y + 1}}]\n";

#[test]
fn what_a_program_leaves_is_a_table_for_others_and_is_kept() {
    let mill = mill(COPY);
    let first = mill.run(&["p"]);
    assert_eq!(made(&first), ["after", "copy", "f"], "{first:#}");
    let after = mill.fine(&["get", "after"]).stdout;
    assert_eq!((after.lines().next(), after.lines().count()), (Some("id,x,kind,y,z"), 31));
    assert!(made(&mill.run(&["p"])).is_empty());
    assert!(mill.read("pipelines/p.lock").contains("copy.rows:\n"), "its columns are known from now on");
    let told = mill.go(&["check", "p"]);
    assert_eq!(told.code, 0);
    mill.edit("pipelines/p.yaml", "z: y + 1", "z: yy + 1");
    let told = mill.go(&["check", "p"]);
    assert!(told.code == 2 && told.stderr.contains("`yy`"), "{}", told.stderr);
}

#[test]
fn columns_that_change_are_planned_anew_within_the_run() {
    let mill = mill(
        "params: {name: a}\nsteps:\n  make:\n    run: \"printf '{{ params.name }}\\n1\\n' > {{ outputs.t }}\"\n    outputs: {t: t.csv}\n  all: {clean: make}\n",
    );
    mill.run(&["p"]);
    mill.edit("pipelines/p.yaml", "{name: a}", "{name: b}");
    let second = mill.run(&["p"]);
    assert_eq!(made(&second), ["all", "make"], "{second:#}");
    assert_eq!(mill.fine(&["get", "all"]).stdout, "b\n1\n");
    mill.edit("pipelines/p.yaml", "{name: b}", "{name: a}");
    assert!(made(&mill.run(&["p"])).is_empty(), "both are kept");
    assert_eq!(mill.fine(&["get", "all"]).stdout, "a\n1\n");
}

#[test]
fn command_code_inputs_and_environment_rerun_it_and_nothing_else_does() {
    let mill = mill(
        "env: [MILL_LEVEL]\nsteps:\n  f: {clean: t}\n  r:\n    run: [sh, src/do.sh, \"{{ outputs.o }}\"]\n    inputs: [f]\n    code: [src/]\n    env: [MILL_LEVEL]\n    outputs: {o: o.txt}\n",
    )
    .env("MILL_LEVEL", "1");
    mill.file("src/do.sh", "echo \"$MILL_LEVEL\" > $1\n");
    assert_eq!(made(&mill.run(&["p"])), ["f", "r"]);
    mill.file("src/.hidden", "no code").file("src/__pycache__/x.pyc", "no code");
    mill.edit("pipelines/p.yaml", "  r:\n", "  r:\n    description: other words\n    timeout: 1m\n");
    assert!(made(&mill.run(&["p"])).is_empty());
    mill.file("src/do.sh", "echo \"<$MILL_LEVEL>\" > $1\n");
    let run = mill.run(&["p"]);
    assert_eq!(made(&run), ["r"]);
    assert!(step(&run, "r")["reason"].as_str().expect("text").contains("src/do.sh"), "{run:#}");
    let mill = mill.env("MILL_LEVEL", "2");
    let run = mill.run(&["p"]);
    assert_eq!(made(&run), ["r"]);
    assert!(step(&run, "r")["reason"].as_str().expect("text").contains("MILL_LEVEL"), "{run:#}");
    mill.file("data/t.csv", "id,x,kind\n1,2,a\n");
    assert_eq!(made(&mill.run(&["p"])), ["f", "r"]);
}

#[test]
fn a_program_that_fails_leaves_nothing_and_says_where_its_words_are() {
    let mill = mill(
        "steps:\n  r:\n    run: \"echo half > {{ outputs.o }}; echo it hurts >&2; exit 7\"\n    outputs: {o: o.txt}\n",
    );
    let ran = mill.go(&["run", "p"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("ended with exit code 7") && ran.stderr.contains("it hurts"), "{}", ran.stderr);
    assert!(ran.stderr.contains("pipelines/p.yaml:5:10"), "{}", ran.stderr);
    let log = ran.stderr.split('`').find(|part| part.starts_with(".gristmill/logs/")).expect("the log's place");
    assert_eq!(mill.read(log), "it hurts\n");
    assert!(
        !mill.at(".gristmill/objects").exists()
            || std::fs::read_dir(mill.at(".gristmill/objects")).expect("objects").count() == 0
    );
    for (run, says) in [
        ("[nowhere-to-be-found]", "there is no program `nowhere-to-be-found`"),
        ("[\"true\"]", "the program left no file `o.txt`"),
        ("[sh, -c, \"kill -9 $$\"]", "no memory left"),
    ] {
        mill.file("pipelines/p.yaml", &format!("name: p\nsteps:\n  r:\n    run: {run}\n    outputs: {{o: o.txt}}\n"));
        let ran = mill.go(&["run", "p"]);
        assert!(ran.code == 1 && ran.stderr.contains(says), "{run}\n{}", ran.stderr);
    }
}

#[test]
fn secrets_reach_the_program_and_nothing_else() {
    let mill = mill(
        "secrets: [MILL_TOKEN, MILL_OTHER]\nsteps:\n  r:\n    run: \"echo token=$MILL_TOKEN other=$MILL_OTHER; printf %s \\\"$MILL_TOKEN\\\" | wc -c > {{ outputs.o }}\"\n    secrets: [MILL_TOKEN]\n    outputs: {o: o.txt}\n",
    )
    .env("MILL_TOKEN", "hunter2hunter2")
    .env("MILL_OTHER", "never given");
    let ran = mill.fine(&["run", "p"]);
    assert!(ran.stderr.contains("token=*** other=\n"), "{}", ran.stderr);
    assert_eq!(mill.fine(&["get", "r.o"]).stdout.trim(), "14");
    mill.edit("pipelines/p.yaml", "wc -c", "cat >&2; exit 1; cat");
    let failed = mill.go(&["run", "p", "--json"]);
    assert!(failed.code == 1 && failed.stdout.contains("***"), "{}", failed.stdout);
    let grep = Command::new("grep").args(["-rl", "hunter2hunter2", "."]).current_dir(mill.path()).output();
    assert_eq!(String::from_utf8_lossy(&grep.expect("grep runs").stdout), "");
    assert!(!failed.stdout.contains("hunter2") && !failed.stderr.contains("hunter2"));
    let mill = mill.env("MILL_TOKEN", "another1another1");
    mill.edit("pipelines/p.yaml", "cat >&2; exit 1; cat", "wc -c");
    assert!(made(&mill.run(&["p"])).is_empty(), "a secret counts in no key");
}

#[test]
fn retries_and_a_timeout_are_kept() {
    let mill = mill(
        "steps:\n  r: {run: \"echo x >> tries; test $(wc -l < tries) = 2\", retries: 3}\n  slow: {run: [sleep, \"97531\"], timeout: 300ms}\n  loud: {run: [yes, \"97531\"], timeout: 300ms}\n",
    );
    let began = Instant::now();
    let run = mill.run(&["p", "--keep-going"]);
    assert!(began.elapsed() < Duration::from_secs(20));
    assert_eq!(
        outcomes(&run),
        [("loud".into(), "failed".into()), ("r".into(), "ran".into()), ("slow".into(), "failed".into())]
    );
    assert_eq!(mill.read("tries"), "x\nx\n");
    for error in run["errors"].as_array().expect("errors") {
        assert!(error["message"].as_str().expect("text").contains("longer than 300ms"), "{run:#}");
    }
    assert!(!lives("sleep 97531") && !lives("yes 97531"));
}

#[test]
fn nothing_that_a_program_starts_outlives_gristmill() {
    for signal in ["INT", "TERM", "KILL"] {
        let mark = format!("sleep 8642{}", signal.len() * 7 + usize::from(signal.as_bytes()[0]));
        let mill = mill(&format!("steps:\n  r:\n    run: \"trap '' TERM INT; (setsid {mark} &); {mark}; true\"\n"));
        let mut child = mill.command(&["run", "p"]).stderr(Stdio::null()).spawn().expect("it starts");
        assert!(soon(|| lives(&mark)), "the program runs");
        let began = Instant::now();
        let sent = Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
        let status = child.wait().expect("it ends");
        if signal != "KILL" {
            assert_eq!(status.code(), Some(130), "{signal}");
            assert!(began.elapsed() < Duration::from_secs(3), "{signal} took {:?}", began.elapsed());
        }
        assert!(soon(|| !lives(&mark)), "{signal} leaves a child");
    }
}

#[test]
fn programs_read_files_of_programs_and_sources_as_they_are() {
    let mill = mill(
        "steps:\n  a: {run: [cp, \"{{ inputs.t }}\", \"{{ outputs.o }}\"], inputs: [t], outputs: {o: {path: sub/o.csv, kind: file}}}\n  b: {run: \"cp {{ inputs.a.o }} {{ outputs.p }}\", inputs: [a.o], outputs: {p: p.txt}, cwd: scratch}\n",
    );
    let run = mill.run(&["p"]);
    assert_eq!(run["status"], "done", "{run:#}");
    assert_eq!(mill.fine(&["get", "b.p"]).stdout, mill.read("data/t.csv"));
    assert_eq!(step(&run, "a")["outputs"]["o"], step(&run, "b")["outputs"]["p"]);
}

#[test]
fn what_a_program_made_of_other_bytes_is_not_kept() {
    let mill = mill(
        "steps:\n  r:\n    run: \"cat {{ inputs.t }} > {{ outputs.o }}; test -e once || echo 99,9,a >> {{ inputs.t }}; touch once\"\n    inputs: [t]\n    outputs: {o: o.txt}\n",
    );
    let ran = mill.fine(&["run", "p"]);
    assert!(ran.stderr.contains("a source changed while it was read"), "{}", ran.stderr);
    assert_eq!(mill.fine(&["get", "r.o"]).stdout, mill.read("data/t.csv"));
    assert!(made(&mill.run(&["p"])).is_empty());
    mill.edit("data/t.csv", "99,9,a\n", "");
    assert_eq!(made(&mill.run(&["p"])), ["r"], "nothing was kept of the first reading");
}

#[test]
fn slips_in_a_program_step_have_their_place() {
    let mill = mill(
        "secrets: [A]\nsteps:\n  f: {clean: t, ops: [{split: {test: 0.5}}]}\n  r:\n    run: [x, \"{{ inputs.f }}\", \"{{ inputs.g }}\", \"{{ outputs.oo }}\"]\n    inputs: [f]\n    env: [NOPE]\n    secrets: [B]\n    code: [scr/]\n    outputs: {o: ../o.csv}\n",
    );
    let ran = mill.go(&["check", "p"]);
    for says in [
        "`f` is split",
        "there is no input `g`",
        "there is no output `oo`",
        "`NOPE` isn't among the `env`",
        "`B` isn't among the `secrets`",
        "there is no file `scr/`",
        "isn't a file in the step's scratch folder",
    ] {
        assert!(ran.stderr.contains(says), "{says}\n{}", ran.stderr);
    }
}
