//! `date_parts`: columns of the year, the month, the weekday, … of a date.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data::{ColumnMap, Kind, Shape, Table, Value};
use crate::expr::{Expr, Scope};
use crate::ops::{FitContext, Op, Page, Serving, first, resolved, taken};
use crate::recipe::RowStep;
use crate::source::Fault;

/// A part of a date or datetime.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DatePart {
    /// The year.
    Year,
    /// 1 to 4.
    Quarter,
    /// 1 to 12.
    Month,
    /// The week by ISO 8601, 1 to 53.
    Week,
    /// The day of the month.
    Day,
    /// Monday is 1, Sunday 7.
    Weekday,
    /// 1 to 366.
    #[serde(alias = "dayofyear")]
    DayOfYear,
    /// 28 to 31.
    DaysInMonth,
    /// 0 to 23; of datetimes.
    Hour,
    /// 0 to 59; of datetimes.
    Minute,
    /// 0 to 59; of datetimes.
    Second,
    /// Whether it is a Saturday or Sunday.
    IsWeekend,
    /// Whether it is the first day of a month.
    IsMonthStart,
    /// Whether it is the last day of a month.
    IsMonthEnd,
    /// Seconds since 1970-01-01 UTC, as a float.
    Epoch,
}

impl DatePart {
    /// Its name, which is its function's too where it has one.
    fn name(self) -> &'static str {
        match self {
            DatePart::Year => "year",
            DatePart::Quarter => "quarter",
            DatePart::Month => "month",
            DatePart::Week => "week",
            DatePart::Day => "day",
            DatePart::Weekday => "weekday",
            DatePart::DayOfYear => "day_of_year",
            DatePart::DaysInMonth => "days_in_month",
            DatePart::Hour => "hour",
            DatePart::Minute => "minute",
            DatePart::Second => "second",
            DatePart::IsWeekend => "is_weekend",
            DatePart::IsMonthStart => "is_month_start",
            DatePart::IsMonthEnd => "is_month_end",
            DatePart::Epoch => "epoch",
        }
    }

    fn kind(self) -> Kind {
        match self {
            DatePart::IsWeekend | DatePart::IsMonthStart | DatePart::IsMonthEnd => Kind::Bool,
            DatePart::Epoch => Kind::Float,
            _ => Kind::Int,
        }
    }

    fn needs_time(self) -> bool {
        matches!(self, DatePart::Hour | DatePart::Minute | DatePart::Second)
    }

    fn of(self, date: &Expr) -> Expr {
        let part = |part: DatePart| Expr::call(part.name(), vec![date.clone()]);
        let int = |number: i64| Expr::literal(Value::Int(number));
        match self {
            DatePart::IsWeekend => part(DatePart::Weekday).gte(int(6)),
            DatePart::IsMonthStart => part(DatePart::Day).equals(int(1)),
            DatePart::IsMonthEnd => part(DatePart::Day).equals(part(DatePart::DaysInMonth)),
            plain => part(plain),
        }
    }
}

/// The argument of `date_parts`: the parts that become columns, by column.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Params(ColumnMap<Vec<DatePart>>);

/// The checked form.
#[derive(Serialize)]
pub struct DateParts {
    columns: ColumnMap<Vec<DatePart>>,
}

impl Op for DateParts {
    const NAME: &'static str = "date_parts";
    const VERSION: u32 = 1;
    const PAGE: Page = Page {
        summary: "Adds parts of dates and datetimes as columns, named `joined_year`: `year`, `quarter`, `month`, `week` (ISO 8601), `day`, `weekday` (Monday is 1), `day_of_year`, `days_in_month`, `is_weekend`, `is_month_start`, `is_month_end`, `epoch` (seconds since 1970), and of datetimes `hour`, `minute`, `second`. Moments are in UTC. The column itself stays.",
        learns: "",
        serving: Serving::Same,
        example: "date_parts: {day: [year, month, weekday, is_weekend]}",
    };
    type Params = Params;
    type Fitted = ();

    fn check(params: Params, _: &Scope) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        for (key, parts) in params.0.iter() {
            if parts.is_empty() {
                faults.push(Fault::new("no-part", "say which parts: `[year, month]`").within(key));
            }
            for (nth, part) in parts.iter().enumerate().filter(|(nth, part)| parts[..*nth].contains(part)) {
                let fault = Fault::new("duplicate-column", format!("`{}` stands here twice", part.name()));
                faults.push(Fault { route: crate::source::Route::of([key]).index(nth), ..fault });
            }
        }
        if faults.is_empty() { Ok(Self { columns: params.0 }) } else { Err(faults) }
    }

    fn shape(&self, input: &Shape, _: Option<&()>, faults: &mut Vec<Fault>) -> Shape {
        let mut shape = input.clone();
        for (column, parts) in resolved(&self.columns, input, faults) {
            let key = self.columns.key_of(&column, input);
            if let Some(fault) = unfit(&column, input.kind(&column), parts) {
                faults.push(fault.within(key));
            }
            for part in parts {
                let made = made(&column, *part);
                if shape.known(&made).is_some() {
                    faults.push(taken(&made).within(key));
                }
                shape.set(&made, part.kind());
            }
        }
        shape
    }

    fn derives(&self) -> Vec<(String, BTreeSet<String>)> {
        let each = self.columns.iter().flat_map(|(column, parts)| parts.iter().map(move |part| (column, *part)));
        each.map(|(column, part)| (made(column, part), BTreeSet::from([column.to_owned()]))).collect()
    }

    fn placeholder(&self, _: &Shape) {}

    fn fit(&self, _: &Table, _: &FitContext) -> Result<(), Fault> {
        Ok(())
    }

    fn lower(&self, (): &(), input: &Shape) -> Result<Vec<RowStep>, Fault> {
        let mut sets = Vec::new();
        for (column, parts) in self.columns.resolve(input).map_err(first)? {
            let date = Expr::column(&column, input.expect(&column)?);
            sets.extend(parts.iter().map(|part| (made(&column, *part), part.of(&date))));
        }
        Ok(vec![RowStep::set(sets)])
    }
}

/// The name of a new column.
fn made(column: &str, part: DatePart) -> String {
    format!("{column}_{}", part.name())
}

/// Why a column has no such parts.
fn unfit(column: &str, kind: Option<Kind>, parts: &[DatePart]) -> Option<Fault> {
    match kind? {
        Kind::Datetime => None,
        Kind::Date => {
            let part = parts.iter().find(|part| part.needs_time())?.name();
            let message = format!("`{column}` is a date, and has no {part}");
            Some(Fault::new("wrong-type", message).help(format!("leave `{part}` out")))
        }
        kind => {
            let fault = Fault::new("wrong-type", format!("`{column}` is {kind}: only dates and datetimes have parts"));
            let help = || format!("make it a date first: `cast: {{{column}: date}}`");
            Some(if kind.is_string() { fault.help(help()) } else { fault })
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::ops::held;

    const DAYS: &str = "year, quarter, month, week, day, weekday, dayofyear, days_in_month, is_weekend, is_month_start, is_month_end, epoch";

    #[test]
    fn values_are_those_of_pandas() {
        held::against("date_parts", "date_parts", &format!("{{day: [{DAYS}]}}"));
        held::against("moment_parts", "date_parts", &format!("{{moment: [{DAYS}, hour, minute, second]}}"));
    }

    #[test]
    fn what_has_no_such_part_is_told() {
        let told = |argument: &str| held::mistakes("date_parts", argument);
        assert_eq!(told("{day: [hour]}"), ["day: `day` is a date, and has no hour"]);
        assert_eq!(told("{city: [year]}"), ["city: `city` is category: only dates and datetimes have parts"]);
        assert_eq!(told("{day: [year, month, year]}"), ["day[2]: `year` stands here twice"]);
        assert_eq!(told("{day: []}"), ["day: say which parts: `[year, month]`"]);
    }
}
