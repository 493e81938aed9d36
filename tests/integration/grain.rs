//! Ops that make rows of other rows: `aggregate`, `lag`, `rolling`.

use crate::mill::Mill;

/// What two shops sold in 20 days; one of them not on every day.
fn sales(ops: &str) -> Mill {
    let mut table = "shop,day,sales,price\n".to_owned();
    for day in 1..=20 {
        table.push_str(&format!("north,2024-05-{day:02},{},{}\n", day * 3 % 11, 1.0 + f64::from(day) / 10.0));
        if day % 5 != 0 {
            let sales = if day == 7 { String::new() } else { (day * 2).to_string() };
            table.push_str(&format!("süd,2024-05-{day:02},{sales},2.5\n"));
        }
    }
    let mill = Mill::new();
    mill.file("data/sales.csv", &table).file(
        "pipelines/sales.yaml",
        &format!(
            "name: sales\ntarget: sales\nsources:\n  sales: {{path: data/sales.csv}}\nsteps:\n  made:\n    clean: sales\n    ops:\n{ops}\n"
        ),
    );
    mill
}

fn made(ops: &str) -> Vec<Vec<String>> {
    let mill = sales(ops);
    mill.fine(&["run", "sales"]);
    mill.fine(&["get", "made", "-o", "made.csv"]);
    mill.read("made.csv").lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

#[test]
fn groups_become_rows() {
    let table = made(
        "      - aggregate: {by: shop, columns: {n: count(*), known: count(sales), total: sum(sales), worth: sum(sales * price), top: max(day), kinds: count(DISTINCT price)}}",
    );
    assert_eq!(table[0], ["shop", "kinds", "known", "n", "top", "total", "worth"]);
    // df.groupby("shop", sort=False).agg(...) of pandas
    assert_eq!(table[1][..6], ["north", "20", "20", "20", "2024-05-20", "102"]);
    assert_eq!(table[2][..6], ["süd", "1", "15", "16", "2024-05-19", "306"].map(str::to_owned));
    let worth: f64 = table[2][6].parse().expect("a number");
    assert!((worth - 765.0).abs() < 1e-9);
}

#[test]
fn a_row_knows_its_past_and_not_itself() {
    let table = made(
        "      - lag: {columns: sales, periods: [1, 7], partition_by: shop, order_by: day}\n      - rolling: {columns: [price, sales], periods: [3, 7d], functions: [mean, max], partition_by: shop, order_by: day}",
    );
    let place =
        |name: &str| table[0].iter().position(|other| other == name).unwrap_or_else(|| panic!("{:?}", table[0]));
    let row = |shop: &str, day: &str| table.iter().find(|row| row[0] == shop && row[1] == day).expect("a row");
    let first = row("north", "2024-05-01");
    assert_eq!((first[place("sales_lag_1")].as_str(), first[place("price_mean_3")].as_str()), ("", ""));
    assert_eq!(row("north", "2024-05-09")[place("sales_lag_1")], (8 * 3 % 11).to_string());
    assert_eq!(row("north", "2024-05-09")[place("sales_lag_7")], "6");
    // A day without a row isn't one of the rows before.
    assert_eq!(row("süd", "2024-05-06")[place("sales_lag_1")], "8");
    assert_eq!(row("süd", "2024-05-08")[place("sales_lag_1")], "", "what is missing there is missing here");
    let mean: f64 = row("north", "2024-05-05")[place("price_mean_3")].parse().expect("a number");
    assert!((mean - 1.3).abs() < 1e-12);
    // Seven days back from the 12th: the 5th to the 11th, of which there is no 5th nor 10th, and no value on the 7th.
    assert_eq!(row("süd", "2024-05-12")[place("sales_max_7d")], "22");
    let mean: f64 = row("süd", "2024-05-12")[place("sales_mean_7d")].parse().expect("a number");
    assert!((mean - (12.0 + 16.0 + 18.0 + 22.0) / 4.0).abs() < 1e-12);
}

#[test]
fn a_request_begins_after_groups_and_brings_its_past() {
    let pipeline = "      - lag: {columns: sales, periods: [1], partition_by: shop, order_by: day}\n      - drop_missing: [sales_lag_1, sales]\n      - split: {test: 0.2, time: day}\n  line: {train: made, model: linear_regression, features: [sales_lag_1, price]}\n  live: {deploy: line, as: sales}";
    let mill = sales(pipeline);
    mill.fine(&["run", "sales"]);
    mill.file("rows.csv", "sales_lag_1,price\n4,1.5\n");
    let told = mill.go(&["predict", "sales", "--in", "rows.csv"]);
    assert_eq!(told.code, 0, "{}{}", told.stdout, told.stderr);
    assert!(told.stdout.starts_with("sales_lag_1,price,prediction"), "{}", told.stdout);
    let pipeline = "      - aggregate: {by: day, columns: {sales: sum(sales), price: mean(price), shops: count(*)}}\n      - drop_missing: [sales]\n      - split: {test: 0.2}\n  line: {train: made, model: linear_regression, features: [price, shops]}\n  live: {deploy: line, as: sales}";
    let mill = sales(pipeline);
    mill.fine(&["run", "sales"]);
    mill.file("rows.csv", "price,shops\n1.5,2\n");
    assert_eq!(mill.go(&["predict", "sales", "--in", "rows.csv"]).code, 0);
}

#[test]
fn mistakes_point_into_the_text() {
    for (ops, message) in [
        ("      - aggregate: {by: shop, columns: {n: sum(pricee)}}", "did you mean `price`?"),
        ("      - aggregate: {by: shop, columns: {n: summ(price)}}", "did you mean `sum`?"),
        ("      - aggregate: {by: shop, columns: {n: sum(shop)}}", "`sum` is of a number"),
        ("      - aggregate: {by: shop, columns: {n: price + 1}}", "write `sum(price)`"),
        ("      - lag: {columns: sales, periods: [0], order_by: day}", "the least is 1"),
        ("      - lag: {columns: sales, periods: [1], order_by: shop}", "no order in time"),
        ("      - rolling: {columns: sales, periods: [7d], order_by: price}", "is no time"),
        ("      - rolling: {columns: shop, periods: [7], order_by: day}", "`mean` is of a number"),
    ] {
        let ran = sales(ops).go(&["check", "sales"]);
        assert_eq!(ran.code, 2, "{ops}: {}", ran.stderr);
        assert!(ran.stderr.contains(message) && ran.stderr.contains("sales.yaml:9:"), "{ops}: {}", ran.stderr);
    }
}

#[test]
fn names_that_only_learning_tells_may_not_be_taken() {
    let pca = |of: &str| format!("      - pca: {{columns: {of}, variance: 0.9}}");
    let derived = "      - derive: {a: price * 2, b: price * price}\n      - drop_missing: all";
    let mill = sales(&format!("{derived}\n{}\n{}", pca("[price]"), pca("[a, b]")));
    let ran = mill.go(&["run", "sales"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("there is a column `pca_1` already"), "{}", ran.stderr);
}
