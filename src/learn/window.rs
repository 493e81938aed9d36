//! Windows on a matrix, without the macro of ndarray that needs what this crate forbids.

use std::ops::Range;

use ndarray::{ArrayBase, ArrayView2, ArrayViewMut2, Axis, Data, DataMut, Ix2, Slice};

/// The cells of those rows and columns.
pub(super) fn window<S: Data<Elem = f64>>(
    of: &ArrayBase<S, Ix2>,
    rows: Range<usize>,
    columns: Range<usize>,
) -> ArrayView2<'_, f64> {
    of.view().slice_axis_move(Axis(0), Slice::from(rows)).slice_axis_move(Axis(1), Slice::from(columns))
}

/// The cells of those rows and columns, to be written.
pub(super) fn window_mut<S: DataMut<Elem = f64>>(
    of: &mut ArrayBase<S, Ix2>,
    rows: Range<usize>,
    columns: Range<usize>,
) -> ArrayViewMut2<'_, f64> {
    of.view_mut().slice_axis_move(Axis(0), Slice::from(rows)).slice_axis_move(Axis(1), Slice::from(columns))
}
