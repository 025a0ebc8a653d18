use protocol::{ListKind, OrderKind, TimeInForce};
use types::Side;

/// One story.
#[derive(Clone, Debug)]
pub struct Story {
    pub id: String,
    pub title: String,
    pub steps: Vec<Step>,
}

/// One line of a story.
#[derive(Clone, Debug)]
pub struct Step {
    pub line: usize,
    pub text: String,
    pub action: Action,
    pub expected: Expected,
}

/// What must come of a step.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Expected {
    /// That it is accepted.
    #[default]
    Accepted,
    /// These words, as the runner describes the outcome: status, then `key=value`.
    Words(Vec<String>),
    /// A refusal by this code whose message holds these words.
    Refused(i32, String),
}

/// Everything is text here: what it means is the runner's affair.
#[derive(Clone, Debug)]
pub enum Action {
    Market(Vec<(String, String)>),
    User(String, Vec<(String, String)>),
    Place(String, New),
    Cancel {
        user: String,
        order: String,
        only: Option<String>,
    },
    CancelAll(String),
    Replace {
        user: String,
        order: String,
        new: New,
        allow: bool,
    },
    Amend {
        user: String,
        order: String,
        qty: String,
        name: String,
    },
    List {
        user: String,
        kind: ListKind,
        name: String,
        legs: Vec<New>,
    },
    CancelList {
        user: String,
        list: String,
    },
    /// How an order stands, open or not.
    Order {
        user: String,
        name: String,
    },
    Status(String),
    Wait(i64),
    Book(Side, Vec<String>),
    Trades(Vec<String>),
    Has {
        user: String,
        asset: String,
        free: String,
        held: String,
    },
}

/// An order to be placed.
#[derive(Clone, Debug)]
pub struct New {
    pub side: Side,
    pub kind: OrderKind,
    pub tif: TimeInForce,
    pub qty: String,
    pub quote: String,
    pub price: String,
    pub name: String,
    pub stp: Option<String>,
    /// The price that a conditional order waits for; "0": none.
    pub stop: String,
    pub trail: String,
    /// How much of it the book shows; "0": all.
    pub show: String,
    /// `primary` or `market`, `+` and how many levels behind the best; empty: not pegged.
    pub peg: String,
}

/// Reads the stories of one file.
///
/// # Panics
/// At the first line that is no step, naming it.
#[must_use]
pub fn parse(file: &str, text: &str) -> Vec<Story> {
    let mut stories: Vec<Story> = Vec::new();
    for (line, full) in (1..).zip(text.lines()) {
        let text = full.split('#').next().unwrap_or("").trim();
        if text.is_empty() {
            continue;
        }
        if let Some(head) = text.strip_prefix("story ") {
            let (id, title) = head
                .split_once(": ")
                .unwrap_or_else(|| panic!("{file}:{line}: expected `story ID: title`"));
            stories.push(Story {
                id: id.to_owned(),
                title: title.to_owned(),
                steps: Vec::new(),
            });
            continue;
        }
        let step = step(line, text).unwrap_or_else(|| {
            panic!("{file}:{line}: not a step: `{text}` (see testkit/src/scenario)")
        });
        let story = stories
            .last_mut()
            .unwrap_or_else(|| panic!("{file}:{line}: a step before the first `story`"));
        story.steps.push(step);
    }
    stories
}

fn step(line: usize, text: &str) -> Option<Step> {
    let (left, right) = match text.split_once("=>") {
        Some((left, right)) => (left, Some(right.trim())),
        None => (text, None),
    };
    let expected = match right {
        None => Expected::Accepted,
        Some(right) => match right.strip_prefix("refused ") {
            Some(refused) => {
                let (code, words) = refused.split_once(' ').unwrap_or((refused, ""));
                Expected::Refused(code.parse().ok()?, words.trim().to_owned())
            }
            None => Expected::Words(right.split_whitespace().map(str::to_owned).collect()),
        },
    };
    let words: Vec<&str> = left.split_whitespace().collect();
    Some(Step {
        line,
        text: text.to_owned(),
        action: action(&words)?,
        expected,
    })
}

fn action(words: &[&str]) -> Option<Action> {
    let own = |s: &str| s.to_owned();
    let list = |words: &[&str]| words.iter().map(|w| own(w)).collect();
    Some(match words {
        ["market", rest @ ..] => Action::Market(pairs(rest)?),
        ["user", name, rest @ ..] => Action::User(own(name), pairs(rest)?),
        ["status", status] => Action::Status(own(status)),
        ["wait", seconds] => Action::Wait(seconds.parse().ok()?),
        ["book", "bids", rest @ ..] => Action::Book(Side::Buy, list(rest)),
        ["book", "asks", rest @ ..] => Action::Book(Side::Sell, list(rest)),
        ["trades", rest @ ..] => Action::Trades(list(rest)),
        [user, "has", asset, free] => has(user, asset, free, "0"),
        [user, "has", asset, free, "held", held] => has(user, asset, free, held),
        [user, "cancel-list", list] => Action::CancelList {
            user: own(user),
            list: own(list),
        },
        [user, "order", name] => Action::Order {
            user: own(user),
            name: own(name),
        },
        [user, kind, name, legs @ ..] if name.ends_with(':') => Action::List {
            user: own(user),
            kind: list_kind(kind)?,
            name: own(name.trim_end_matches(':')),
            legs: legs.split(|w| *w == "|").map(new).collect::<Option<_>>()?,
        },
        [user, "cancel-all"] => Action::CancelAll(own(user)),
        [user, "cancel", order] => cancel(user, order, None),
        [user, "cancel", order, only] => cancel(user, order, Some(only.strip_prefix("only=")?)),
        [user, "amend", order, "to", qty, "as", name] => Action::Amend {
            user: own(user),
            order: own(order),
            qty: own(qty),
            name: own(name),
        },
        [user, "replace", order, "by", rest @ .., "allow"] => Action::Replace {
            user: own(user),
            order: own(order),
            new: new(rest)?,
            allow: true,
        },
        [user, "replace", order, "by", rest @ ..] => Action::Replace {
            user: own(user),
            order: own(order),
            new: new(rest)?,
            allow: false,
        },
        [user, rest @ ..] => Action::Place(own(user), new(rest)?),
        [] => return None,
    })
}

fn list_kind(word: &str) -> Option<ListKind> {
    Some(match word {
        "oco" => ListKind::Oco,
        "oto" => ListKind::Oto,
        "otoco" => ListKind::Otoco,
        "opo" => ListKind::Opo,
        "opoco" => ListKind::Opoco,
        _ => return None,
    })
}

fn has(user: &str, asset: &str, free: &str, held: &str) -> Action {
    Action::Has {
        user: user.to_owned(),
        asset: asset.to_owned(),
        free: free.to_owned(),
        held: held.to_owned(),
    }
}

fn cancel(user: &str, order: &str, only: Option<&str>) -> Action {
    Action::Cancel {
        user: user.to_owned(),
        order: order.to_owned(),
        only: only.map(str::to_owned),
    }
}

fn pairs(words: &[&str]) -> Option<Vec<(String, String)>> {
    let split = |w: &&str| w.split_once('=').map(|(k, v)| (k.to_owned(), v.to_owned()));
    words.iter().map(split).collect()
}

fn new(words: &[&str]) -> Option<New> {
    let side = match *words.first()? {
        "buy" => Side::Buy,
        "sell" => Side::Sell,
        _ => return None,
    };
    let mut new = New {
        side,
        kind: OrderKind::Limit,
        tif: TimeInForce::Gtc,
        qty: "0".into(),
        quote: "0".into(),
        price: "0".into(),
        name: String::new(),
        stp: None,
        stop: "0".into(),
        trail: "0".into(),
        show: "0".into(),
        peg: String::new(),
    };
    let (kind, rest) = words.get(1..)?.split_first()?;
    new.kind = order_kind(kind)?;
    let rest = match rest {
        ["quote", amount, rest @ ..] => {
            new.quote = (*amount).to_owned();
            rest
        }
        ["rest", rest @ ..] => rest,
        [qty, rest @ ..] => {
            new.qty = (*qty).to_owned();
            rest
        }
        [] => return None,
    };
    details(&mut new, rest)?;
    (!new.name.is_empty()).then_some(new)
}

fn order_kind(word: &str) -> Option<OrderKind> {
    Some(match word {
        "limit" => OrderKind::Limit,
        "maker" => OrderKind::LimitMaker,
        "market" => OrderKind::Market,
        "stop" => OrderKind::StopLoss,
        "stop-limit" => OrderKind::StopLossLimit,
        "profit" => OrderKind::TakeProfit,
        "profit-limit" => OrderKind::TakeProfitLimit,
        _ => return None,
    })
}

/// Prices, name and options.
fn details(new: &mut New, mut words: &[&str]) -> Option<()> {
    while let Some((word, rest)) = words.split_first() {
        words = rest;
        match *word {
            "ioc" => new.tif = TimeInForce::Ioc,
            "fok" => new.tif = TimeInForce::Fok,
            "at" | "until" | "as" => {
                let (value, rest) = rest.split_first()?;
                words = rest;
                let place = match *word {
                    "at" => &mut new.price,
                    "until" => &mut new.stop,
                    _ => &mut new.name,
                };
                *place = (*value).to_owned();
            }
            option => match option.split_once('=')? {
                ("trail", delta) => new.trail = delta.to_owned(),
                ("show", qty) => new.show = qty.to_owned(),
                ("peg", peg) => new.peg = peg.to_owned(),
                ("stp", mode) => new.stp = Some(mode.to_owned()),
                _ => return None,
            },
        }
    }
    Some(())
}
