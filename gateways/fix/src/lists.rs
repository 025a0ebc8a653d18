//! Order lists: `NewOrderList <E>` to the parameters of the API's own methods, and `ListStatus <N>`.
//!
//! The orders of a list stand in a fixed order: a pair's order below the market before the one above it, a working order before those that pend.
//! What starts or ends an order is not free either: each carries the instructions that its kind of list asks for, and others are refused with a
//! recommendation. Source of both: the table of supported order lists in the public FIX documentation.

use kit::ApiError;
use protocol::{ListKind, OrderKind};
use types::Time;
use ws::ListReport;

use crate::codec::{Body, Message};
use crate::orders::{Pairs, add, order, word};
use crate::session::{Invalid, bad_value, called};
use crate::tags::*;

/// How the parameters of each place in a list begin.
pub const PLACES: &[&str] = &[
    "above",
    "below",
    "working",
    "pending",
    "pendingAbove",
    "pendingBelow",
];

/// `price` of the place `above` is `abovePrice`.
#[must_use]
pub fn parameter(place: &str, name: &str) -> String {
    let name = match name {
        "newClientOrderId" => "clientOrderId",
        name => name,
    };
    let (first, rest) = name.split_at(1);
    format!("{place}{}{rest}", first.to_ascii_uppercase())
}

/// When something is done to an order: what must happen to which other order, and what is done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Trigger {
    /// 1 activated, 2 partially filled, 3 filled.
    when: u8,
    /// Place of the other order in the list, from 0.
    index: u8,
    /// 1 release, 2 cancel.
    action: u8,
}

/// What a message's order entry may say of each place, in the order of a FIX list.
fn places(kind: ListKind) -> &'static [&'static str] {
    match kind {
        ListKind::Oco => &["below", "above"],
        ListKind::Oto | ListKind::Opo => &["working", "pending"],
        ListKind::Otoco | ListKind::Opoco => &["working", "pendingBelow", "pendingAbove"],
    }
}

/// The instructions of the order at `place`; `limit` says of each order whether it is a plain limit order, which stands in the book and is filled,
/// while a conditional one is activated.
fn triggers(kind: ListKind, place: usize, limit: &[bool]) -> Vec<Trigger> {
    if place == 0 && kind.has_working() {
        return Vec::new();
    }
    let mut triggers = Vec::with_capacity(2);
    if kind.has_working() {
        triggers.push(Trigger {
            when: 3,
            index: 0,
            action: if kind.has_pair() { 2 } else { 1 },
        });
    }
    if kind.has_pair() {
        let first = limit.len() - 2;
        let other = if place == first { first + 1 } else { first };
        triggers.push(Trigger {
            when: if limit[other] { 2 } else { 1 },
            index: u8::try_from(other).unwrap_or(u8::MAX),
            action: 2,
        });
    }
    triggers
}

/// One order of a list as it came.
#[derive(Debug)]
struct Entry {
    message: Message,
    triggers: Vec<Trigger>,
}

fn bad_count(tag: u32) -> Invalid {
    let name = name(tag).unwrap_or_default();
    let text = format!("Incorrect NumInGroup count for repeating group '{name}'.");
    Invalid::new(Some(tag), 16, -1188, text)
}

fn out_of_order(tag: u32, group: u32) -> Invalid {
    let name = name(group).unwrap_or_default();
    let text = format!("Repeating group '{name}' fields out of order.");
    Invalid::new(Some(tag), 15, -1173, text)
}

fn conflict(tags: &[u32]) -> Invalid {
    let names: Vec<String> = tags.iter().map(|tag| called(*tag)).collect();
    let text = format!("Conflicting fields: [{}]", names.join(", "));
    Invalid::new(tags.first().copied(), 5, -1182, text)
}

/// The message's orders, apart.
fn entries(message: &Message) -> Result<Vec<Entry>, Invalid> {
    let fields = message.fields();
    let start = fields.iter().position(|(tag, _)| *tag == NO_ORDERS);
    let start = start.ok_or_else(|| Invalid::missing(NO_ORDERS))?;
    let in_group = |tag: u32| LIST_ORDER.contains(&tag);
    if let Some((tag, _)) = fields[..start].iter().find(|(tag, _)| in_group(*tag)) {
        return Err(out_of_order(*tag, NO_ORDERS));
    }
    let rest = &fields[start + 1..];
    let length = rest.iter().take_while(|(tag, _)| in_group(*tag)).count();
    let (group, behind) = rest.split_at(length);
    if let Some((tag, _)) = behind.iter().find(|(tag, _)| in_group(*tag)) {
        return Err(out_of_order(*tag, NO_ORDERS));
    }
    if let Some((tag, _)) = group.first().filter(|(tag, _)| *tag != CL_ORD_ID) {
        return Err(out_of_order(*tag, NO_ORDERS));
    }
    let starts: Vec<usize> = (0..group.len())
        .filter(|place| group[*place].0 == CL_ORD_ID)
        .collect();
    let announced: Option<usize> = message.get(NO_ORDERS).and_then(|text| text.parse().ok());
    if announced != Some(starts.len()) || !(2..=3).contains(&starts.len()) {
        return Err(bad_count(NO_ORDERS));
    }
    let ends = starts.iter().skip(1).copied().chain([group.len()]);
    (starts.iter().zip(ends))
        .map(|(from, to)| entry(&group[*from..to]))
        .collect()
}

fn entry(fields: &[(u32, Box<str>)]) -> Result<Entry, Invalid> {
    let nested = |tag: u32| {
        matches!(
            tag,
            LIST_TRIGGER_TYPE | LIST_TRIGGER_INDEX | LIST_TRIGGER_ACTION
        )
    };
    for (place, (tag, _)) in fields.iter().enumerate() {
        if !nested(*tag) && fields[..place].iter().any(|(other, _)| other == tag) {
            let text = format!("Tag '{tag}' appears more than once.");
            return Err(Invalid::new(Some(*tag), 13, -1171, text));
        }
    }
    let message = Message::of(fields);
    let missing = [ORD_TYPE, SIDE, SYMBOL];
    if let Some(tag) = missing.iter().find(|tag| message.get(**tag).is_none()) {
        return Err(Invalid::missing(*tag));
    }
    let start = fields.iter().position(|(tag, _)| *tag == NO_LIST_TRIGGERS);
    let from = start.map_or(fields.len(), |start| start + 1);
    let length = fields[from..].iter().take_while(|(tag, _)| nested(*tag));
    let to = from + length.count();
    let outside = |place: &usize| !(from..to).contains(place);
    if let Some(place) = (0..fields.len()).find(|place| outside(place) && nested(fields[*place].0))
    {
        return Err(out_of_order(fields[place].0, NO_LIST_TRIGGERS));
    }
    let triggers = triggers_of(&fields[from..to])?;
    let announced = message.get(NO_LIST_TRIGGERS).map_or(Some(0), |text| {
        text.parse::<usize>().ok().filter(|count| *count > 0)
    });
    if announced != Some(triggers.len()) {
        return Err(bad_count(NO_LIST_TRIGGERS));
    }
    Ok(Entry { message, triggers })
}

/// Instructions, each of three fields in their order.
fn triggers_of(fields: &[(u32, Box<str>)]) -> Result<Vec<Trigger>, Invalid> {
    let order = [LIST_TRIGGER_TYPE, LIST_TRIGGER_INDEX, LIST_TRIGGER_ACTION];
    let wrong = (0..fields.len()).find(|place| fields[*place].0 != order[*place % 3]);
    if let Some(place) = wrong {
        return Err(out_of_order(fields[place].0, NO_LIST_TRIGGERS));
    }
    if !fields.len().is_multiple_of(3) {
        return Err(Invalid::missing(order[fields.len() % 3]));
    }
    let value = |(tag, text): &(u32, Box<str>), most: u8| match text.parse::<u8>() {
        Ok(value) if value <= most && text.len() == 1 => Ok(value),
        _ => Err(bad_value(*tag)),
    };
    let one = |three: &[(u32, Box<str>)]| {
        Ok(Trigger {
            when: value(&three[0], 3)?,
            index: value(&three[1], 2)?,
            action: value(&three[2], 2)?,
        })
    };
    fields.chunks(3).map(one).collect()
}

fn kind_of(message: &Message, orders: usize) -> Result<ListKind, Invalid> {
    let flags = [("Y", "Y"), ("N", "N")];
    let pays = word(message, OPO, &flags)? == Some("Y");
    let contingency = word(message, CONTINGENCY_TYPE, &[("1", "1"), ("2", "2")])?;
    Ok(match (contingency, orders, pays) {
        (Some("1"), 2, false) => ListKind::Oco,
        (Some("1"), _, true) => return Err(conflict(&[CONTINGENCY_TYPE, OPO])),
        (Some("1"), _, false) => return Err(bad_count(NO_ORDERS)),
        (_, 2, false) => ListKind::Oto,
        (_, 2, true) => ListKind::Opo,
        (_, _, false) => ListKind::Otoco,
        (_, _, true) => ListKind::Opoco,
    })
}

/// Whether all entries from `from` on say the same of a tag.
fn alike(entries: &[Entry], tag: u32) -> bool {
    let mut values = entries.iter().map(|entry| entry.message.get(tag));
    let first = values.next();
    values.all(|value| Some(value) == first)
}

/// What the orders of a list must have in common, and what the list's kind asks of each.
fn check(kind: ListKind, entries: &[Entry]) -> Result<(), Invalid> {
    for tag in [SYMBOL, STP_MODE] {
        if !alike(entries, tag) {
            return Err(conflict(&[tag]));
        }
    }
    if kind.has_pair() {
        for tag in [SIDE, ORDER_QTY] {
            if !alike(&entries[entries.len() - 2..], tag) {
                return Err(conflict(&[tag]));
            }
        }
    }
    if (entries.iter()).any(|entry| entry.message.get(CASH_ORDER_QTY).is_some()) {
        return Err(Invalid {
            tag: Some(CASH_ORDER_QTY),
            reason: 5,
            error: ApiError::not_required(called(CASH_ORDER_QTY)),
        });
    }
    for (place, entry) in entries.iter().enumerate() {
        let has = entry.message.get(ORDER_QTY).is_some();
        let (needed, wrong) = match (kind.pays(), place) {
            (true, 0) => (true, (-1224, "Working order must include the '{}' tag.", 1)),
            (true, _) => (
                false,
                (-1225, "Pending orders should not include the '{}' tag.", 5),
            ),
            (false, _) if !has => return Err(Invalid::missing(ORDER_QTY)),
            (false, _) => continue,
        };
        if has != needed {
            let (code, text, reason) = wrong;
            let text = text.replace("{}", &called(ORDER_QTY));
            return Err(Invalid::new(Some(ORDER_QTY), reason, code, text));
        }
    }
    Ok(())
}

/// Each order's instructions are those of its place.
fn check_triggers(kind: ListKind, entries: &[Entry]) -> Result<(), Invalid> {
    let limit: Vec<bool> = (entries.iter())
        .map(|entry| matches!(entry.message.get(ORD_TYPE), Some("2" | "P")))
        .collect();
    for (place, entry) in entries.iter().enumerate() {
        let expected = triggers(kind, place, &limit);
        // The table says "cancel" where a pair is released by a working order; a client that says "release" means the same.
        let same = |(a, b): (&Trigger, &Trigger)| {
            (a.when, a.index) == (b.when, b.index) && (a.action == b.action || a.when == 3)
        };
        let all = entry.triggers.len() == expected.len();
        if all && entry.triggers.iter().zip(&expected).all(same) {
            continue;
        }
        let mut recommended = format!("{NO_LIST_TRIGGERS}={}|", expected.len());
        for trigger in &expected {
            recommended.push_str(&format!(
                "{LIST_TRIGGER_TYPE}={}|{LIST_TRIGGER_INDEX}={}|{LIST_TRIGGER_ACTION}={}|",
                trigger.when, trigger.index, trigger.action
            ));
        }
        if expected.is_empty() {
            recommended = "NONE".to_owned();
        }
        let text = format!(
            "Component 'ListTriggeringInstructions' is incorrectly populated on '{}' order. Recommendation: '{recommended}'",
            places(kind)[place]
        );
        return Err(Invalid::new(Some(NO_LIST_TRIGGERS), 99, -1174, text));
    }
    Ok(())
}

/// The method that a list asks for, and its parameters.
pub fn method(message: &Message) -> Result<(&'static str, Pairs), Invalid> {
    let entries = entries(message)?;
    let kind = kind_of(message, entries.len())?;
    check(kind, &entries)?;
    check_triggers(kind, &entries)?;
    let mut pairs = Pairs::with_capacity(40);
    add(&mut pairs, "symbol", message.get(SYMBOL));
    add(&mut pairs, "listClientOrderId", message.get(CL_LIST_ID));
    add(&mut pairs, "newOrderRespType", Some("ACK"));
    for (place, entry) in places(kind).iter().zip(&entries) {
        put(&mut pairs, kind, place, order(&entry.message)?);
    }
    let name = match kind {
        ListKind::Oco => "orderList.place.oco",
        ListKind::Oto => "orderList.place.oto",
        ListKind::Otoco => "orderList.place.otoco",
        ListKind::Opo => "orderList.place.opo",
        ListKind::Opoco => "orderList.place.opoco",
    };
    Ok((name, pairs))
}

/// Adds one order's parameters under its place's names. What the whole list or pair shares is said once.
fn put(pairs: &mut Pairs, kind: ListKind, place: &str, order: Pairs) {
    for pair in order {
        let name = match (&*pair.name, kind) {
            ("symbol", _) => continue,
            ("selfTradePreventionMode", _) => "selfTradePreventionMode".to_owned(),
            ("side" | "quantity", ListKind::Oco) => pair.name.to_string(),
            ("side" | "quantity", _) if place != "working" => parameter("pending", &pair.name),
            (name, _) => parameter(place, name),
        };
        if !pairs.iter().any(|other| other.name == name) {
            add(pairs, name, Some(&pair.value));
        }
    }
}

const fn is_limit(kind: OrderKind) -> bool {
    matches!(kind, OrderKind::Limit | OrderKind::LimitMaker)
}

/// `N`: what became of a list.
#[must_use]
pub fn status(report: &ListReport<'_>) -> Body {
    let list = report.list;
    // Our pairs stand with the order above first, and the types of the last two are always known.
    let mut places: Vec<usize> = (0..list.legs.len()).collect();
    let mut limit = vec![true; list.legs.len()];
    for (limit, kind) in limit.iter_mut().rev().zip(report.kinds.iter().rev()) {
        *limit = is_limit(*kind);
    }
    if list.kind.has_pair() {
        let first = list.legs.len() - 2;
        places.swap(first, first + 1);
        limit.swap(first, first + 1);
    }
    let mut body = Body::new("N");
    body.time(TRANSACT_TIME, report.time)
        .put(LIST_ID, list.id)
        .put(NO_ORDERS, list.legs.len());
    for (place, leg) in places.iter().enumerate() {
        let leg = &list.legs[*leg];
        body.put(CL_ORD_ID, leg.client_id)
            .put(SYMBOL, report.symbol)
            .put(ORDER_ID, leg.order);
        put_triggers(&mut body, &triggers(list.kind, place, &limit));
    }
    let (kind, state) = match report.status {
        "EXEC_STARTED" => (4, 3),
        "UPDATED" => (100, 3),
        _ => (5, 6),
    };
    body.put(LIST_STATUS_TYPE, kind)
        .put(LIST_ORDER_STATUS, state)
        .put(
            CONTINGENCY_TYPE,
            if list.kind.has_working() { 2 } else { 1 },
        )
        .put(CL_LIST_ID, list.client_id)
        .put(ORIG_CL_LIST_ID, list.client_id);
    body
}

fn put_triggers(body: &mut Body, triggers: &[Trigger]) {
    if triggers.is_empty() {
        return;
    }
    body.put(NO_LIST_TRIGGERS, triggers.len());
    for trigger in triggers {
        body.put(LIST_TRIGGER_TYPE, trigger.when)
            .put(LIST_TRIGGER_INDEX, trigger.index)
            .put(LIST_TRIGGER_ACTION, trigger.action);
    }
}

/// `N`, for a list that was refused.
#[must_use]
pub fn rejected(message: &Message, error: &ApiError, now: Time) -> Body {
    let entries = entries(message).unwrap_or_default();
    let mut body = Body::new("N");
    body.time(TRANSACT_TIME, now).put(NO_ORDERS, entries.len());
    for entry in &entries {
        body.maybe(CL_ORD_ID, entry.message.get(CL_ORD_ID))
            .maybe(SYMBOL, entry.message.get(SYMBOL));
        put_triggers(&mut body, &entry.triggers);
        body.put(ORD_REJ_REASON, 99)
            .put(ERROR_CODE, error.code)
            .text(TEXT, &error.msg);
    }
    body.put(LIST_STATUS_TYPE, 2)
        .put(LIST_ORDER_STATUS, 7)
        .maybe(CONTINGENCY_TYPE, message.get(CONTINGENCY_TYPE))
        .put(LIST_REJECT_REASON, 99)
        .maybe(CL_LIST_ID, message.get(CL_LIST_ID));
    body
}
