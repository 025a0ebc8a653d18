//! Canonical bytes of the logical state, and back.
//!
//! ```text
//! "HWENGINE"  version:u32
//! rules_version:u32  accounts_end:u32
//! n:u32  n x asset      name:text precision:u8
//! n:u64  n x balance    account:u32 wallet:u32 asset:u32 free:i128 held:i128       by key, zeros left out
//! n:u32  n x market     instrument  last_order:u64 last_trade:u64 last_update:u64 last_prevented:u64
//!                       last_price:option<i64>  n:u32  n x bucket minute:i64 notional:i128 qty:i128
//!                       n:u64  n x order         bids then asks, each in priority order
//!                       n:u32  n x waiting       order  leg:u8 held:i128  extreme:option<i64>       conditional orders by id
//!                       n:u32  n x order id      those whose price was reached, in the order in which they will act
//! n:u32  n x product    id:u16  bytes
//! any    section        number:u8, then its fields; a section that would be empty is left out, and numbers rise
//!   1 amended orders    n:u32  n x instrument:u32 order:u64 amends:u32   by instrument, side, priority; then those that wait, by id
//!   2 lists             last:u64  n:u32  n x list locked:i128                   open ones, by instrument and id
//!  20 trade groups      n:u32  n x account:u32 group:u32             by account
//!  24 block trades      n:u32  n x instrument:u32 last:u64                          by instrument
//!  25 rules             n:u32  n x instrument:u32 range:option reference:option    by instrument
//!  26 venue's filters   as in `protocol`
//!  27 routing           n:u32  n x instrument:u32 group:text next_allocation:u64   by instrument
//!  30 fees              as in the crate `fees`
//!  40 locks             n:u32  n x account:u32 asset:u32 locked:i128               by account and asset
//! xxh3-128 of all the above
//! ```
//!
//! Little-endian; texts, options, instruments and orders as in `protocol`. The bytes depend on the logical state alone, never on layout,
//! free lists, `Seq` or `Time`.

use core::fmt;

use contract::Registry;
use ledger::Key;
use matching::{Book, Iceberg, Resting};
use orders::LiveOrder;
use prices::Bucket;
use protocol::{Instrument, Malformed, Order, OrderList, OrderStatus, TimeInForce, Wire};
use types::{
    AccountId, Amount, AssetId, InstrumentId, ListId, OrderId, Price, ProductId, Qty, Side, Wallet,
};
use xxhash_rust::xxh3::Xxh3;

use crate::market::Market;
use crate::state::Asset;
use crate::{Engine, RULES_VERSION};

/// The version that is written.
pub const SNAPSHOT_VERSION: u32 = 1;
const MAGIC: [u8; 8] = *b"HWENGINE";
/// The section of amended orders.
const AMENDS: u8 = 1;
/// The section of order lists.
const LISTS: u8 = 2;
/// The section of trade groups.
const GROUPS: u8 = 20;
/// The section of block trades' counters.
const BLOCKS: u8 = 24;
/// The section of execution rules and reference prices.
const RULES: u8 = 25;
/// The section of the venue's filters.
const EXCHANGE: u8 = 26;
/// The section of routing groups.
const ROUTES: u8 = 27;
/// The section of fees.
const FEES: u8 = 30;
/// The section of locks from outside.
const LOCKS: u8 = 40;
/// Bytes are handed on in pieces of about this size.
const PIECE: usize = 64 * 1024;

/// One number for the logical state: equal for equal states, whatever the memory layout. Displays as hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Digest(pub u128);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// Bytes that are not a snapshot of a valid state.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Corrupt(pub String);

impl fmt::Display for Corrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "corrupt snapshot: {}", self.0)
    }
}

impl std::error::Error for Corrupt {}

impl From<Malformed> for Corrupt {
    fn from(malformed: Malformed) -> Corrupt {
        Corrupt(malformed.to_string())
    }
}

fn corrupt(what: &str) -> Corrupt {
    Corrupt(what.to_owned())
}

/// Collects bytes, hashes them and hands them on.
struct Writer<'a> {
    buffer: Vec<u8>,
    hash: Xxh3,
    sink: &'a mut dyn FnMut(&[u8]),
}

impl Writer<'_> {
    fn put(&mut self, value: &impl Wire) {
        value.put(&mut self.buffer);
        if self.buffer.len() >= PIECE {
            self.flush();
        }
    }

    fn count(&mut self, n: usize) {
        self.put(&u32::try_from(n).expect("counts fit 32 bits"));
    }

    fn flush(&mut self) {
        self.hash.update(&self.buffer);
        (self.sink)(&self.buffer);
        self.buffer.clear();
    }
}

impl Engine {
    /// Writes the canonical bytes of the logical state in pieces; see the head of `snapshot.rs` for their form.
    pub fn snapshot(&self, sink: &mut dyn FnMut(&[u8])) {
        let digest = self.write(sink);
        sink(&digest.0.to_le_bytes());
    }

    /// The hash of the canonical bytes.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.write(&mut |_| {})
    }

    fn write(&self, sink: &mut dyn FnMut(&[u8])) -> Digest {
        let mut w = Writer {
            buffer: Vec::with_capacity(PIECE + 1_024),
            hash: Xxh3::new(),
            sink,
        };
        w.buffer.extend_from_slice(&MAGIC);
        w.put(&SNAPSHOT_VERSION);
        w.put(&self.rules_version);
        w.put(&self.accounts_end);
        w.count(self.assets.len());
        for asset in &self.assets {
            w.put(&asset.name);
            w.put(&asset.precision);
        }
        let balances = self.ledger.sorted();
        w.put(&(balances.len() as u64));
        for (key, free, held) in balances {
            w.put(&key.account);
            w.put(&key.wallet);
            w.put(&key.asset);
            w.put(&free);
            w.put(&held);
        }
        w.count(self.markets.len());
        for market in &self.markets {
            write_market(&mut w, market);
        }
        w.count(self.registry.products().len());
        for product in self.registry.products() {
            let mut bytes = Vec::new();
            product.snapshot(&mut bytes);
            w.put(&product.id());
            w.put(&bytes.into_boxed_slice());
        }
        self.write_amends(&mut w);
        self.write_lists(&mut w);
        self.write_groups(&mut w);
        if let Some(blocks) = self.put_blocks() {
            w.put(&BLOCKS);
            w.buffer.extend_from_slice(&blocks);
        }
        if let Some(rules) = self.put_rules() {
            w.put(&RULES);
            w.buffer.extend_from_slice(&rules);
        }
        if let Some(filters) = self.put_exchange_filters() {
            w.put(&EXCHANGE);
            w.buffer.extend_from_slice(&filters);
        }
        if let Some(routes) = self.put_routes() {
            w.put(&ROUTES);
            w.buffer.extend_from_slice(&routes);
        }
        self.write_fees(&mut w);
        if let Some(locks) = self.put_locks() {
            w.put(&LOCKS);
            w.buffer.extend_from_slice(&locks);
        }
        w.flush();
        Digest(w.hash.digest128())
    }

    /// # Errors
    /// When the bytes are not a whole snapshot of a valid state of this registry.
    pub fn restore(registry: Registry, bytes: &[u8]) -> Result<Engine, Corrupt> {
        let (body, tail) = bytes
            .split_last_chunk::<16>()
            .ok_or_else(|| corrupt("shorter than its digest"))?;
        let mut input = body;
        if protocol::codec::take_bytes(&mut input, MAGIC.len())? != MAGIC {
            return Err(corrupt("does not begin with HWENGINE"));
        }
        let version = u32::take(&mut input)?;
        if version != SNAPSHOT_VERSION {
            return Err(Corrupt(format!(
                "version {version}, and this program reads {SNAPSHOT_VERSION}"
            )));
        }
        if xxhash_rust::xxh3::xxh3_128(body) != u128::from_le_bytes(*tail) {
            return Err(corrupt(
                "the bytes do not have the digest written behind them",
            ));
        }
        let mut engine = Engine::new(registry);
        engine.read(&mut input)?;
        if !input.is_empty() {
            return Err(corrupt("goes on after its end"));
        }
        engine.audit().map_err(|violation| Corrupt(violation.0))?;
        Ok(engine)
    }

    fn read(&mut self, input: &mut &[u8]) -> Result<(), Corrupt> {
        self.rules_version = u32::take(input)?;
        if !(1..=RULES_VERSION).contains(&self.rules_version) {
            return Err(corrupt(
                "rules of a version that this program does not know",
            ));
        }
        self.accounts_end = AccountId::take(input)?;
        if self.accounts_end < AccountId::FIRST_USER {
            return Err(corrupt("fewer accounts than none"));
        }
        for _ in 0..u32::take(input)? {
            self.assets.push(Asset {
                name: Wire::take(input)?,
                precision: u8::take(input)?,
            });
        }
        let mut previous = None;
        for _ in 0..u64::take(input)? {
            let key = Key::new(
                AccountId::take(input)?,
                Wallet::take(input)?,
                AssetId::take(input)?,
            );
            if previous >= Some(key) {
                return Err(corrupt("balances out of order"));
            }
            previous = Some(key);
            let (free, held) = (Amount::take(input)?, Amount::take(input)?);
            self.ledger.restore(key, free, held);
        }
        for _ in 0..u32::take(input)? {
            self.read_market(input)?;
        }
        let products = u32::take(input)? as usize;
        if products != self.registry.products().len() {
            return Err(corrupt("written with other products than are registered"));
        }
        for product in self.registry.products_mut() {
            let id = ProductId::take(input)?;
            if id != product.id() {
                return Err(corrupt("written with other products than are registered"));
            }
            let bytes: Box<[u8]> = Wire::take(input)?;
            product.restore(&bytes).map_err(|e| Corrupt(e.0))?;
        }
        self.read_sections(input)
    }

    fn read_sections(&mut self, input: &mut &[u8]) -> Result<(), Corrupt> {
        let mut previous = 0;
        while !input.is_empty() {
            let number = u8::take(input)?;
            if number <= previous {
                return Err(corrupt("sections out of order"));
            }
            previous = number;
            match number {
                AMENDS => self.read_amends(input)?,
                LISTS => self.read_lists(input)?,
                GROUPS => self.read_groups(input)?,
                BLOCKS => self.take_blocks(input)?,
                RULES => self.take_rules(input)?,
                EXCHANGE => self.take_exchange_filters(input)?,
                ROUTES => self.take_routes(input)?,
                FEES => self.read_fees(input)?,
                LOCKS => self.take_locks(input)?,
                _ => return Err(corrupt("a section that this program does not know")),
            }
        }
        Ok(())
    }

    fn write_amends(&self, w: &mut Writer<'_>) {
        let mut amended = Vec::new();
        for market in &self.markets {
            for side in [Side::Buy, Side::Sell] {
                market.book.each(side, &mut |at, _| {
                    let live = market.live.get(at.slot);
                    if live.amends > 0 {
                        amended.push((market.id(), live.id, live.amends));
                    }
                });
            }
            for waiting in market.waiting.iter() {
                let (id, amends) = (waiting.order.id, market.waiting.amends(waiting.order.id));
                if amends > 0 {
                    amended.push((market.id(), id, amends));
                }
            }
        }
        if amended.is_empty() {
            return;
        }
        w.put(&AMENDS);
        w.count(amended.len());
        for (instrument, order, amends) in amended {
            w.put(&instrument);
            w.put(&order);
            w.put(&amends);
        }
    }

    fn write_lists(&self, w: &mut Writer<'_>) {
        if self.last_list == 0 {
            return;
        }
        w.put(&LISTS);
        w.put(&self.last_list);
        w.count(self.markets.iter().map(|m| m.lists.len()).sum());
        for list in self.markets.iter().flat_map(|m| m.lists.iter()) {
            w.put(&list.told);
            w.put(&list.locked);
        }
    }

    fn read_lists(&mut self, input: &mut &[u8]) -> Result<(), Corrupt> {
        self.last_list = u64::take(input)?;
        if self.last_list == 0 {
            return Err(corrupt("a section of lists that says nothing"));
        }
        let mut previous = (InstrumentId(0), ListId(0));
        for _ in 0..u32::take(input)? {
            let (told, locked) = (OrderList::take(input)?, Amount::take(input)?);
            let place = (told.instrument, told.id);
            let fits = place > previous && self.restore_list(told, locked).is_some();
            if !fits {
                return Err(Corrupt(format!("list {} cannot be open", place.1)));
            }
            previous = place;
        }
        Ok(())
    }

    fn write_groups(&self, w: &mut Writer<'_>) {
        if self.groups.is_empty() {
            return;
        }
        w.put(&GROUPS);
        w.count(self.groups.len());
        for (account, group) in &self.groups {
            w.put(account);
            w.put(group);
        }
    }

    fn write_fees(&self, w: &mut Writer<'_>) {
        if !self.fees.is_empty() {
            w.put(&FEES);
            self.fees.put(&mut w.buffer);
        }
    }

    fn read_fees(&mut self, input: &mut &[u8]) -> Result<(), Corrupt> {
        self.fees = fees::Fees::take(input, self.accounts_end)?;
        if self.fees.is_empty() {
            return Err(corrupt("a section of fees that says nothing"));
        }
        self.check_fee_assets(self.fees.schedule())
            .map_err(|_| corrupt("fees in an unknown asset"))?;
        self.find_ways();
        Ok(())
    }

    fn read_amends(&mut self, input: &mut &[u8]) -> Result<(), Corrupt> {
        for _ in 0..u32::take(input)? {
            let (instrument, order) = (InstrumentId::take(input)?, OrderId::take(input)?);
            let market = self
                .market_mut(instrument)
                .map_err(|_| corrupt("amends of an unknown instrument"))?;
            let amends = u32::take(input)?;
            match market.book.find(order) {
                Some(at) => market.live.get_mut(at.slot).amends = amends,
                None if market.waiting.restore_amends(order, amends) => {}
                None => return Err(corrupt("amends of an order that is not open")),
            }
        }
        Ok(())
    }

    fn read_market(&mut self, input: &mut &[u8]) -> Result<(), Corrupt> {
        let instrument = Instrument::take(input)?;
        if instrument.id.0 as usize != self.markets.len() + 1 {
            return Err(corrupt("instruments out of order"));
        }
        let assets = &self.assets;
        let precision = |asset: AssetId| {
            let at = (asset.0 as usize).checked_sub(1)?;
            assets.get(at).map(|a| a.precision)
        };
        let symbol = instrument.symbol.clone();
        let mut market = Market::new(instrument, &self.registry, precision, &mut self.ledger)
            .map_err(|code| Corrupt(format!("{symbol}: {code:?}")))?;
        market.last_order = u64::take(input)?;
        market.last_trade = u64::take(input)?;
        market.last_update = u64::take(input)?;
        market.last_prevented = u64::take(input)?;
        let last: Option<i64> = Wire::take(input)?;
        let mut buckets = Vec::new();
        for _ in 0..u32::take(input)? {
            buckets.push(Bucket {
                minute: i64::take(input)?,
                notional: i128::take(input)?,
                qty: i128::take(input)?,
            });
        }
        if !market.prices.restore(last.map(Price), &buckets) {
            return Err(Corrupt(format!("{symbol}: prices contradict each other")));
        }
        let mut restored = Vec::new();
        let mut previous = (Side::Buy, Price(i64::MAX));
        for _ in 0..u64::take(input)? {
            let order = Order::take(input)?;
            let id = order.id;
            let place = (order.side, Price(order.price.0));
            if !follows(previous, place) {
                return Err(Corrupt(format!("{symbol}: order {id} out of priority")));
            }
            previous = place;
            let (slot, live) = self
                .restore_order(&mut market, order)
                .ok_or_else(|| Corrupt(format!("{symbol}: order {id} cannot stand in the book")))?;
            restored.push((slot, live));
        }
        // an account's list runs from its oldest order, and ids grow with age
        restored.sort_unstable_by_key(|(_, live)| live.id);
        for (slot, live) in restored {
            market.live.insert(slot, live);
        }
        self.read_waiting(&mut market, input)?;
        self.markets.push(market);
        Ok(())
    }

    /// Puts an order at the end of its level's queue.
    fn restore_order(&mut self, market: &mut Market, order: Order) -> Option<(u32, LiveOrder)> {
        let price = market.spec.ticks(order.price)?;
        let open = market.spec.lots(order.open_qty())?;
        let known = self.is_user(order.account)
            && order.instrument == market.id()
            && market.book.find(order.id).is_none();
        let acted = order.condition.as_ref().map(|c| c.triggered_at.is_some());
        let resting = !order.kind.is_market()
            && acted == order.kind.is_conditional().then_some(true)
            && order.tif == TimeInForce::Gtc
            && order.quote_qty.is_zero()
            && open > Qty(0)
            && market
                .spec
                .sum_fits(market.book.level_open(order.side, price), open)
            && !market.crosses(order.side, price);
        if !known || !resting || !market.more_fits(&order, true) {
            return None;
        }
        let group = self.group(order.account);
        let seat = market.seat(order.account, group, &mut self.ledger);
        let mut live = LiveOrder::new(
            order.id,
            seat,
            order.client_id,
            market.spec.lots(order.qty)?,
            order.placed_at,
        );
        live.kind = order.kind;
        live.tif = order.tif;
        live.executed = market.spec.lots(order.executed_qty)?;
        live.executed_quote = order.executed_quote;
        live.prevented = market.spec.lots(order.prevented_qty)?;
        live.updated_at = order.updated_at;
        live.strategy_id = order.strategy_id;
        live.strategy_kind = order.strategy_kind;
        let more = order
            .more
            .as_deref()
            .and_then(|more| more.of_list().boxed());
        if let Some(more) = more {
            more.list?;
            live.listed = true;
            market.lists.announce(order.id, *more)?;
        }
        let partly = live.executed.0 > 0;
        if partly != (order.status == OrderStatus::PartiallyFilled) {
            return None;
        }
        if let Some(condition) = &order.condition {
            market.conditions.insert(order.id, **condition);
        }
        live.routed = order.floor().is_some();
        if let Some(peg) = order.peg() {
            live.pegged = true;
            market.pegs.insert(order.id, peg);
        }
        let peak = market.spec.lots(order.iceberg_qty())?;
        let shown = market.spec.lots(order.shown_qty())?;
        let at = market.book.rest(&Resting {
            id: order.id,
            side: order.side,
            price,
            open,
            owner: market.owner(seat),
            stp: order.stp,
            iceberg: (peak > Qty(0)).then_some(Iceberg { peak, shown }),
        });
        Some((at.slot, live))
    }
}

/// May an order at `next` stand directly behind one at `previous`? Bids fall, then asks rise.
fn follows(previous: (Side, Price), next: (Side, Price)) -> bool {
    match (previous, next) {
        ((Side::Buy, before), (Side::Buy, price)) => price <= before,
        ((Side::Buy, _), (Side::Sell, _)) => true,
        ((Side::Sell, before), (Side::Sell, price)) => price >= before,
        ((Side::Sell, _), (Side::Buy, _)) => false,
    }
}

fn write_market(w: &mut Writer<'_>, market: &Market) {
    w.put(&Box::new(market.spec.instrument().clone()));
    for counter in [
        market.last_order,
        market.last_trade,
        market.last_update,
        market.last_prevented,
    ] {
        w.put(&counter);
    }
    w.put(&market.prices.last().map(|p| p.0));
    let buckets = market.prices.buckets();
    w.count(buckets.len());
    for bucket in buckets {
        w.put(&bucket.minute);
        w.put(&bucket.notional);
        w.put(&bucket.qty);
    }
    w.put(&(market.book.len() as u64));
    for side in [Side::Buy, Side::Sell] {
        market.book.each(side, &mut |at, resting| {
            w.put(&market.stored_order(market.live.get(at.slot), &resting));
        });
    }
    w.count(market.waiting.len());
    for waiting in market.waiting.iter() {
        w.put(&waiting.order);
        w.put(&waiting.hold.0);
        w.put(&waiting.hold.1);
        let extreme = market.waiting.extreme(waiting.order.id);
        w.put(&extreme.map(|p| p.0));
    }
    w.count(market.waiting.queue().len());
    for id in market.waiting.queue() {
        w.put(&id);
    }
}
