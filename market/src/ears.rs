//! What the market knows because it was told: the same things that any client reads from its user stream and the public lists, in process.
//!
//! The owner of the exchange seeds it with the recovered state ([`Ears::told`]) and passes every batch below the mark ([`Ears::hear`]). Without
//! the latter the market still works, but learns only late what users took from it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use protocol::{Admin, Batch, Command, Event, Instrument, Reply};
use types::{AccountId, AssetId, InstrumentId, OrderId, Seq, Side, Time, Wallet};

/// The asset whose balance in an account's funding wallet says that the account is the market's, and which of them.
pub const BADGE: &str = "MARKETBADGE";

/// Cheap to clone: all clones share what they heard.
#[derive(Clone, Debug, Default)]
pub struct Ears(Arc<Mutex<Heard>>);

#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub(crate) assets: HashMap<String, AssetId>,
    pub(crate) instruments: HashMap<String, Instrument>,
    /// By the badge's number.
    pub(crate) desk: BTreeMap<i128, AccountId>,
    pub(crate) last_price: HashMap<InstrumentId, i64>,
    /// Best prices (10⁻⁸) of the market's own orders at recovery.
    pub(crate) own_best: HashMap<(InstrumentId, bool), i64>,
    /// The last time at which an open order was touched, at recovery.
    pub(crate) last_time: Option<Time>,
    /// The market's orders that other people's commands have filled since the last look.
    pub(crate) fills: Vec<Filled>,
}

/// A maker order of the market met somebody's command.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Filled {
    pub(crate) instrument: InstrumentId,
    pub(crate) order: OrderId,
    /// 10⁻⁸.
    pub(crate) open_qty: i64,
    pub(crate) seq: Seq,
}

impl Ears {
    /// A piece of the recovered state, in the engine's order of telling.
    pub fn told(&self, event: &Event) {
        self.lock().learn(event);
    }

    /// A batch below the mark. Quick.
    pub fn hear(&self, batch: &Batch) {
        let mut heard = self.lock();
        for (record, events) in batch.iter() {
            if heard
                .desk
                .values()
                .any(|account| *account == record.request.actor)
            {
                continue;
            }
            for event in events {
                match event {
                    Event::Traded(t) if heard.desk.values().any(|a| *a == t.maker.account) => {
                        let filled = Filled {
                            instrument: t.instrument,
                            order: t.maker.order,
                            open_qty: t.maker.open_qty.0,
                            seq: record.seq,
                        };
                        heard.fills.push(filled);
                    }
                    Event::AssetCreated(_) | Event::InstrumentListed(_) => heard.learn(event),
                    _ => {}
                }
            }
            let funded = matches!(&record.request.command, Command::Admin(Admin::Fund(_)));
            if funded && matches!(record.reply, Reply::Done) {
                events.iter().for_each(|event| heard.badge(event));
            }
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Heard {
    fn learn(&mut self, event: &Event) {
        match event {
            Event::AssetCreated(a) => {
                self.assets.insert(a.name.to_string(), a.asset);
            }
            Event::InstrumentListed(i) => {
                self.instruments.insert(i.symbol.to_string(), (**i).clone());
            }
            Event::MarketRestored(m) => {
                self.last_price.insert(m.instrument, m.last_price.0);
            }
            Event::OrderRestored(o) => {
                self.last_time = self.last_time.max(Some(o.updated_at));
                if self.desk.values().any(|a| *a == o.account) {
                    let buy = o.side == Side::Buy;
                    let best = self
                        .own_best
                        .entry((o.instrument, buy))
                        .or_insert(o.price.0);
                    *best = if buy {
                        o.price.0.max(*best)
                    } else {
                        o.price.0.min(*best)
                    };
                }
            }
            Event::BalanceChanged(_) => self.badge(event),
            _ => {}
        }
    }

    fn badge(&mut self, event: &Event) {
        let Event::BalanceChanged(b) = event else {
            return;
        };
        if b.wallet == Wallet::FUNDING
            && self.assets.get(BADGE) == Some(&b.asset)
            && b.account != AccountId::TREASURY
            && b.free.0 > 0
        {
            self.desk.insert(b.free.0, b.account);
        }
    }
}
