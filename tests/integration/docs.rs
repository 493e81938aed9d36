//! What the documentation shows is right: every YAML block is checked, every page is current.

use std::fs;
use std::path::{Path, PathBuf};

use crate::mill::Mill;

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn pages() -> Vec<PathBuf> {
    let mut found = vec![repository().join("README.md")];
    for folder in ["docs", "docs/reference"] {
        for entry in fs::read_dir(repository().join(folder)).expect("docs") {
            let path = entry.expect("an entry").path();
            if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The fenced blocks of a language in a page.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open: Option<Vec<&str>> = None;
    for line in text.lines() {
        match &mut open {
            Some(lines) if line.starts_with("```") => {
                found.push(lines.join("\n"));
                open = None;
            }
            Some(lines) => lines.push(line),
            None if line == format!("```{language}") => open = Some(Vec::new()),
            None => {}
        }
    }
    found
}

#[test]
fn every_whole_pipeline_in_the_docs_is_right() {
    let mut checked = 0;
    for page in pages() {
        for block in blocks(&fs::read_to_string(&page).expect("a page"), "yaml") {
            if !block.lines().any(|line| line.starts_with("name:")) {
                continue;
            }
            let mill = Mill::penguins();
            mill.file("pipelines/block.yaml", &block);
            let ran = mill.go(&["check", "block"]);
            assert_eq!(ran.code, 0, "{}\n{block}\n{}", page.display(), ran.stderr);
            checked += 1;
        }
    }
    assert!(checked >= 2, "{checked} pipelines in the docs");
}

#[test]
fn every_list_of_ops_in_the_docs_is_right() {
    for page in pages() {
        for block in blocks(&fs::read_to_string(&page).expect("a page"), "yaml") {
            if !block.starts_with("- ") {
                continue;
            }
            let mill = Mill::new();
            mill.file("data/t.csv", "age,income,fare,gust,sex,kind,island,species,joined,zip,wt,id,weight,height,year,bill_length_mm,notes,arr_delay,hour,month,day\n31,1000.5,7.2,3.1,f,a,x,Adelie,31/01/2024,8001,70.5,1,70.5,1.8,2007,40.5,hm,20,23,12,2024-02-29\n");
            mill.file("data/islands.csv", "island,area,rain\nx,60.5,800\ny,12,950\n");
            let ops: Vec<String> = block.lines().map(|line| format!("      {line}")).collect();
            mill.file("pipelines/block.yaml", &format!("name: block\ntarget: species\nparams: {{late_after: 15}}\nsources: {{t: {{path: data/t.csv, columns: {{notes: text}}}}, islands: {{path: data/islands.csv}}}}\nsteps:\n  s:\n    clean: t\n    ops:\n{}\n", ops.join("\n")));
            let ran = mill.go(&["check", "block"]);
            assert_eq!(ran.code, 0, "{}\n{block}\n{}", page.display(), ran.stderr);
        }
    }
}

#[test]
fn the_reference_is_current() {
    for (name, text) in gristmill::report::reference::pages().into_iter().chain([gristmill::cli::reference()]) {
        let path = repository().join("docs/reference").join(name);
        if std::env::var_os("GRISTMILL_UPDATE").is_some() {
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(&path, &text).expect("written");
        }
        let found = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(found, text, "{} is stale: run the tests with GRISTMILL_UPDATE=1", path.display());
    }
}

#[test]
fn the_schemas_are_current() {
    for (name, arguments) in [("pipeline", &["schema"][..]), ("contract", &["schema", "contract"])] {
        let text = Mill::new().fine(arguments).stdout;
        let path = repository().join(format!("schemas/{name}.schema.json"));
        if std::env::var_os("GRISTMILL_UPDATE").is_some() {
            fs::write(&path, &text).expect("written");
        }
        assert_eq!(
            fs::read_to_string(&path).unwrap_or_default(),
            text,
            "{} is stale: run the tests with GRISTMILL_UPDATE=1",
            path.display()
        );
    }
}
