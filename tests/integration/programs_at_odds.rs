//! Programs that behave oddly, and files that aren't what they should be.

use std::time::{Duration, Instant};

use crate::mill::{Mill, made, outcomes, step};

/// A pipeline with `steps`.
fn mill(steps: &str) -> Mill {
    let mill = Mill::new();
    mill.file("pipelines/p.yaml", &format!("name: p\nsteps:\n{steps}"));
    mill
}

#[test]
fn a_program_that_never_stops_talking_ends_at_its_timeout() {
    let mill = mill("  r: {run: \"yes | head -c 400000000\", timeout: 500ms}\n");
    let began = Instant::now();
    let run = mill.run(&["p"]);
    assert!(began.elapsed() < Duration::from_secs(8), "took {:?}", began.elapsed());
    assert!(run["errors"][0]["message"].as_str().expect("text").contains("longer than 500ms"), "{run:#}");
}

#[test]
fn each_step_has_a_log_of_its_own_whatever_its_name() {
    let long = "l".repeat(300);
    let mill = mill(&format!(
        "  say:\n    run: [sh, -c, \"echo \\\"<$1>\\\"; sleep 0.2\", x, \"{{{{ matrix.s }}}}\"]\n    matrix: {{s: [a/b, a_b, {long}]}}\n"
    ));
    let run = mill.run(&["p", "--jobs", "3"]);
    assert_eq!(made(&run).len(), 3, "{run:#}");
    for name in ["a/b", "a_b", &long] {
        for target in [format!("p/say@s={name}"), format!("say@s={name}")] {
            let said = mill.fine(&["show", &target]).stdout;
            assert!(said.contains(&format!("<{name}>")), "{said}");
        }
    }
}

#[test]
fn what_is_left_instead_of_a_file_is_named() {
    let mill = mill(
        "  dir: {run: \"mkdir {{ outputs.o }}\", outputs: {o: o.txt}}\n  link: {run: \"ln -s nowhere {{ outputs.o }}\", outputs: {o: o.txt}}\n  pipe: {run: \"mkfifo {{ outputs.o }}\", outputs: {o: o.txt}}\n",
    );
    let ran = mill.go(&["run", "p", "--keep-going"]);
    for what in ["a folder", "a link that leads to no file", "no plain file"] {
        assert!(ran.stderr.contains(&format!("what the program left as `o.txt` is {what}")), "{}", ran.stderr);
    }
}

#[test]
fn a_place_with_spaces_and_quotes_is_one_word_of_a_line() {
    let mill = mill("");
    let odd = "a b 'c' \"d\" $HOME";
    mill.file(&format!("{odd}/gristmill.yaml"), "").file(
        &format!("{odd}/pipelines/p.yaml"),
        "name: p\nsteps:\n  r: {run: \"echo a > {{ outputs.a }}; echo b > \\\"{{ outputs.b }}\\\"; echo c > '{{ outputs.c }}'\", outputs: {a: a.txt, b: b.txt, c: c.txt}}\n",
    );
    let folder = mill.at(odd);
    let at = folder.to_str().expect("UTF-8");
    let ran = mill.command(&["run", "p"]).current_dir(at).output().expect("it starts");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    for name in ["a", "b", "c"] {
        let got = mill.command(&["get", &format!("r.{name}")]).current_dir(at).output().expect("it starts");
        assert_eq!(String::from_utf8_lossy(&got.stdout), format!("{name}\n"));
    }
}

#[test]
fn what_a_program_says_does_not_move_or_paint_the_terminal_nor_fill_an_error() {
    let mill = mill(
        "  r: {run: \"printf '\\\\033[2J\\\\033[31mred\\\\033[0m\\\\n 1%%\\\\r99%%\\\\n'; head -c 5000 /dev/zero | tr '\\\\0' x; exit 1\"}\n",
    );
    let ran = mill.go(&["run", "p"]);
    assert!(!ran.stderr.contains('\u{1b}') && ran.stderr.contains("r │ red\nr │ 99%\n"), "{}", ran.stderr);
    let error = ran.stderr.split("error:").nth(1).expect("an error");
    assert!(error.len() < 2000 && error.contains("x…"), "{error}");
}

#[test]
fn a_program_without_outputs_leaves_nothing_to_get() {
    let mill = mill("  r: {run: \"true\"}\n");
    let run = mill.run(&["p"]);
    assert_eq!(step(&run, "r")["outcome"], "ran");
    let got = mill.go(&["get", "r"]);
    assert!(got.code == 2 && got.stderr.contains("`r` leaves no file"), "{}", got.stderr);
}

#[test]
fn a_pipeline_that_is_no_text_is_wrong_and_a_folder_is_none() {
    let mill = mill("  r: {run: \"true\"}\n");
    mill.file("pipelines/folder.yaml/x", "");
    let run = mill.run(&[]);
    assert_eq!(outcomes(&run), [("r".into(), "ran".into())], "the folder is no pipeline");
    std::fs::write(mill.at("pipelines/bad.yaml"), b"name: bad\nsteps: \xff\n").expect("written");
    let ran = mill.go(&["run", "bad"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("bad.yaml:2:8") && ran.stderr.contains("isn't UTF-8"), "{}", ran.stderr);
    let told = mill.fine(&["status"]);
    assert!(told.stdout.contains("`gristmill check bad` tells"), "{}", told.stdout);
}

#[test]
fn no_steps_are_a_mistake() {
    for text in ["name: p\nsteps: {}\n", "name: p\nsteps:\n", "name: p\n"] {
        let mill = Mill::new();
        mill.file("pipelines/p.yaml", text);
        let ran = mill.go(&["check", "p"]);
        assert!(ran.code == 2 && ran.stderr.contains("at least one step"), "{text}\n{}", ran.stderr);
    }
}

#[test]
fn a_mistake_in_a_matrix_has_its_place() {
    for (matrix, place) in [("{s: [a, b, a]}", "4:24"), ("{s: []}", "4:17"), ("{s: 3}", "4:17"), ("[s]", "4:13")] {
        let mill = mill(&format!("  r:\n    matrix: {matrix}\n    run: [echo, x]\n"));
        let ran = mill.go(&["check", "p"]);
        assert!(ran.code == 2 && ran.stderr.contains(&format!("p.yaml:{place}")), "{matrix}\n{}", ran.stderr);
        assert!(!ran.stderr.contains("at least one step"), "{}", ran.stderr);
    }
}

#[test]
fn what_stands_in_the_way_is_told_with_what_to_do() {
    let mill = mill("  r: {run: \"true\"}\n");
    mill.file(".gristmill", "a file");
    let ran = mill.go(&["run", "p"]);
    assert!(ran.code == 5 && ran.stderr.contains("move it away"), "{}", ran.stderr);
    let ran = mill.go(&["-C", "nowhere", "status"]);
    assert!(ran.code == 2 && ran.stderr.contains("there is no such folder"), "{}", ran.stderr);
}

#[test]
fn what_a_program_made_of_a_file_that_changed_meanwhile_is_not_kept() {
    let mill = Mill::new();
    mill.file("data/t.csv", "id\n1\n").file("src/word", "one\n").file(
        "pipelines/p.yaml",
        "name: p\nsources: {t: {path: data/t.csv}}\nsteps:\n  r:\n    run: \"touch began; sleep 0.5; cat src/word {{ inputs.t }} > {{ outputs.o }}\"\n    inputs: [t]\n    code: [src/word]\n    outputs: {o: o.txt}\n",
    );
    for (file, before, after) in [("data/t.csv", "id\n1\n", "id\n2\n"), ("src/word", "one\n", "two\n")] {
        let mut child = mill.command(&["run", "p", "--force"]).spawn().expect("it starts");
        let until = Instant::now() + Duration::from_secs(10);
        while !mill.at("began").exists() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(10));
        }
        mill.file(file, after);
        assert!(child.wait().expect("it ends").success(), "it is run again");
        assert!(mill.fine(&["get", "r.o"]).stdout.contains(after.lines().last().expect("a line")));
        mill.file(file, before);
        mill.run(&["p"]);
        assert_eq!(mill.fine(&["get", "r.o"]).stdout, "one\nid\n1\n", "{file}");
        std::fs::remove_file(mill.at("began")).expect("it began");
    }
    mill.edit("pipelines/p.yaml", "touch began", "echo 3 >> {{ inputs.t }}");
    let ran = mill.go(&["run", "p"]);
    assert!(ran.code == 1 && ran.stderr.contains("`data/t.csv` changed while the program ran"), "{}", ran.stderr);
}
