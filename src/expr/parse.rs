//! From SQL text to a tree of `sqlparser`, with every position as a byte range of the text.

use std::ops::Range;

use sqlparser::ast;
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Span, Token, TokenWithSpan, Tokenizer};

use super::scope::Scope;
use super::tree::Expr;
use super::typer::Typer;
use crate::source::Fault;

/// Deeper trees are refused: backends walk them by recursion.
pub const DEEPEST: usize = 200;

/// More words and signs (constants and commas aside) could nest the parser's tree deeper than a stack holds.
const MOST_WORDS: usize = 4000;

impl Expr {
    /// Reads an expression against the columns and parameters of `scope`.
    ///
    /// # Errors
    /// Every mistake found, each with its byte range inside `sql`.
    pub fn parse(sql: &str, scope: &Scope) -> Result<Expr, Vec<Fault>> {
        let places = Places::of(sql);
        let tree = read(sql, &places).map_err(|fault| vec![fault])?;
        let mut typer = Typer::new(scope, &places);
        let expr = typer.typed(&tree, 0);
        match expr {
            Some(expr) if typer.faults.is_empty() => Ok(expr.expr),
            _ => Err(typer.faults),
        }
    }
}

/// Where each line starts, to turn lines and columns into bytes.
pub struct Places<'a> {
    sql: &'a str,
    lines: Vec<usize>,
}

impl<'a> Places<'a> {
    fn of(sql: &'a str) -> Self {
        let starts = sql.match_indices('\n').map(|(byte, _)| byte + 1);
        Self { sql, lines: std::iter::once(0).chain(starts).collect() }
    }

    /// The byte of a line and column, both counted from 1, columns in characters.
    fn byte(&self, at: Location) -> usize {
        let line = usize::try_from(at.line).unwrap_or(1).saturating_sub(1);
        let Some(&start) = self.lines.get(line) else { return self.sql.len() };
        let column = usize::try_from(at.column).unwrap_or(1).saturating_sub(1);
        let rest = &self.sql[start..];
        rest.char_indices().nth(column).map_or(self.sql.len(), |(byte, _)| start + byte)
    }

    /// The bytes of a span; all of the text where the parser kept none.
    pub fn range(&self, span: Span) -> Range<usize> {
        if span == Span::empty() || span.start.line == 0 {
            return 0..self.sql.len();
        }
        let start = self.byte(span.start);
        start..self.byte(span.end).max(start)
    }

    /// The length of the text in bytes.
    pub fn len(&self) -> usize {
        self.sql.len()
    }

    /// The text of a range.
    pub fn text(&self, range: &Range<usize>) -> &'a str {
        self.sql.get(range.clone()).unwrap_or("")
    }
}

fn read(sql: &str, places: &Places) -> Result<ast::Expr, Fault> {
    let dialect = GenericDialect;
    let tokens = Tokenizer::new(&dialect, sql).tokenize_with_location().map_err(|why| {
        let start = places.byte(why.location).min(sql.len());
        Fault::new("syntax", format!("this can't be read: {}", why.message.to_lowercase())).inside(start..sql.len())
    })?;
    precheck(&tokens, sql, places)?;
    let mut parser = Parser::new(&dialect).with_tokens_with_locations(tokens);
    let tree = parser.parse_expr().map_err(|why| syntax(&why, &parser, places))?;
    let next = parser.peek_token();
    if next.token != Token::EOF {
        let range = places.range(next.span);
        let message = format!("`{}` isn't expected here: the expression ends before it", places.text(&range));
        return Err(Fault::new("syntax", message).inside(range));
    }
    Ok(tree)
}

/// Mistakes with a better message than the parser's.
fn precheck(tokens: &[TokenWithSpan], sql: &str, places: &Places) -> Result<(), Fault> {
    let solid = || tokens.iter().filter(|each| !matches!(each.token, Token::Whitespace(_) | Token::EOF));
    let Some(first) = solid().next() else {
        return Err(Fault::new("syntax", "the expression is empty").inside(0..sql.len()));
    };
    if let Token::Word(word) = &first.token
        && word.quote_style.is_none()
        && ["SELECT", "WITH"].contains(&word.value.to_uppercase().as_str())
        && solid().nth(1).is_some_and(|next| matches!(next.token, Token::Word(_) | Token::Mul | Token::Number(..)))
    {
        return Err(Fault::new("not-supported", "a query isn't an expression")
            .help("a step with `sql:` runs queries")
            .inside(places.range(first.span)));
    }
    let words =
        solid().filter(|each| !matches!(each.token, Token::Comma | Token::Number(..) | Token::SingleQuotedString(_)));
    if words.count() > MOST_WORDS {
        return Err(Fault::new("syntax", "the expression is too long")
            .help("split it into several columns")
            .inside(0..sql.len()));
    }
    match solid().find(|each| each.token == Token::DoubleEq) {
        Some(double) => Err(Fault::new("syntax", "`==` isn't SQL").help("write `=`").inside(places.range(double.span))),
        None => Ok(()),
    }
}

fn syntax(why: &ParserError, parser: &Parser, places: &Places) -> Fault {
    let message = match why {
        ParserError::RecursionLimitExceeded => {
            return Fault::new("syntax", "the expression is nested too deeply").inside(0..places.sql.len());
        }
        ParserError::ParserError(text) | ParserError::TokenizerError(text) => text,
    };
    let (text, at) = match message.split_once(" at Line: ") {
        Some((text, at)) => (text, location(at)),
        None => (message.as_str(), None),
    };
    let text = text
        .replace("found: EOF", "but the expression ends")
        .replace("Expected: ", "expected ")
        .replace("found: ", "found ");
    let found = parser.peek_token();
    let range = match at {
        Some(at) if at == found.span.start => places.range(found.span),
        Some(at) => {
            let start = places.byte(at);
            start..places.sql[start..].find(char::is_whitespace).map_or(places.sql.len(), |end| start + end)
        }
        None if found.token == Token::EOF => places.sql.len()..places.sql.len(),
        None => places.range(found.span),
    };
    let lower =
        text.chars().next().map_or(String::new(), |first| first.to_lowercase().chain(text.chars().skip(1)).collect());
    Fault::new("syntax", lower).inside(range)
}

/// `1, Column: 16`
fn location(text: &str) -> Option<Location> {
    let (line, column) = text.split_once(", Column: ")?;
    Some(Location::new(line.trim().parse().ok()?, column.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::data::{Kind, Shape, Value};
    use crate::expr::functions;
    use crate::source::At;

    fn parse(sql: &str) -> Result<Expr, Vec<Fault>> {
        let shape = Shape::of([
            ("age", Kind::Int),
            ("income", Kind::Float),
            ("name", Kind::Str),
            ("born", Kind::Date),
            ("seen", Kind::Datetime),
            ("ok", Kind::Bool),
        ]);
        let params = BTreeMap::from([("limit".to_owned(), Value::Int(3))]);
        Expr::parse(sql, &Scope { shape: &shape, params: &params })
    }

    /// What each fault points at, with its message and help.
    fn faults(sql: &str) -> Vec<(String, String)> {
        let faults = parse(sql).expect_err(sql);
        let told = faults.iter().map(|fault| {
            let At::Inside(range) = &fault.at else { panic!("{sql}: {fault} points nowhere") };
            let help = fault.help.as_deref().unwrap_or("");
            (sql[range.clone()].to_owned(), format!("{}: {help}", fault.message))
        });
        told.collect()
    }

    #[test]
    fn faults_point_at_what_is_wrong() {
        for (sql, at, message) in [
            ("agee > 3", "agee", "did you mean `age`?"),
            ("'äöü' = name AND\n  incom > 3", "incom", "did you mean `income`?"),
            ("age == 3", "==", "write `=`"),
            ("name = \"Bob\"", "\"Bob\"", "single quotes: 'Bob'"),
            ("age > params.limt", "limt", "did you mean `limit`?"),
            ("rond(income)", "rond", "did you mean `round`?"),
            ("age + now()", "now", "changes from run to run"),
            ("sum(age)", "sum", "sums up many rows"),
            ("max(age)", "max", "greatest"),
            ("row_number() OVER (ORDER BY age)", "row_number", "looks at other rows"),
            ("SELECT age FROM x", "SELECT", "a query isn't an expression"),
            ("age > (SELECT 1)", "SELECT 1", "a query inside"),
            ("ok = 1", "1", "don't go together"),
            ("born > '2024-13-01'", "'2024-13-01'", "write it as '2024-01-31'"),
            ("sqrt(name)", "name", "must be a number"),
            ("round(income, 1, 2)", "round(income, 1, 2)", "takes 1 to 2 arguments"),
            ("age AND ok", "age", "compare it"),
            ("name + 'x'", "name", "`||`"),
            ("age +", "", "but the expression ends"),
            ("age 3", "3", "ends before it"),
            ("name LIKE name", "name", "string constant"),
            ("regexp_matches(name, '(')", "'('", "regular expression"),
            ("99999999999999999999 > age", "99999999999999999999", "too large"),
            ("CAST(born AS int)", "born", "epoch"),
            ("age > INTERVAL '1' MONTH", "INTERVAL '1'", "length varies"),
            ("seen AT TIME ZONE 'Europe/Rom'", "'Europe/Rom'", "did you mean `Europe/Rome`?"),
            ("date_add('months', 1, born)", "'months'", "did you mean 'month'?"),
            ("date_part('yeer', born)", "'yeer'", "did you mean `year`?"),
            ("strftime(born, '%')", "'%'", "isn't a format"),
            ("regexp_replace(name, 'a', '\\1')", "'\\1'", "no group of that number"),
            ("regexp_replace(name, 'a', 'b', 'q')", "'q'", "every match"),
            ("levenstein(name, 'a')", "levenstein", "did you mean `levenshtein`?"),
            ("haversine(1, 2, 3)", "haversine(1, 2, 3)", "lat1"),
            ("gcd(age, income)", "income", "must be an int"),
            ("today()", "today", "changes from run to run"),
            ("", "", "empty"),
        ] {
            let told = faults(sql);
            assert!(told.iter().any(|(where_, what)| where_ == at && what.contains(message)), "{sql}: {told:?}");
        }
    }

    #[test]
    fn every_mistake_is_reported() {
        assert_eq!(faults("agee > 1 AND rond(incom) = 2 AND ok").len(), 3);
    }

    #[test]
    fn sql_means_what_it_says() {
        let eval = |sql: &str| {
            let row = [
                Value::Int(30),
                Value::Null,
                Value::str("Bob"),
                Value::Date(19_753),
                Value::Datetime(0),
                Value::Bool(true),
            ];
            let names = ["age", "income", "name", "born", "seen", "ok"];
            let expr = parse(sql).unwrap_or_else(|faults| panic!("{sql}: {faults:?}"));
            expr.compile(&|name| names.iter().position(|own| *own == name)).expect("compiles").eval(&row).to_string()
        };
        for (sql, result) in [
            ("age BETWEEN 1 AND 30 AND age NOT BETWEEN 40 AND 50", "true"),
            ("CASE age WHEN 30 THEN 'x' ELSE 'y' END || name", "xBob"),
            ("born = '2024-01-31' AND seen < '2024-01-31'", "true"),
            ("age NOT IN (1, 2.5)", "true"),
            ("income IN (1)", "null"),
            ("income > 1 OR ok", "true"),
            ("(income > 1) IS NOT TRUE", "true"),
            ("name ILIKE 'b%' AND name NOT LIKE 'b%'", "true"),
            ("age / 0", "null"),
            ("7 / 2", "3.5"),
            ("-7 % 3", "-1"),
            ("age::float + params.limit", "33"),
            ("-9223372036854775808 - 1", "null"),
            ("born + 1", "2024-02-01"),
            ("born + INTERVAL '36' HOUR", "2024-02-01T12:00:00Z"),
            ("born - DATE '2024-01-01'", "30"),
            ("EXTRACT(YEAR FROM born) + ceil(1.5) + position('b' IN name)", "2029"),
            ("TRIM(BOTH 'x' FROM 'xax') || substring('abc' FROM 2 FOR 1)", "ab"),
            ("income IS NOT DISTINCT FROM NULL", "true"),
            ("0.1 + 0.2", "0.30000000000000004"),
            ("CAST('12 ' AS bigint) + CAST(3.99 AS int)", "15"),
            ("date_diff('day', '2024-01-01', born)", "30"),
            ("EXTRACT(DOW FROM born) + date_part('century', born)", "24"),
            ("(seen AT TIME ZONE 'Asia/Kathmandu')", "1970-01-01T05:30:00Z"),
            ("6 & 3 | 8", "10"),
            ("(1 << 4) + (-9 >> 1)", "11"),
            ("TRY_CAST('x' AS int) IS NULL AND xor(5, 1) = 4", "true"),
            ("nvl(income, age) IS DISTINCT FROM 30", "false"),
            ("width_bucket(age, 100, 0, 10)", "8"),
        ] {
            assert_eq!(eval(sql), result, "{sql}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_breaks_the_parser(words in proptest::collection::vec(proptest::sample::select(vec![
            "age", "name", "born", "ok", "params.limit", "'ä'", "\"ö\"", "1", "2.5", "-", "+", "*", "/", "(", ")", ",", "=", "<>", "AND", "OR", "NOT",
            "IS", "NULL", "CASE", "WHEN", "THEN", "ELSE", "END", "IN", "BETWEEN", "LIKE", "CAST", "AS", "int", "DATE", "INTERVAL", "DAY", "::", "||",
            "round(", "if(", "date_diff('day',", "substring(", "trim(", "extract(year from", "in(", "*", ".", "'", "\n", "--", "/*", "[", "{", "?", "->", "é",
        ]), 0..14)) {
            let sql = words.join(" ");
            for fault in parse(&sql).err().unwrap_or_default() {
                let At::Inside(range) = &fault.at else { panic!("{sql}: {fault} points nowhere") };
                assert!(sql.get(range.clone()).is_some(), "{sql}: {range:?} isn't inside");
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn no_slip_of_the_pen_breaks_the_parser(
            nth in 0..functions().len(),
            edits in proptest::collection::vec((proptest::prelude::any::<(u8, char)>(), 0..3_usize), 0..8),
        ) {
            let mut chars: Vec<char> = functions()[nth].example.chars().collect();
            for ((at, char), cut) in edits {
                let start = usize::from(at) % (chars.len() + 1);
                let end = (start + cut).min(chars.len());
                chars.splice(start..end, [char]);
            }
            let sql: String = chars.into_iter().collect();
            let begun = std::time::Instant::now();
            for fault in parse(&sql).err().unwrap_or_default() {
                let At::Inside(range) = &fault.at else { panic!("{sql}: {fault} points nowhere") };
                assert!(sql.get(range.clone()).is_some(), "{sql}: {range:?} isn't inside");
            }
            assert!(begun.elapsed().as_secs() < 5, "{sql} takes too long");
        }
    }

    #[test]
    fn long_chains_are_read_and_deep_ones_refused() {
        let long = vec!["age > 1"; 900].join(" AND ");
        assert_eq!(parse(&long).expect("long").nodes(), 2701);
        assert!(parse(&vec!["1"; 300].join(" + ")).is_err());
        assert!(parse(&format!("{}1{}", "(".repeat(500), ")".repeat(500))).is_err());
    }
}
