//! The levels near the touch: a ring of [`LEN`] levels indexed by the low bits of the price, and a bitmap of those in use.
//!
//! The ring covers the prices `base .. base + LEN`. Because a level's place depends on its price alone, moving the window moves no level
//! that stays inside. Bids and asks share it: a price belongs to one side at a time.

/// How many ticks the window covers: one word of summary over words of 64 levels.
pub(crate) const LEN: usize = 4_096;
const LEN_I64: i64 = 4_096;
const MASK: i64 = LEN_I64 - 1;
pub(crate) const NIL: u32 = u32::MAX;

/// The queue at one price.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Level {
    pub head: u32,
    pub tail: u32,
    /// Lots, all orders together.
    pub qty: i64,
}

impl Level {
    pub const EMPTY: Level = Level {
        head: NIL,
        tail: NIL,
        qty: 0,
    };
}

pub(crate) struct Window {
    /// Empty until the first use.
    levels: Vec<Level>,
    base: i64,
    words: [u64; 64],
    summary: u64,
    used: usize,
}

impl Default for Window {
    fn default() -> Self {
        Window {
            levels: Vec::new(),
            base: 0,
            words: [0; 64],
            summary: 0,
            used: 0,
        }
    }
}

fn place(price: i64) -> usize {
    usize::try_from(price & MASK).unwrap_or(0)
}

impl Window {
    #[inline]
    pub fn contains(&self, price: i64) -> bool {
        !self.levels.is_empty() && price >= self.base && price - self.base < LEN_I64
    }

    pub fn base(&self) -> Option<i64> {
        (!self.levels.is_empty()).then_some(self.base)
    }

    pub fn used(&self) -> usize {
        self.used
    }

    /// The window stands from `base` on. All levels outside must have been taken out.
    pub fn set_base(&mut self, base: i64) {
        if self.levels.is_empty() {
            self.levels = vec![Level::EMPTY; LEN];
        }
        self.base = base;
    }

    /// The level of a price inside the window.
    #[inline]
    pub fn level(&self, price: i64) -> &Level {
        &self.levels[place(price)]
    }

    #[inline]
    pub fn level_mut(&mut self, price: i64) -> &mut Level {
        &mut self.levels[place(price)]
    }

    #[inline]
    pub fn mark_used(&mut self, price: i64) {
        let at = place(price);
        self.words[at / 64] |= 1 << (at % 64);
        self.summary |= 1 << (at / 64);
        self.used += 1;
    }

    #[inline]
    pub fn mark_empty(&mut self, price: i64) {
        let at = place(price);
        self.words[at / 64] &= !(1 << (at % 64));
        if self.words[at / 64] == 0 {
            self.summary &= !(1 << (at / 64));
        }
        self.used -= 1;
    }

    /// The lowest used price at or above `price`.
    #[inline]
    pub fn at_or_above(&self, price: i64) -> Option<i64> {
        if self.summary == 0 {
            return None;
        }
        let from = price.max(self.base);
        if from - self.base >= LEN_I64 {
            return None;
        }
        let start = place(from);
        let (word, bit) = (start / 64, start % 64);
        let masked = self.words[word] & (u64::MAX << bit);
        let found = if masked != 0 {
            word * 64 + masked.trailing_zeros() as usize
        } else {
            // the words after, then round to the ones before and this one's low bits
            let after = self.summary & high_bits(word);
            let next = if after != 0 { after } else { self.summary };
            let word = next.trailing_zeros() as usize;
            word * 64 + self.words[word].trailing_zeros() as usize
        };
        let distance = (found.wrapping_sub(start)) & (LEN - 1);
        let price = from + i64::try_from(distance).unwrap_or(0);
        (price - self.base < LEN_I64).then_some(price)
    }

    /// The highest used price at or below `price`.
    #[inline]
    pub fn at_or_below(&self, price: i64) -> Option<i64> {
        if self.summary == 0 {
            return None;
        }
        let from = price.min(self.base + MASK);
        if from < self.base {
            return None;
        }
        let start = place(from);
        let (word, bit) = (start / 64, start % 64);
        let masked = self.words[word] & (u64::MAX >> (63 - bit));
        let found = if masked != 0 {
            word * 64 + 63 - masked.leading_zeros() as usize
        } else {
            let before = self.summary & !(high_bits(word) | 1 << word);
            let next = if before != 0 { before } else { self.summary };
            let word = 63 - next.leading_zeros() as usize;
            word * 64 + 63 - self.words[word].leading_zeros() as usize
        };
        let distance = (start.wrapping_sub(found)) & (LEN - 1);
        let price = from - i64::try_from(distance).unwrap_or(0);
        (price >= self.base).then_some(price)
    }

    /// Bitmap, counters and levels agree?
    pub fn audit(&self) -> Result<(), String> {
        let mut used = 0;
        for (at, level) in self.levels.iter().enumerate() {
            let bit = self.words[at / 64] >> (at % 64) & 1 == 1;
            if bit != (level.head != NIL) {
                return Err(format!(
                    "bitmap and level disagree at place {at} of the window"
                ));
            }
            used += usize::from(bit);
        }
        for (at, word) in self.words.iter().enumerate() {
            if (*word != 0) != (self.summary >> at & 1 == 1) {
                return Err(format!("summary and word {at} of the window disagree"));
            }
        }
        if used != self.used {
            return Err(format!(
                "the window counts {} used levels and has {used}",
                self.used
            ));
        }
        Ok(())
    }
}

/// Bits above `word`.
fn high_bits(word: usize) -> u64 {
    if word >= 63 {
        0
    } else {
        u64::MAX << (word + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_neighbours_across_the_seam_of_the_ring() {
        for base in [1_i64, 63, 64, 4_095, 4_096, 5_000, 1 << 40] {
            let mut window = Window::default();
            window.set_base(base);
            let used: Vec<i64> = [0, 1, 62, 63, 64, 65, 1_000, 4_000, 4_094, 4_095]
                .iter()
                .map(|d| base + d)
                .collect();
            for price in &used {
                window.mark_used(*price);
                window.level_mut(*price).head = 0;
            }
            window.audit().unwrap();
            for price in base - 3..base + LEN_I64 + 3 {
                let above = used.iter().copied().find(|p| *p >= price);
                let below = used.iter().rev().copied().find(|p| *p <= price);
                assert_eq!(
                    window.at_or_above(price),
                    above,
                    "base {base} price {price}"
                );
                assert_eq!(
                    window.at_or_below(price),
                    below,
                    "base {base} price {price}"
                );
            }
        }
    }
}
