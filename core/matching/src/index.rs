use core::fmt;

/// Finds slots by hash: open addressing in words of 64 bits, 40 of hash and 24 of slot, at most five eighths full.
///
/// The index does not know its keys. Whoever asks says whether a slot is the one meant, so that equal hashes do no harm.
pub struct SlotIndex {
    table: Vec<u64>,
    mask: usize,
    len: usize,
}

const EMPTY: u64 = u64::MAX;
const SLOT_BITS: u32 = 24;
const SLOT_MASK: u64 = (1 << SLOT_BITS) - 1;

impl fmt::Debug for SlotIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlotIndex")
            .field("len", &self.len)
            .field("capacity", &self.table.len())
            .finish()
    }
}

impl Default for SlotIndex {
    fn default() -> Self {
        SlotIndex {
            table: vec![EMPTY; 16],
            mask: 15,
            len: 0,
        }
    }
}

impl SlotIndex {
    /// Slots are below this.
    pub const MAX_SLOTS: usize = SLOT_MASK as usize;

    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// A well-mixed hash of a number.
    #[must_use]
    #[inline]
    pub fn hash_of(key: u64) -> u64 {
        let mixed = (key ^ (key >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed ^ (mixed >> 29)
    }

    #[inline]
    fn word(hash: u64, slot: u32) -> u64 {
        hash << SLOT_BITS | u64::from(slot)
    }

    #[inline]
    fn home(&self, word: u64) -> usize {
        usize::try_from(word >> SLOT_BITS).unwrap_or(0) & self.mask
    }

    /// The slot with this hash that `is` confirms.
    #[must_use]
    #[inline]
    pub fn find(&self, hash: u64, mut is: impl FnMut(u32) -> bool) -> Option<u32> {
        let tag = hash << SLOT_BITS;
        let mut at = self.home(tag);
        loop {
            let word = self.table[at];
            if word == EMPTY {
                return None;
            }
            if word & !SLOT_MASK == tag {
                let slot = slot_of(word);
                if is(slot) {
                    return Some(slot);
                }
            }
            at = (at + 1) & self.mask;
        }
    }

    /// Adds a slot; the pair of hash and slot must be new.
    ///
    /// # Panics
    /// When the slot needs more than 24 bits.
    pub fn insert(&mut self, hash: u64, slot: u32) {
        assert!(
            (slot as usize) < Self::MAX_SLOTS,
            "slot {slot} does not fit the index"
        );
        if (self.len + 1) * 8 > self.table.len() * 5 {
            self.grow();
        }
        self.len += 1;
        self.put(Self::word(hash, slot));
    }

    fn put(&mut self, word: u64) {
        let mut at = self.home(word);
        while self.table[at] != EMPTY {
            at = (at + 1) & self.mask;
        }
        self.table[at] = word;
    }

    fn grow(&mut self) {
        let size = self.table.len() * 2;
        let old = core::mem::replace(&mut self.table, vec![EMPTY; size]);
        self.mask = size - 1;
        for word in old {
            if word != EMPTY {
                self.put(word);
            }
        }
    }

    /// Removes a slot; false when it was not there. What follows in the probe sequence moves up, so nothing degrades over time.
    pub fn remove(&mut self, hash: u64, slot: u32) -> bool {
        let word = Self::word(hash, slot);
        let mut at = self.home(word);
        while self.table[at] != word {
            if self.table[at] == EMPTY {
                return false;
            }
            at = (at + 1) & self.mask;
        }
        let mut next = at;
        loop {
            next = (next + 1) & self.mask;
            let moved = self.table[next];
            if moved == EMPTY {
                break;
            }
            let home = self.home(moved);
            // may it move up to `at`? only when its home is not behind it
            if next.wrapping_sub(home) & self.mask >= next.wrapping_sub(at) & self.mask {
                self.table[at] = moved;
                at = next;
            }
        }
        self.table[at] = EMPTY;
        self.len -= 1;
        true
    }
}

#[inline]
fn slot_of(word: u64) -> u32 {
    u32::try_from(word & SLOT_MASK).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Few distinct hashes, so that probe sequences overlap; a plain list is the model.
    #[test]
    fn agrees_with_a_list_under_collisions() {
        let mut index = SlotIndex::default();
        let mut model: Vec<(u64, u32)> = Vec::new();
        let mut random = 7_u64;
        for step in 0..20_000_u32 {
            random = SlotIndex::hash_of(random.wrapping_add(u64::from(step)));
            let hash = random % 61;
            if random & 64 == 0 && model.len() < 500 {
                let slot = step % 4_096;
                if !model.contains(&(hash, slot)) {
                    index.insert(hash, slot);
                    model.push((hash, slot));
                }
            } else if let Some(at) =
                (!model.is_empty()).then(|| usize::try_from(random >> 40).unwrap() % model.len())
            {
                let (hash, slot) = model.swap_remove(at);
                assert!(index.remove(hash, slot));
                assert!(!index.remove(hash, slot));
            }
            assert_eq!(index.len(), model.len());
            if step % 64 == 0 {
                for (hash, slot) in &model {
                    assert_eq!(index.find(*hash, |s| s == *slot), Some(*slot));
                }
            }
        }
        assert_eq!(index.find(1_000, |_| true), None);
    }
}
