//! Rows in the order of a column, within groups: what `lag` and `rolling` look back along.

use polars::prelude::{DataFrame, IntoColumn};

use super::statistic::groups;
use crate::data::{Kind, Selector, Shape, Table, Value, collect, row_keys, unexpected, value_at};
use crate::source::Fault;

/// All rows of a table, through its parts.
pub(super) struct Ordered {
    frame: DataFrame,
    /// Group by group, rows by what orders them; those it is missing in are left out.
    pub(super) groups: Vec<Vec<usize>>,
    order: polars::prelude::Column,
}

impl Ordered {
    /// The rows of all parts: a test row may look back at train rows that were before it.
    pub(super) fn of(table: &Table, partition: Option<&Selector>, order: &str) -> Result<Self, Fault> {
        let partition = partition.map(|by| by.resolve(&table.shape)).transpose()?.unwrap_or_default();
        let mut frame: Option<DataFrame> = None;
        for (_, part) in table.parts() {
            match &mut frame {
                None => frame = Some(part.clone()),
                Some(frame) => drop(frame.vstack_mut(part).map_err(unexpected)?),
            }
        }
        let frame = frame.expect("a table has parts");
        let column = frame.column(order).map_err(unexpected)?.clone();
        // Where each row stands in the order over all parts.
        let starts: Vec<usize> = table
            .parts()
            .scan(0, |start, (_, part)| {
                let own = *start;
                *start += part.height();
                Some(own)
            })
            .collect();
        let mut places = vec![0; frame.height()];
        table.in_order()?.into_iter().enumerate().for_each(|(place, (part, row))| places[starts[part] + row] = place);
        let mut groups = groups(&row_keys(&frame, &partition)?);
        for rows in &mut groups {
            let mut keyed: Vec<(Value, usize)> = rows.iter().map(|row| (value_at(&column, *row), *row)).collect();
            keyed.retain(|(value, _)| !value.is_null());
            // Rows of one moment stay as they stand.
            keyed.sort_by(|(a, one), (b, other)| a.order(b).then(places[*one].cmp(&places[*other])));
            *rows = keyed.into_iter().map(|(_, row)| row).collect();
        }
        Ok(Self { frame, groups, order: column })
    }

    /// The moments of these rows, in microseconds.
    pub(super) fn moments(&self, rows: &[usize]) -> Vec<i64> {
        let moment = |row: &usize| match value_at(&self.order, *row) {
            Value::Date(days) => i64::from(days).saturating_mul(86_400_000_000),
            Value::Datetime(micros) | Value::Duration(micros) => micros,
            _ => 0,
        };
        rows.iter().map(moment).collect()
    }

    /// The cells of a column, row by row.
    pub(super) fn cells(&self, name: &str) -> Result<Vec<Value>, Fault> {
        let column = self.frame.column(name).map_err(unexpected)?;
        Ok((0..column.len()).map(|row| value_at(column, row)).collect())
    }

    /// The table with more columns, whose cells are given for all rows of all parts.
    pub(super) fn with(table: Table, columns: Vec<(String, Kind, Vec<Value>)>, shape: Shape) -> Result<Table, Fault> {
        let mut start = 0;
        let table = table.map(|_, mut frame| {
            let rows = frame.height();
            for (name, kind, cells) in &columns {
                let column = collect(name.as_str().into(), *kind, rows, |row| cells[start + row].clone());
                frame.with_column(column.into_column()).map_err(unexpected)?;
            }
            start += rows;
            Ok(frame)
        })?;
        Ok(table.with_shape(shape))
    }
}

/// Mistakes in the columns that tell the order.
pub(super) fn check(partition: Option<&Selector>, order: &str, input: &Shape, faults: &mut Vec<Fault>) {
    if let Some(Err(found)) = partition.map(|partition| partition.select(input)) {
        faults.extend(found.into_iter().map(|fault| fault.within("partition_by")));
    }
    match input.expect(order) {
        Ok(kind) if !(kind.is_temporal() || kind.is_numeric()) => {
            let message = format!("`{order}` is {kind}: it has no order in time");
            let fault = Fault::new("wrong-type", message).help("cast it to date or datetime first");
            faults.push(fault.within("order_by"));
        }
        Ok(_) => {}
        Err(fault) => faults.push(fault.within("order_by")),
    }
}
