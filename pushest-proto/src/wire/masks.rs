//! Which of 64 bytes are quotes, say: one bit a byte.
//!
//! A processor compares many bytes at once. What is so of each of them becomes one number, in which the
//! next of them is found without looking at the others.

/// Number of bytes that are looked at together.
pub(super) const BLOCK: usize = 64;

/// The bytes of a block as a square: which bit stands for which row.
const ROWS: [u8; BLOCK] = {
    let (mut rows, mut index) = ([0; BLOCK], 0);
    while index < BLOCK {
        rows[index] = 1 << (index / 8);
        index += 1;
    }
    rows
};

/// Returns which bytes are quotes, and which are backslashes. The lowest bit stands for the first byte.
// Calls of their own, whose results are in registers: what is around them would keep the compiler from
// computing both at once.
#[inline(never)]
pub(super) fn quotes_and_backslashes(block: &[u8; BLOCK]) -> (u64, u64) {
    let [quotes, backslashes] = transposed([columns(block, b'"', 0), columns(block, b'\\', 0)]);
    (quotes, backslashes)
}

/// Returns which bytes are opening brackets or braces, and which are closing ones.
#[inline(never)]
pub(super) fn brackets(block: &[u8; BLOCK]) -> (u64, u64) {
    // Braces differ from brackets by one bit.
    let opening = columns(block, b'{', b'{' ^ b'[');
    let [opening, closing] = transposed([opening, columns(block, b'}', b'}' ^ b']')]);
    (opening, closing)
}

/// Returns in which rows of each column a byte is equal to `byte`, once the bits `ignored` are set in it.
#[inline(always)]
fn columns(block: &[u8; BLOCK], byte: u8, ignored: u8) -> u64 {
    // The compiler makes comparisons of 16 bytes or more of these two loops, whatever the processor.
    // Of loops that shift each byte's bit into its place it makes one of single bytes.
    let mut bits = ROWS;
    for (bit, it) in bits.iter_mut().zip(block) {
        *bit &= if *it | ignored == byte { 0xff } else { 0 };
    }
    let (rows, _) = bits.as_chunks::<8>();
    rows.iter().fold(0, |columns, row| columns | u64::from_le_bytes(*row))
}

/// Exchanges rows and columns of eight times eight bits.
#[inline(always)]
fn transposed(mut squares: [u64; 2]) -> [u64; 2] {
    // Of smaller squares, then of squares of these: what is above the diagonal changes places with
    // what is below it.
    for (distance, above) in
        [(7, 0x00aa_00aa_00aa_00aa), (14, 0x0000_cccc_0000_cccc), (28, 0x0000_0000_f0f0_f0f0)]
    {
        for square in &mut squares {
            let differs = (*square ^ *square >> distance) & above;
            *square ^= differs ^ differs << distance;
        }
    }
    squares
}

/// Returns which bytes are escaped by a backslash before them, and whether the last byte of the block
/// escapes the one behind it. A byte in `first` is escaped from before.
#[inline(always)]
pub(super) fn escaped(backslashes: u64, first: u64) -> (u64, bool) {
    const ODD: u64 = 0xaaaa_aaaa_aaaa_aaaa;
    let runs = backslashes & !first;
    // In a run of backslashes every second one escapes, from the first one on. Subtracting a run from
    // the bits behind its backslashes borrows through it as far as its end, and so leaves the same
    // bits wherever the run begins: with the odd bits set, and unset again, each that escapes and, of
    // a run of odd length, the byte behind it.
    let escapes = ((runs << 1 | ODD).wrapping_sub(runs)) ^ ODD;
    let escaped = escapes ^ (backslashes | first);
    (escaped, (escapes & backslashes) >> 63 == 1)
}

/// Returns which bytes stand between quotes, the first quote of each pair with them. `is_inside` says
/// whether the first byte does.
#[inline(always)]
pub(super) fn between(mut quotes: u64, is_inside: bool) -> u64 {
    // Each bit becomes the parity of those up to it.
    for distance in [1, 2, 4, 8, 16, 32] {
        quotes ^= quotes << distance;
    }
    if is_inside { !quotes } else { quotes }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bit_is_one_byte() {
        let mut random = fastrand::Rng::with_seed(1);
        let letters = b"\"\\{}[]!#]^|~;=@a\0\x02\x1b\x1d\x5a\x7f\xa2\xdb\xdc\xdd\xfb\xfd\xff";
        for _ in 0..10_000 {
            let block = core::array::from_fn(|_| match random.bool() {
                true => letters[random.usize(..letters.len())],
                false => random.u8(..),
            });
            let bits = |wanted: &[u8]| -> u64 {
                let bit = |(index, it)| u64::from(wanted.contains(it)) << index;
                block.iter().enumerate().map(bit).sum()
            };
            assert_eq!(quotes_and_backslashes(&block), (bits(b"\""), bits(b"\\")), "{block:?}");
            assert_eq!(brackets(&block), (bits(b"{["), bits(b"}]")), "{block:?}");
        }
    }

    #[test]
    fn every_second_backslash_of_a_run_escapes_the_byte_behind_it() {
        let mut random = fastrand::Rng::with_seed(2);
        for round in 0..20_000 {
            let letters: &[u8] = if round % 2 == 0 { b"\\a" } else { b"\\\\\\\\\\\\\\a" };
            let block = core::array::from_fn(|_| letters[random.usize(..letters.len())]);
            let place = random.u32(..64);
            let carried = random.bool();
            // Nothing before the place counts, as in a string that begins there.
            let from = u64::MAX << place;
            let mut is_escaped = carried;
            let mut expected = 0;
            for (index, byte) in block.iter().enumerate().skip(place as usize) {
                expected |= u64::from(is_escaped) << index;
                is_escaped = !is_escaped && *byte == b'\\';
            }
            let backslashes = quotes_and_backslashes(&block).1 & from;
            let first = u64::from(carried) << place;
            assert_eq!(escaped(backslashes, first), (expected, is_escaped), "{block:?} {place}");
        }
    }

    #[test]
    fn what_stands_between_quotes_begins_with_the_first_of_two() {
        assert_eq!(between(0b0100_1000, false), 0b0011_1000);
        assert_eq!(between(0b0100_1000, true), !0b0011_1000);
        assert_eq!(between(1 << 63, false), 1 << 63);
        assert_eq!(between(1, true), 0);
        assert_eq!(between(0, true), u64::MAX);
    }
}
