//! A batch of records under construction.

use types::{Seq, Time};

use crate::format::{
    FRAME_HEADER, FrameHeader, Hash, PAGE, RECORD_HEADER, Record, decode_record, padded,
    record_header, seal_records,
};

/// Records collected by the engine's thread and handed over whole to the journal's thread (and another one to the event log's).
///
/// It is the very buffer that is written: space for the frame's header stands in front, so nothing is copied again. Pushing costs one copy of
/// the payload; checksums and hashes are the journal thread's work. Two buffers that change places let execution of batch *n+1* overlap the
/// writing of batch *n*. Nothing is allocated once a buffer has grown to its working size.
#[derive(Debug)]
pub struct BatchBuf {
    bytes: Vec<u8>,
    /// Where the body ends; beyond it stands padding once sealed.
    end: usize,
    count: u32,
    first_seq: Seq,
    last_seq: Seq,
    first_time: Time,
    last_chain: u64,
}

impl Default for BatchBuf {
    fn default() -> BatchBuf {
        BatchBuf::with_capacity(1 << 20)
    }
}

impl BatchBuf {
    /// A buffer that takes `body` bytes (payloads and 32 bytes each) without allocating.
    #[must_use]
    pub fn with_capacity(body: usize) -> BatchBuf {
        let mut bytes = Vec::with_capacity(FRAME_HEADER + body + 2 * PAGE as usize);
        bytes.resize(FRAME_HEADER, 0);
        BatchBuf {
            bytes,
            end: FRAME_HEADER,
            count: 0,
            first_seq: Seq(0),
            last_seq: Seq(0),
            first_time: Time(0),
            last_chain: 0,
        }
    }

    /// Adds a record.
    pub fn push(&mut self, seq: Seq, time: Time, chain: u64, payload: &[u8]) {
        self.push_with(seq, time, chain, |bytes| bytes.extend_from_slice(payload));
    }

    /// Adds a record whose payload is appended to the buffer by `payload`, which must only append.
    ///
    /// # Panics
    /// When a payload is larger than 4 GiB.
    pub fn push_with(
        &mut self,
        seq: Seq,
        time: Time,
        chain: u64,
        payload: impl FnOnce(&mut Vec<u8>),
    ) {
        self.bytes.truncate(self.end);
        let start = self.end + RECORD_HEADER;
        self.bytes.resize(start, 0);
        payload(&mut self.bytes);
        let len =
            u32::try_from(self.bytes.len() - start).expect("a record's payload fits in 4 GiB");
        self.bytes[self.end..start].copy_from_slice(&record_header(seq, time, chain, len));
        self.end = self.bytes.len();
        if self.count == 0 {
            self.first_seq = seq;
            self.first_time = time;
        }
        self.count += 1;
        self.last_seq = seq;
        self.last_chain = chain;
    }

    /// Makes room for the next batch, keeping the memory.
    pub fn clear(&mut self) {
        self.bytes.truncate(FRAME_HEADER);
        self.end = FRAME_HEADER;
        self.count = 0;
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// How many records.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Bytes of the records so far: what a batch limit is compared with.
    #[must_use]
    pub fn body_len(&self) -> usize {
        self.end - FRAME_HEADER
    }

    /// Of the first record; meaningless while empty.
    #[must_use]
    pub fn first_seq(&self) -> Seq {
        self.first_seq
    }

    /// Of the last record; meaningless while empty.
    #[must_use]
    pub fn last_seq(&self) -> Seq {
        self.last_seq
    }

    /// The chain after the last record; meaningless while empty.
    #[must_use]
    pub fn last_chain(&self) -> u64 {
        self.last_chain
    }

    pub(crate) fn first_time(&self) -> Time {
        self.first_time
    }

    /// The records, once the batch was written by [`crate::Writer::append`] (before, their checksums are not there and this is empty).
    pub fn records(&self) -> impl Iterator<Item = Record<'_>> {
        let mut rest = &self.bytes[FRAME_HEADER..self.end];
        std::iter::from_fn(move || {
            let (record, len) = decode_record(rest)?;
            rest = &rest[len..];
            Some(record)
        })
    }

    /// A copy of the records from `seq` on.
    pub(crate) fn from(&mut self, seq: Seq) -> Result<BatchBuf, (Seq, Seq)> {
        seal_records(&mut self.bytes[FRAME_HEADER..self.end], self.first_seq)?;
        let mut rest = BatchBuf::with_capacity(self.body_len());
        for record in self.records().filter(|r| r.seq >= seq) {
            rest.push(record.seq, record.time, record.chain, record.payload);
        }
        Ok(rest)
    }

    /// What the frame will take in a segment.
    pub(crate) fn frame_len(&self) -> u64 {
        padded(self.end as u64)
    }

    /// Fills in checksums, hashes and the header; afterwards [`BatchBuf::frame`] is what goes to the disk.
    pub(crate) fn seal(&mut self, place: &Place) -> Result<Hash, (Seq, Seq)> {
        seal_records(&mut self.bytes[FRAME_HEADER..self.end], self.first_seq)?;
        let mut header = FrameHeader {
            generation: place.generation,
            offset: place.offset,
            body_len: u32::try_from(self.body_len()).unwrap_or(u32::MAX),
            count: self.count,
            first_seq: if self.count == 0 {
                place.next_seq
            } else {
                self.first_seq
            },
            synced: place.synced,
            chain: place.chain,
            prev: place.prev,
            hash: [0; 32],
        };
        header.seal(&mut self.bytes);
        // Zeros up to the end of the page: a later partial write then never has to read the page from the disk first.
        let whole = (place.offset + self.frame_len()).next_multiple_of(PAGE) - place.offset;
        self.bytes
            .resize(usize::try_from(whole).unwrap_or(usize::MAX), 0);
        Ok(header.hash)
    }

    pub(crate) fn frame(&self) -> &[u8] {
        &self.bytes
    }
}

/// Where a frame goes and what comes before it.
#[derive(Debug)]
pub(crate) struct Place {
    pub generation: u64,
    pub offset: u64,
    pub next_seq: Seq,
    pub synced: Seq,
    pub chain: u64,
    pub prev: Hash,
}
