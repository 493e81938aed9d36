//! Curves drawn with characters: braille dots for lines, blocks for bars. No color.

/// How wide and high a plot's inside is, in characters.
const ROWS: usize = 10;
/// Between plots that stand side by side.
const GAP: usize = 3;

/// A plane to draw on, each character of which has 2 × 4 dots.
pub(super) struct Plot {
    title: String,
    across: String,
    x: [f64; 2],
    y: [f64; 2],
    columns: usize,
    dots: Vec<u8>,
}

impl Plot {
    /// An empty one: of what it is, what goes to the right, and from where to where both axes go.
    pub(super) fn new(title: String, across: &str, x: [f64; 2], y: [f64; 2], columns: usize) -> Self {
        let columns = columns.max(8);
        Self { title, across: across.to_owned(), x, y, columns, dots: vec![0; columns * ROWS] }
    }

    fn place(&self, x: f64, y: f64) -> Option<(i64, i64)> {
        let share = |value: f64, [from, to]: [f64; 2]| if to > from { (value - from) / (to - from) } else { 0.5 };
        let (right, up) = (share(x, self.x), share(y, self.y));
        if !(right.is_finite() && up.is_finite()) {
            return None;
        }
        let (wide, high) = ((self.columns * 2 - 1) as f64, (ROWS * 4 - 1) as f64);
        Some(((right.clamp(0.0, 1.0) * wide).round() as i64, ((1.0 - up.clamp(0.0, 1.0)) * high).round() as i64))
    }

    fn set(&mut self, x: i64, y: i64) {
        // The dots of a character, by row and column (Unicode's order).
        const BITS: [[u8; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];
        let (x, y) = (x as usize, y as usize);
        if let Some(cell) = self.dots.get_mut(y / 4 * self.columns + x / 2) {
            *cell |= BITS[y % 4][x % 2];
        }
    }

    /// A dot at each point.
    pub(super) fn dots(&mut self, points: impl IntoIterator<Item = (f64, f64)>) {
        for (x, y) in points {
            if let Some((x, y)) = self.place(x, y) {
                self.set(x, y);
            }
        }
    }

    /// A line from point to point.
    pub(super) fn line(&mut self, points: impl IntoIterator<Item = (f64, f64)>) {
        let mut before: Option<(i64, i64)> = None;
        for (x, y) in points {
            let Some(now) = self.place(x, y) else { continue };
            let from = before.unwrap_or(now);
            let steps = (now.0 - from.0).abs().max((now.1 - from.1).abs()).max(1);
            for step in 0..=steps {
                let along = |from: i64, to: i64| from + ((to - from) * step * 2 + steps) / (steps * 2);
                self.set(along(from.0, now.0).max(0), along(from.1, now.1).max(0));
            }
            before = Some(now);
        }
    }

    /// A line of single dots, to compare with.
    pub(super) fn guide(&mut self, from: (f64, f64), to: (f64, f64)) {
        let count = self.columns / 2;
        let at = |nth: usize| {
            let share = nth as f64 / count as f64;
            (from.0 + (to.0 - from.0) * share, from.1 + (to.1 - from.1) * share)
        };
        self.dots((0..=count).map(at));
    }

    /// The plot as lines of the same length.
    pub(super) fn lines(&self) -> Vec<String> {
        let [low, high] = self.y.map(short);
        let margin = low.chars().count().max(high.chars().count());
        let mut lines = vec![self.title.clone()];
        for (nth, row) in self.dots.chunks(self.columns).enumerate() {
            let label = match nth {
                0 => high.as_str(),
                _ if nth + 1 == ROWS => low.as_str(),
                _ => "",
            };
            let text: String =
                row.iter().map(|dots| char::from_u32(0x2800 + u32::from(*dots)).unwrap_or(' ')).collect();
            lines.push(format!("{label:>margin$} │{text}"));
        }
        lines.push(format!("{:margin$} └{}", "", "─".repeat(self.columns)));
        let [from, to] = self.x.map(short);
        let room = self.columns.saturating_sub(from.chars().count() + to.chars().count());
        let across = if self.across.chars().count() < room { self.across.as_str() } else { "" };
        lines.push(format!("{:margin$}  {from}{across:^room$}{to}", ""));
        padded(lines)
    }
}

/// A number in few characters.
pub(super) fn short(value: f64) -> String {
    let size = value.abs();
    let text = match size {
        _ if size >= 1e5 || (size > 0.0 && size < 1e-3) => return format!("{value:.2e}"),
        _ if size >= 1000.0 => format!("{value:.0}"),
        _ if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    };
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

fn padded(lines: Vec<String>) -> Vec<String> {
    let width = lines.iter().map(|line| line.chars().count()).max().unwrap_or_default();
    lines.into_iter().map(|line| format!("{line}{}", " ".repeat(width - line.chars().count()))).collect()
}

/// Bars, one a line: its name, its length from 0 to 1, and what is said behind it.
pub(super) fn bars(title: &str, rows: &[(String, f64, String)], width: usize) -> Vec<String> {
    let names = rows.iter().map(|(name, ..)| name.chars().count()).max().unwrap_or_default();
    let ends = rows.iter().map(|(_, _, end)| end.chars().count()).max().unwrap_or_default();
    let room = width.saturating_sub(names + ends + 4).clamp(4, 60);
    let mut lines = vec![title.to_owned()];
    for (name, share, end) in rows {
        lines.push(format!("{name:>names$} │{} {end}", bar(*share, room)));
    }
    padded(lines)
}

/// A bar in eighths of a character.
fn bar(share: f64, room: usize) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (share.clamp(0.0, 1.0) * (room * 8) as f64).round() as usize;
    format!("{}{}", "█".repeat(eighths / 8), EIGHTHS[eighths % 8])
}

/// Blocks of lines, side by side as far as they fit.
pub(super) fn beside(blocks: Vec<Vec<String>>, width: usize) -> String {
    let wide = |block: &[String]| block.first().map_or(0, |line| line.chars().count());
    let mut text = String::new();
    let mut blocks = blocks.into_iter().filter(|block| !block.is_empty()).peekable();
    while let Some(mut block) = blocks.next() {
        while let Some(next) = blocks.next_if(|next| wide(&block) + GAP + wide(next) <= width) {
            let left = wide(&block);
            for nth in 0..block.len().max(next.len()) {
                let line = next.get(nth).map_or("", String::as_str);
                match block.get_mut(nth) {
                    Some(before) => before.push_str(&format!("{:GAP$}{line}", "")),
                    None => block.push(format!("{:1$}{line}", "", left + GAP)),
                }
            }
            block = padded(block);
        }
        for line in block {
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_goes_from_corner_to_corner() {
        let mut plot = Plot::new("title".to_owned(), "x", [0.0, 1.0], [0.0, 2.0], 10);
        plot.line([(0.0, 0.0), (1.0, 2.0)]);
        let lines = plot.lines();
        assert_eq!(lines[0].trim_end(), "title");
        assert_eq!((lines[1].as_str(), lines[10].as_str()), ("2 │⠀⠀⠀⠀⠀⠀⠀⠀⠀⡰", "0 │⡰⠁⠀⠀⠀⠀⠀⠀⠀⠀"));
        assert_eq!(lines[12].trim_end(), "   0   x    1");
        assert!(lines.iter().all(|line| line.chars().count() == 13));
        plot.line([(f64::NAN, 0.0), (f64::INFINITY, 1.0)]);
        assert_eq!(plot.lines(), lines, "what has no place isn't drawn");
    }

    #[test]
    fn bars_and_numbers_are_short() {
        assert_eq!(
            [0.5, 0.0, 12.34, 123_456.0, 0.00001, -0.0].map(short),
            ["0.5", "0", "12.3", "1.23e5", "1.00e-5", "0"]
        );
        assert_eq!(bar(0.5, 8), "████");
        assert_eq!(bar(0.06, 8), "▌");
        let lines = bars("t", &[("a".into(), 1.0, "3 rows".into()), ("bb".into(), 0.0, "0".into())], 20);
        assert_eq!(lines[1].trim_end(), " a │████████ 3 rows");
    }

    #[test]
    fn blocks_stand_side_by_side_where_there_is_room() {
        let block = |text: &str| vec![text.to_owned(), text.to_owned()];
        assert_eq!(beside(vec![block("aa"), block("bb")], 7), "aa   bb\naa   bb\n\n");
        assert_eq!(beside(vec![block("aa"), block("bb")], 6), "aa\naa\n\nbb\nbb\n\n");
    }
}
