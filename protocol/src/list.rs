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
