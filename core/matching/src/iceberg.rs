//! What icebergs hide.

use std::collections::BTreeMap;

use types::Qty;

use crate::Iceberg;

/// One order's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Hidden {
    pub peak: i64,
    pub hidden: i64,
    /// Side and price.
    place: (u8, i64),
}

/// Of a whole book, by slot, and added up by level.
#[derive(Debug, Default)]
pub(crate) struct Icebergs {
    by_slot: BTreeMap<u32, Hidden>,
    /// Never zero.
    by_level: BTreeMap<(u8, i64), i64>,
}

impl Icebergs {
    /// An order of `open` lots, of which a part is shown.
    pub fn insert(&mut self, slot: u32, place: (u8, i64), iceberg: Iceberg, open: Qty) {
        let hidden = open.0 - iceberg.shown.0;
        debug_assert!(iceberg.shown.0 > 0 && iceberg.shown <= iceberg.peak && hidden >= 0);
        let peak = iceberg.peak.0;
        let of = Hidden {
            peak,
            hidden,
            place,
        };
        self.by_slot.insert(slot, of);
        self.change(place, hidden);
    }

    pub fn remove(&mut self, slot: u32) {
        if let Some(of) = self.by_slot.remove(&slot) {
            self.change(of.place, -of.hidden);
        }
    }

    pub fn get(&self, slot: u32) -> Option<Hidden> {
        self.by_slot.get(&slot).copied()
    }

    pub fn hidden(&self, slot: u32) -> i64 {
        self.get(slot).map_or(0, |of| of.hidden)
    }

    /// What is hidden at a level.
    #[inline]
    pub fn at(&self, side: u8, price: i64) -> i64 {
        if self.by_level.is_empty() {
            return 0;
        }
        self.by_level.get(&(side, price)).copied().unwrap_or(0)
    }

    /// Shows the next part, and says how much that is.
    pub fn refill(&mut self, slot: u32) -> i64 {
        let of = self.by_slot.get_mut(&slot).expect("an iceberg");
        let shown = of.peak.min(of.hidden);
        of.hidden -= shown;
        let place = of.place;
        self.change(place, -shown);
        shown
    }

    /// Lowers what is open, `shown` being shown now, to `open`: what is hidden goes first. Says what stays shown.
    pub fn reduce(&mut self, slot: u32, shown: i64, open: Qty) -> Qty {
        let of = self.by_slot.get_mut(&slot).expect("an iceberg");
        let stays = shown.min(open.0);
        let less = of.hidden - (open.0 - stays);
        of.hidden -= less;
        let place = of.place;
        self.change(place, -less);
        Qty(stays)
    }

    fn change(&mut self, place: (u8, i64), delta: i64) {
        let sum = self.by_level.entry(place).or_default();
        *sum += delta;
        if *sum == 0 {
            self.by_level.remove(&place);
        }
    }

    pub fn len(&self) -> usize {
        self.by_slot.len()
    }

    /// # Errors
    /// A sentence about the first level whose sum is wrong.
    pub fn audit(&self) -> Result<(), String> {
        let mut sums: BTreeMap<(u8, i64), i64> = BTreeMap::new();
        for of in self.by_slot.values().filter(|of| of.hidden != 0) {
            *sums.entry(of.place).or_default() += of.hidden;
        }
        if sums != self.by_level || self.by_slot.values().any(|of| of.hidden < 0) {
            return Err("what icebergs hide does not add up".to_owned());
        }
        Ok(())
    }
}
