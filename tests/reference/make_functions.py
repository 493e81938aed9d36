"""Makes functions.json: what DuckDB and Python's own libraries give for expressions over hard values.

    pip install duckdb==2.0.1 scikit-learn==1.9.1
    python tests/reference/make_functions.py

Each entry: the expression and its value, dates as text; null stands for no value. What DuckDB lacks is worked out by
Python (`math`, `zoneinfo`, `unicodedata`, `datetime`, and scikit-learn for ways over the globe).
"""

import itertools
import json
import math
import unicodedata
from datetime import datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
from sklearn.metrics.pairwise import haversine_distances

HERE = Path(__file__).parent
TEXTS = ["", "a", "ab", "Ünïcode", "日本語", " a  b ", "new YORK-city", "x1y22z333", "straße", "it''s", None]
INTS = [0, 1, -1, 7, -12, 20, 21, 2**31, 2**62, -(2**62), None]
FLOATS = ["0.0", "1.0", "-1.0", "0.5", "-0.3", "2.5", "1e-9", "30.0", "1e6", None]
DAYS = ["2024-02-29", "2023-12-31", "2024-01-31", "1900-03-01", "2000-12-31", "2001-01-01", "0001-01-01", "2021-01-03", None]
MOMENTS = ["2024-02-29 23:59:59.999999", "1969-12-31 23:59:59.5", "2024-03-31 00:00:00", "2000-02-29 12:30:45.25", None]


def text(value):
    return "CAST(NULL AS VARCHAR)" if value is None else f"'{value}'"


def whole(value):
    return "CAST(NULL AS BIGINT)" if value is None else f"({value})"


def float_(value):
    return "CAST(NULL AS DOUBLE)" if value is None else f"CAST({value} AS DOUBLE)"


def day(value):
    return "CAST(NULL AS DATE)" if value is None else f"DATE '{value}'"


def moment(value):
    return "CAST(NULL AS TIMESTAMP)" if value is None else f"TIMESTAMP '{value}'"


def shown(value):
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.isoformat().removesuffix("+00:00") + "Z"
    return value if value is None or isinstance(value, (str, int, float)) else str(value)


def over(template, *kinds):
    """The template with every value of each kind; of several kinds, every pair."""
    return [template.format(*values) for values in itertools.product(*kinds)]


def calls():
    texts, ints, floats = [text(v) for v in TEXTS], [whole(v) for v in INTS], [float_(v) for v in FLOATS]
    days, moments = [day(v) for v in DAYS], [moment(v) for v in MOMENTS]
    short = [whole(v) for v in (0, 1, 2, 63, None)]
    for name in ["strip_accents", "nfc_normalize", "strlen", "sha256", "ascii"]:
        yield from over(name + "({})", texts)
    for name in ["levenshtein", "damerau_levenshtein"]:
        yield from over(name + "({}, {})", texts, texts[:8])
    # To DuckDB, two empty strings aren't similar.
    for name in ["jaro_similarity", "jaro_winkler_similarity"]:
        yield from over(name + "({}, {})", texts, texts[1:8])
    yield from over("repeat({}, {})", texts, [whole(v) for v in (0, 1, 3, -2)])
    yield from over("translate({}, 'aü1', 'X')", texts)
    yield from over("concat_ws({}, 'a', {}, 1)", texts, texts[:3] + texts[-1:])
    yield from over("regexp_replace({}, '([a-z])([0-9])', '<\\2\\1>')", texts)
    yield from over("regexp_replace({}, '[0-9]', '$', 'g')", texts)
    yield from over("regexp_extract({}, '([a-z])([0-9]+)', 2)", texts)
    yield from over("regexp_extract({}, '[0-9]+')", texts)
    yield from over("bit_count(CAST({} AS BIGINT))", ints)
    yield from over("lcm({}, {})", ints[:7], ints[:7])
    for call in ["gcd({}, {})", "xor({}, {})", "{} & {}", "{} | {}"]:
        yield from over(call, ints[:8], ints[2:])
    yield from over("CAST({} AS BIGINT) >> {}", ints[:9], short)
    yield from over("{} << {}", [whole(v) for v in (0, 1, 7, 2**31, None)], [whole(v) for v in (0, 1, 20, None)])
    for name in ["sinh", "cosh", "tanh", "tan", "atan", "degrees", "radians", "cbrt", "gamma", "lgamma"]:
        values = [v for v in floats if not (name.endswith("gamma") and v in (float_("0.0"), float_("-1.0")))]
        if name in ("sinh", "cosh", "gamma"):
            values = [v for v in values if "1e6" not in v]
        yield from over(name + "({})", values)
    for name in ["asin", "acos"]:
        yield from over(name + "({})", floats[:5] + floats[-1:])
    yield from over("atan2({}, {})", floats[:5], floats[:5] + floats[-1:])
    for name in ["dayname", "monthname", "isoyear", "century", "last_day", "dayofweek", "isodow"]:
        yield from over(name + "({})", days + moments)
    # DuckDB rounds to a millisecond that hasn't come yet.
    yield from over("epoch_ms({})", days + moments[1:])
    for name in ["millisecond", "microsecond"]:
        yield from over(name + "({})", moments)
    for part in ["week", "century", "dow", "doy", "isoyear", "milliseconds"]:
        yield from over(f"date_part('{part}', {{}})", moments)
    for unit in ["year", "quarter", "month", "week", "day", "hour", "second"]:
        yield from over(f"date_sub('{unit}', {{}}, {{}})", moments[:4], moments)
        yield from over(f"date_sub('{unit}', {{}}, {{}})", days[:5], days[:5])
    yield from over("strftime({}, '%Y-%m-%d %H:%M:%S %j %a')", moments)
    yield from over("make_date({}, {}, {})", [whole(v) for v in (2024, 1, None)], [whole(v) for v in (1, 2, 12)], [whole(v) for v in (1, 28)])
    yield "make_timestamp(2024, 2, 29, 23, 59, 59.25)"


def asked(connection):
    for sql in calls():
        try:
            [(value,)] = connection.execute("SELECT " + sql).fetchall()
        except duckdb.Error as why:
            raise SystemExit(f"{sql}: {why}")
        yield sql, value
    for unit, count in itertools.product(["year", "quarter", "month", "week", "day"], [0, 1, -1, 13, -25, 1200]):
        for value in DAYS[:5]:
            spelled = f"{count * 3} MONTH" if unit == "quarter" else f"{count} {unit.upper()}"
            [(made,)] = connection.execute(f"SELECT CAST({day(value)} + INTERVAL ({spelled.split()[0]}) {spelled.split()[1]} AS DATE)").fetchall()
            yield f"date_add('{unit}', {count}, {day(value)})", made
    for unit, count in itertools.product(["month", "hour", "second"], [1, -1, 37]):
        for value in MOMENTS[:4]:
            [(made,)] = connection.execute(f"SELECT {moment(value)} + INTERVAL ({count}) {unit.upper()}").fetchall()
            yield f"date_add('{unit}', {count}, {moment(value)})", made.replace(tzinfo=timezone.utc)


def reckoned():
    # The hour that happens twice and the one that doesn't, in spring and autumn, north and south, halves and quarters.
    shown_hours = [
        ("Europe/Rome", datetime(2024, 3, 31)), ("Europe/Rome", datetime(2024, 10, 27)),
        ("America/New_York", datetime(2023, 3, 12)), ("America/New_York", datetime(2023, 11, 5)),
        ("Australia/Lord_Howe", datetime(2022, 4, 3)), ("Australia/Lord_Howe", datetime(2022, 10, 2)),
        ("Asia/Kathmandu", datetime(1985, 12, 31)), ("Pacific/Apia", datetime(2011, 12, 30)),
        ("Europe/London", datetime(1968, 2, 18)), ("UTC", datetime(2024, 1, 1)),
    ]
    for zone, start in shown_hours:
        for quarter in range(-8, 10):
            wall = start + timedelta(minutes=30 * quarter)
            local = wall.replace(tzinfo=timezone.utc).astimezone(ZoneInfo(zone)).replace(tzinfo=timezone.utc)
            utc = wall.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(timezone.utc)
            yield f"at_time_zone(TIMESTAMP '{wall}', '{zone}')", local
            yield f"from_time_zone(TIMESTAMP '{wall}', '{zone}')", utc
    for value in [0.0, 0.5, -1.25, 3.0, -8.0]:
        yield f"norm_cdf({value})", 0.5 * math.erfc(-value / math.sqrt(2))
        yield f"sigmoid({value})", 1 / (1 + math.exp(-value))
    for value in [0.5, 0.01, 1e-300, 0.999]:
        yield f"logit({value})", math.log(value) - math.log1p(-value)
    for value in range(21):
        yield f"factorial({value})", math.factorial(value)
    yield "factorial(21)", None
    for x, y in itertools.product([7, -7, 2**62, 0], [2, -2, 3]):
        yield f"div({x}, {y})", int(math.trunc(x / y)) if abs(x) < 2**53 else (abs(x) // abs(y)) * (1 if y > 0 else -1)
        yield f"hypot({x}, {y})", math.hypot(x, y)
    for name in ["Ünïcode", "e\u0301a\u0308", "Ångström", "ǆ", "日本"]:
        yield f"nfc_normalize('{name}')", unicodedata.normalize("NFC", name)
    for year in [1900, 2000, 2023, 2024, 2100]:
        yield f"is_leap_year(make_date({year}, 5, 1))", year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


    for lat1, lon1, lat2, lon2 in [(41.9, 12.5, 48.85, 2.35), (0, 0, 0, 180), (-33.9, 151.2, 51.5, -0.1), (10, 20, 10, 20)]:
        places = np.radians([[lat1, lon1], [lat2, lon2]])
        yield f"haversine({lat1}, {lon1}, {lat2}, {lon2})", float(haversine_distances(places)[0, 1] * 6371.0088)
    yield "haversine(91, 0, 0, 0)", None


connection = duckdb.connect()
connection.execute("SET TimeZone = 'UTC'")
entries = []
for sql, value in itertools.chain(asked(connection), reckoned()):
    if isinstance(value, datetime) and value.tzinfo is None:
        value = value.replace(tzinfo=timezone.utc)
    entries.append([sql, shown(value)])
lines = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries)
(HERE / "functions.json").write_text(f"[\n{lines}\n]\n")
