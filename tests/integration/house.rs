//! The house stays in order: a room imports only rooms beneath it, and files stay small.

use std::fs;
use std::path::{Path, PathBuf};

/// From the bottom to the top.
const ROOMS: [&str; 17] = [
    "source", "store", "data", "expr", "recipe", "ops", "learn", "seal", "spec", "plan", "engine", "registry",
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
