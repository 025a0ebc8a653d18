//! The chain: one running 64-bit value over what every accepted command did.

/// The chain after `bytes`, given the chain before: XXH3 (64 bits) of the bytes, seeded with the previous value.
///
/// The caller decides what the bytes are (the accepted outcome and its events); the journal only stores the value beside each record, so that
/// a re-execution can compare. It is a check against divergence, not against an adversary: tamper evidence is the BLAKE3 of each batch.
#[must_use]
#[inline]
pub fn chain(prev: u64, bytes: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64_with_seed(bytes, prev)
}

/// [`chain`] over several pieces, one after the other. The borders count: `["ab", "c"]` and `["a", "bc"]` differ.
#[must_use]
pub fn chain_all(prev: u64, pieces: &[&[u8]]) -> u64 {
    pieces.iter().fold(prev, |c, p| chain(c, p))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chain_depends_on_everything_before() {
        assert_ne!(chain(0, b"a"), chain(1, b"a"));
        assert_ne!(chain_all(0, &[b"ab", b"c"]), chain_all(0, &[b"a", b"bc"]));
        assert_ne!(chain_all(0, &[b"a", b""]), chain_all(0, &[b"a"]));
    }

    #[test]
    fn the_chain_is_part_of_the_format() {
        // journals on disk hold these values: they can never change
        assert_eq!(chain(0, b""), 0x2d06_8005_38d3_94c2);
        assert_eq!(
            chain(7, b"highwater"),
            xxhash_rust::xxh3::xxh3_64_with_seed(b"highwater", 7)
        );
    }
}
