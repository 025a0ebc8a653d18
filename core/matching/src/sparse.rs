//! The levels of one side that lie outside the window: a sorted map from rank to level in chunks of [`CHUNK`], under a sorted directory.
//!
//! Ranks grow towards the touch (a bid's rank is its price, an ask's the negated price), so the best level is always the last. Finding
//! costs two binary searches, adding and removing move at most half a chunk. Chunks are recycled.

use crate::window::Level;

const CHUNK: usize = 32;

struct Chunk {
    len: usize,
    ranks: [i64; CHUNK],
    levels: [Level; CHUNK],
}

impl Chunk {
    const EMPTY: Chunk = Chunk {
        len: 0,
        ranks: [0; CHUNK],
        levels: [Level::EMPTY; CHUNK],
    };

    fn search(&self, rank: i64) -> Result<usize, usize> {
        self.ranks[..self.len].binary_search(&rank)
    }

    fn insert(&mut self, at: usize, rank: i64) {
        self.ranks.copy_within(at..self.len, at + 1);
        self.levels.copy_within(at..self.len, at + 1);
        self.ranks[at] = rank;
        self.levels[at] = Level::EMPTY;
        self.len += 1;
    }

    fn remove(&mut self, at: usize) {
        self.ranks.copy_within(at + 1..self.len, at);
        self.levels.copy_within(at + 1..self.len, at);
        self.len -= 1;
    }
}

/// Where a level stands, until the next change of the map.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct At {
    entry: usize,
    pos: usize,
}

#[derive(Default)]
pub(crate) struct Sparse {
    /// The least rank of each chunk and where it stands.
    directory: Vec<(i64, usize)>,
    chunks: Vec<Chunk>,
    spare: Vec<usize>,
    len: usize,
}

impl Sparse {
    pub fn len(&self) -> usize {
        self.len
    }

    fn chunk(&self, at: At) -> &Chunk {
        &self.chunks[self.directory[at.entry].1]
    }

    /// The directory entry whose chunk has, or would have, the rank.
    fn entry(&self, rank: i64) -> usize {
        self.directory
            .partition_point(|(least, _)| *least <= rank)
            .saturating_sub(1)
    }

    pub fn find(&self, rank: i64) -> Option<At> {
        if self.len == 0 {
            return None;
        }
        let entry = self.entry(rank);
        let pos = self.chunks[self.directory[entry].1].search(rank).ok()?;
        Some(At { entry, pos })
    }

    pub fn level(&self, at: At) -> &Level {
        &self.chunk(at).levels[at.pos]
    }

    pub fn level_mut(&mut self, at: At) -> &mut Level {
        let chunk = self.directory[at.entry].1;
        &mut self.chunks[chunk].levels[at.pos]
    }

    /// The last rank.
    pub fn best(&self) -> Option<i64> {
        let (_, chunk) = self.directory.last()?;
        let chunk = &self.chunks[*chunk];
        Some(chunk.ranks[chunk.len - 1])
    }

    /// The highest rank at or below `rank`.
    pub fn at_or_below(&self, rank: i64) -> Option<i64> {
        if self.len == 0 {
            return None;
        }
        let entry = self.entry(rank);
        let chunk = &self.chunks[self.directory[entry].1];
        match chunk.search(rank) {
            Ok(pos) => Some(chunk.ranks[pos]),
            Err(0) => None,
            Err(pos) => Some(chunk.ranks[pos - 1]),
        }
    }

    /// The level of a rank, opened empty when there is none.
    pub fn open(&mut self, rank: i64) -> At {
        if self.directory.is_empty() {
            let chunk = self.take_chunk();
            self.directory.push((rank, chunk));
        }
        let mut entry = self.entry(rank);
        let chunk = self.directory[entry].1;
        let mut pos = match self.chunks[chunk].search(rank) {
            Ok(pos) => return At { entry, pos },
            Err(pos) => pos,
        };
        if self.chunks[chunk].len == CHUNK {
            self.split(entry);
            if rank >= self.directory[entry + 1].0 {
                entry += 1;
            }
            let chunk = self.directory[entry].1;
            pos = self.chunks[chunk].search(rank).unwrap_or_else(|pos| pos);
        }
        let chunk = self.directory[entry].1;
        self.chunks[chunk].insert(pos, rank);
        self.directory[entry].0 = self.chunks[chunk].ranks[0];
        self.len += 1;
        At { entry, pos }
    }

    fn take_chunk(&mut self) -> usize {
        self.spare.pop().unwrap_or_else(|| {
            self.chunks.push(Chunk::EMPTY);
            self.chunks.len() - 1
        })
    }

    /// Moves the upper half of a chunk into a new one behind it.
    fn split(&mut self, entry: usize) {
        let new = self.take_chunk();
        let old = self.directory[entry].1;
        let half = CHUNK / 2;
        let (ranks, levels) = (self.chunks[old].ranks, self.chunks[old].levels);
        let chunk = &mut self.chunks[new];
        chunk.ranks[..half].copy_from_slice(&ranks[half..]);
        chunk.levels[..half].copy_from_slice(&levels[half..]);
        chunk.len = half;
        self.chunks[old].len = half;
        self.directory.insert(entry + 1, (ranks[half], new));
    }

    /// Takes a level out.
    pub fn remove(&mut self, at: At) {
        let index = self.directory[at.entry].1;
        self.chunks[index].remove(at.pos);
        self.len -= 1;
        if self.chunks[index].len == 0 {
            self.directory.remove(at.entry);
            self.spare.push(index);
            return;
        }
        self.directory[at.entry].0 = self.chunks[index].ranks[0];
        if self.chunks[index].len < CHUNK / 4 && at.entry + 1 < self.directory.len() {
            self.merge(at.entry);
        }
    }

    /// Joins a chunk with the one behind it, if both fit with room to spare.
    fn merge(&mut self, entry: usize) {
        let (left, right) = (self.directory[entry].1, self.directory[entry + 1].1);
        let (n, m) = (self.chunks[left].len, self.chunks[right].len);
        if n + m > CHUNK * 3 / 4 {
            return;
        }
        let (ranks, levels) = (self.chunks[right].ranks, self.chunks[right].levels);
        let chunk = &mut self.chunks[left];
        chunk.ranks[n..n + m].copy_from_slice(&ranks[..m]);
        chunk.levels[n..n + m].copy_from_slice(&levels[..m]);
        chunk.len = n + m;
        self.chunks[right].len = 0;
        self.directory.remove(entry + 1);
        self.spare.push(right);
    }

    /// Order, counters and directory agree?
    pub fn audit(&self) -> Result<(), String> {
        let mut previous = None;
        let mut len = 0;
        for (least, index) in &self.directory {
            let chunk = &self.chunks[*index];
            if chunk.len == 0 || chunk.ranks[0] != *least {
                return Err("the sparse levels' directory is wrong".into());
            }
            for rank in &chunk.ranks[..chunk.len] {
                if previous >= Some(*rank) {
                    return Err(format!("sparse level {rank} is out of order"));
                }
                previous = Some(*rank);
                len += 1;
            }
        }
        if len != self.len {
            return Err(format!("{} sparse levels counted, {len} found", self.len));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn agrees_with_a_sorted_set() {
        let mut sparse = Sparse::default();
        let mut model = BTreeSet::new();
        let mut random = 1_u64;
        for step in 0..30_000 {
            random = crate::SlotIndex::hash_of(random.wrapping_add(step));
            let rank = i64::try_from(random % 1_000).unwrap() - 500;
            // grows, then shrinks
            let add = (random >> 20) % 100 < if step < 15_000 { 70 } else { 30 };
            if add {
                let at = sparse.open(rank);
                sparse.level_mut(at).qty = rank;
                model.insert(rank);
            } else if let Some(at) = sparse.find(rank) {
                assert_eq!(sparse.level(at).qty, rank);
                sparse.remove(at);
                assert!(model.remove(&rank));
            } else {
                assert!(!model.contains(&rank));
            }
            assert_eq!(sparse.best(), model.last().copied());
            assert_eq!(
                sparse.at_or_below(rank),
                model.range(..=rank).last().copied()
            );
        }
        assert_eq!(sparse.len(), model.len());
        sparse.audit().unwrap();
        for rank in model {
            let at = sparse.find(rank).unwrap();
            sparse.remove(at);
        }
        assert_eq!(sparse.len(), 0);
        sparse.audit().unwrap();
    }
}
