use types::{AccountId, AssetId, InstrumentId};

use crate::{Order, OrderList, Reject};

/// What came of an accepted request, as the engine saw it at that moment. Trades stand in the record's events.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reply {
    Done,
    Placed(Box<Placed>),
    /// The order after the cancel.
    Canceled(Box<Order>),
    /// The orders after the cancel, oldest first.
    CanceledAll(Vec<Order>, Vec<OrderList>),
    ListPlaced(Box<ListReply>),
    /// Also the answer to the cancel of one order of a list.
    ListCanceled(Box<ListReply>),
    CancelReplaced(Box<CancelReplaced>),
    Amended(Box<Amended>),
    AccountOpened(AccountId),
    AssetCreated(AssetId),
    InstrumentListed(InstrumentId),
}

/// A list after placement or cancel, with its orders at that moment: after a cancel those that were open.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListReply {
    pub list: OrderList,
    pub orders: Vec<Order>,
}

/// The order after placement: rested, filled or ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Placed {
    pub order: Order,
    /// Set when the order was prevented from matching another of its owner.
    pub prevented_match: Option<u64>,
}

/// At least one half succeeded (otherwise the whole is a [`Reject`]).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CancelReplaced {
    pub cancel: Result<Order, Reject>,
    pub place: Result<Placed, Reject>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Amended {
    pub order: Order,
    /// What the order was called before.
    pub previous_client_id: types::ClientId,
    /// The list that it is a part of, as its orders are called now.
    pub list: Option<OrderList>,
    /// The other orders that it changed: that of its pair; of a list that ended, all that were open.
    pub related: Vec<Order>,
}
