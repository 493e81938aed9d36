//! Arithmetic of integers that tells where it overflows, and never divides by zero.

use super::super::builder::{Builder, Name};
use crate::learn::onnx::proto::element;

impl Builder {
    fn is_negative(&mut self, value: &str) -> Name {
        let zero = self.int(0);
        self.op("Less", &[value, &zero])
    }

    /// The sum, and where it fits.
    pub(in crate::seal::onnx) fn int_sum(&mut self, a: &str, b: &str) -> (Name, Name) {
        let sum = self.op("Add", &[a, b]);
        let (a, b, made) = (self.is_negative(a), self.is_negative(b), self.is_negative(&sum));
        let other = self.op("Xor", &[&a, &b]);
        let turned = self.op("Xor", &[&a, &made]);
        let kept = self.op("Not", &[&turned]);
        (sum, self.op("Or", &[&other, &kept]))
    }

    /// The difference, and where it fits.
    pub(in crate::seal::onnx) fn int_difference(&mut self, a: &str, b: &str) -> (Name, Name) {
        let difference = self.op("Sub", &[a, b]);
        let (a, b, made) = (self.is_negative(a), self.is_negative(b), self.is_negative(&difference));
        let other = self.op("Xor", &[&a, &b]);
        let turned = self.op("Xor", &[&a, &made]);
        let overflows = self.op("And", &[&other, &turned]);
        (difference, self.op("Not", &[&overflows]))
    }

    /// The product, and where it fits: dividing it by one factor gives the other.
    pub(in crate::seal::onnx) fn int_product(&mut self, a: &str, b: &str) -> (Name, Name) {
        let product = self.op("Mul", &[a, b]);
        let (zero, minus, least) = (self.int(0), self.int(-1), self.int(i64::MIN));
        let is_zero = self.op("Equal", &[b, &zero]);
        let is_minus = self.op("Equal", &[b, &minus]);
        let divisor = self.divisor(b);
        let back = self.op("Div", &[&product, &divisor]);
        let same = self.op("Equal", &[&back, a]);
        let is_least = self.op("Equal", &[a, &least]);
        let turns = self.op("Not", &[&is_least]);
        let fits = self.truth_where(&is_minus, &turns, &same);
        (product, self.op("Or", &[&is_zero, &fits]))
    }

    /// What can be divided by: 1 instead of 0, and of -1, which overflows.
    fn divisor(&mut self, b: &str) -> Name {
        let (zero, minus, one) = (self.int(0), self.int(-1), self.int(1));
        let is_zero = self.op("Equal", &[b, &zero]);
        let is_minus = self.op("Equal", &[b, &minus]);
        let bad = self.op("Or", &[&is_zero, &is_minus]);
        self.op("Where", &[&bad, &one, b])
    }

    /// The remainder with the dividend's sign, and where there is one.
    pub(in crate::seal::onnx) fn int_remainder(&mut self, a: &str, b: &str) -> (Name, Name) {
        let divisor = self.divisor(b);
        let whole = self.op("Div", &[a, &divisor]);
        let taken = self.op("Mul", &[&whole, &divisor]);
        let rest = self.op("Sub", &[a, &taken]);
        let zero = self.int(0);
        let is_zero = self.op("Equal", &[b, &zero]);
        (rest, self.op("Not", &[&is_zero]))
    }

    /// The whole part of a division by a positive constant, rounded down.
    pub(in crate::seal::onnx) fn int_floor(&mut self, a: &str, by: i64) -> Name {
        let by = self.int(by);
        let whole = self.op("Div", &[a, &by]);
        let taken = self.op("Mul", &[&whole, &by]);
        let rest = self.op("Sub", &[a, &taken]);
        let below = self.is_negative(&rest);
        let one = self.cast(&below, element::INT64);
        self.op("Sub", &[&whole, &one])
    }

    /// The rest of a division by a positive constant, never negative.
    pub(in crate::seal::onnx) fn int_rest(&mut self, a: &str, by: i64) -> Name {
        let whole = self.int_floor(a, by);
        let by = self.int(by);
        let taken = self.op("Mul", &[&whole, &by]);
        self.op("Sub", &[a, &taken])
    }

    /// a · b + c for constants b and c, where it is known to fit.
    pub(in crate::seal::onnx) fn int_line(&mut self, a: &str, b: i64, c: i64) -> Name {
        let (b, c) = (self.int(b), self.int(c));
        let product = self.op("Mul", &[a, &b]);
        self.op("Add", &[&product, &c])
    }
}
