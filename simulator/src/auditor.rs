//! Who believes nothing: checks the exchange by what it was asked, what it answered and what its relay told.

mod books;
mod money;

use std::collections::{BTreeMap, BTreeSet};

use protocol::{
    CloseReason, Command, Event, Instrument, MarketStatus, Order, OrderKind, OrderRested, Request,
    StpMode, Traded,
};
use types::{AccountId, ClientId, Decimal, InstrumentId, OrderId, RequestId, Seq, Side, Time};

use crate::Markers;
use books::Book;
use money::Money;

/// What was wrong.
pub type Check = Result<(), String>;

/// An open order, as its owner was told.
#[derive(Clone, Debug)]
struct Live {
    order: Order,
    open: Decimal,
}

/// What one market has told.
#[derive(Clone, Debug, Default)]
struct Told {
    trading: bool,
    book: Book,
    order: u64,
    trade: u64,
    update: u64,
}

type Name = (AccountId, InstrumentId, ClientId);

/// The auditor.
#[derive(Clone, Debug, Default)]
pub struct Auditor {
    pub markers: Markers,
    /// The last record that the relay told.
    pub last: Seq,
    time: Time,
    /// The chain after each record.
    chains: Vec<u64>,
    /// Which record a request became.
    records: BTreeMap<RequestId, Seq>,
    /// Requests of which an answer said that nothing happened.
    refused: BTreeSet<RequestId>,
    instruments: BTreeMap<InstrumentId, Instrument>,
    markets: BTreeMap<InstrumentId, Told>,
    orders: BTreeMap<(InstrumentId, OrderId), Live>,
    names: BTreeSet<Name>,
    money: Money,
    /// The engine's digest after a record, where it was asked.
    digests: BTreeMap<Seq, String>,
}

fn sure(holds: bool, why: impl FnOnce() -> String) -> Check {
    if holds { Ok(()) } else { Err(why()) }
}

impl Auditor {
    /// The chain after a record that was told.
    #[must_use]
    pub fn chain(&self, seq: Seq) -> u64 {
        match seq.0 {
            0 => 0,
            n => self.chains[n as usize - 1],
        }
    }

    #[must_use]
    pub fn record_of(&self, id: RequestId) -> Option<Seq> {
        self.records.get(&id).copied()
    }

    /// An answer said that this request did nothing.
    ///
    /// # Errors
    /// When it had become a record.
    pub fn refused(&mut self, id: RequestId) -> Check {
        self.refused.insert(id);
        let record = self.record_of(id);
        sure(record.is_none(), || {
            format!("request {id:?} was refused and is record {record:?}")
        })
    }

    /// An answer said that this request became this record.
    ///
    /// # Errors
    /// When the relay did not tell that before.
    pub fn accepted(&self, id: RequestId, seq: Seq) -> Check {
        let told = self.record_of(id);
        sure(told == Some(seq), || {
            format!("request {id:?} was answered as record {seq} and told as {told:?}")
        })
    }

    /// The engine's digest after a record.
    ///
    /// # Errors
    /// When it was another one before.
    pub fn digest(&mut self, seq: Seq, digest: String) -> Check {
        let before = self
            .digests
            .entry(seq)
            .or_insert_with(|| digest.clone())
            .clone();
        while self.digests.len() > 64 {
            self.digests.pop_first();
        }
        sure(before == digest, || {
            format!("the state after record {seq} was {before} and is {digest}")
        })
    }

    /// Takes the next record.
    ///
    /// # Errors
    /// What of it breaks a promise.
    pub fn record(
        &mut self,
        (seq, time, chain): (Seq, Time, u64),
        request: &Request,
        events: &[Event],
    ) -> Check {
        sure(seq.0 == self.last.0 + 1, || {
            format!("record {seq} was told behind {}", self.last)
        })?;
        sure(time >= self.time, || {
            format!(
                "record {seq}: time ran back from {:?} to {time:?}",
                self.time
            )
        })?;
        sure(time <= request.expires, || {
            format!("record {seq} was executed after it had expired")
        })?;
        (self.last, self.time) = (seq, time);
        self.chains.push(chain);
        if request.id.0 != 0 {
            let twice = self.records.insert(request.id, seq);
            sure(twice.is_none(), || {
                format!("{:?} is record {twice:?} and {seq}", request.id)
            })?;
            sure(!self.refused.contains(&request.id), || {
                format!("{:?} was refused and is record {seq}", request.id)
            })?;
        }
        self.money.begin();
        for event in events {
            self.event(event)
                .map_err(|why| format!("record {seq}, {:?}: {why}", request.command))?;
        }
        self.money
            .end()
            .and_then(|()| self.uncrossed())
            .map_err(|why| format!("record {seq}, {:?}: {why}", request.command))?;
        self.note(request, events);
        Ok(())
    }

    fn event(&mut self, event: &Event) -> Check {
        match event {
            Event::AssetCreated(e) => self.money.asset(e.asset, e.precision),
            Event::InstrumentListed(e) | Event::InstrumentChanged(e) => {
                self.instruments.insert(e.id, (**e).clone());
                let told = self.markets.entry(e.id).or_default();
                told.trading = e.status == MarketStatus::Trading;
            }
            Event::BalanceChanged(e) => return self.money.changed(e),
            Event::Transferred(e) => {
                self.money
                    .move_to((e.account, e.wallet, e.asset), e.delta.0);
            }
            Event::OrderPlaced(e) => return self.placed(&e.order),
            Event::OrderRested(e) => return self.rested(e),
            Event::Traded(e) => return self.traded(e),
            Event::OrderClosed(e) => {
                if let Some(update) = e.update {
                    self.update(e.instrument, update.0)?;
                }
                self.live(e.instrument, e.order)?;
                self.market(e.instrument).book.remove(e.order);
                self.gone(e.instrument, e.order);
            }
            Event::OrderAmended(e) => {
                self.update(e.instrument, e.update.0)?;
                self.rename(e.instrument, e.order, e.client_id)?;
                let live = self.live(e.instrument, e.order)?;
                live.order.qty = e.qty;
                live.open = e.open_qty;
                if live.order.iceberg_qty().is_zero() {
                    self.market(e.instrument).book.set(e.order, e.open_qty);
                }
            }
            Event::WaitingAmended(e) => {
                self.rename(e.instrument, e.order, e.client_id)?;
                let live = self.live(e.instrument, e.order)?;
                live.order.qty = e.qty;
                live.open = e.qty;
            }
            Event::WaitingDecremented(e) => {
                self.live(e.instrument, e.order)?.open = e.open_qty;
            }
            Event::OrderDecremented(e) => {
                if let Some(update) = e.update {
                    self.update(e.instrument, update.0)?;
                    self.market(e.instrument).book.take(e.order, e.qty)?;
                }
                self.live(e.instrument, e.order)?.open = e.open_qty;
            }
            Event::IcebergShown(e) => {
                self.update(e.instrument, e.update.0)?;
                let book = &mut self.market(e.instrument).book;
                book.show(e.order, e.side, e.price, e.delta);
            }
            Event::OrderPegged(e) => self.live(e.instrument, e.order)?.order.price = e.price,
            Event::OrderActivated(e) => self.live(e.instrument, e.order)?.open = e.qty,
            _ => {}
        }
        Ok(())
    }

    fn market(&mut self, instrument: InstrumentId) -> &mut Told {
        self.markets.entry(instrument).or_default()
    }

    fn live(&mut self, instrument: InstrumentId, order: OrderId) -> Result<&mut Live, String> {
        self.orders
            .get_mut(&(instrument, order))
            .ok_or_else(|| format!("{order:?} is not open"))
    }

    fn gone(&mut self, instrument: InstrumentId, order: OrderId) {
        if let Some(live) = self.orders.remove(&(instrument, order)) {
            self.names
                .remove(&(live.order.account, instrument, live.order.client_id));
        }
    }

    fn placed(&mut self, order: &Order) -> Check {
        let told = self.market(order.instrument);
        sure(order.id.0 == told.order + 1, || {
            format!("{:?} was placed behind order {}", order.id, told.order)
        })?;
        told.order = order.id.0;
        let name = (order.account, order.instrument, order.client_id);
        sure(self.names.insert(name), || {
            format!("two open orders are called {name:?}")
        })?;
        let live = Live {
            order: order.clone(),
            open: order.open_qty(),
        };
        self.orders.insert((order.instrument, order.id), live);
        Ok(())
    }

    fn rested(&mut self, e: &OrderRested) -> Check {
        self.update(e.instrument, e.update.0)?;
        let live = self.live(e.instrument, e.order)?;
        let there = live.order.price == e.price || live.order.peg().is_some();
        sure(live.order.side == e.side && there, || {
            format!("{:?} rests elsewhere than it was placed", e.order)
        })?;
        let book = &mut self.market(e.instrument).book;
        book.rest(e.order, e.side, e.price, e.open_qty);
        Ok(())
    }

    fn rename(&mut self, instrument: InstrumentId, order: OrderId, name: ClientId) -> Check {
        let live = self.live(instrument, order)?;
        let account = live.order.account;
        let before = std::mem::replace(&mut live.order.client_id, name);
        self.names.remove(&(account, instrument, before));
        let free = self.names.insert((account, instrument, name));
        sure(free, || format!("two open orders are called {name:?}"))
    }

    /// Update ids count without gaps.
    fn update(&mut self, instrument: InstrumentId, update: u64) -> Check {
        let told = self.market(instrument);
        let expected = told.update + 1;
        told.update = update;
        sure(update == expected, || {
            format!("update {update} came where {expected} was due")
        })
    }

    fn traded(&mut self, e: &Traded) -> Check {
        self.update(e.instrument, e.update.0)?;
        let told = self.market(e.instrument);
        let (first, due) = (told.trade == 0, told.trade + 1);
        told.trade = e.trade.0;
        sure(e.trade.0 == due || (first && e.trade.0 <= 1), || {
            format!("{:?} came where {due} was due", e.trade)
        })?;
        let maker_side = e.aggressor_side.opposite();
        told.book
            .is_next(maker_side, e.price, e.maker.order)
            .map_err(|why| format!("{:?}: {why}", e.trade))?;
        told.book.take(e.maker.order, e.qty)?;
        self.limits(e)?;
        let instrument = &self.instruments[&e.instrument];
        self.money.traded(instrument, e);
        for party in [&e.maker, &e.taker] {
            let live = self.live(e.instrument, party.order)?;
            sure(live.order.account == party.account, || {
                format!("{:?} is not {:?}'s", party.order, party.account)
            })?;
            // of a MARKET order by quote amount nothing else is known beforehand
            if live.order.quote_qty.is_zero() {
                let open = Decimal(live.open.0 - e.qty.0);
                sure(open == party.open_qty, || {
                    format!(
                        "{:?} has {open:?} open, and was told {:?}",
                        party.order, party.open_qty
                    )
                })?;
            }
            live.open = party.open_qty;
            live.order.executed_qty = Decimal(live.order.executed_qty.0 + e.qty.0);
            if party.open_qty.is_zero() {
                self.gone(e.instrument, party.order);
            } else {
                self.markers.hit("filled in parts");
            }
        }
        Ok(())
    }

    /// The price is within the taker's limit, the sides are opposite, and nobody trades with himself who does not want to.
    fn limits(&mut self, e: &Traded) -> Check {
        let maker = self.live(e.instrument, e.maker.order)?.order.clone();
        let taker = &self.live(e.instrument, e.taker.order)?.order;
        sure(
            taker.side == e.aggressor_side && maker.side == e.aggressor_side.opposite(),
            || format!("{:?}: both are on one side", e.trade),
        )?;
        let limited = matches!(
            taker.kind,
            OrderKind::Limit | OrderKind::StopLossLimit | OrderKind::TakeProfitLimit
        );
        let within = match taker.side {
            Side::Buy => e.price <= taker.price,
            Side::Sell => e.price >= taker.price,
        };
        sure(!limited || within, || {
            format!(
                "{:?} at {:?} is beyond the limit {:?}",
                e.trade, e.price, taker.price
            )
        })?;
        sure(taker.kind != OrderKind::LimitMaker, || {
            format!("a LIMIT_MAKER took in {:?}", e.trade)
        })?;
        sure(
            maker.account != taker.account || taker.stp == StpMode::None,
            || {
                format!(
                    "{:?} is a trade with himself under {:?}",
                    e.trade, taker.stp
                )
            },
        )
    }

    fn uncrossed(&self) -> Check {
        for (id, told) in &self.markets {
            if told.trading
                && let Some((bid, ask)) = told.book.touch()
            {
                sure(bid < ask, || format!("{id:?} is crossed: {bid:?}, {ask:?}"))?;
            }
        }
        Ok(())
    }

    /// What a recovered engine tells of its state is what was told before: the same open orders with the same quantities, and balances.
    ///
    /// # Errors
    /// The first difference.
    pub fn compare(&self, told: &[Event]) -> Check {
        let mut open = BTreeSet::new();
        for event in told {
            match event {
                Event::OrderRestored(order) => {
                    let key = (order.instrument, order.id);
                    let live = self
                        .orders
                        .get(&key)
                        .ok_or_else(|| format!("{key:?} came from nowhere"))?;
                    sure(
                        live.open == order.open_qty()
                            && live.order.client_id == order.client_id
                            && live.order.account == order.account
                            && live.order.side == order.side
                            && (live.order.executed_qty == order.executed_qty),
                        || format!("it was told {live:?} and is {order:?}"),
                    )?;
                    let shown = self.markets[&order.instrument].book.shown(order.id);
                    sure(shown.is_none_or(|shown| shown == order.shown_qty()), || {
                        format!("{key:?} shows {:?}, not {shown:?}", order.shown_qty())
                    })?;
                    open.insert(key);
                }
                Event::MarketRestored(market) => {
                    let told = &self.markets[&market.instrument];
                    sure(
                        (told.order, told.update) == (market.last_order.0, market.last_update.0),
                        || format!("counters of {told:?} came back as {market:?}"),
                    )?;
                }
                Event::BalanceChanged(balance) => self.money.same(balance)?,
                _ => {}
            }
        }
        let lost = self.orders.keys().find(|key| !open.contains(*key));
        sure(lost.is_none(), || format!("{lost:?} was open and is gone"))
    }

    fn note(&mut self, request: &Request, events: &[Event]) {
        for event in events {
            let name = match event {
                Event::Traded(_) => "traded",
                Event::MatchPrevented(e) => match e.mode {
                    StpMode::ExpireTaker => "prevented: ExpireTaker",
                    StpMode::ExpireMaker => "prevented: ExpireMaker",
                    StpMode::ExpireBoth => "prevented: ExpireBoth",
                    StpMode::Decrement => "prevented: Decrement",
                    StpMode::Transfer => "prevented: Transfer",
                    StpMode::None => continue,
                },
                Event::IcebergShown(e) if e.delta > Decimal::ZERO => "an iceberg was refilled",
                Event::OrderPegged(_) => "a pegged order took its price",
                Event::OrderTriggered(_) => "a conditional order acted",
                Event::TrailingStarted(_) => "a trailing order began to follow",
                Event::ListPlaced(_) => "a list was placed",
                Event::ListEnded(_) => "a list ended",
                Event::OrderActivated(_) => "a pending order was let act",
                Event::OrderAmended(_) | Event::WaitingAmended(_) => "an order was amended",
                Event::OrderClosed(e) => match e.reason {
                    CloseReason::UnfilledFok => "a fill-or-kill was not filled",
                    CloseReason::PriceRange => "an order ended by the price range",
                    CloseReason::Refused => "an order was refused when it was to act",
                    _ => continue,
                },
                Event::InstrumentChanged(e) if e.status == MarketStatus::Halt => {
                    "a market was halted"
                }
                Event::ReferenceChanged(_) => "a reference was told",
                Event::BlockTraded(_) => "a block trade",
                Event::BalanceLocked(_) => "a balance was locked",
                Event::FeesChanged(_) => "fees changed",
                _ => continue,
            };
            self.markers.hit(name);
        }
        debug_assert!(!matches!(request.command, Command::PlaceRouted(_)));
    }
}
