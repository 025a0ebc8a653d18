//! A recording as it lies in `recordings/`: trades and best quotes of a few symbols, in columns of variable-length integers, deflated.
//!
//! ```text
//! "HWREC" version:u8=1 deflate(
//!     symbols:varint, each: name_len:varint name tick:varint lot:varint quotes:varint trades:varint
//!     for each symbol, quotes by column:  time(ms, differences) bid(ticks, signed differences) spread(ticks) bid_qty(lots) ask_qty(lots)
//!     for each symbol, trades by column:  time price(ticks, signed differences) qty(lots)*2 + sell )
//! ```
//! `tick` and `lot` are units of 10⁻⁸; times count from the start of the recording.

use std::io::{Read, Write};

use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};
use types::Side;

const MAGIC: &[u8; 6] = b"HWREC\x01";
/// No honest recording of this kind is larger; a damaged length must not ask for more memory.
const MAX_BYTES: u64 = 64 << 20;

/// The best bid and ask from `at` on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Quote {
    /// Milliseconds from the start of the recording.
    pub at: i64,
    /// Ticks.
    pub bid: i64,
    pub ask: i64,
    /// Lots.
    pub bid_qty: i64,
    pub ask_qty: i64,
}

/// A trade as its taker saw it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Print {
    pub at: i64,
    /// Of the taker.
    pub side: Side,
    pub price: i64,
    pub qty: i64,
}

/// One symbol's part. Both lists are in order of time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reel {
    pub symbol: String,
    /// Units of 10⁻⁸.
    pub tick: i64,
    pub lot: i64,
    pub quotes: Vec<Quote>,
    pub prints: Vec<Print>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recording {
    pub reels: Vec<Reel>,
}

/// Bytes that are not a recording.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    #[error("not a recording of version 1: it starts with other bytes")]
    Magic,
    #[error("the recording cannot be inflated: {0}")]
    Inflate(#[from] std::io::Error),
    #[error("the recording is damaged: {0}")]
    Damaged(&'static str),
}

/// What ships with the program: BTCUSDT, ETHUSDT and SOLUSDT, see `recordings/README.md`.
static SHIPPED: &[u8] = include_bytes!("../recordings/binance-spot-2025-03-25.rec");

impl Recording {
    /// # Errors
    /// Never, unless the file was replaced before the build.
    pub fn shipped() -> Result<Recording, Unreadable> {
        Recording::read(SHIPPED)
    }

    /// Milliseconds from the first to the last event, and one more so that passes do not overlap.
    #[must_use]
    pub fn length_ms(&self) -> i64 {
        let last = |reel: &Reel| {
            let quote = reel.quotes.last().map_or(0, |q| q.at);
            quote.max(reel.prints.last().map_or(0, |p| p.at))
        };
        self.reels.iter().map(last).max().unwrap_or(0) + 1
    }

    /// # Errors
    /// [`Unreadable`].
    pub fn read(bytes: &[u8]) -> Result<Recording, Unreadable> {
        let body = bytes.strip_prefix(MAGIC).ok_or(Unreadable::Magic)?;
        let mut plain = Vec::new();
        DeflateDecoder::new(body)
            .take(MAX_BYTES)
            .read_to_end(&mut plain)?;
        let mut input = plain.as_slice();
        let count = get(&mut input)?;
        let mut heads = Vec::new();
        for _ in 0..count {
            heads.push(Head::take(&mut input)?);
        }
        let mut reels = Vec::new();
        for head in heads {
            reels.push(head.reel(&mut input)?);
        }
        if !input.is_empty() {
            return Err(Unreadable::Damaged("bytes left over"));
        }
        Ok(Recording { reels })
    }

    /// # Errors
    /// When deflating fails, which writing to memory does not.
    pub fn write(&self) -> std::io::Result<Vec<u8>> {
        let mut plain = Vec::new();
        put(&mut plain, self.reels.len() as u64);
        for reel in &self.reels {
            put(&mut plain, reel.symbol.len() as u64);
            plain.extend_from_slice(reel.symbol.as_bytes());
            for value in [reel.tick, reel.lot] {
                put(&mut plain, value.unsigned_abs());
            }
            put(&mut plain, reel.quotes.len() as u64);
            put(&mut plain, reel.prints.len() as u64);
        }
        for reel in &self.reels {
            let quotes = &reel.quotes;
            differences(&mut plain, quotes.iter().map(|q| q.at));
            differences(&mut plain, quotes.iter().map(|q| q.bid));
            quotes
                .iter()
                .for_each(|q| put(&mut plain, zigzag(q.ask - q.bid)));
            quotes
                .iter()
                .for_each(|q| put(&mut plain, zigzag(q.bid_qty)));
            quotes
                .iter()
                .for_each(|q| put(&mut plain, zigzag(q.ask_qty)));
            let prints = &reel.prints;
            differences(&mut plain, prints.iter().map(|p| p.at));
            differences(&mut plain, prints.iter().map(|p| p.price));
            let sided = |p: &Print| p.qty.unsigned_abs() * 2 + u64::from(p.side == Side::Sell);
            prints.iter().for_each(|p| put(&mut plain, sided(p)));
        }
        let mut out = DeflateEncoder::new(MAGIC.to_vec(), Compression::best());
        out.write_all(&plain)?;
        out.finish()
    }
}

struct Head {
    symbol: String,
    tick: i64,
    lot: i64,
    quotes: usize,
    prints: usize,
}

impl Head {
    fn take(input: &mut &[u8]) -> Result<Head, Unreadable> {
        let len = length(get(input)?)?;
        let (name, rest) = input
            .split_at_checked(len)
            .ok_or(Unreadable::Damaged("ends in a name"))?;
        *input = rest;
        let symbol = String::from_utf8(name.to_vec()).map_err(|_| Unreadable::Damaged("name"))?;
        let grid = |input: &mut &[u8]| match i64::try_from(get(input)?) {
            Ok(unit) if unit > 0 => Ok(unit),
            _ => Err(Unreadable::Damaged("tick or lot")),
        };
        Ok(Head {
            symbol,
            tick: grid(input)?,
            lot: grid(input)?,
            quotes: length(get(input)?)?,
            prints: length(get(input)?)?,
        })
    }

    fn reel(self, input: &mut &[u8]) -> Result<Reel, Unreadable> {
        let at = sums(input, self.quotes)?;
        let bid = sums(input, self.quotes)?;
        let spread = plain(input, self.quotes)?;
        let bid_qty = plain(input, self.quotes)?;
        let ask_qty = plain(input, self.quotes)?;
        let quotes = (0..self.quotes).map(|i| Quote {
            at: at[i],
            bid: bid[i],
            ask: bid[i].saturating_add(spread[i]),
            bid_qty: bid_qty[i],
            ask_qty: ask_qty[i],
        });
        let quotes: Vec<Quote> = quotes.collect();
        if quotes
            .iter()
            .any(|q| q.bid >= q.ask || q.bid_qty <= 0 || q.ask_qty <= 0)
        {
            return Err(Unreadable::Damaged("a quote is crossed or empty"));
        }
        let at = sums(input, self.prints)?;
        let price = sums(input, self.prints)?;
        let mut prints = Vec::with_capacity(self.prints);
        for i in 0..self.prints {
            let sided = get(input)?;
            prints.push(Print {
                at: at[i],
                side: if sided & 1 == 1 {
                    Side::Sell
                } else {
                    Side::Buy
                },
                price: price[i],
                qty: i64::try_from(sided >> 1).map_err(|_| Unreadable::Damaged("qty"))?,
            });
        }
        Ok(Reel {
            symbol: self.symbol,
            tick: self.tick,
            lot: self.lot,
            quotes,
            prints,
        })
    }
}

fn length(value: u64) -> Result<usize, Unreadable> {
    match usize::try_from(value) {
        Ok(len) if value < MAX_BYTES => Ok(len),
        _ => Err(Unreadable::Damaged("a length")),
    }
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -((value & 1).cast_signed())
}

fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7F) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn get(input: &mut &[u8]) -> Result<u64, Unreadable> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = input
            .split_first()
            .ok_or(Unreadable::Damaged("ends early"))?;
        *input = rest;
        value |= u64::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Unreadable::Damaged("a number of more than 64 bits"))
}

fn differences(out: &mut Vec<u8>, values: impl Iterator<Item = i64>) {
    let mut last = 0;
    for value in values {
        put(out, zigzag(value - last));
        last = value;
    }
}

fn plain(input: &mut &[u8], count: usize) -> Result<Vec<i64>, Unreadable> {
    (0..count).map(|_| get(input).map(unzigzag)).collect()
}

fn sums(input: &mut &[u8], count: usize) -> Result<Vec<i64>, Unreadable> {
    let mut last = 0_i64;
    let mut next = || {
        last = last.saturating_add(unzigzag(get(input)?));
        Ok(last)
    };
    (0..count).map(|_| next()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_recording_is_the_whole_of_its_source() {
        let recording = Recording::shipped().unwrap();
        let names: Vec<&str> = recording.reels.iter().map(|r| r.symbol.as_str()).collect();
        assert_eq!(names, ["BTCUSDT", "ETHUSDT", "SOLUSDT"]);
        let prints: usize = recording.reels.iter().map(|r| r.prints.len()).sum();
        let quotes: usize = recording.reels.iter().map(|r| r.quotes.len()).sum();
        assert_eq!((prints, quotes), (11_032, 38_968));
        assert_eq!(recording.length_ms() / 1000, 184);
        assert!(SHIPPED.len() < 1_000_000);
        for reel in &recording.reels {
            assert!(reel.quotes.is_sorted_by_key(|q| q.at), "{}", reel.symbol);
            assert!(reel.prints.is_sorted_by_key(|p| p.at), "{}", reel.symbol);
        }
    }

    #[test]
    fn reads_back_what_it_writes_and_refuses_damage() {
        let recording = Recording::shipped().unwrap();
        let bytes = recording.write().unwrap();
        assert_eq!(Recording::read(&bytes).unwrap(), recording);
        assert!(matches!(
            Recording::read(b"HWREC\x02"),
            Err(Unreadable::Magic)
        ));
        assert!(Recording::read(&bytes[..bytes.len() / 2]).is_err());
    }

    #[test]
    fn numbers_survive() {
        for value in [0, 1, -1, 63, -64, 64, i64::MAX, i64::MIN] {
            let mut bytes = Vec::new();
            put(&mut bytes, zigzag(value));
            assert_eq!(unzigzag(get(&mut bytes.as_slice()).unwrap()), value);
        }
    }
}
