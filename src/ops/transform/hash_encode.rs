//! `hash_encode`: a bool column for each of so many buckets.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data::{Kind, Selector, Shape, Table, Value};
use crate::expr::{Expr, Scope};
use crate::ops::{FitContext, Op, Page, Serving, categories, taken};
use crate::recipe::RowStep;
use crate::source::Fault;

/// How many buckets a column may have: each is a column.
const MOST: usize = 4096;

/// The argument of `hash_encode`, and its checked form.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HashEncode {
    /// The columns.
    columns: Selector,
    /// How many buckets each column's values fall into, and so how many columns it becomes.
    #[serde(default = "buckets")]
    buckets: usize,
}

fn buckets() -> usize {
    32
}

fn name(column: &str, bucket: usize) -> String {
    format!("{column}_hash_{bucket}")
}

impl Op for HashEncode {
    const NAME: &'static str = "hash_encode";
    const VERSION: u32 = 1;
    const PAGE: Page = Page {
        summary: "Makes a bool column for each of so many buckets (`zip_hash_0` …), in place of the column: true for the bucket that the value's hash falls into. For columns of too many categories to list, and for those that no train row has. The bucket is `abs(murmur3(x)) % buckets`, the 32-bit MurmurHash3 of the value's text in UTF-8, as scikit-learn's `FeatureHasher` without alternating signs. A missing value has no bucket.",
        learns: "",
        serving: Serving::Same,
        example: "hash_encode: {columns: [zip], buckets: 16}",
    };
    const SHORTHAND: Option<&'static str> = Some("columns");
    type Params = HashEncode;
    type Fitted = ();

    fn check(params: HashEncode, _: &Scope) -> Result<Self, Vec<Fault>> {
        if !(2..=MOST).contains(&params.buckets) {
            let message = format!("`buckets` is from 2 to {MOST}, and this is {}", params.buckets);
            return Err(vec![Fault::new("out-of-range", message).within("buckets")]);
        }
        Ok(params)
    }

    fn shape(&self, input: &Shape, _: Option<&()>, faults: &mut Vec<Fault>) -> Shape {
        let mut shape = input.clone();
        let columns = categories(&self.columns, input, faults);
        columns.iter().for_each(|column| shape.remove(column));
        for name in columns.iter().flat_map(|column| (0..self.buckets).map(|bucket| name(column, bucket))) {
            if shape.known(&name).is_some() {
                faults.push(taken(&name).within("columns"));
            }
            shape.set(&name, Kind::Bool);
        }
        shape
    }

    fn placeholder(&self, _: &Shape) {}

    fn fit(&self, _: &Table, _: &FitContext) -> Result<(), Fault> {
        Ok(())
    }

    fn lower(&self, (): &(), input: &Shape) -> Result<Vec<RowStep>, Fault> {
        let int = |number: usize| Expr::literal(Value::Int(number as i64));
        let mut hashes = Vec::new();
        let mut bools = Vec::new();
        for column in self.columns.resolve(input)? {
            let text = Expr::column(&column, input.expect(&column)?).cast(Kind::Str);
            let size = Expr::call("abs", vec![Expr::call("murmur3", vec![text])]);
            let bucket = Expr::column(&column, Kind::Int);
            for nth in 0..self.buckets {
                let falls = bucket.clone().equals(int(nth)).or_else(Expr::literal(Value::Bool(false)));
                bools.push((name(&column, nth), falls));
            }
            hashes.push((column, Expr::call("%", vec![size, int(self.buckets)])));
        }
        let names = self.shape(input, None, &mut Vec::new()).names().map(str::to_owned).collect();
        Ok(vec![RowStep::set(hashes), RowStep::set(bools), RowStep::keep(names)])
    }
}

#[cfg(test)]
mod tests {
    use super::name;
    use crate::data::{Kind, Shape, Value};
    use crate::ops::testing::{cells, faults, reference, shape_after, through};

    #[test]
    fn buckets_are_those_of_scikit_learns_hasher() {
        let known = &reference("encoders.json")["hash"];
        let texts: Vec<Value> = cells(&known["texts"], Kind::Category);
        let buckets: Vec<i64> =
            known["buckets"].as_array().expect("a list").iter().map(|it| it.as_i64().expect("an int")).collect();
        let made = through("hash_encode: {columns: x, buckets: 16}", &[("x", Kind::Category, texts.clone())]);
        for (row, text) in texts.iter().enumerate() {
            for nth in 0..16 {
                let falls = !text.is_null() && buckets[row] == nth as i64;
                assert_eq!(made[&name("x", nth)][row], Value::Bool(falls), "{text} {nth}");
            }
        }
    }

    #[test]
    fn the_columns_are_known_before_the_data() {
        let shape = Shape::of([("x", Kind::Int), ("f", Kind::Float)]);
        let after = shape_after("hash_encode: {columns: [x], buckets: 2}", &shape);
        assert_eq!(after.names().collect::<Vec<_>>(), ["f", "x_hash_0", "x_hash_1"]);
        assert_eq!(faults("hash_encode: [f]", &shape), ["`f` is float: it has no categories"]);
        assert!(through("hash_encode: x", &[("x", Kind::Category, Vec::new())])["x_hash_31"].is_empty());
    }
}
