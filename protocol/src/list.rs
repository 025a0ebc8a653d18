//! Order lists: orders that depend on each other.

use types::{AccountId, ClientId, InstrumentId, ListId, OrderId, Time};

wire_enum! {
    /// How the orders of a list depend on each other, and in which order they stand in it.
    #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
    pub enum ListKind {
        /// One cancels the other. Above the market, below the market.
        1 = Oco,
        /// One triggers the other. Working, pending.
        2 = Oto,
        /// One triggers a one-cancels-the-other. Working, above, below.
        3 = Otoco,
        /// One pays the other: the pending order sells what the working one bought.
        4 = Opo,
        /// One pays a one-cancels-the-other.
        5 = Opoco,
    }
}

impl ListKind {
    /// How many orders it has.
    #[must_use]
    pub const fn legs(self) -> usize {
        match self {
            ListKind::Oco | ListKind::Oto | ListKind::Opo => 2,
            ListKind::Otoco | ListKind::Opoco => 3,
        }
    }

    /// Its first order works, and the others pend until that is filled.
    #[must_use]
    pub const fn has_working(self) -> bool {
        !matches!(self, ListKind::Oco)
    }

    /// Its last two orders exclude each other.
    #[must_use]
    pub const fn has_pair(self) -> bool {
        matches!(self, ListKind::Oco | ListKind::Otoco | ListKind::Opoco)
    }

    /// The pending orders sell what the working one bought.
    #[must_use]
    pub const fn pays(self) -> bool {
        matches!(self, ListKind::Opo | ListKind::Opoco)
    }
}

wire_struct! {
    /// An order of a list, and what it is called.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct ListLeg { pub order: OrderId, pub client_id: ClientId }
}
wire_struct! {
    /// Everything there is to say of one list at one moment, beside its orders.
    #[derive(Clone, PartialEq, Eq, Debug)]
    pub struct OrderList {
        pub instrument: InstrumentId,
        /// Counts over all instruments, from 1.
        pub id: ListId,
        pub account: AccountId,
        pub client_id: ClientId,
        pub kind: ListKind,
        pub legs: Vec<ListLeg>,
        pub placed_at: Time,
        pub updated_at: Time,
        /// All of its orders have ended.
        pub done: bool,
    }
}

#[cfg(test)]
mod tests {
    use types::{Amount, Decimal, Side};

    use super::*;
    use crate::{
        CancelList, CloseReason, Command, Event, More, Order, OrderActivated, OrderKind,
        OrderStatus, PlaceList, PlaceOrder, StpMode, TimeInForce, WaitingAmended,
        WaitingDecremented, Wire,
    };

    fn name(text: &str) -> ClientId {
        ClientId::new(text).unwrap()
    }

    fn leg(id: &str) -> PlaceOrder {
        PlaceOrder {
            instrument: InstrumentId(7),
            side: Side::Buy,
            kind: OrderKind::LimitMaker,
            tif: TimeInForce::Gtc,
            stp: None,
            price: Decimal(5),
            qty: Decimal(6),
            quote_qty: Decimal(0),
            client_id: name(id),
            strategy_id: None,
            strategy_kind: None,
            extras: None,
        }
    }

    fn order(more: More) -> Order {
        Order {
            instrument: InstrumentId(7),
            id: OrderId(9),
            account: AccountId(1001),
            client_id: name("o"),
            side: Side::Sell,
            kind: OrderKind::Limit,
            tif: TimeInForce::Gtc,
            stp: StpMode::None,
            price: Decimal(1),
            qty: Decimal(2),
            quote_qty: Decimal(0),
            executed_qty: Decimal(0),
            executed_quote: Amount(0),
            prevented_qty: Decimal(0),
            status: OrderStatus::PendingNew,
            placed_at: Time(3),
            updated_at: Time(4),
            strategy_id: None,
            strategy_kind: None,
            condition: None,
            more: more.boxed(),
        }
    }

    fn told(done: bool) -> Box<OrderList> {
        Box::new(OrderList {
            instrument: InstrumentId(7),
            id: ListId(8),
            account: AccountId(1001),
            client_id: name("l"),
            kind: ListKind::Oto,
            legs: vec![ListLeg {
                order: OrderId(9),
                client_id: name("o"),
            }],
            placed_at: Time(3),
            updated_at: Time(4),
            done,
        })
    }

    /// The bytes of every command and event about lists, for ever.
    #[test]
    fn the_bytes_of_lists_are_golden() {
        let mut bytes = Vec::new();
        let place = Command::PlaceList(Box::new(PlaceList {
            instrument: InstrumentId(7),
            kind: ListKind::Oto,
            client_id: name("l"),
            legs: vec![leg("w"), leg("p")],
        }));
        let cancel = Command::CancelList(CancelList {
            instrument: InstrumentId(7),
            list: Some(ListId(8)),
            list_client_id: ClientId::NONE,
            client_id: name("c"),
        });
        for command in [place, cancel] {
            command.put(&mut bytes);
        }
        for event in [
            Event::ListPlaced(told(false)),
            Event::ListEnded(told(true)),
            Event::OrderActivated(OrderActivated {
                instrument: InstrumentId(7),
                order: OrderId(9),
                account: AccountId(1001),
                qty: Decimal(2),
            }),
        ] {
            event.put(&mut bytes);
        }
        let all = More {
            list: Some(ListId(8)),
            activated_at: Some(Time(5)),
            reason: Some(CloseReason::OcoTriggered),
            ..More::default()
        };
        for more in [More::default(), all] {
            let at = bytes.len();
            order(more).put(&mut bytes);
            assert_eq!(Order::take(&mut &bytes[at..]), Ok(order(more)));
            for end in at..bytes.len() {
                assert!(Order::take(&mut &bytes[at..end]).is_err());
            }
        }
        assert_eq!(GOLDEN, &bytes[..], "old journals would not be read");
    }

    #[test]
    fn the_bytes_of_orders_that_change_while_they_wait_are_golden() {
        let mut bytes = Vec::new();
        let amended = Event::WaitingAmended(WaitingAmended {
            instrument: InstrumentId(7),
            order: OrderId(9),
            account: AccountId(1001),
            qty: Decimal(2),
            client_id: name("n"),
        });
        let decremented = Event::WaitingDecremented(WaitingDecremented {
            instrument: InstrumentId(7),
            order: OrderId(9),
            account: AccountId(1001),
            prevented: 4,
            qty: Decimal(1),
            open_qty: Decimal(2),
        });
        for event in [&amended, &decremented] {
            let at = bytes.len();
            event.put(&mut bytes);
            assert_eq!(Event::take(&mut &bytes[at..]).as_ref(), Ok(event));
        }
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let order = "070000000900000000000000e9030000";
        let expected = format!(
            "12{order}0200000000000000016e13{order}040000000000000001000000000000000200000000000000"
        );
        assert_eq!(hex, expected, "old journals would not be read");
    }

    const GOLDEN: &[u8] = include_bytes!("../tests/golden/lists-1.bin");
}
