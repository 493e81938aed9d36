//! `gristmill predict`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::Args;
use polars::prelude::{DataFrame, IntoColumn, NamedFrom, Series};

use super::{Exit, Failure, open, out};
use crate::data::{self, Format, Kind, Reading, Source, Value, column_of, unexpected};
use crate::engine::object;
use crate::registry::Registry;
use crate::seal::{Answer, Contributions, Explained, FieldFault, Predictor, Sealed};
use crate::source::Fault;
use crate::store::{Store, StoreError, write_atomic};

/// Let a model answer a file of records.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  gristmill predict penguin-species --in new.csv -o scored.csv\n  gristmill predict penguin-species@3 --in new.parquet -o scored.parquet\n\nThe records come out with `prediction`, a `probability_…` for each class, and `refused`: why a record has no answer."
)]
pub(super) struct Predict {
    /// `name`, `name@alias` or `name@3`; the champion without more.
    model: String,
    /// The records: csv, tsv, parquet, arrow, ndjson or json.
    #[arg(long = "in", value_name = "FILE")]
    input: PathBuf,
    /// Where to; without it CSV is printed.
    #[arg(short, long)]
    output: Option<PathBuf>,
    /// Add what each feature contributes to the answer: `base`, and a `because_…` for each feature, which add up to
    /// what the model says of the positive class of two, else of the class that it answers, or to the number.
    /// In which units, and whether it is exact or sampled, is printed besides.
    #[arg(long)]
    explain: bool,
    /// A cell that means "no value", beside the empty one.
    #[arg(long, value_name = "TEXT")]
    missing: Vec<String>,
}

pub(super) fn run(args: &Predict) -> Result<Exit, Failure> {
    let root = open::root();
    let row = Registry::open(&root)?.resolve(&args.model)?;
    let predictor = Sealed::open(&object(&Store::open(&root)?, &row.digest)?)?;
    let output = args.output.as_ref().map_or("x.csv".into(), |path| path.to_string_lossy().into_owned());
    Format::of(&output)?;
    let frame = read(args, &predictor)?;
    let (answers, why) =
        if args.explain { explained(&predictor, &frame)? } else { (predictor.answer_table(&frame)?, None) };
    let refused = answers.iter().filter(|answer| answer.is_err()).count();
    let mut frame = joined(frame, &answers, &predictor)?;
    if let Some(why) = why {
        let sums: BTreeSet<String> = why.iter().flatten().map(Contributions::words).collect();
        for sum in sums {
            super::say(&format!("`base` and `because_…` add up to {sum}"));
        }
        frame = because(frame, &why, &predictor)?;
    }
    let bytes = data::write(&frame, &output)?;
    match &args.output {
        Some(path) => {
            write_atomic(path, &bytes)?;
            super::say(&format!("{} records answered, {refused} refused: {}", answers.len() - refused, path.display()));
        }
        None => out(&String::from_utf8_lossy(&bytes)),
    }
    Ok(Exit::Done)
}

fn read(args: &Predict, predictor: &Predictor) -> Result<DataFrame, Failure> {
    let name = args.input.display().to_string();
    let bytes = std::fs::read(&args.input).map_err(StoreError::io("read", &args.input))?;
    let mut reading = Reading::plain(Format::of(&name)?);
    reading.missing.clone_from(&args.missing);
    let signature = &predictor.sealed().signature;
    reading.missing.extend(signature.iter().flat_map(|field| field.missing.iter().cloned()));
    reading.kinds = signature.iter().map(|field| (field.name.clone(), field.kind)).collect();
    let table = data::read(vec![Source { name: name.clone(), bytes }], &reading)?;
    for field in signature {
        if table.shape.known(&field.name).is_none() {
            let fault = table.shape.unknown(&field.name);
            return Err(Fault {
                message: format!("the model asks for `{}`, and `{name}` has no such column", field.name),
                ..fault
            }
            .into());
        }
    }
    let (_, frame) = table.parts().next().expect("a table that was read has one part");
    Ok(frame.clone())
}

type Answers = Vec<Result<Answer, FieldFault>>;
/// What each feature contributes to each answer that there is.
type Why = Vec<Option<Contributions>>;

/// The answers, and what each feature contributes to them.
fn explained(predictor: &Predictor, frame: &DataFrame) -> Result<(Answers, Option<Why>), Fault> {
    let split = |row: Explained| match row {
        Ok((answer, why)) => (Ok(answer), Some(why)),
        Err(fault) => (Err(fault), None),
    };
    let (answers, why) = predictor.explain_table(frame)?.into_iter().map(split).unzip();
    Ok((answers, Some(why)))
}

/// The table with what each feature contributes beside it.
fn because(mut frame: DataFrame, why: &[Option<Contributions>], predictor: &Predictor) -> Result<DataFrame, Fault> {
    let base: Vec<Option<f64>> = why.iter().map(|why| why.as_ref().map(|why| why.base)).collect();
    frame.with_column(Series::new("base".into(), base).into_column()).map_err(unexpected)?;
    for (place, feature) in predictor.sealed().trained.features.iter().enumerate() {
        let values: Vec<Option<f64>> =
            why.iter().map(|why| why.as_ref().and_then(|why| why.values.get(place).copied())).collect();
        let column = Series::new(format!("because_{}", feature.name).into(), values).into_column();
        frame.with_column(column).map_err(unexpected)?;
    }
    Ok(frame)
}

/// The records with their answers beside them.
fn joined(frame: DataFrame, answers: &Answers, predictor: &Predictor) -> Result<DataFrame, Fault> {
    let trained = &predictor.sealed().trained;
    let mut frame = frame;
    let predictions: Vec<Value> =
        answers.iter().map(|answer| answer.as_ref().map_or(Value::Null, |answer| answer.prediction.clone())).collect();
    let kind = if trained.classes.is_empty() { Kind::Float } else { trained.kind };
    frame.with_column(column_of("prediction", kind, &predictions)).map_err(unexpected)?;
    for (place, class) in trained.classes.iter().enumerate() {
        let values: Vec<Option<f64>> =
            answers.iter().map(|answer| answer.as_ref().ok().map(|answer| answer.probability[place])).collect();
        let column = Series::new(format!("probability_{class}").into(), values).into_column();
        frame.with_column(column).map_err(unexpected)?;
    }
    let reasons: Vec<Option<String>> =
        answers.iter().map(|answer| answer.as_ref().err().map(ToString::to_string)).collect();
    frame.with_column(Series::new("refused".into(), reasons).into_column()).map_err(unexpected)?;
    Ok(frame)
}
