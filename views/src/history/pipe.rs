use std::collections::VecDeque;

use parking_lot::{Condvar, Mutex};
use protocol::{Instrument, Order, OrderList};
use types::Seq;

use crate::model::{AllocationRow, Amendment, Asset, BlockRow, PreventedMatch, TransferRow};
use crate::tape::TradeRow;

/// Rows of adjoining records that are written in one SQL transaction.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    /// The last record in it.
    pub through: Seq,
    pub trades: Vec<TradeRow>,
    /// Orders after each record that changed them: of several of one order the last counts.
    pub orders: Vec<Order>,
    pub transfers: Vec<TransferRow>,
    pub prevented: Vec<PreventedMatch>,
    pub amendments: Vec<Amendment>,
    pub blocks: Vec<BlockRow>,
    pub allocations: Vec<AllocationRow>,
    /// Lists after each record that changed them.
    pub lists: Vec<OrderList>,
    pub instruments: Vec<Instrument>,
    pub assets: Vec<Asset>,
}

impl Chunk {
    pub fn rows(&self) -> usize {
        self.trades.len()
            + self.orders.len()
            + self.transfers.len()
            + self.prevented.len()
            + self.amendments.len()
            + self.blocks.len()
            + self.allocations.len()
            + self.lists.len()
            + self.instruments.len()
            + self.assets.len()
    }
}

#[derive(Debug, Default)]
pub(crate) struct Pending {
    /// Grows.
    pub chunk: Chunk,
    /// Full ones, oldest first.
    sealed: VecDeque<Chunk>,
    /// Rows in `sealed` and in what the writer has in hand.
    before: usize,
    /// The last record that memory holds.
    pub applied: Seq,
    /// The last record that the database holds.
    pub flushed: Seq,
    /// No more will come: write what is left and end.
    pub stop: bool,
    /// Somebody waits for the database to hold everything.
    pub hurry: bool,
    /// The writer has ended.
    pub ended: bool,
}

impl Pending {
    /// A transaction has about this many rows when there is that much to do.
    pub const BATCH: usize = 40_000;

    /// Rows that are in memory only.
    pub fn rows(&self) -> usize {
        self.chunk.rows() + self.before
    }

    /// Closes the growing chunk when it is full. True when it was.
    pub fn seal_if_full(&mut self) -> bool {
        let full = self.chunk.rows() >= Self::BATCH;
        if full {
            self.before += self.chunk.rows();
            self.sealed.push_back(std::mem::take(&mut self.chunk));
        }
        full
    }

    pub fn has_sealed(&self) -> bool {
        !self.sealed.is_empty()
    }

    /// Something to write, full or not.
    pub fn has_work(&self) -> bool {
        self.has_sealed() || self.chunk.rows() > 0 || self.chunk.through > self.flushed
    }

    /// The oldest chunk, for the writer.
    pub fn take(&mut self) -> Chunk {
        self.sealed.pop_front().unwrap_or_else(|| {
            self.before += self.chunk.rows();
            std::mem::take(&mut self.chunk)
        })
    }

    /// The chunk taken last is committed.
    pub fn committed(&mut self, rows: usize, through: Seq) {
        self.before -= rows;
        self.flushed = self.flushed.max(through);
        self.hurry &= self.flushed < self.applied || self.rows() > 0;
    }
}

/// Between the thread that applies records and the one that writes history.
#[derive(Debug)]
pub(crate) struct Pipe {
    pub pending: Mutex<Pending>,
    /// The writer sleeps on this.
    pub work: Condvar,
    /// Who waits for the writer sleeps on this.
    pub progress: Condvar,
    /// At this many rows the applying thread waits.
    pub limit: usize,
}

impl Pipe {
    pub fn new(limit: usize, flushed: Seq) -> Pipe {
        let pending = Pending {
            applied: flushed,
            flushed,
            ..Pending::default()
        };
        Pipe {
            pending: Mutex::new(pending),
            work: Condvar::new(),
            progress: Condvar::new(),
            limit: limit.max(1),
        }
    }
}
