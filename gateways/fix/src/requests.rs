//! What is answered at once: limits, instruments, market data requests.

use std::sync::Arc;

use kit::ApiError;
use protocol::{Instrument, MarketStatus};
use types::{Decimal, InstrumentId};
use views::Views;

use crate::Door;
use crate::codec::{Body, Message};
use crate::market::{Refused, Stream};
use crate::session::{Invalid, bad_value};
use crate::sessions::{Role, Seat};
use crate::tags::*;

/// `XLR`.
pub fn limits(door: &Door, seat: &Arc<Seat>, message: &Message, messages: u32) -> Body {
    let bounds = door.bounds;
    let mut rows = vec![(
        '2',
        u64::from(messages),
        u64::from(bounds.messages),
        Some((bounds.seconds, 's')),
    )];
    match door.role {
        Role::OrderEntry | Role::DropCopy => {
            let limits = &door.context.limits;
            let (count, profile) = (
                limits.order_count(seat.account, door.context.now()),
                limits.profile(),
            );
            rows.push((
                '1',
                count.ten_seconds.into(),
                profile.orders_10s.into(),
                Some((10, 's')),
            ));
            rows.push((
                '1',
                count.day.into(),
                profile.orders_1d.into(),
                Some((1, 'd')),
            ));
        }
        Role::MarketData => {
            let count = door.sessions.market.count(seat);
            rows.push(('3', count as u64, bounds.subscriptions as u64, None));
        }
    }
    let mut body = Body::new("XLR");
    body.maybe(REQ_ID, message.get(REQ_ID))
        .put(NO_LIMIT_INDICATORS, rows.len());
    for (kind, count, max, interval) in rows {
        body.put(LIMIT_TYPE, kind)
            .put(LIMIT_COUNT, count)
            .put(LIMIT_MAX, max);
        if let Some((interval, resolution)) = interval {
            body.put(LIMIT_RESET_INTERVAL, interval)
                .put(LIMIT_RESET_RESOLUTION, resolution);
        }
    }
    body
}

/// `y`.
pub fn instruments(views: &Views, message: &Message) -> Result<Body, Invalid> {
    let unknown = || Invalid {
        tag: Some(SYMBOL),
        reason: 5,
        error: ApiError::bad_symbol(),
    };
    let trading = |instrument: &Arc<Instrument>| instrument.status == MarketStatus::Trading;
    let chosen: Vec<Arc<Instrument>> = match message.get(INSTRUMENT_LIST_REQUEST_TYPE) {
        Some("0") => {
            let symbol = message
                .get(SYMBOL)
                .ok_or_else(|| Invalid::missing(SYMBOL))?;
            let instrument = views
                .instrument(symbol)
                .filter(trading)
                .ok_or_else(unknown)?;
            vec![instrument]
        }
        Some("4") => views
            .instruments()
            .iter()
            .filter(|one| trading(one))
            .cloned()
            .collect(),
        _ => return Err(bad_value(INSTRUMENT_LIST_REQUEST_TYPE)),
    };
    let mut body = Body::new("y");
    body.maybe(INSTRUMENT_REQ_ID, message.get(INSTRUMENT_REQ_ID))
        .put(NO_RELATED_SYM, chosen.len());
    for instrument in chosen {
        describe(&mut body, views, &instrument);
    }
    Ok(body)
}

fn describe(body: &mut Body, views: &Views, instrument: &Instrument) {
    body.put(SYMBOL, &instrument.symbol);
    body.put(
        CURRENCY,
        views
            .asset(instrument.quote)
            .map_or_else(String::new, |asset| asset.name.to_string()),
    );
    let filters = &instrument.filters;
    let lots = filters.lot_size.unwrap_or_default();
    let market = filters.market_lot_size.unwrap_or(lots);
    body.put(MIN_TRADE_VOL, lots.min)
        .put(MAX_TRADE_VOL, lots.max)
        .put(MIN_QTY_INCREMENT, instrument.lot_size())
        .put(MARKET_MIN_TRADE_VOL, market.min)
        .put(MARKET_MAX_TRADE_VOL, market.max)
        .put(
            MARKET_MIN_QTY_INCREMENT,
            if market.step.is_zero() {
                Decimal(1)
            } else {
                market.step
            },
        );
    if let Some(price) = filters.price {
        body.put(START_PRICE_RANGE, price.min)
            .put(END_PRICE_RANGE, price.max);
    }
    body.put(MIN_PRICE_INCREMENT, instrument.tick_size());
}

/// A market data request: `Y` when it is refused.
pub fn market(door: &Door, seat: &Arc<Seat>, message: &Message) -> Result<Option<Body>, Invalid> {
    let request = message.get(MD_REQ_ID).unwrap_or_default();
    let market = &door.sessions.market;
    let refused = match message.get(SUBSCRIPTION_REQUEST_TYPE) {
        Some("1") => {
            let (stream, symbols) = wanted(&door.context.views, message)?;
            market
                .subscribe(seat, request, stream, &symbols, door.bounds.subscriptions)
                .err()
        }
        Some("2") => market.unsubscribe(seat, request).err(),
        _ => return Err(bad_value(SUBSCRIPTION_REQUEST_TYPE)),
    };
    Ok(refused.map(|refused| refusal(request, &refused)))
}

type Wanted = (Stream, Vec<(InstrumentId, Box<str>)>);

/// The values of a repeating group of one tag.
fn group(message: &Message, count: u32, tag: u32) -> Result<Vec<&str>, Invalid> {
    let announced: usize = message
        .get(count)
        .ok_or_else(|| Invalid::missing(count))?
        .parse()
        .map_err(|_| bad_value(count))?;
    let values: Vec<&str> = message
        .fields()
        .iter()
        .filter(|(t, _)| *t == tag)
        .map(|(_, v)| &**v)
        .collect();
    let name = name(count).unwrap_or_default();
    if values.len() != announced || announced == 0 {
        let text = format!("Incorrect NumInGroup count for repeating group '{name}'.");
        return Err(Invalid {
            tag: Some(count),
            reason: 16,
            error: ApiError::new(-1188, text),
        });
    }
    if (1..values.len()).any(|place| values[..place].contains(&values[place])) {
        let text = format!("Group '{name}' contains duplicate entries.");
        return Err(Invalid {
            tag: Some(count),
            reason: 99,
            error: ApiError::new(-1189, text),
        });
    }
    Ok(values)
}

fn wanted(views: &Views, message: &Message) -> Result<Wanted, Invalid> {
    let mut kinds = group(message, NO_MD_ENTRY_TYPES, MD_ENTRY_TYPE)?;
    kinds.sort_unstable();
    let symbols = group(message, NO_RELATED_SYM, SYMBOL)?;
    if message
        .get(AGGREGATED_BOOK)
        .is_some_and(|value| value != "Y")
    {
        return Err(bad_value(AGGREGATED_BOOK));
    }
    let depth = || -> Result<usize, Invalid> {
        let text = message
            .get(MARKET_DEPTH)
            .ok_or_else(|| Invalid::missing(MARKET_DEPTH))?;
        let depth = text.parse().map_err(|_| bad_value(MARKET_DEPTH))?;
        if (1..=5_000).contains(&depth) {
            Ok(depth)
        } else {
            Err(bad_value(MARKET_DEPTH))
        }
    };
    let stream = match kinds.as_slice() {
        ["2"] => Stream::Trades,
        ["0", "1"] => match depth()? {
            1 => Stream::Touch,
            levels => Stream::Book(levels),
        },
        _ => return Err(bad_value(MD_ENTRY_TYPE)),
    };
    let mut found = Vec::with_capacity(symbols.len());
    for symbol in symbols {
        let instrument = views.instrument(symbol);
        let instrument = instrument.ok_or_else(|| Invalid {
            tag: Some(SYMBOL),
            reason: 5,
            error: ApiError::bad_symbol(),
        })?;
        found.push((instrument.id, symbol.into()));
    }
    Ok((stream, found))
}

fn refusal(request: &str, refused: &Refused) -> Body {
    let (reason, code, text) = match refused {
        Refused::Request(text) => (1, -1190, (*text).to_owned()),
        Refused::TooMany(limit) => (
            2,
            -1191,
            format!(
                "Too many subscriptions. Connection may create up to '{limit}' subscriptions at a time."
            ),
        ),
        Refused::Similar { symbol, request } => (
            2,
            -1191,
            format!(
                "Similar subscription is already active on this connection. Symbol='{symbol}', active subscription id: '{request}'."
            ),
        ),
    };
    let mut body = Body::new("Y");
    body.put(MD_REQ_ID, request)
        .put(MD_REQ_REJ_REASON, reason)
        .put(ERROR_CODE, code)
        .text(TEXT, &text);
    body
}
