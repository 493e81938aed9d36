//! `join`: other tables sealed in, asked for, or multiplying rows.

use crate::mill::Mill;

/// 90 orders of 30 customers, with prices that customers, shops and days tell.
fn orders(join: &str) -> Mill {
    let mut orders = "id,customer,shop,day,price\n".to_owned();
    let mut customers = "code,age,city\n".to_owned();
    let mut rates = "day,rate\n".to_owned();
    for id in 0..90 {
        let (customer, shop, day) = (id * 7 % 30, ["a", "b", "c"][id % 3], id % 27 + 1);
        let price = customer * 2 + id % 3 * 10 + day / 7;
        orders.push_str(&format!("{id},c{customer},{shop},2024-03-{day:02},{price}.5\n"));
    }
    for customer in 0..29 {
        customers.push_str(&format!("c{customer},{},Rome {}\n", 20 + customer, customer % 4));
    }
    for day in [1, 8, 15, 22] {
        rates.push_str(&format!("2024-03-{day:02},{}\n", day * 10));
    }
    let mill = Mill::new();
    mill.file("data/orders.csv", &orders).file("data/customers.csv", &customers).file("data/rates.csv", &rates).file(
        "pipelines/orders.yaml",
        &format!(
            "name: orders\ntarget: price\nroles: {{id: id}}\nsources:\n  orders: {{path: data/orders.csv}}\n  customers: {{path: data/customers.csv}}\n  rates: {{path: data/rates.csv}}\nsteps:\n  joined:\n    clean: orders\n    ops:\n      - {join}\n  features:\n    transform: joined\n    ops:\n      - split: {{test: 0.2}}\n      - fill_missing: {{numeric: median, categorical: {{value: none}}}}\n      - drop: [day]\n  forest: {{train: features, model: random_forest, with: {{n_estimators: 5}}}}\n  live: {{deploy: forest, as: price}}\n"
        ),
    );
    mill
}

fn predicted(mill: &Mill, rows: &str) -> crate::mill::Ran {
    mill.file("rows.csv", rows);
    mill.go(&["predict", "price", "--in", "rows.csv"])
}

#[test]
fn a_sealed_table_travels_with_the_model() {
    let mill = orders("join: {with: customers, on: {customer: code}, columns: {age: years, city: city}}");
    let check = mill.fine(&["check", "orders"]);
    assert!(check.stdout.contains("customer") || check.stderr.contains("customer"), "{}{}", check.stdout, check.stderr);
    mill.fine(&["run", "orders"]);
    let joined = mill.fine(&["get", "joined", "-o", "joined.csv"]);
    assert!(joined.stderr.is_empty() || !joined.stderr.contains("error"));
    let table = mill.read("joined.csv");
    assert!(table.starts_with("id,customer,shop,day,price,years,city\n"), "{table}");
    assert!(table.contains("c3,") && table.contains(",23,Rome 3"), "{table}");
    // Of the customer without a row nothing is known.
    let stranger = table.lines().find(|line| line.contains(",c29,")).expect("a stranger");
    assert!(stranger.ends_with(",,"), "{stranger}");
    std::fs::remove_file(mill.at("data/customers.csv")).expect("removed");
    let told = predicted(&mill, "customer,shop\nc3,a\nzz,b\n");
    assert_eq!(told.code, 0, "{}", told.stderr);
}

#[test]
fn another_table_counts_by_what_is_read_of_it() {
    let mill = orders("join: {with: customers, on: {customer: code}, columns: [age]}");
    mill.fine(&["run", "orders"]);
    let customers = mill.read("data/customers.csv");
    mill.file("data/customers.csv", &customers.replace("Rome 1", "Oslo"));
    let again = mill.fine(&["run", "orders", "--json"]);
    assert!(!again.stdout.contains("\"ran\""), "a column that nobody reads changed: {}", again.stdout);
    mill.file("data/customers.csv", &customers.replace("c3,23", "c3,99"));
    let again = mill.fine(&["run", "orders", "--json"]);
    assert!(again.stdout.contains("\"ran\""), "{}", again.stdout);
    assert!(mill.fine(&["why", "joined"]).stdout.contains("age"));
}

#[test]
fn swapped_columns_of_a_file_are_the_same_table() {
    let mill = orders("join: {with: customers, on: {customer: code}}");
    mill.fine(&["run", "orders"]);
    mill.fine(&["get", "joined", "-o", "before.csv"]);
    let swap = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        format!("{},{},{}\n", cells[0], cells[2], cells[1])
    };
    let swapped: String = mill.read("data/customers.csv").lines().map(swap).collect();
    mill.file("data/customers.csv", &swapped);
    let again = mill.fine(&["run", "orders", "--json"]);
    assert!(!again.stdout.contains("\"ran\""), "what it brings is the same: {}", again.stdout);
    mill.fine(&["get", "joined", "-o", "after.csv"]);
    assert_eq!(mill.read("after.csv"), mill.read("before.csv"));
}

#[test]
fn what_is_chosen_by_the_target_is_no_feature() {
    let mill = orders("join: {with: rates, asof: day, columns: [rate], serve: request}");
    mill.edit("pipelines/orders.yaml", "target: price", "target: day");
    mill.edit("pipelines/orders.yaml", "      - drop: [day]\n", "");
    mill.edit(
        "pipelines/orders.yaml",
        "model: random_forest, with: {n_estimators: 5}",
        "model: baseline, task: classification",
    );
    let check = mill.go(&["check", "orders"]);
    assert!(!check.stdout.contains("rate"), "{}{}", check.stdout, check.stderr);
}

#[test]
fn a_request_brings_what_it_is_asked_for() {
    let mill = orders("join: {with: rates, asof: day, within: 30d, columns: [rate], serve: request}");
    mill.fine(&["run", "orders"]);
    mill.fine(&["get", "joined", "-o", "joined.csv"]);
    let table = mill.read("joined.csv");
    for line in table.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let day: u32 = cells[3][8..].parse().expect("a day");
        let rate: f64 = cells[5].parse().expect("a rate");
        assert_eq!(rate, f64::from((day - 1) / 7 * 7 + 1) * 10.0, "{line}");
    }
    let fine = predicted(&mill, "customer,shop,rate\nc3,a,80\n");
    assert_eq!(fine.code, 0, "{}", fine.stderr);
    let short = predicted(&mill, "customer,shop\nc3,a\n");
    assert!(short.stderr.contains("rate") || short.stdout.contains("rate"), "{}{}", short.stdout, short.stderr);
}

#[test]
fn after_many_a_request_begins_anew() {
    let mill = orders("join: {with: customers, on: {customer: code}, how: inner, many: true}");
    let customers = mill.read("data/customers.csv");
    mill.file("data/customers.csv", &format!("{customers}c3,77,Bari\n"));
    mill.fine(&["run", "orders"]);
    mill.fine(&["get", "joined", "-o", "joined.csv"]);
    let table = mill.read("joined.csv");
    assert_eq!(table.lines().count(), 1 + 87 + 3, "three orders of c3 stand twice, three of c29 are gone");
    let told = predicted(&mill, "customer,shop,age,city\nc3,a,30,Bari\n");
    assert_eq!(told.code, 0, "{}", told.stderr);
}

#[test]
fn mistakes_stand_at_their_place() {
    for (join, place, message) in [
        ("join: {with: custmers, on: customer}", "12:22", "did you mean `customers`?"),
        ("join: {with: customers, on: customer}", "12:37", "no column `customer` in `customers`"),
        ("join: {with: customers, on: {customer: code}, columns: [agee]}", "12:", "did you mean `age`?"),
        ("join: {with: rates, asof: day}", "12:", "serve: request"),
        ("join: {with: rates, on: {shop: day}, serve: sealed}", "12:", "cast one of the two"),
        ("join: {with: features, on: customer}", "", "own result"),
        ("join: {with: customers}", "12:", "write `on: COLUMN`"),
        (
            "join: {with: customers, on: {customer: code}, columns: {age: shop}}",
            "12:",
            "there is a column `shop` already",
        ),
    ] {
        let ran = orders(join).go(&["check", "orders"]);
        assert_eq!(ran.code, 2, "{join}: {}", ran.stderr);
        assert!(ran.stderr.contains(message) && ran.stderr.contains(place), "{join}: {}", ran.stderr);
    }
    let mill = orders("join: {with: customers, on: {customer: code}}");
    let customers = mill.read("data/customers.csv");
    mill.file("data/customers.csv", &format!("{customers}c3,77,Bari\n"));
    let ran = mill.go(&["run", "orders"]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.stderr.contains("several rows for `code` c3: rows 4 and 30") && ran.stderr.contains("many: true"),
        "{}",
        ran.stderr
    );
}
