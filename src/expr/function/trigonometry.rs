//! On angles and on places of the globe.

use super::{Family, FunctionEntry, Gives, Kernel, Takes};
use crate::data::{Kind, Value, elementary};

/// The mean radius of the earth in kilometres (Moritz, "Geodetic Reference System 1980", 2000).
const EARTH: f64 = 6371.0088;

const fn float(name: &'static str, f: fn(f64) -> f64) -> FunctionEntry {
    FunctionEntry::new(name, Family::Number, &[Takes::Number], Gives::Is(Kind::Float), Kernel::Float1(f))
}

const fn float2(name: &'static str, f: fn(f64, f64) -> f64) -> FunctionEntry {
    let takes = &[Takes::Number, Takes::Number];
    FunctionEntry::new(name, Family::Number, takes, Gives::Is(Kind::Float), Kernel::Float2(f))
}

pub(super) static ENTRIES: &[FunctionEntry] = &[
    float("sin", elementary::sin).doc("sin(x)", "The sine of radians.", "sin(0)", "0"),
    float("cos", elementary::cos).doc("cos(x)", "The cosine of radians.", "cos(0)", "1"),
    float("tan", elementary::tan).doc("tan(x)", "The tangent of radians.", "tan(0)", "0"),
    float("asin", elementary::asin).doc(
        "asin(x)",
        "The radians whose sine is x; null beyond -1 and 1.",
        "asin(1)",
        "1.5707963267948966",
    ),
    float("acos", elementary::acos).doc(
        "acos(x)",
        "The radians whose cosine is x; null beyond -1 and 1.",
        "acos(1)",
        "0",
    ),
    float("atan", elementary::atan).doc(
        "atan(x)",
        "The radians, between -π/2 and π/2, whose tangent is x.",
        "atan(1)",
        "0.7853981633974483",
    ),
    float2("atan2", elementary::atan2).doc(
        "atan2(y, x)",
        "The angle of the point (x, y) in radians, from -π to π.",
        "atan2(1, -1)",
        "2.356194490192345",
    ),
    float("sinh", elementary::sinh).doc("sinh(x)", "The hyperbolic sine.", "sinh(0)", "0"),
    float("cosh", elementary::cosh).doc("cosh(x)", "The hyperbolic cosine.", "cosh(0)", "1"),
    float("tanh", elementary::tanh).doc("tanh(x)", "The hyperbolic tangent.", "tanh(0)", "0"),
    float("degrees", f64::to_degrees).doc("degrees(x)", "Radians as degrees.", "degrees(0)", "0"),
    float("radians", f64::to_radians).doc("radians(x)", "Degrees as radians.", "radians(180)", "3.141592653589793"),
    float2("hypot", elementary::hypot).doc(
        "hypot(x, y)",
        "The distance of the point (x, y) from zero, √(x² + y²).",
        "hypot(3, 4)",
        "5",
    ),
    FunctionEntry::new(
        "haversine",
        Family::Number,
        &[Takes::Number, Takes::Number, Takes::Number, Takes::Number],
        Gives::Is(Kind::Float),
        Kernel::Strict(haversine),
    )
    .doc(
        "haversine(lat1, lon1, lat2, lon2)",
        "The way over the globe between two places given in degrees, in kilometres, on a sphere of radius 6371.0088; null where a latitude is beyond 90.",
        "round(haversine(41.9, 12.5, 48.85, 2.35), 1)",
        "1105.4",
    ),
];

/// Sinnott, "Virtues of the Haversine", 1984.
fn haversine(args: &[Value], _: Kind) -> Value {
    let degrees: Vec<f64> = args.iter().filter_map(Value::as_f64).collect();
    let [lat1, lon1, lat2, lon2] = degrees[..] else { return Value::Null };
    if lat1.abs() > 90.0 || lat2.abs() > 90.0 {
        return Value::Null;
    }
    let half_sine_squared = |degrees: f64| elementary::sin(degrees.to_radians() / 2.0).powi(2);
    let cosines = elementary::cos(lat1.to_radians()) * elementary::cos(lat2.to_radians());
    let share = half_sine_squared(lat2 - lat1) + cosines * half_sine_squared(lon2 - lon1);
    Value::Float(2.0 * EARTH * elementary::asin(share.sqrt().min(1.0)))
}
