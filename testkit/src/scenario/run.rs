use std::collections::BTreeMap;

use protocol::{
    Admin, AmendOrder, BothKeys, CancelAll, CancelList, CancelOrder, CancelReplace,
    CancelReplaceMode, CancelRestriction, Command, Event, Extras, Filters, Instrument, ListKind,
    LotSizeFilter, MarketStatus, NotionalFilter, Order, OrderKey, OrderStatus, Peg, PegKind,
    PercentPriceBySideFilter, PlaceList, PlaceOrder, PriceFilter, Reject, Reply, SetStatus,
    StpMode, StpModes,
};
use types::{
    AccountId, Amount, AssetId, ClientId, ContractKind, Decimal, InstrumentId, OrderId, Rate, Side,
    Wallet, format_atoms,
};

use super::follow::Followed;
use super::parse::{Action, Expected, New, Step, Story};
use crate::Exchange;

const MARKET: InstrumentId = InstrumentId(1);
const ASSETS: [&str; 2] = ["BTC", "USDT"];

/// Runs a story on an engine of its own.
///
/// # Panics
/// At the first step that comes out otherwise than it says, naming story, line, step and outcome.
pub fn run(file: &str, story: &Story) {
    let mut stage = Stage {
        exchange: Exchange::new().rebuilding_every(5),
        users: BTreeMap::new(),
        followed: Followed::default(),
    };
    for name in ASSETS {
        stage.exchange.asset(name, 8);
    }
    for step in &story.steps {
        if let Err(problem) = stage.play(step) {
            panic!(
                "{} ({}) {file}:{}: `{}`: {problem}",
                story.id, story.title, step.line, step.text
            );
        }
    }
}

struct Stage {
    exchange: Exchange,
    users: BTreeMap<String, AccountId>,
    followed: Followed,
}

fn dec(text: &str) -> Result<Decimal, String> {
    Decimal::parse(text).map_err(|e| format!("`{text}` is not a number: {e:?}"))
}

fn name(text: &str) -> Result<ClientId, String> {
    ClientId::new(text).map_err(|_| format!("`{text}` is not a client id"))
}

fn asset(text: &str) -> Result<AssetId, String> {
    let at = ASSETS.iter().position(|a| *a == text);
    let at = at.ok_or_else(|| format!("`{text}` is neither BTC nor USDT"))?;
    Ok(AssetId(at as u32 + 1))
}

/// `primary`, `market`, `primary+1`: how many levels behind the best.
fn peg(text: &str) -> Result<Option<Peg>, String> {
    let (kind, offset) = text.split_once('+').unwrap_or((text, "0"));
    let kind = match kind {
        "" => return Ok(None),
        "primary" => PegKind::Primary,
        "market" => PegKind::Market,
        _ => return Err(format!("there is no peg {kind}")),
    };
    let offset = offset.parse().map_err(|_| "peg=KIND+LEVELS")?;
    Ok(Some(Peg { kind, offset }))
}

fn stp(text: &str) -> Result<StpMode, String> {
    match text {
        "NONE" => Ok(StpMode::None),
        "EXPIRE_TAKER" => Ok(StpMode::ExpireTaker),
        "EXPIRE_MAKER" => Ok(StpMode::ExpireMaker),
        "EXPIRE_BOTH" => Ok(StpMode::ExpireBoth),
        "DECREMENT" => Ok(StpMode::Decrement),
        "TRANSFER" => Ok(StpMode::Transfer),
        _ => Err(format!("`{text}` is not a mode of self-trade prevention")),
    }
}

const fn status_name(status: OrderStatus) -> &'static str {
    match status {
        OrderStatus::New => "NEW",
        OrderStatus::PartiallyFilled => "PARTIALLY_FILLED",
        OrderStatus::Filled => "FILLED",
        OrderStatus::Canceled => "CANCELED",
        OrderStatus::Expired => "EXPIRED",
        OrderStatus::ExpiredInMatch => "EXPIRED_IN_MATCH",
        OrderStatus::PendingNew => "PENDING_NEW",
    }
}

/// A number as stories write it: without needless zeros.
fn short(text: &str) -> String {
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Everything that a story may say of an order; it names what it cares for.
fn describe(order: &Order) -> Vec<String> {
    vec![
        status_name(order.status).to_owned(),
        format!("executed={}", short(&order.executed_qty.to_string())),
        format!(
            "quote={}",
            short(format_atoms(order.executed_quote.0, 8).as_str())
        ),
        format!("prevented={}", short(&order.prevented_qty.to_string())),
        format!("qty={}", short(&order.qty.to_string())),
        format!("id={}", order.id),
        format!("name={}", order.client_id),
    ]
}

fn outcome(reply: &Reply) -> Vec<String> {
    let half = |r: Result<&Order, &Reject>| match r {
        Ok(order) => describe(order),
        Err(reject) => vec![reject.code().api_code().to_string()],
    };
    match reply {
        Reply::Placed(placed) => describe(&placed.order),
        Reply::Canceled(order) => describe(order),
        Reply::Amended(amended) => describe(&amended.order),
        Reply::ListPlaced(list) | Reply::ListCanceled(list) => {
            let word = |o: &Order| format!("{}={}", o.client_id, status_name(o.status));
            list.orders.iter().map(word).collect()
        }
        Reply::CanceledAll(orders, _) => orders
            .iter()
            .map(|o| o.client_id.as_str().to_owned())
            .collect(),
        Reply::CancelReplaced(both) => {
            let mut words = half(both.cancel.as_ref());
            words.push("then".into());
            words.extend(half(both.place.as_ref().map(|p| &p.order)));
            words
        }
        _ => Vec::new(),
    }
}

/// The words occur in this order.
fn holds(outcome: &[String], words: &[String]) -> bool {
    let mut rest = outcome.iter();
    words.iter().all(|word| rest.any(|o| o == word))
}

impl Stage {
    fn play(&mut self, step: &Step) -> Result<(), String> {
        match &step.action {
            Action::Market(pairs) => {
                let instrument = instrument(pairs)?;
                self.exchange.list(instrument);
                return Ok(());
            }
            Action::User(name, funds) => return self.open(name, funds),
            Action::Wait(seconds) => {
                self.exchange.time = self.exchange.time.plus_micros(seconds * 1_000_000);
                return Ok(());
            }
            Action::Book(side, levels) => return same(&self.levels(*side), levels),
            Action::Trades(trades) => return same(&self.trades(), trades),
            Action::Has {
                user,
                asset,
                free,
                held,
            } => return self.has(user, asset, free, held),
            Action::Order { user, name: called } => {
                let (account, called) = (self.user(user)?, name(called)?);
                let order = self.followed.find(account, &called);
                let order = order.ok_or("there was no such order")?;
                return words_hold(&step.expected, describe(order));
            }
            _ => {}
        }
        let (actor, command) = self.command(&step.action)?;
        let result = self.exchange.run(actor, command);
        if result.is_ok() {
            let events = &self.exchange.events;
            events.iter().for_each(|event| self.followed.hear(event));
        }
        judge(&step.expected, result)
    }

    /// Who asks for what.
    fn command(&self, action: &Action) -> Result<(AccountId, Command), String> {
        let (user, command) = match action {
            Action::Status(status) => return Ok((AccountId::TREASURY, set_status(status)?)),
            Action::Place(user, new) => (user, Command::PlaceOrder(self.order(new)?)),
            Action::Cancel { user, order, only } => {
                (user, Command::CancelOrder(cancel(order, only.as_deref())?))
            }
            Action::List {
                user,
                kind,
                name: called,
                legs,
            } => {
                let legs = legs.iter().map(|leg| self.order(leg));
                let legs = legs.collect::<Result<_, _>>()?;
                (user, place_list(*kind, called, legs)?)
            }
            Action::CancelList { user, list } => {
                let cancel = CancelList {
                    instrument: MARKET,
                    list: None,
                    list_client_id: name(list)?,
                    client_id: name("cancel")?,
                };
                (user, Command::CancelList(cancel))
            }
            Action::CancelAll(user) => {
                let (instrument, client_id) = (MARKET, name("cancel")?);
                let all = CancelAll {
                    instrument,
                    client_id,
                };
                (user, Command::CancelAll(all))
            }
            Action::Replace {
                user,
                order,
                new,
                allow,
            } => {
                let mode = match allow {
                    true => CancelReplaceMode::AllowFailure,
                    false => CancelReplaceMode::StopOnFailure,
                };
                let (cancel, place) = (cancel(order, None)?, self.order(new)?);
                let both = CancelReplace {
                    cancel,
                    place,
                    mode,
                };
                (user, Command::CancelReplace(Box::new(both)))
            }
            Action::Amend {
                user,
                order,
                qty,
                name: new,
            } => {
                let amend = AmendOrder {
                    instrument: MARKET,
                    order: key(order)?,
                    new_qty: dec(qty)?,
                    client_id: name(new)?,
                };
                (user, Command::AmendOrder(amend))
            }
            other => return Err(format!("{other:?} is no command")),
        };
        Ok((self.user(user)?, command))
    }

    fn user(&self, name: &str) -> Result<AccountId, String> {
        let found = self.users.get(name).copied();
        found.ok_or_else(|| format!("there is no user {name}"))
    }

    fn open(&mut self, name: &str, funds: &[(String, String)]) -> Result<(), String> {
        let account = self.exchange.account();
        self.users.insert(name.to_owned(), account);
        for (what, amount) in funds {
            let amount = Amount(i128::from(dec(amount)?.0));
            self.exchange.fund(account, asset(what)?, amount);
        }
        Ok(())
    }

    fn order(&self, new: &New) -> Result<PlaceOrder, String> {
        Ok(PlaceOrder {
            instrument: MARKET,
            side: new.side,
            kind: new.kind,
            tif: new.tif,
            stp: new.stp.as_deref().map(stp).transpose()?,
            price: dec(&new.price)?,
            qty: dec(&new.qty)?,
            quote_qty: dec(&new.quote)?,
            client_id: name(&new.name)?,
            strategy_id: None,
            strategy_kind: None,
            extras: Extras {
                stop_price: dec(&new.stop)?,
                trailing_delta: new.trail.parse().map_err(|_| "trail=NUMBER")?,
                iceberg_qty: dec(&new.show)?,
                peg: peg(&new.peg)?,
            }
            .boxed(),
        })
    }

    fn levels(&self, side: Side) -> Vec<String> {
        let mut levels: Vec<(Decimal, i64)> = Vec::new();
        self.exchange.engine.tell(&mut |event| {
            if let Event::OrderRestored(order) = event
                && order.side == side
                && order.is_working()
            {
                match levels.last_mut() {
                    Some((price, qty)) if *price == order.price => *qty += order.shown_qty().0,
                    _ => levels.push((order.price, order.shown_qty().0)),
                }
            }
        });
        let pair = |(price, qty): &(Decimal, i64)| pair(*price, Decimal(*qty));
        levels.iter().map(pair).collect()
    }

    fn trades(&self) -> Vec<String> {
        let trades = self.exchange.events.iter().filter_map(|event| match event {
            Event::Traded(t) => Some(pair(t.price, t.qty)),
            _ => None,
        });
        trades.collect()
    }

    fn has(&self, user: &str, what: &str, free: &str, held: &str) -> Result<(), String> {
        let account = match user {
            "fees" => AccountId::FEES,
            _ => self.user(user)?,
        };
        let (asset, mut found) = (asset(what)?, (Amount::ZERO, Amount::ZERO));
        self.exchange.engine.tell(&mut |event| {
            if let Event::BalanceChanged(b) = event
                && (b.account, b.wallet, b.asset) == (account, Wallet::SPOT, asset)
            {
                found = (b.free, b.held);
            }
        });
        let expected = (i128::from(dec(free)?.0), i128::from(dec(held)?.0));
        if (found.0.0, found.1.0) == expected {
            return Ok(());
        }
        let text = |a: Amount| format_atoms(a.0, 8);
        Err(format!("has {} held {}", text(found.0), text(found.1)))
    }
}

fn judge(expected: &Expected, result: Result<Reply, Reject>) -> Result<(), String> {
    match (expected, result) {
        (Expected::Accepted, Ok(_)) => Ok(()),
        (expected @ Expected::Words(_), Ok(reply)) => words_hold(expected, outcome(&reply)),
        (Expected::Refused(code, words), Err(Reject::CancelReplace { cancel, place })) => {
            // both codes: the cancel's, then the placement's
            let text = format!(
                "cancel {} place {}",
                cancel.map_or(0, |c| c.api_code()),
                place.map_or(0, |c| c.api_code())
            );
            if *code == -2022 && text.contains(words) {
                return Ok(());
            }
            Err(format!("was refused: {text}"))
        }
        (Expected::Refused(code, words), Err(reject)) => {
            let found = reject.code();
            if found.api_code() == *code && found.message().contains(words) {
                return Ok(());
            }
            Err(format!(
                "was refused with {} {}",
                found.api_code(),
                found.message()
            ))
        }
        (Expected::Refused(..), Ok(reply)) => {
            Err(format!("was accepted: {}", outcome(&reply).join(" ")))
        }
        (_, Err(reject)) => Err(format!("was refused: {reject:?}")),
    }
}

fn place_list(kind: ListKind, called: &str, legs: Vec<PlaceOrder>) -> Result<Command, String> {
    Ok(Command::PlaceList(Box::new(PlaceList {
        instrument: MARKET,
        kind,
        client_id: name(called)?,
        legs,
    })))
}

fn words_hold(expected: &Expected, outcome: Vec<String>) -> Result<(), String> {
    match expected {
        Expected::Words(words) if !holds(&outcome, words) => {
            Err(format!("came out as {}", outcome.join(" ")))
        }
        _ => Ok(()),
    }
}

fn same(found: &[String], expected: &[String]) -> Result<(), String> {
    if found == expected {
        return Ok(());
    }
    Err(format!("found `{}`", found.join(" ")))
}

fn pair(price: Decimal, qty: Decimal) -> String {
    format!("{}:{}", short(&price.to_string()), short(&qty.to_string()))
}

fn set_status(text: &str) -> Result<Command, String> {
    let status = match text {
        "TRADING" => MarketStatus::Trading,
        "HALT" => MarketStatus::Halt,
        "BREAK" => MarketStatus::Break,
        "CANCEL_ONLY" => MarketStatus::CancelOnly,
        "END_OF_DAY" => MarketStatus::EndOfDay,
        _ => return Err(format!("`{text}` is not a status")),
    };
    Ok(Command::Admin(Admin::SetStatus(SetStatus {
        instrument: MARKET,
        status,
    })))
}

/// `ID`, `NUMBER` or `NUMBER/ID`.
fn key(text: &str) -> Result<OrderKey, String> {
    let number = |n: &str| n.parse().map(OrderId).ok();
    if let Some((id, client_id)) = text.split_once('/')
        && let Some(id) = number(id)
    {
        let client_id = name(client_id)?;
        return Ok(OrderKey::Both(BothKeys { id, client_id }));
    }
    match number(text) {
        Some(id) => Ok(OrderKey::Id(id)),
        None => Ok(OrderKey::ClientId(name(text)?)),
    }
}

fn cancel(order: &str, only: Option<&str>) -> Result<CancelOrder, String> {
    Ok(CancelOrder {
        instrument: MARKET,
        order: key(order)?,
        client_id: name("cancel")?,
        restriction: match only {
            None => None,
            Some("NEW") => Some(CancelRestriction::OnlyNew),
            Some("PARTIALLY_FILLED") => Some(CancelRestriction::OnlyPartiallyFilled),
            Some(other) => return Err(format!("`{other}` is not a restriction")),
        },
    })
}

fn instrument(pairs: &[(String, String)]) -> Result<Instrument, String> {
    let text = |key: &str| {
        pairs
            .iter()
            .find(|(k, _)| k == key)
            .map(|(_, v)| v.as_str())
    };
    let num = |key: &str| text(key).map_or(Ok(Decimal::ZERO), dec);
    let any = |keys: &[&str]| keys.iter().any(|k| text(k).is_some());
    let rate = |key: &str| num(key).map(|d| Rate(d.0));
    let mins = text("mins")
        .map_or(Ok(0), str::parse)
        .map_err(|e| format!("mins: {e}"))?;
    let lot = |min: &str, max: &str, step: &str| -> Result<LotSizeFilter, String> {
        Ok(LotSizeFilter {
            min: num(min)?,
            max: num(max)?,
            step: num(step)?,
        })
    };
    let price = PriceFilter {
        min: num("min_price")?,
        max: num("max_price")?,
        tick: num("tick")?,
    };
    let notional = NotionalFilter {
        min: num("min_notional")?,
        apply_min_to_market: true,
        max: num("max_notional")?,
        apply_max_to_market: true,
        avg_price_mins: mins,
    };
    let percent = PercentPriceBySideFilter {
        bid_up: num("bid_up")?,
        bid_down: num("bid_down")?,
        ask_up: num("ask_up")?,
        ask_down: num("ask_down")?,
        avg_price_mins: mins,
    };
    let max_orders = text("max_orders").map(str::parse).transpose();
    let mut allowed = StpModes(0);
    let modes = text("allowed").unwrap_or("NONE,EXPIRE_TAKER,EXPIRE_MAKER,EXPIRE_BOTH");
    for mode in modes.split(',') {
        allowed = allowed.with(stp(mode)?);
    }
    let market_lot = lot("market_min", "market_max", "market_step")?;
    Ok(Instrument {
        id: InstrumentId(0),
        symbol: "BTCUSDT".into(),
        contract: ContractKind(1),
        base: AssetId(1),
        quote: AssetId(2),
        status: MarketStatus::Trading,
        filters: Filters {
            price: any(&["min_price", "max_price", "tick"]).then_some(price),
            lot_size: any(&["min_qty", "max_qty", "lot"])
                .then_some(lot("min_qty", "max_qty", "lot")?),
            market_lot_size: any(&["market_min", "market_max"]).then_some(market_lot),
            notional: any(&["min_notional", "max_notional"]).then_some(notional),
            percent_price_by_side: any(&["bid_up", "ask_up"]).then_some(percent),
            max_num_orders: max_orders.map_err(|e| format!("max_orders: {e}"))?,
            ..Filters::default()
        },
        default_stp: stp(text("stp").unwrap_or("NONE"))?,
        allowed_stp: allowed,
        maker_fee: rate("maker")?,
        taker_fee: rate("taker")?,
        denied: protocol::Denied::NONE,
    })
}
