//! Walking the frames of one segment, believing nothing that does not check out.

use std::io;
use std::sync::Arc;

use types::Seq;

use crate::format::{
    FRAME_HEADER, FrameHeader, Hash, SECTOR, SEGMENT_HEADER, SegmentHeader, body_is_sound,
};
use crate::storage::{File, read_full};

const WINDOW: usize = 1 << 20;

/// Why no further batch was accepted.
pub(crate) type Fault = &'static str;

pub(crate) enum Step {
    /// A sound frame that continues the history; its bytes are at [`Walk::frame`].
    Frame(FrameHeader),
    End(Fault),
}

/// What the next batch must continue.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Tip {
    pub next: Seq,
    pub chain: u64,
    pub prev: Hash,
}

pub(crate) struct Walk {
    pub file: Arc<dyn File>,
    pub generation: u64,
    pub at: u64,
    pub tip: Tip,
    window: Vec<u8>,
    window_at: u64,
    frame: (usize, usize),
}

impl Walk {
    pub fn new(file: Arc<dyn File>, header: &SegmentHeader) -> Walk {
        let tip = Tip {
            next: header.first_seq,
            chain: header.chain,
            prev: header.prev,
        };
        Walk {
            file,
            generation: header.generation,
            at: SEGMENT_HEADER,
            tip,
            window: Vec::new(),
            window_at: 0,
            frame: (0, 0),
        }
    }

    /// Header and body of the frame that was last returned.
    pub fn frame(&self) -> &[u8] {
        &self.window[self.frame.0..self.frame.1]
    }

    /// Goes on to the next segment with what was learnt of this one.
    pub fn into_tip(self) -> Tip {
        self.tip
    }

    pub fn step(&mut self) -> io::Result<Step> {
        let step = self.try_step()?;
        if matches!(step, Step::End(_)) {
            // what is here now may be something else later: a live tail is read afresh
            self.window.clear();
            self.frame = (0, 0);
        }
        Ok(step)
    }

    fn try_step(&mut self) -> io::Result<Step> {
        let Some(start) = self.load(FRAME_HEADER)? else {
            return Ok(Step::End("the file ends there"));
        };
        let Some(header) = FrameHeader::decode(&self.window[start..]) else {
            return Ok(Step::End("there is no batch header"));
        };
        if header.generation != self.generation || header.offset != self.at {
            return Ok(Step::End("the batch there belongs elsewhere"));
        }
        if header.first_seq != self.tip.next
            || header.prev != self.tip.prev
            || header.chain != self.tip.chain
        {
            return Ok(Step::End(
                "the batch there does not continue the one before",
            ));
        }
        let len = FRAME_HEADER + header.body_len as usize;
        let Some(start) = self.load(len)? else {
            return Ok(Step::End("the batch there is cut off"));
        };
        let frame = &self.window[start..start + len];
        if !body_is_sound(&header, frame) {
            return Ok(Step::End("the batch there does not match its hash"));
        }
        self.frame = (start, start + len);
        if let Some(chain) = last_chain(&header, frame) {
            self.tip.chain = chain;
        }
        self.tip.next = header.next_seq();
        self.tip.prev = header.hash;
        self.at += header.padded_len();
        Ok(Step::Frame(header))
    }

    /// Makes `len` bytes from the current place available; their start in the window, or `None` past the end of the file.
    fn load(&mut self, len: usize) -> io::Result<Option<usize>> {
        let skip = usize::try_from(self.at.saturating_sub(self.window_at)).unwrap_or(usize::MAX);
        if self.at >= self.window_at && skip.saturating_add(len) <= self.window.len() {
            return Ok(Some(skip));
        }
        // the length was checked by the header's CRC, but a file may still be shorter than it says
        let left = self.file.len()?.saturating_sub(self.at);
        if left < len as u64 {
            return Ok(None);
        }
        let want = usize::try_from(left)
            .unwrap_or(usize::MAX)
            .min(len.max(WINDOW));
        self.window.resize(want, 0);
        let n = read_full(&*self.file, &mut self.window, self.at)?;
        self.window.truncate(n);
        self.window_at = self.at;
        Ok((n >= len).then_some(0))
    }
}

/// The chain stored with the last record of a frame that was found sound.
fn last_chain(header: &FrameHeader, frame: &[u8]) -> Option<u64> {
    let mut rest = &frame[FRAME_HEADER..];
    let mut chain = None;
    for _ in 0..header.count {
        let len = crate::format::RECORD_HEADER + crate::format::get32(rest, 4) as usize;
        chain = Some(crate::format::get64(rest, 24));
        rest = &rest[len..];
    }
    chain
}

/// Looks from `from` on for a frame of this segment that was written when record `missing` was already on the disk.
pub(crate) fn find_proof(
    file: &dyn File,
    generation: u64,
    from: u64,
    missing: Seq,
) -> io::Result<Option<u64>> {
    let mut found = None;
    for_each_sector(file, from.max(SEGMENT_HEADER), |at, sector| {
        if let Some(h) = FrameHeader::decode(sector)
            && h.generation == generation
            && h.offset == at
            && h.synced >= missing
        {
            found = Some(at);
        }
        found.is_none()
    })?;
    Ok(found)
}

/// Whether the segment holds any frame header of its own generation at all.
pub(crate) fn has_own_frame(file: &dyn File, generation: u64) -> io::Result<bool> {
    Ok(find_proof(file, generation, SEGMENT_HEADER, Seq(0))?.is_some())
}

/// Whether anything but zeros stands from `from` on.
pub(crate) fn last_non_zero(file: &dyn File, from: u64) -> io::Result<Option<u64>> {
    let mut last = None;
    for_each_sector(file, from, |at, sector| {
        if sector.iter().any(|b| *b != 0) {
            last = Some(at);
        }
        true
    })?;
    Ok(last)
}

fn for_each_sector(
    file: &dyn File,
    from: u64,
    mut visit: impl FnMut(u64, &[u8]) -> bool,
) -> io::Result<()> {
    let mut at = from;
    let left = usize::try_from(file.len()?.saturating_sub(from)).unwrap_or(WINDOW);
    // a byte more than is left, so that one read sees the end
    let mut buf = vec![0; WINDOW.min(left + 1)];
    loop {
        let n = read_full(file, &mut buf, at)?;
        for (i, sector) in buf[..n].chunks(SECTOR as usize).enumerate() {
            if !visit(at + i as u64 * SECTOR, sector) {
                return Ok(());
            }
        }
        if n < buf.len() {
            return Ok(());
        }
        at += n as u64;
    }
}
