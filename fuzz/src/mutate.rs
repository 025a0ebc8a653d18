//! New inputs from old ones.

use testkit::random::Random;

/// Longer inputs are cut: what they could show, shorter ones can.
const LONGEST: usize = 16 << 10;

const NUMBERS: [&str; 14] = [
    "0",
    "-1",
    "1",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "18446744073709551616",
    "92233720368.54775807",
    "0.00000001",
    "0.000000001",
    "1e9",
    "99999999999999999999999999999999999999",
    "4294967296",
    "+5",
];
const WORDS: [u64; 9] = [
    0,
    1,
    0x7F,
    0xFF,
    0xFFFF,
    0x7FFF_FFFF,
    0xFFFF_FFFF,
    0x7FFF_FFFF_FFFF_FFFF,
    u64::MAX,
];

/// Changes an input in one to six places, some of it taken from `others`.
#[must_use]
pub fn mutate(random: &mut Random, input: &[u8], others: &[Vec<u8>], words: &[&str]) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..=random.below(6) {
        change(random, &mut bytes, others, words);
    }
    bytes.truncate(LONGEST);
    bytes
}

/// A place in the bytes, or behind them.
fn place(random: &mut Random, bytes: &[u8]) -> usize {
    random.below(bytes.len() as u64 + 1) as usize
}

fn piece(random: &mut Random, bytes: &[u8]) -> (usize, usize) {
    let from = place(random, bytes);
    let most = (bytes.len() - from).min(1 << random.below(9));
    (from, from + random.below(most as u64 + 1) as usize)
}

fn insert(bytes: &mut Vec<u8>, at: usize, new: &[u8]) {
    bytes.splice(at..at, new.iter().copied());
}

fn change(random: &mut Random, bytes: &mut Vec<u8>, others: &[Vec<u8>], words: &[&str]) {
    let at = place(random, bytes);
    match random.below(12) {
        0 | 1 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
        }
        2 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = random.word() as u8;
            }
        }
        3 => {
            let (from, to) = piece(random, bytes);
            bytes.drain(from..to);
        }
        4 => {
            let (from, to) = piece(random, bytes);
            let copy = bytes[from..to].to_vec();
            insert(bytes, at, &copy);
        }
        5 => bytes.truncate(at),
        6 => {
            let new: Vec<u8> = (0..random.below(9)).map(|_| random.word() as u8).collect();
            insert(bytes, at, &new);
        }
        7 => replace_number(random, bytes),
        8 => {
            let word = random.pick(&WORDS).to_le_bytes();
            let width = random.pick(&[1, 2, 4, 8]);
            let end = (at + width).min(bytes.len());
            bytes.splice(at..end, word[..width].iter().copied());
        }
        9 if !others.is_empty() => {
            let other = &others[random.below(others.len() as u64) as usize];
            let (from, to) = piece(random, other);
            let (mine, end) = piece(random, bytes);
            bytes.splice(mine..end, other[from..to].iter().copied());
        }
        _ if !words.is_empty() => {
            let word = random.pick(words);
            insert(bytes, at, word.as_bytes());
        }
        _ => {}
    }
}

/// One of the numbers that are written out becomes another.
fn replace_number(random: &mut Random, bytes: &mut Vec<u8>) {
    let digit = |i: &usize| bytes[*i].is_ascii_digit();
    let first = |i: &usize| *i == 0 || !bytes[*i - 1].is_ascii_digit();
    let starts: Vec<usize> = (0..bytes.len()).filter(digit).filter(first).collect();
    if starts.is_empty() {
        return;
    }
    let from = random.pick(&starts);
    let digits = bytes[from..].iter().take_while(|b| b.is_ascii_digit());
    let to = from + digits.count();
    let new = random.pick(&NUMBERS);
    bytes.splice(from..to, new.bytes());
}
