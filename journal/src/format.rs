//! The bytes on the disk: segment headers, frames, records. Tables with offsets stand in the crate's documentation.
//!
//! Nothing here does I/O. Encoders write fixed layouts; decoders return `None` for anything that does not check out, whatever the reason.

use types::{Seq, Time};

/// The version this program writes. Every older one stays readable, for ever (see `tests/golden`).
pub const FORMAT_VERSION: u32 = 1;

pub(crate) const SECTOR: u64 = 512;
pub(crate) const PAGE: u64 = 4096;
/// The header has a page of its own: no later write touches its block.
pub(crate) const SEGMENT_HEADER: u64 = PAGE;
pub(crate) const FRAME_HEADER: usize = 128;
pub(crate) const RECORD_HEADER: usize = 32;
/// One batch. Far above what a sequencer collects; bounds what a reader allocates.
pub(crate) const MAX_BODY: u32 = 1 << 30;

const SEGMENT_MAGIC: [u8; 8] = *b"HWSEGMT\x01";
const FRAME_MAGIC: u32 = u32::from_le_bytes(*b"HWB1");
const HEADER_BYTES: usize = 512;

/// Twice 16 random bytes would be no better: which data folder a file belongs to.
pub(crate) type Identity = [u8; 16];
pub(crate) type Hash = [u8; 32];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub(crate) enum Kind {
    Journal = 1,
    Events = 2,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub(crate) enum State {
    /// Filled with zeros or recycled; holds nothing of its generation yet.
    Prepared = 1,
    /// `first_seq`, `chain`, `synced` and `prev` say what came before.
    Begun = 2,
}

/// First 512 bytes of a segment; the rest of its page is zero.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct SegmentHeader {
    pub kind: Kind,
    pub state: State,
    pub identity: Identity,
    /// Counts segments from 1; every frame repeats it, so that what a recycled file held before is never taken for this segment's.
    pub generation: u64,
    /// How many bytes the file had when it was prepared.
    pub size: u64,
    pub first_seq: Seq,
    pub chain: u64,
    /// All records up to here were on the disk when this was written.
    pub synced: Seq,
    /// Time of the first record.
    pub time: Time,
    /// BLAKE3 of the batch before the first one.
    pub prev: Hash,
}

impl SegmentHeader {
    pub fn prepared(kind: Kind, identity: Identity, generation: u64, size: u64) -> SegmentHeader {
        SegmentHeader {
            kind,
            state: State::Prepared,
            identity,
            generation,
            size,
            first_seq: Seq(0),
            chain: 0,
            synced: Seq(0),
            time: Time(0),
            prev: [0; 32],
        }
    }

    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut b = [0; HEADER_BYTES];
        b[0..8].copy_from_slice(&SEGMENT_MAGIC);
        put32(&mut b, 12, FORMAT_VERSION);
        put32(&mut b, 16, self.kind as u32);
        put32(&mut b, 20, self.state as u32);
        b[24..40].copy_from_slice(&self.identity);
        put64(&mut b, 40, self.generation);
        put64(&mut b, 48, self.size);
        put64(&mut b, 56, self.first_seq.0);
        put64(&mut b, 64, self.chain);
        put64(&mut b, 72, self.synced.0);
        b[80..88].copy_from_slice(&self.time.0.to_le_bytes());
        b[88..120].copy_from_slice(&self.prev);
        let crc = crc32c::crc32c(&b[12..]);
        put32(&mut b, 8, crc);
        b
    }

    /// `Err` carries the version of a header that is sound but newer than this program.
    pub fn decode(b: &[u8]) -> Result<SegmentHeader, Option<u32>> {
        if b.len() < HEADER_BYTES
            || b[0..8] != SEGMENT_MAGIC
            || get32(b, 8) != crc32c::crc32c(&b[12..HEADER_BYTES])
        {
            return Err(None);
        }
        let version = get32(b, 12);
        if version > FORMAT_VERSION {
            return Err(Some(version));
        }
        let kind = match get32(b, 16) {
            1 => Kind::Journal,
            2 => Kind::Events,
            _ => return Err(None),
        };
        let state = match get32(b, 20) {
            1 => State::Prepared,
            2 => State::Begun,
            _ => return Err(None),
        };
        Ok(SegmentHeader {
            kind,
            state,
            identity: array(b, 24),
            generation: get64(b, 40),
            size: get64(b, 48),
            first_seq: Seq(get64(b, 56)),
            chain: get64(b, 64),
            synced: Seq(get64(b, 72)),
            time: Time(i64::from_le_bytes(array(b, 80))),
            prev: array(b, 88),
        })
    }
}

/// The 128 bytes in front of a batch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct FrameHeader {
    pub generation: u64,
    /// Where in the segment this frame belongs: a write that landed elsewhere is recognised.
    pub offset: u64,
    pub body_len: u32,
    /// Zero in a confirmation, which says only how far everything was synced.
    pub count: u32,
    pub first_seq: Seq,
    /// All records up to here were on the disk when this was written. What is missing below a later frame's `synced` is damage, not a torn tail.
    pub synced: Seq,
    /// The chain before the first record.
    pub chain: u64,
    pub prev: Hash,
    pub hash: Hash,
}

impl FrameHeader {
    /// Fills in the hash and the checksum over `frame` (header space and body).
    pub fn seal(&mut self, frame: &mut [u8]) {
        let b = frame;
        put32(b, 0, FRAME_MAGIC);
        put64(b, 8, self.generation);
        put64(b, 16, self.offset);
        put32(b, 24, self.body_len);
        put32(b, 28, self.count);
        put64(b, 32, self.first_seq.0);
        put64(b, 40, self.synced.0);
        put64(b, 48, self.chain);
        put64(b, 56, 0);
        b[64..96].copy_from_slice(&self.prev);
        self.hash = frame_hash(b, self.body_len as usize);
        b[96..128].copy_from_slice(&self.hash);
        let crc = crc32c::crc32c(&b[8..FRAME_HEADER]);
        put32(b, 4, crc);
    }

    /// Checks the header only; the body needs [`body_is_sound`].
    pub fn decode(b: &[u8]) -> Option<FrameHeader> {
        if b.len() < FRAME_HEADER
            || get32(b, 0) != FRAME_MAGIC
            || get32(b, 4) != crc32c::crc32c(&b[8..FRAME_HEADER])
        {
            return None;
        }
        let body_len = get32(b, 24);
        (body_len <= MAX_BODY).then(|| FrameHeader {
            generation: get64(b, 8),
            offset: get64(b, 16),
            body_len,
            count: get32(b, 28),
            first_seq: Seq(get64(b, 32)),
            synced: Seq(get64(b, 40)),
            chain: get64(b, 48),
            prev: array(b, 64),
            hash: array(b, 96),
        })
    }

    pub fn next_seq(&self) -> Seq {
        Seq(self.first_seq.0.saturating_add(u64::from(self.count)))
    }

    /// Header, body, and zeros up to the next sector: no sector ever holds bytes of two batches.
    pub fn padded_len(&self) -> u64 {
        padded(FRAME_HEADER as u64 + u64::from(self.body_len))
    }
}

pub(crate) fn padded(len: u64) -> u64 {
    len.next_multiple_of(SECTOR)
}

/// BLAKE3 over header (from the generation to the previous hash) and body.
fn frame_hash(frame: &[u8], body_len: usize) -> Hash {
    let mut h = blake3::Hasher::new();
    h.update(&frame[8..96]);
    h.update(&frame[FRAME_HEADER..FRAME_HEADER + body_len]);
    *h.finalize().as_bytes()
}

/// The previous hash of the first batch of a journal: ties all of it to its data folder.
pub(crate) fn genesis_hash(identity: &Identity) -> Hash {
    blake3::derive_key("highwater journal 1 genesis", identity)
}

/// Whether the bytes of a frame whose header decoded are what was written: the hash, and each record's checksum and place.
pub(crate) fn body_is_sound(header: &FrameHeader, frame: &[u8]) -> bool {
    let body_len = header.body_len as usize;
    if frame.len() < FRAME_HEADER + body_len || frame_hash(frame, body_len) != header.hash {
        return false;
    }
    let body = &frame[FRAME_HEADER..FRAME_HEADER + body_len];
    let mut at = 0;
    let mut seq = header.first_seq.0;
    for _ in 0..header.count {
        match decode_record(&body[at..]) {
            Some((record, len)) if record.seq.0 == seq => {
                at += len;
                seq += 1;
            }
            _ => return false,
        }
    }
    at == body_len
}

/// One record, borrowed from a reader's buffer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Record<'a> {
    pub seq: Seq,
    pub time: Time,
    /// The chain after this record, as its writer computed it (see [`crate::chain`]).
    pub chain: u64,
    pub payload: &'a [u8],
}

/// The 32 bytes in front of a payload, without the checksum, which the journal's thread fills in (see [`seal_records`]).
pub(crate) fn record_header(
    seq: Seq,
    time: Time,
    chain: u64,
    payload_len: u32,
) -> [u8; RECORD_HEADER] {
    let mut b = [0; RECORD_HEADER];
    put32(&mut b, 4, payload_len);
    put64(&mut b, 8, seq.0);
    b[16..24].copy_from_slice(&time.0.to_le_bytes());
    put64(&mut b, 24, chain);
    b
}

/// Puts each record's CRC32C in place and checks that sequence numbers have no gap; returns the last chain, or where the gap is.
pub(crate) fn seal_records(body: &mut [u8], first: Seq) -> Result<Option<u64>, (Seq, Seq)> {
    let mut at = 0;
    let mut expected = first.0;
    let mut chain = None;
    while at < body.len() {
        let len = get32(body, at + 4) as usize;
        let end = at + RECORD_HEADER + len;
        let seq = get64(body, at + 8);
        if seq != expected {
            return Err((Seq(expected), Seq(seq)));
        }
        chain = Some(get64(body, at + 24));
        let crc = crc32c::crc32c(&body[at + 4..end]);
        put32(body, at, crc);
        at = end;
        expected += 1;
    }
    Ok(chain)
}

/// The record at the front of `b` and how many bytes it takes.
pub(crate) fn decode_record(b: &[u8]) -> Option<(Record<'_>, usize)> {
    if b.len() < RECORD_HEADER {
        return None;
    }
    let end = RECORD_HEADER.checked_add(get32(b, 4) as usize)?;
    if b.len() < end || get32(b, 0) != crc32c::crc32c(&b[4..end]) {
        return None;
    }
    let record = Record {
        seq: Seq(get64(b, 8)),
        time: Time(i64::from_le_bytes(array(b, 16))),
        chain: get64(b, 24),
        payload: &b[RECORD_HEADER..end],
    };
    Some((record, end))
}

pub(crate) fn get32(b: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array(b, at))
}

pub(crate) fn get64(b: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array(b, at))
}

pub(crate) fn put32(b: &mut [u8], at: usize, v: u32) {
    b[at..at + 4].copy_from_slice(&v.to_le_bytes());
}

pub(crate) fn put64(b: &mut [u8], at: usize, v: u64) {
    b[at..at + 8].copy_from_slice(&v.to_le_bytes());
}

pub(crate) fn array<const N: usize>(b: &[u8], at: usize) -> [u8; N] {
    let mut a = [0; N];
    a.copy_from_slice(&b[at..at + N]);
    a
}
