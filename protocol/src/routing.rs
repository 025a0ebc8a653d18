//! Smart order routing: an order that takes from several books.

use types::{AccountId, Amount, AssetId, Decimal, InstrumentId, OrderId, Side};

wire_enum! {
    /// Where a routed order was active last.
    #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
    pub enum WorkingFloor {
        /// In the book that it was sent to.
        1 = Exchange,
        /// In books of its routing group: it was filled by allocations.
        2 = Sor,
    }
}
wire_struct! {
    /// Orders of one group's instruments may be filled from the books of all. An empty name is none.
    #[derive(Clone, PartialEq, Eq, Debug)]
    pub struct SetRouting { pub instrument: InstrumentId, pub group: Box<str> }
}
wire_struct! {
    /// A fill of a routed order by the venue, which traded for it: at one price of one book.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Allocated {
        /// The order's own.
        pub instrument: InstrumentId,
        pub account: AccountId,
        pub order: OrderId,
        pub side: Side,
        /// Counts by instrument, from 0.
        pub allocation: u64,
        pub price: Decimal,
        pub qty: Decimal,
        /// Atoms of the instrument's own quote asset, before commission.
        pub quote: Amount,
        /// Atoms of `fee_asset`.
        pub fee: Amount,
        pub fee_asset: AssetId,
        /// What stays open of the order.
        pub open_qty: Decimal,
    }
}

impl Allocated {
    /// Where its order, after this, was active last: what is left of a limit order good till canceled goes to its own book.
    #[must_use]
    pub fn floor_after(&self, order: &crate::Order) -> WorkingFloor {
        let rests = order.kind == crate::OrderKind::Limit && order.tif == crate::TimeInForce::Gtc;
        match rests && self.open_qty > Decimal::ZERO {
            true => WorkingFloor::Exchange,
            false => WorkingFloor::Sor,
        }
    }
}

#[cfg(test)]
mod tests {
    use types::ClientId;

    use super::*;
    use crate::{Admin, Command, Event, More, OrderKind, PlaceOrder, TimeInForce, Wire};

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The bytes of routing, for ever.
    #[test]
    fn the_bytes_of_routing_are_golden() {
        let set = SetRouting {
            instrument: InstrumentId(7),
            group: "USD".into(),
        };
        let allocated = Allocated {
            instrument: InstrumentId(7),
            account: AccountId(1001),
            order: OrderId(8),
            side: Side::Buy,
            allocation: 9,
            price: Decimal(10),
            qty: Decimal(11),
            quote: Amount(12),
            fee: Amount(13),
            fee_asset: AssetId(14),
            open_qty: Decimal(15),
        };
        let place = PlaceOrder {
            instrument: InstrumentId(7),
            side: Side::Sell,
            kind: OrderKind::Market,
            tif: TimeInForce::Gtc,
            stp: None,
            price: Decimal(0),
            qty: Decimal(6),
            quote_qty: Decimal(0),
            client_id: ClientId::new("o").unwrap(),
            strategy_id: None,
            strategy_kind: None,
            extras: None,
        };
        let mut bytes = Vec::new();
        Admin::SetRouting(set.clone()).put(&mut bytes);
        Event::RoutingChanged(set.clone()).put(&mut bytes);
        Event::Allocated(allocated).put(&mut bytes);
        let plain = bytes.len();
        Command::PlaceRouted(place.clone()).put(&mut bytes);
        assert_eq!(hex(&bytes[..plain]), GOLDEN);
        assert_eq!(bytes[plain], 12);
        let mut alone = Vec::new();
        place.put(&mut alone);
        assert_eq!(
            bytes[plain + 1..],
            alone,
            "a routed order is written as any other"
        );
        let mut input = &bytes[..];
        assert_eq!(Admin::take(&mut input), Ok(Admin::SetRouting(set.clone())));
        assert_eq!(Event::take(&mut input), Ok(Event::RoutingChanged(set)));
        assert_eq!(Event::take(&mut input), Ok(Event::Allocated(allocated)));
        assert_eq!(Command::take(&mut input), Ok(Command::PlaceRouted(place)));
        let more = More {
            floor: Some(WorkingFloor::Sor),
            ..More::default()
        };
        let mut bytes = Vec::new();
        more.put(&mut bytes);
        assert_eq!(bytes, [0x40, 0, 2]);
        assert_eq!(More::take(&mut &bytes[..]), Ok(more));
    }

    const GOLDEN: &str = "190700000003005553441d0700000003005553441c07000000e903000008000000000000000009000000000000000a000000000000000b000000000000000c0000000000000000000000000000000d0000000000000000000000000000000e0000000f00000000000000";
}
