//! Reading what no one would write: a clear error or the stated repair, and never a panic.

use std::io::Write;

use proptest::prelude::*;

use super::*;
use crate::data::{Part, Value, value_at};

fn reading(name: &str) -> Reading {
    Reading::plain(Format::of(name).expect("a format"))
}

fn read_as(name: &str, bytes: &[u8], reading: &Reading) -> Result<Table, Fault> {
    read(vec![Source { name: name.to_owned(), bytes: bytes.to_vec() }], reading)
}

/// The cell at a row and column.
fn cell(table: &Table, row: usize, column: &str) -> Value {
    value_at(table.part(Part::All).expect("one part").column(column).expect("its column"), row)
}

fn fault(name: &str, bytes: &[u8]) -> Fault {
    read_as(name, bytes, &reading(name)).expect_err("it can't be read")
}

fn zipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("in memory");
    encoder.finish().expect("in memory")
}

#[test]
fn a_row_that_is_too_long_or_too_short_is_named() {
    assert_eq!(fault("a.csv", b"x,y\n1,2\n3\n").message, "`a.csv`: row 2 has 1 cells, and the first line has 2");
    assert_eq!(fault("a.csv", b"x,y\r\n1,2\r\n3,4,5\r\n").code, "ragged-row");
    assert_eq!(fault("a.csv", b"x,y\n1,\"2\n3,4\n").code, "open-quote");
}

#[test]
fn marks_and_line_ends_of_other_systems_are_no_part_of_cells() {
    let table = read_as("a.csv", b"\xef\xbb\xbfx,y\r\n1,b\r\n2,c\r\n", &reading("a.csv")).expect("read");
    assert_eq!(table.shape.names().collect::<Vec<_>>(), ["x", "y"]);
    assert_eq!((cell(&table, 1, "x"), cell(&table, 1, "y")), (Value::Int(2), Value::str("c")));
}

#[test]
fn latin_1_is_named_by_its_line_and_read_when_said() {
    let bytes = b"x,y\n1,a\n2,caf\xe9\n";
    let told = fault("a.csv", bytes);
    assert_eq!((told.message.as_str(), told.code), ("`a.csv`: line 3 isn't UTF-8", "not-utf-8"));
    assert!(told.help.is_some_and(|help| help.contains("encoding: latin-1")));
    let table = read_as("a.csv", bytes, &Reading { encoding: Encoding::Latin1, ..reading("a.csv") }).expect("read");
    assert_eq!(cell(&table, 1, "y"), Value::str("café"));
}

#[test]
fn ten_million_characters_are_one_cell() {
    let long = "long, \"\"and\"\" so on\n".repeat(500_000);
    let table = read_as("a.csv", format!("x,y\n1,\"{long}\"\n2,b\n").as_bytes(), &reading("a.csv")).expect("read");
    assert_eq!(table.rows(), 2);
    assert_eq!(cell(&table, 0, "y"), Value::str(long.replace("\"\"", "\"")));
}

#[test]
fn a_zero_byte_is_a_character_like_others() {
    let table = read_as("a.csv", b"x,y\n1,a\0b\n", &reading("a.csv")).expect("read");
    assert_eq!(cell(&table, 0, "y"), Value::str("a\0b"));
}

#[test]
fn a_file_that_was_cut_off_says_so() {
    let whole = zipped("x,y\n1,2\n".repeat(1000).as_bytes());
    assert_eq!(read_as("a.csv.gz", &whole, &reading("a.csv.gz")).expect("read").rows(), 1999);
    for length in [0, 1, 9, whole.len() / 2, whole.len() - 1] {
        let told = fault("a.csv.gz", &whole[..length]);
        assert!(matches!(told.code, "bad-compression" | "empty-file"), "{length}: {told}");
    }
}

const NAMES: [&str; 9] =
    ["a.csv", "a.tsv", "a.ndjson", "a.json", "a.parquet", "a.arrow", "a.csv.gz", "a.json.zst", "a.parquet.gz"];

/// A quoted cell where it must be.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn random_bytes_are_a_table_or_a_fault_with_the_file_in_it(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        name in prop::sample::select(NAMES.to_vec()),
    ) {
        if let Err(fault) = read_as(name, &bytes, &reading(name)) {
            prop_assert!(fault.message.contains(name), "{}", fault);
        }
    }

    #[test]
    fn torn_text_is_a_table_or_a_fault_with_the_file_in_it(
        text in "([ab1,;\"\n\r\0é\u{feff} .-]|\r\n|,\"){0,60}",
        name in prop::sample::select(NAMES[..4].to_vec()),
        header in any::<bool>(),
    ) {
        if let Err(fault) = read_as(name, text.as_bytes(), &Reading { header, ..reading(name) }) {
            prop_assert!(fault.message.contains(name), "{}", fault);
        }
    }

    #[test]
    fn a_typed_file_with_a_wrong_byte_is_a_table_or_a_fault(
        place in 0usize..2000,
        byte in any::<u8>(),
        name in prop::sample::select(vec!["a.parquet", "a.arrow"]),
    ) {
        let whole = read_as("a.csv", b"x,y\n1,a\n2,b\n,c\n", &reading("a.csv")).expect("read");
        let mut bytes = crate::data::write(whole.training(), name).expect("written");
        let place = place % bytes.len();
        bytes[place] = byte;
        if let Err(fault) = read_as(name, &bytes, &reading(name)) {
            prop_assert!(fault.message.contains(name), "{}", fault);
        }
    }

    #[test]
    fn what_was_quoted_is_read_back(
        rows in prop::collection::vec(("\\PC{1,6}|[,\"\n]{1,3}", "[a-z,\n\"]{1,8}"), 1..20),
    ) {
        let lines: Vec<String> = rows.iter().map(|(a, b)| format!("{},{}\n", quoted(a), quoted(b))).collect();
        let kinds = [("x".to_owned(), Kind::Str), ("y".to_owned(), Kind::Str)].into();
        let text = format!("x,y\n{}", lines.concat());
        let table = read_as("a.csv", text.as_bytes(), &Reading { kinds, ..reading("a.csv") }).expect("read");
        prop_assert_eq!(table.rows(), rows.len());
        for (row, (a, b)) in rows.iter().enumerate() {
            prop_assert_eq!(cell(&table, row, "x"), Value::str(a));
            prop_assert_eq!(cell(&table, row, "y"), Value::str(b));
        }
    }
}
