//! The house stays in order: a room imports only rooms beneath it, and files stay small.

use std::fs;
use std::path::{Path, PathBuf};

/// From the bottom to the top.
const ROOMS: [&str; 17] = [
    "source", "store", "data", "expr", "recipe", "learn", "ops", "seal", "spec", "plan", "engine", "registry",
    "report", "serve", "deploy", "watch", "cli",
];

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

#[test]
fn a_room_imports_only_rooms_beneath_it() {
    let mut wrong = Vec::new();
    for (floor, room) in ROOMS.iter().enumerate() {
        for file in files(&source().join(room)) {
            let text = fs::read_to_string(&file).expect("text");
            for (number, line) in text.lines().enumerate() {
                for (at, _) in line.match_indices("crate::") {
                    let rest = &line[at + "crate::".len()..];
                    let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
                    let Some(other) = ROOMS.iter().position(|room| *room == &rest[..end]) else { continue };
                    if other > floor {
                        wrong.push(format!("{}:{}: `{room}` imports `{}`", file.display(), number + 1, ROOMS[other]));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_room_has_its_place() {
    for entry in fs::read_dir(source()).expect("src") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        assert!(!path.is_dir() || ROOMS.contains(&name.as_str()), "the room `{name}` has no place in the order");
    }
}

#[test]
fn files_say_what_they_are_for_and_stay_small() {
    for file in files(&source()) {
        let text = fs::read_to_string(&file).expect("text");
        assert!(text.starts_with("//!"), "{} doesn't say what it is for", file.display());
        assert!(text.lines().count() <= 500, "{} has more than 500 lines", file.display());
    }
}

/// Functions of the standard library whose last bit is the C library's.
const ELEMENTARY: [&str; 24] = [
    "exp", "exp2", "exp_m1", "ln", "ln_1p", "log", "log2", "log10", "powf", "cbrt", "hypot", "sin", "cos", "sin_cos",
    "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh", "gamma", "ln_gamma",
];

/// A file's code without its tests.
fn code(file: &Path) -> String {
    let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
    if name.starts_with("tests") || file.components().any(|part| part.as_os_str() == "tests") {
        return String::new();
    }
    let text = fs::read_to_string(file).expect("text");
    text.split("mod tests {").next().expect("a first part").to_owned()
}

/// Calls of such functions: `x.exp()`, `x.powf(y)`, `f64::exp`.
fn elementary(line: &str) -> Option<&'static str> {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    ELEMENTARY.into_iter().find(|name| {
        // What other types call `log` isn't meant.
        let method =
            if matches!(*name, "powf" | "hypot" | "atan2") { format!(".{name}(") } else { format!(".{name}()") };
        let paths = [format!("f64::{name}"), format!("f32::{name}")];
        (*name != "log" && line.contains(&method))
            || paths.iter().any(|path| line.split(path.as_str()).skip(1).any(|rest| !rest.starts_with(word)))
    })
}

#[test]
fn elementary_functions_come_from_one_place() {
    assert_eq!(elementary("let y = (a - b).exp();"), Some("exp"));
    assert_eq!(elementary("map(f64::ln_1p)"), Some("ln_1p"));
    assert_eq!(elementary("x.powf(2.5)"), Some("powf"));
    assert_eq!(elementary("exp(x) + x.powi(2) + x.sqrt() + f64::EPSILON + std::f64::consts::LN_2"), None);
    let mut wrong = Vec::new();
    for file in files(&source()).into_iter().filter(|file| !file.ends_with("data/elementary.rs")) {
        for (number, line) in code(&file).lines().enumerate() {
            if let Some(name) = elementary(line) {
                wrong.push(format!("{}:{}: `{name}` must be that of `data::elementary`", file.display(), number + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
