//! Positions of the protocol and bytes of a text.

use gen_lsp_types::{Position, Range};
use std::ops;

/// What the columns of a position count.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Encoding {
    /// Code units of UTF-16, as every client can.
    #[default]
    Utf16,
    /// Bytes, where the client offers it.
    Utf8,
}

/// A text and where its lines begin.
pub(super) struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
    encoding: Encoding,
}

impl<'t> Lines<'t> {
    pub(super) fn new(text: &'t str, encoding: Encoding) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { text, starts, encoding }
    }

    /// Returns the position of a byte.
    pub(super) fn position(&self, at: usize) -> Position {
        let at = self.text.floor_char_boundary(at.min(self.text.len()));
        let line = self.starts.partition_point(|start| *start <= at).saturating_sub(1);
        let before = self.text.get(self.starts.get(line).copied().unwrap_or(0)..at).unwrap_or_default();
        let column = match self.encoding {
            Encoding::Utf8 => before.len(),
            Encoding::Utf16 => before.encode_utf16().count(),
        };
        Position::new(number(line), number(column))
    }

    /// Returns the byte at a position; one behind the end of a line is the end of that line.
    pub(super) fn byte(&self, position: Position) -> usize {
        let line = position.line as usize;
        let Some(&start) = self.starts.get(line) else { return self.text.len() };
        let end = self.starts.get(line + 1).map_or(self.text.len(), |next| next - 1);
        let text = self.text.get(start..end).unwrap_or_default();
        let text = text.strip_suffix('\r').unwrap_or(text);
        let column = position.character as usize;
        start
            + match self.encoding {
                Encoding::Utf8 => text.floor_char_boundary(column.min(text.len())),
                Encoding::Utf16 => {
                    let mut units = 0;
                    let inside = |c: &char| {
                        units += c.len_utf16();
                        units <= column
                    };
                    text.chars().take_while(inside).map(char::len_utf8).sum()
                }
            }
    }

    /// Returns the range of some bytes.
    pub(super) fn range(&self, at: ops::Range<usize>) -> Range {
        Range::new(self.position(at.start), self.position(at.end))
    }
}

fn number(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_code_units() {
        let text = "aä𝄞b\r\n\nx";
        let cases = [
            (Encoding::Utf16, 0, (0, 0)),
            (Encoding::Utf16, 1, (0, 1)),
            (Encoding::Utf16, 3, (0, 2)),
            (Encoding::Utf16, 7, (0, 4)),
            (Encoding::Utf8, 7, (0, 7)),
            (Encoding::Utf16, 8, (0, 5)),
            (Encoding::Utf16, 10, (1, 0)),
            (Encoding::Utf16, 11, (2, 0)),
            (Encoding::Utf16, 12, (2, 1)),
        ];
        for (encoding, at, (line, column)) in cases {
            let lines = Lines::new(text, encoding);
            assert_eq!(lines.position(at), Position::new(line, column), "{at}");
            assert_eq!(lines.byte(Position::new(line, column)), at, "{line}:{column}");
        }
        let lines = Lines::new(text, Encoding::Utf16);
        for ((line, column), at) in [((0, 3), 3), ((0, 99), 8), ((1, 5), 10), ((9, 9), 12), ((u32::MAX, u32::MAX), 12)]
        {
            assert_eq!(lines.byte(Position::new(line, column)), at, "{line}:{column}");
        }
    }
}
