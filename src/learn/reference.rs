//! Files that scikit-learn made, for the tests: data sets, splits, and its figures on them.

use std::io::Read;
use std::path::PathBuf;

use super::Target;
use crate::data::Matrix;

fn path(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "reference", name].iter().collect()
}

/// A file of figures.
pub(crate) fn json(name: &str) -> serde_json::Value {
    let text = std::fs::read_to_string(path(&format!("{name}.json"))).expect("a reference file");
    serde_json::from_str(&text).expect("JSON")
}

/// A data set's text; a large one's is compressed.
fn text(name: &str) -> String {
    let Ok(file) = std::fs::File::open(path(&format!("{name}.csv.gz"))) else {
        return std::fs::read_to_string(path(&format!("{name}.csv"))).expect("a reference file");
    };
    let mut text = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).expect("a compressed text");
    text
}

/// A data set, its target last in the file.
pub(crate) fn table(name: &str) -> (Matrix, Target) {
    let text = text(name);
    let mut lines = text.lines();
    let mut names: Vec<String> = lines.next().expect("a header").split(',').map(str::to_owned).collect();
    let cells = |line: &str| line.split(',').map(|cell| cell.parse().expect("a number")).collect();
    let rows: Vec<Vec<f64>> = lines.map(cells).collect();
    names.pop();
    let answers: Vec<f64> = rows.iter().map(|row| row[names.len()]).collect();
    let values = (0..names.len()).flat_map(|column| rows.iter().map(move |row| row[column])).collect();
    let y = if name == "diabetes" {
        Target::Numbers(answers)
    } else {
        let codes: Vec<u32> = answers.iter().map(|answer| *answer as u32).collect();
        let count = codes.iter().max().map_or(0, |most| *most as usize + 1);
        Target::Classes { codes, count }
    };
    (Matrix::new(names, rows.len(), values), y)
}

/// The matrix with each column brought to mean 0 and deviation 1 by the given rows' figures.
pub(crate) fn standardize(x: &Matrix, by: &[usize]) -> Matrix {
    let mut values = Vec::with_capacity(x.values().len());
    for column in 0..x.columns() {
        let column = x.column(column);
        let count = by.len() as f64;
        let mean = by.iter().map(|&row| column[row]).sum::<f64>() / count;
        let square = by.iter().map(|&row| (column[row] - mean).powi(2)).sum::<f64>() / count;
        values.extend(column.iter().map(|value| (value - mean) / square.sqrt()));
    }
    Matrix::new(x.names().to_vec(), x.rows(), values)
}
