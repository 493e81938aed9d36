//! Formats and forms of sources: the same rows give the same table however they are written.

use crate::mill::Mill;

/// A pipeline that reads one source and writes its table.
fn read(mill: &Mill, source: &str) -> String {
    mill.file("pipelines/p.yaml", &format!("name: p\nsources:\n  s: {source}\nsteps:\n  t: {{clean: s}}\n"));
    let _ = std::fs::remove_file(mill.at("pipelines/p.lock"));
    mill.fine(&["run", "p"]);
    mill.fine(&["get", "p/t"]).stdout
}

const TABLE: &str = "name,born,height,tall\nAda,1815-12-10,1.65,true\nÉmile,1902-01-01,,false\n";

#[test]
fn every_format_gives_the_same_table() {
    let mill = Mill::new();
    mill.file("data/t.csv", TABLE);
    let expected = read(&mill, "{path: data/t.csv}");
    for (format, name) in [
        ("tsv", "t.tsv"),
        ("parquet", "t.parquet"),
        ("arrow", "t.arrow"),
        ("ndjson", "t.ndjson"),
        ("json", "t.json"),
        ("csv.gz", "t.csv.gz"),
        ("csv.zst", "t2.csv.zst"),
    ] {
        read(&mill, "{path: data/t.csv}");
        mill.fine(&["get", "p/t", "-o", &format!("data/{name}")]);
        assert_eq!(read(&mill, &format!("{{path: data/{name}}}")), expected, "{format}");
    }
}

#[test]
fn a_glob_reads_its_files_in_order() {
    let mill = Mill::new();
    mill.file("data/b.csv", "x\n3\n4\n").file("data/a.csv", "x\n1\n2\n");
    assert_eq!(read(&mill, "{path: \"data/*.csv\"}"), "x\n1\n2\n3\n4\n");
    mill.file("data/c.csv", "y\n5\n");
    let ran = mill.go(&["run", "p"]);
    assert!(ran.stderr.contains("`data/c.csv`: its columns differ"), "{}", ran.stderr);
}

#[test]
fn missing_types_delimiter_encoding_and_condition_are_kept() {
    let mill = Mill::new();
    std::fs::create_dir_all(mill.at("data")).expect("made");
    std::fs::write(mill.at("data/l.csv"), b"zip;caf\xe9;n\n01234;-;1\n99999;x;2\n").expect("written");
    let found = read(
        &mill,
        "{path: data/l.csv, delimiter: \";\", encoding: latin-1, missing: [\"-\"], columns: {zip: str}, where: n > 0}",
    );
    assert_eq!(found, "zip,café,n\n01234,,1\n99999,x,2\n");
    assert_eq!(
        read(&mill, "{path: data/l.csv, delimiter: \";\", encoding: latin-1, where: n > 1}"),
        "zip,café,n\n99999,x,2\n"
    );
}

#[test]
fn files_that_can_not_be_read_say_why() {
    let mill = Mill::new();
    let broken = |name: &str, bytes: &[u8]| {
        std::fs::create_dir_all(mill.at("data")).expect("made");
        std::fs::write(mill.at("data").join(name), bytes).expect("written");
        mill.file(
            "pipelines/p.yaml",
            &format!("name: p\nsources:\n  s: {{path: data/{name}}}\nsteps:\n  t: {{clean: s}}\n"),
        );
        let ran = mill.go(&["run", "p"]);
        assert_ne!(ran.code, 0, "{name}");
        assert!(ran.stderr.contains("pipelines/p.yaml:3:13"), "{name}: {}", ran.stderr);
        ran.stderr
    };
    assert!(broken("empty.csv", b"").contains("it is empty"));
    assert!(broken("ragged.csv", b"a,b\n1,2\n1,2,3\n").contains("row 2 has 3 cells"));
    assert!(broken("short.csv", b"a,b\n1,2\n1\n").contains("row 2 has 1 cells"));
    assert!(broken("spaced.csv", b"a, a\n1,2\n").contains("two columns are named `a`"));
    assert!(broken("latin.csv", b"a\ncaf\xe9\n").contains("line 2 isn't UTF-8"));
    assert!(broken("twice.csv", b"a,a\n1,2\n").contains("two columns are named `a`"));
    assert!(broken("cut.csv.gz", &[0x1f, 0x8b, 8, 0, 0]).contains("compressed data"));
    assert!(broken("no.parquet", b"PAR1").contains("Parquet"));
    assert!(broken("no.ndjson", b"{\"a\": 1}\n{\"a\": \n").contains("row 2"));
    assert!(broken("none.xyz", b"x").contains("tells no format"));
}

#[test]
fn odd_cells_are_read_as_people_mean_them() {
    let mill = Mill::new();
    mill.file(
        "data/t.csv",
        "id,x,n\n12345678901234567890,1.5, 1\n\n12345678901234567891,NaN,2 \n12345678901234567892,2.5,3\n\n",
    );
    assert_eq!(
        read(&mill, "{path: data/t.csv}"),
        "id,x,n\n12345678901234567890,1.5,1\n12345678901234567891,,2\n12345678901234567892,2.5,3\n"
    );
}
