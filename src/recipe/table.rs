//! The table backend: row steps on a data frame, through polars.

use polars::prelude::*;

use super::step::{RowStep, missing};
use crate::data::{Value, column_of, value_at};
use crate::expr;
use crate::source::Fault;

/// Columns whose names start so go along unseen: row numbers, keys. They stay through every `Keep`, at the end.
pub const HIDDEN: &str = "__";

/// A table after its steps.
pub struct Applied {
    /// The rows that are left, in their order.
    pub frame: DataFrame,
    /// How many were refused.
    pub refused: usize,
}

/// Runs steps over a table, one after the other.
///
/// # Errors
/// When a step names a column that isn't there, or two columns would have one name.
pub fn apply(steps: &[RowStep], frame: DataFrame) -> Result<Applied, Fault> {
    let mut applied = Applied { frame, refused: 0 };
    for step in steps {
        let before = applied.frame.height();
        applied.frame = match step {
            RowStep::Set { columns } => set(columns, applied.frame)?,
            RowStep::Refuse { when, .. } => refuse(when, &applied.frame)?,
            RowStep::Lookup(lookup) => {
                all_there(lookup.reads(), &applied.frame)?;
                lookup.apply(applied.frame)?
            }
            RowStep::Map(map) => {
                all_there(map.inputs(), &applied.frame)?;
                map.apply(applied.frame)?
            }
            RowStep::Words(words) => {
                all_there([words.column()], &applied.frame)?;
                words.apply(applied.frame)?
            }
            RowStep::Ask { columns, .. } => {
                all_there(columns, &applied.frame)?;
                applied.frame
            }
            RowStep::Keep { columns } => keep(columns, &applied.frame)?,
            RowStep::Rename { columns } => rename(columns, applied.frame)?,
        };
        applied.refused += before - applied.frame.height();
    }
    Ok(applied)
}

/// The first row, by position, where `when` is true, with that row's cell of `column`.
///
/// # Errors
/// When a column isn't there.
pub fn first_where(when: &expr::Expr, frame: &DataFrame, column: &str) -> Result<Option<(usize, Value)>, Fault> {
    let mask = evaluate(when, frame)?;
    let mask = mask.bool().map_err(failed)?;
    let Some(row) = mask.iter().position(|flag| flag == Some(true)) else { return Ok(None) };
    let cells = frame.column(column).map_err(|_| missing(column, names(frame)))?;
    Ok(Some((row, value_at(cells, row))))
}

/// An expression's value in every row.
///
/// # Errors
/// When a column isn't there.
pub fn evaluate(expr: &expr::Expr, frame: &DataFrame) -> Result<Column, Fault> {
    present(expr, frame)?;
    let read: Vec<String> = expr.columns().into_iter().collect();
    if read.is_empty() {
        let value = expr.compile(&|_| None)?.eval(&[]);
        return Ok(column_of("value", expr.kind(), &vec![value; frame.height()]));
    }
    let input = frame.select(read).map_err(failed)?;
    let output = input.lazy().select([expr.to_polars().alias("value")]).collect().map_err(failed)?;
    output.column("value").cloned().map_err(failed)
}

fn set(columns: &[(String, expr::Expr)], frame: DataFrame) -> Result<DataFrame, Fault> {
    for (name, expr) in columns {
        present(expr, &frame)
            .map_err(|fault| Fault { message: format!("{} (it makes `{name}`)", fault.message), ..fault })?;
    }
    let (rows, width) = (frame.height(), frame.width());
    // A table without columns has no rows that a constant could stand in.
    if width == 0 || columns.is_empty() {
        return Ok(frame);
    }
    let made: Vec<_> = columns.iter().map(|(name, expr)| expr.to_polars().alias(name.as_str())).collect();
    let frame = frame.lazy().with_columns(made).collect().map_err(failed)?;
    debug_assert_eq!(frame.height(), rows, "a Set keeps the rows");
    Ok(frame)
}

fn refuse(when: &expr::Expr, frame: &DataFrame) -> Result<DataFrame, Fault> {
    let mask = evaluate(when, frame)?;
    let stays: BooleanChunked = mask.bool().map_err(failed)?.iter().map(|flag| Some(flag != Some(true))).collect();
    if stays.all() {
        return Ok(frame.clone());
    }
    frame.filter(&stays).map_err(failed)
}

fn keep(columns: &[String], frame: &DataFrame) -> Result<DataFrame, Fault> {
    let known: Vec<&str> = names(frame).collect();
    if let Some(absent) = columns.iter().find(|name| !known.contains(&name.as_str())) {
        return Err(missing(absent, known));
    }
    let shown = columns.iter().map(String::as_str).filter(|name| !name.starts_with(HIDDEN));
    let hidden = known.iter().copied().filter(|name| name.starts_with(HIDDEN));
    frame.select(shown.chain(hidden)).map_err(failed)
}

fn rename(columns: &[(String, String)], mut frame: DataFrame) -> Result<DataFrame, Fault> {
    let known: Vec<String> = names(&frame).map(str::to_owned).collect();
    if let Some((old, _)) = columns.iter().find(|(old, _)| !known.contains(old)) {
        return Err(missing(old, known.iter().map(String::as_str)));
    }
    let new: Vec<&str> = known
        .iter()
        .map(|name| columns.iter().find(|(old, _)| old == name).map_or(name.as_str(), |(_, new)| new))
        .collect();
    if let Some((nth, twice)) = new.iter().enumerate().find(|(nth, name)| new[..*nth].contains(name)) {
        return Err(Fault::new(
            "duplicate-column",
            format!("`{}` can't be renamed: there is a column `{twice}` already", known[nth]),
        ));
    }
    frame.set_column_names(&new).map_err(failed)?;
    Ok(frame)
}

fn present(expr: &expr::Expr, frame: &DataFrame) -> Result<(), Fault> {
    all_there(&expr.columns(), frame)
}

fn all_there<'a>(read: impl IntoIterator<Item = &'a String>, frame: &DataFrame) -> Result<(), Fault> {
    let absent = read.into_iter().find(|name| frame.column(name).is_err());
    absent.map_or(Ok(()), |name| Err(missing(name, names(frame))))
}

fn names(frame: &DataFrame) -> impl Iterator<Item = &str> {
    frame.columns().iter().map(|column| column.name().as_str())
}

fn failed(why: PolarsError) -> Fault {
    Fault::new("table", "the table can't be worked on").because(why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Kind;
    use crate::data::column_of;
    use crate::expr::Expr;

    fn frame() -> DataFrame {
        let ints =
            |values: &[Option<i64>]| values.iter().map(|v| v.map_or(Value::Null, Value::Int)).collect::<Vec<_>>();
        DataFrame::new(
            3,
            vec![
                column_of("__row", Kind::Int, &ints(&[Some(0), Some(1), Some(2)])),
                column_of("a", Kind::Int, &ints(&[Some(1), None, Some(3)])),
                column_of("b", Kind::Int, &ints(&[Some(10), Some(20), Some(30)])),
            ],
        )
        .expect("a frame")
    }

    #[test]
    fn steps_run_in_order_and_hidden_columns_stay() {
        let (a, b) = (Expr::column("a", Kind::Int), Expr::column("b", Kind::Int));
        let one = Expr::literal(Value::Int(1));
        let steps = [
            RowStep::set(vec![("a".into(), b.clone()), ("b".into(), a.clone()), ("c".into(), one.clone())]),
            RowStep::refuse(b.clone().gt(Expr::literal(Value::Int(2))), "too large", Some("b")),
            RowStep::rename(vec![("a".into(), "b".into()), ("b".into(), "a".into())]),
            RowStep::keep(vec!["b".into(), "a".into(), "c".into()]),
        ];
        let applied = apply(&steps, frame()).expect("applies");
        assert_eq!(applied.refused, 1);
        assert_eq!(names(&applied.frame).collect::<Vec<_>>(), ["b", "a", "c", "__row"]);
        let row: Vec<Value> = applied.frame.columns().iter().map(|column| value_at(column, 1)).collect();
        assert_eq!(row, [Value::Int(20), Value::Null, Value::Int(1), Value::Int(1)]);
        let first = first_where(&a.is_null(), &frame(), "b").expect("runs");
        assert_eq!(first, Some((1, Value::Int(20))));
        assert_eq!(evaluate(&one, &frame()).expect("constant").len(), 3);
    }

    #[test]
    fn columns_that_are_not_there_are_named() {
        let fault = apply(&[RowStep::keep(vec!["aa".into()])], frame()).err().expect("a fault");
        assert_eq!(fault.help.as_deref(), Some("did you mean `a`?"));
        let clash = apply(&[RowStep::rename(vec![("a".into(), "b".into())])], frame()).err().expect("a fault");
        assert_eq!(clash.code, "duplicate-column");
    }
}
