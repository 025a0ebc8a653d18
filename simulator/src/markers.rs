//! Rare situations that a simulation must have met, or it proves less than it seems to.

use std::collections::BTreeMap;

/// Every marker that there is.
pub const ALL: &[&str] = &[
    "killed",
    "power lost",
    "power lost while a batch was written",
    "power lost during recovery",
    "power lost during a snapshot",
    "a write failed",
    "a sync failed",
    "a short write",
    "the disk was full",
    "refused because the disk was full",
    "a cancel was taken while the disk was full",
    "the queue was full",
    "an answer got lost",
    "an answer came twice",
    "an unknown request had happened",
    "an unknown request had not happened",
    "sent again after a lost answer, refused as a duplicate",
    "sent again after a crash",
    "a batch was journalled and nobody was told",
    "recovered from a snapshot",
    "recovered from the first record",
    "an unfinished batch was cut off",
    "the event log was short",
    "the clock jumped forward",
    "the clock jumped back",
    "a request came too late",
    "damage was detected",
    "a lying disk was harmless",
    "a lying disk was excused",
    "traded",
    "filled in parts",
    "prevented: ExpireTaker",
    "prevented: ExpireMaker",
    "prevented: ExpireBoth",
    "prevented: Decrement",
    "prevented: Transfer",
    "an iceberg was refilled",
    "a pegged order took its price",
    "a conditional order acted",
    "a trailing order began to follow",
    "a list was placed",
    "a list ended",
    "a pending order was let act",
    "an order was amended",
    "a fill-or-kill was not filled",
    "an order ended by the price range",
    "a market was halted",
    "a reference was told",
    "a block trade",
    "a balance was locked",
    "fees changed",
    "an order was refused when it was to act",
];

/// How often each was met.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Markers(BTreeMap<&'static str, u64>);

impl Markers {
    /// Notes one.
    ///
    /// # Panics
    /// When it does not stand in [`ALL`]: then nobody would miss it.
    pub fn hit(&mut self, name: &'static str) {
        assert!(ALL.contains(&name), "`{name}` does not stand in the table");
        *self.0.entry(name).or_default() += 1;
    }

    pub fn add(&mut self, other: &Markers) {
        for (name, count) in &other.0 {
            *self.0.entry(name).or_default() += count;
        }
    }

    #[must_use]
    pub fn count(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or(0)
    }

    /// Those that were never met.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        let never = |name: &&&str| self.count(name) == 0;
        ALL.iter().filter(never).copied().collect()
    }
}
