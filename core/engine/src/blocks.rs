//! Block trades: agreed on between two parties outside of the book, recorded by the venue.
//!
//! Price and quantity lie on the market's grids and pass no filters. Quote = floor(price x qty) as in any trade; no commission. What the
//! parties hold for open orders is not touched. Last price, averages and candles do not hear of it.

use ledger::Key;
use protocol::{BlockTrade, BlockTraded, Event, Events, Malformed, RejectCode, Reply, Wire};
use types::{Amount, InstrumentId, Qty};

use crate::Engine;

impl Engine {
    /// What changes hands: base and quote.
    pub(crate) fn check_block(&self, c: &BlockTrade) -> Result<[Amount; 2], RejectCode> {
        let market = self.market(c.instrument)?;
        if !self.is_user(c.buyer) || !self.is_user(c.seller) {
            return Err(RejectCode::UnknownAccount);
        }
        let on_grid = market.spec.ticks(c.price).zip(market.spec.lots(c.qty));
        let (price, qty) = on_grid
            .filter(|(_, qty)| *qty > Qty(0) && c.buyer != c.seller)
            .ok_or(RejectCode::InvalidBlockTrade)?;
        let terms = &market.terms;
        let amounts = [terms.base(qty), terms.quote_rounded_down(price, qty)];
        if amounts[1] == Amount::ZERO {
            return Err(RejectCode::NothingToTrade);
        }
        let gives = [(c.seller, 0), (c.buyer, 1)];
        for (account, leg) in gives {
            let key = Key::new(account, market.wallet, market.legs()[leg]);
            if self.ledger.balance(key).0 < amounts[leg] {
                return Err(RejectCode::InsufficientBalance);
            }
        }
        Ok(amounts)
    }

    pub(crate) fn act_block(&mut self, c: &BlockTrade, out: &mut Events) -> Reply {
        let [base_amount, quote] = self.check_block(c).expect("it was checked");
        let market = self.market_mut(c.instrument).expect("it was checked");
        market.last_block += 1;
        let id = market.last_block;
        let (wallet, [base, quote_asset]) = (market.wallet, market.legs());
        out.push(Event::BlockTraded(BlockTraded {
            id,
            trade: *c,
            quote,
        }));
        let key = |account, asset| Key::new(account, wallet, asset);
        let (from, to) = (key(c.seller, base), key(c.buyer, base));
        self.transfer(from, to, base_amount, out);
        let (from, to) = (key(c.buyer, quote_asset), key(c.seller, quote_asset));
        self.transfer(from, to, quote, out);
        Reply::Done
    }

    /// The counters of the markets that have block trades, in the snapshot's form.
    pub(crate) fn put_blocks(&self) -> Option<Vec<u8>> {
        let counted: Vec<_> = self.markets.iter().filter(|m| m.last_block > 0).collect();
        let mut bytes = Vec::new();
        u32::try_from(counted.len())
            .expect("counts fit 32 bits")
            .put(&mut bytes);
        for market in &counted {
            market.id().put(&mut bytes);
            market.last_block.put(&mut bytes);
        }
        (!counted.is_empty()).then_some(bytes)
    }

    pub(crate) fn take_blocks(&mut self, input: &mut &[u8]) -> Result<(), Malformed> {
        const WRONG: Malformed = Malformed("counters of block trades");
        let mut previous = InstrumentId(0);
        let count = u32::take(input)?;
        for _ in 0..count {
            let (id, last) = (InstrumentId::take(input)?, u64::take(input)?);
            let market = self.market_mut(id).map_err(|_| WRONG)?;
            if id <= previous || last == 0 {
                return Err(WRONG);
            }
            previous = id;
            market.last_block = last;
        }
        (count > 0).then_some(()).ok_or(WRONG)
    }
}
