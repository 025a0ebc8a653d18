//! The fast book. See the crate's header for how it is laid out.

mod audit;
mod crossing;

use protocol::StpMode;
use types::{OrderId, Price, Qty, Side};

use crate::iceberg::Icebergs;
use crate::sparse::{At, Sparse};
use crate::window::{LEN, Level, NIL, Window};
use crate::{
    Book, Iceberg, Limit, Match, OrderRef, Owner, Quote, Remainder, Resting, SlotIndex, Taker,
};

/// A resting order: 32 bytes, two to a cache line.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Node {
    price: i64,
    /// Open lots that are shown; zero in a free node.
    open: i64,
    next: u32,
    prev: u32,
    owner: u32,
    /// Generation in the upper 24 bits, iceberg in bit 4, side in bit 3, self-trade prevention mode in bits 0 to 2.
    meta: u32,
}

const META_SELL: u32 = 0b1000;
const META_ICEBERG: u32 = 0b1_0000;
const GENERATION_SHIFT: u32 = 8;

impl Node {
    fn side(&self) -> Side {
        if self.meta & META_SELL == 0 {
            Side::Buy
        } else {
            Side::Sell
        }
    }

    fn stp(&self) -> StpMode {
        match self.meta & 0b111 {
            0 => StpMode::None,
            1 => StpMode::ExpireTaker,
            2 => StpMode::ExpireMaker,
            3 => StpMode::ExpireBoth,
            4 => StpMode::Decrement,
            _ => StpMode::Transfer,
        }
    }

    fn is_iceberg(&self) -> bool {
        self.meta & META_ICEBERG != 0
    }

    fn generation(&self) -> u32 {
        self.meta >> GENERATION_SHIFT
    }
}

/// No bid: below every price.
const NO_BID: i64 = 0;
/// No ask: above every price.
const NO_ASK: i64 = i64::MAX;

/// A level's place.
#[derive(Clone, Copy)]
enum Place {
    Window,
    Sparse(At),
}

/// Price levels in a ring near the touch and in sorted chunks away from it.
pub struct TickBook {
    nodes: Vec<Node>,
    /// The order id of each slot.
    ids: Vec<u64>,
    /// Head of the list of free slots, linked through `next`.
    free: u32,
    live: usize,
    index: SlotIndex,
    icebergs: Icebergs,
    window: Window,
    sparse: [Sparse; 2],
    best: [i64; 2],
    /// Operations outside the window since it last moved.
    misses: usize,
}

impl core::fmt::Debug for TickBook {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("TickBook")
            .field("orders", &self.live)
            .field("best", &self.best)
            .finish_non_exhaustive()
    }
}

impl Default for TickBook {
    fn default() -> Self {
        TickBook {
            nodes: Vec::new(),
            ids: Vec::new(),
            free: NIL,
            live: 0,
            index: SlotIndex::default(),
            icebergs: Icebergs::default(),
            window: Window::default(),
            sparse: [Sparse::default(), Sparse::default()],
            best: [NO_BID, NO_ASK],
            misses: 0,
        }
    }
}

/// Prices as ranks that grow towards the touch.
#[inline]
fn rank(side: Side, price: i64) -> i64 {
    match side {
        Side::Buy => price,
        Side::Sell => -price,
    }
}

impl TickBook {
    #[must_use]
    pub fn new() -> TickBook {
        TickBook::default()
    }

    /// How many slots exist: the length of arrays beside the book.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.nodes.len()
    }

    fn place(&self, side: Side, price: i64) -> Option<Place> {
        if self.window.contains(price) {
            return Some(Place::Window);
        }
        self.sparse[side as usize]
            .find(rank(side, price))
            .map(Place::Sparse)
    }

    fn level_at(&self, side: Side, price: i64, place: Place) -> &Level {
        match place {
            Place::Window => self.window.level(price),
            Place::Sparse(at) => self.sparse[side as usize].level(at),
        }
    }

    #[inline]
    fn level_at_mut(&mut self, side: Side, price: i64, place: Place) -> &mut Level {
        match place {
            Place::Window => self.window.level_mut(price),
            Place::Sparse(at) => self.sparse[side as usize].level_mut(at),
        }
    }

    /// The next used price of a side at or behind `price`, seen from the touch.
    fn at_or_behind(&self, side: Side, price: i64) -> Option<i64> {
        let sparse = &self.sparse[side as usize];
        let far = if sparse.len() == 0 {
            None
        } else {
            sparse.at_or_below(rank(side, price))
        };
        match side {
            Side::Buy => {
                let near = self.window.at_or_below(price);
                near.max(far)
            }
            Side::Sell => {
                let near = self.window.at_or_above(price);
                match (near, far.map(|rank| -rank)) {
                    (Some(a), Some(b)) => Some(a.min(b)),
                    (a, b) => a.or(b),
                }
            }
        }
    }

    /// After the best level of a side has emptied: the next.
    fn advance_best(&mut self, side: Side) {
        let emptied = self.best[side as usize];
        let far = self.sparse[side as usize].best();
        self.best[side as usize] = match side {
            Side::Buy => {
                let near = self.window.at_or_below(emptied);
                near.max(far).unwrap_or(NO_BID)
            }
            Side::Sell => {
                let near = self.window.at_or_above(emptied);
                let far = far.map(|rank| -rank);
                near.unwrap_or(NO_ASK).min(far.unwrap_or(NO_ASK))
            }
        };
    }

    /// Removes an emptied level from its map and moves the touch.
    fn close_level(&mut self, side: Side, price: i64, place: Place) {
        match place {
            Place::Window => self.window.mark_empty(price),
            Place::Sparse(at) => {
                self.misses += 1;
                self.sparse[side as usize].remove(at);
            }
        }
        if self.best[side as usize] == price {
            self.advance_best(side);
        }
    }

    fn take_slot(&mut self) -> u32 {
        if self.free == NIL {
            let slot = u32::try_from(self.nodes.len()).expect("fewer slots than the index takes");
            self.nodes.push(Node {
                price: 0,
                open: 0,
                next: NIL,
                prev: NIL,
                owner: 0,
                meta: 0,
            });
            self.ids.push(0);
            return slot;
        }
        let slot = self.free;
        self.free = self.nodes[slot as usize].next;
        slot
    }

    /// Puts a slot, already out of its queue, on the free list.
    #[inline]
    fn free_slot(&mut self, slot: u32) {
        let id = self.ids[slot as usize];
        let removed = self.index.remove(SlotIndex::hash_of(id), slot);
        debug_assert!(removed, "order {id} is not in the index");
        if self.nodes[slot as usize].is_iceberg() {
            self.icebergs.remove(slot);
        }
        let node = &mut self.nodes[slot as usize];
        node.open = 0;
        node.meta &= !META_ICEBERG;
        node.meta = node.meta.wrapping_add(1 << GENERATION_SHIFT);
        node.next = self.free;
        self.free = slot;
        self.live -= 1;
    }

    fn live_node(&self, order: OrderRef) -> Option<&Node> {
        self.nodes
            .get(order.slot as usize)
            .filter(|node| node.open > 0 && node.generation() == order.generation)
    }

    fn order_ref(&self, slot: u32) -> OrderRef {
        OrderRef {
            slot,
            generation: self.nodes[slot as usize].generation(),
        }
    }

    #[inline(always)]
    fn resting(&self, slot: u32) -> Resting {
        let node = &self.nodes[slot as usize];
        let hidden = match node.is_iceberg() {
            true => self.icebergs.get(slot),
            false => None,
        };
        Resting {
            id: OrderId(self.ids[slot as usize]),
            side: node.side(),
            price: Price(node.price),
            open: Qty(node.open + hidden.map_or(0, |h| h.hidden)),
            owner: Owner(node.owner),
            stp: node.stp(),
            iceberg: hidden.map(|h| Iceberg {
                peak: Qty(h.peak),
                shown: Qty(node.open),
            }),
        }
    }

    /// Links a slot at the end of its level's queue.
    fn enqueue(&mut self, slot: u32, side: Side, price: i64, open: i64) {
        let place = if self.window.contains(price) {
            Place::Window
        } else {
            self.misses += 1;
            Place::Sparse(self.sparse[side as usize].open(rank(side, price)))
        };
        let level = self.level_at_mut(side, price, place);
        let tail = level.tail;
        level.tail = slot;
        level.qty += open;
        if tail == NIL {
            level.head = slot;
            if matches!(place, Place::Window) {
                self.window.mark_used(price);
            }
        } else {
            self.nodes[tail as usize].next = slot;
        }
        self.nodes[slot as usize].prev = tail;
        let best = &mut self.best[side as usize];
        *best = match side {
            Side::Buy => (*best).max(price),
            Side::Sell => (*best).min(price),
        };
    }

    /// Unlinks a slot from its level's queue.
    fn dequeue(&mut self, slot: u32) {
        let node = self.nodes[slot as usize];
        let (side, price) = (node.side(), node.price);
        let place = self
            .place(side, price)
            .expect("a resting order has a level");
        if node.prev != NIL {
            self.nodes[node.prev as usize].next = node.next;
        }
        if node.next != NIL {
            self.nodes[node.next as usize].prev = node.prev;
        }
        let level = self.level_at_mut(side, price, place);
        level.qty -= node.open;
        if node.prev == NIL {
            level.head = node.next;
        }
        if node.next == NIL {
            level.tail = node.prev;
        }
        if level.head == NIL {
            self.close_level(side, price, place);
        }
    }

    /// Moves the window to the touch, once enough operations have missed it to pay for the move.
    fn follow_touch(&mut self, side: Side, price: i64) {
        if self.misses < 32 || self.misses * 4 < self.window.used() {
            return;
        }
        self.misses = 0;
        let half = i64::try_from(LEN / 2).unwrap_or(0);
        let (bid, ask) = (self.best[0], self.best[1]);
        let center = if bid != NO_BID && ask != NO_ASK && ask - bid < half {
            bid + (ask - bid) / 2
        } else {
            match (side, self.best[side as usize]) {
                (Side::Buy, NO_BID) | (Side::Sell, NO_ASK) => price,
                (_, best) => best,
            }
        };
        // far enough from the end of the range that twice the window can be added
        let base = (center - half).clamp(1, i64::MAX - 4 * half - 2);
        match self.window.base() {
            Some(old) if (old - base).abs() < half / 4 => {}
            _ => self.move_window(base, base + 2 * half),
        }
    }

    fn move_window(&mut self, base: i64, end: i64) {
        // what falls out
        if let Some(old) = self.window.base() {
            let mut from = old;
            while let Some(price) = self.window.at_or_above(from) {
                from = price + 1;
                if (base..end).contains(&price) {
                    continue;
                }
                let level = core::mem::replace(self.window.level_mut(price), Level::EMPTY);
                self.window.mark_empty(price);
                let side = self.nodes[level.head as usize].side();
                let sparse = &mut self.sparse[side as usize];
                let at = sparse.open(rank(side, price));
                *sparse.level_mut(at) = level;
            }
        }
        self.window.set_base(base);
        // what falls in: ranks from the end of the window nearest to the touch, downwards
        for side in [Side::Buy, Side::Sell] {
            let (top, bottom) = match side {
                Side::Buy => (end - 1, base),
                Side::Sell => (-base, 1 - end),
            };
            while let Some(found) = self.sparse[side as usize].at_or_below(top)
                && found >= bottom
                && let Some(at) = self.sparse[side as usize].find(found)
            {
                let level = *self.sparse[side as usize].level(at);
                self.sparse[side as usize].remove(at);
                let price = rank(side, found);
                *self.window.level_mut(price) = level;
                self.window.mark_used(price);
            }
        }
    }
}

impl Book for TickBook {
    fn quote(&self, taker: &Taker, limit: Limit) -> Quote {
        crossing::quote(self, taker, limit)
    }

    fn submit(&mut self, taker: &Taker, limit: Limit, out: &mut Vec<Match>) -> Remainder {
        crossing::submit(self, taker, limit, out)
    }

    fn rest(&mut self, order: &Resting) -> OrderRef {
        let slot = self.take_slot();
        let price = order.price.0;
        debug_assert!(order.open.0 > 0 && price > NO_BID && price < NO_ASK);
        let node = &mut self.nodes[slot as usize];
        let side_bit = match order.side {
            Side::Buy => 0,
            Side::Sell => META_SELL,
        };
        *node = Node {
            price,
            open: order.shown().0,
            next: NIL,
            prev: NIL,
            owner: order.owner.0,
            meta: node.meta >> GENERATION_SHIFT << GENERATION_SHIFT | side_bit | order.stp as u32,
        };
        if let Some(iceberg) = order.iceberg {
            node.meta |= META_ICEBERG;
            let place = (order.side as u8, price);
            self.icebergs.insert(slot, place, iceberg, order.open);
        }
        self.ids[slot as usize] = order.id.0;
        self.index.insert(SlotIndex::hash_of(order.id.0), slot);
        self.live += 1;
        self.enqueue(slot, order.side, price, order.shown().0);
        self.follow_touch(order.side, price);
        self.order_ref(slot)
    }

    fn assign(&mut self, order: OrderRef, owner: Owner) -> bool {
        if self.live_node(order).is_none() {
            return false;
        }
        self.nodes[order.slot as usize].owner = owner.0;
        true
    }

    fn cancel(&mut self, order: OrderRef) -> Option<Resting> {
        self.live_node(order)?;
        let resting = self.resting(order.slot);
        self.dequeue(order.slot);
        self.free_slot(order.slot);
        Some(resting)
    }

    fn reduce(&mut self, order: OrderRef, open: Qty) -> bool {
        let Some(node) = self.live_node(order).copied() else {
            return false;
        };
        let open = match node.is_iceberg() {
            true => self.icebergs.reduce(order.slot, node.open, open),
            false => open,
        };
        debug_assert!(open.0 > 0 && open.0 <= node.open);
        let place = self
            .place(node.side(), node.price)
            .expect("a resting order has a level");
        self.level_at_mut(node.side(), node.price, place).qty -= node.open - open.0;
        self.nodes[order.slot as usize].open = open.0;
        true
    }

    fn find(&self, id: OrderId) -> Option<OrderRef> {
        self.index
            .find(SlotIndex::hash_of(id.0), |slot| {
                self.ids[slot as usize] == id.0
            })
            .map(|slot| self.order_ref(slot))
    }

    fn get(&self, order: OrderRef) -> Option<Resting> {
        self.live_node(order).map(|_| self.resting(order.slot))
    }

    fn best(&self, side: Side) -> Option<Price> {
        match (side, self.best[side as usize]) {
            (Side::Buy, NO_BID) | (Side::Sell, NO_ASK) => None,
            (_, price) => Some(Price(price)),
        }
    }

    fn level_qty(&self, side: Side, price: Price) -> Qty {
        // a window level at this price may be the other side's
        let own = match side {
            Side::Buy => price.0 <= self.best[0],
            Side::Sell => price.0 >= self.best[1],
        };
        if !own {
            return Qty(0);
        }
        self.place(side, price.0)
            .map_or(Qty(0), |place| Qty(self.level_at(side, price.0, place).qty))
    }

    #[inline]
    fn level_open(&self, side: Side, price: Price) -> Qty {
        let hidden = self.icebergs.at(side as u8, price.0);
        Qty(self.level_qty(side, price).0.saturating_add(hidden))
    }

    fn next_level(&self, side: Side, price: Price) -> Option<Price> {
        self.behind(side, price.0).map(Price)
    }

    fn len(&self) -> usize {
        self.live
    }

    fn each(&self, side: Side, f: &mut dyn FnMut(OrderRef, Resting)) {
        let mut level = self.best(side).map(|p| p.0);
        while let Some(price) = level {
            if let Some(place) = self.place(side, price) {
                let mut slot = self.level_at(side, price, place).head;
                while slot != NIL {
                    f(self.order_ref(slot), self.resting(slot));
                    slot = self.nodes[slot as usize].next;
                }
            }
            level = self.behind(side, price);
        }
    }

    fn audit(&self) -> Result<(), String> {
        audit::audit(self)
    }
}

impl TickBook {
    /// The next used price of a side behind `price`.
    fn behind(&self, side: Side, price: i64) -> Option<i64> {
        match side {
            Side::Buy => self.at_or_behind(side, price - 1),
            Side::Sell => self.at_or_behind(side, price + 1),
        }
    }
}
