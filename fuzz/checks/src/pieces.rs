//! How what a peer says is cut into pieces.

/// Returns pieces of two lengths in turn, the first of which may be longer than anything.
pub(crate) fn cut(said: &[u8], [first, second]: [u8; 2]) -> Vec<&[u8]> {
    let lengths = [1 + usize::from(first) * usize::from(first), 1 + usize::from(second)];
    let mut pieces = Vec::new();
    let mut rest = said;
    for length in lengths.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, later) = rest.split_at(rest.len().min(*length));
        pieces.push(piece);
        rest = later;
    }
    pieces
}
