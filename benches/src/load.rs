//! A stream of requests: accounts funded, symbols listed, then limit orders around a wandering price, a quarter of them canceled again.

use engine::Engine;
use protocol::{
    Admin, CancelOrder, Command, Filters, Fund, Instrument, ListInstrument, MarketStatus, NewAsset,
    OrderKey, OrderKind, PlaceOrder, Request, StpMode, StpModes, TimeInForce,
};
use sequencer::Rules;
use types::{
    AccountId, Amount, AssetId, ClientId, ContractKind, Decimal, InstrumentId, Rate, RequestId,
    Side, Time, Wallet,
};

pub const ACCOUNTS: u32 = 1_000;
const SYMBOLS: u32 = 8;

/// A small fast generator with a fixed sequence per seed (xorshift64*).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed | 1)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % n
    }
}

pub fn rules() -> Rules {
    let registry = || contract::Registry::new().contract(spot_rules::Spot);
    Rules::new(move |bytes| match bytes {
        None => Ok(Engine::new(registry())),
        Some(bytes) => Engine::restore(registry(), bytes),
    })
}

fn request(actor: AccountId, command: Command) -> Request {
    Request {
        actor,
        id: RequestId(0),
        expires: Time(i64::MAX),
        command,
    }
}

/// What must be there before orders: two assets and a base per symbol, accounts with plenty of everything.
pub fn opening() -> Vec<Request> {
    let venue = |admin| request(AccountId::TREASURY, Command::Admin(admin));
    let asset = |name: String| {
        venue(Admin::CreateAsset(NewAsset {
            name: name.into(),
            precision: 8,
        }))
    };
    let mut requests = vec![asset("USDT".into())];
    requests.extend((0..SYMBOLS).map(|n| asset(format!("B{n}"))));
    for n in 0..SYMBOLS {
        let instrument = Instrument {
            id: InstrumentId(0),
            symbol: format!("B{n}USDT").into(),
            contract: ContractKind(1),
            base: AssetId(n + 2),
            quote: AssetId(1),
            status: MarketStatus::Trading,
            filters: Filters {
                price: Some(protocol::PriceFilter {
                    min: Decimal(1_000_000),
                    max: Decimal(1_000_000 * Decimal::SCALE),
                    tick: Decimal(1_000_000),
                }),
                lot_size: Some(protocol::LotSizeFilter {
                    min: Decimal(1_000),
                    max: Decimal(9_000 * Decimal::SCALE),
                    step: Decimal(1_000),
                }),
                ..Filters::default()
            },
            default_stp: StpMode::ExpireMaker,
            allowed_stp: StpModes::ALL,
            maker_fee: Rate(100_000),
            taker_fee: Rate(100_000),
            denied: protocol::Denied::NONE,
        };
        requests.push(venue(Admin::ListInstrument(ListInstrument {
            instrument: Box::new(instrument),
        })));
    }
    for n in 0..ACCOUNTS {
        requests.push(venue(Admin::OpenAccount));
        for asset in 1..=SYMBOLS + 1 {
            let account = AccountId(AccountId::FIRST_USER.0 + n);
            requests.push(venue(Admin::Fund(Fund {
                account,
                wallet: Wallet::SPOT,
                asset: AssetId(asset),
                amount: Amount(10_i128.pow(18)),
            })));
        }
    }
    requests
}

/// `count` orders and cancels. Cancels name orders by client id, so the stream is made without looking at answers.
pub fn orders(count: usize, seed: u64) -> Vec<Request> {
    let mut dice = Dice::new(seed);
    let mut middle = [5_000_000_u64; SYMBOLS as usize];
    let mut placed: Vec<(AccountId, u32, ClientId)> = Vec::new();
    let mut requests = Vec::with_capacity(count);
    for n in 0..count {
        if n % 4 == 3 && !placed.is_empty() {
            let (actor, symbol, client_id) =
                placed.swap_remove(dice.below(placed.len() as u64) as usize);
            let cancel = CancelOrder {
                instrument: InstrumentId(symbol),
                order: OrderKey::ClientId(client_id),
                client_id: ClientId::NONE,
                restriction: None,
            };
            requests.push(request(actor, Command::CancelOrder(cancel)));
            continue;
        }
        let symbol = dice.below(u64::from(SYMBOLS)) as u32 + 1;
        let middle = &mut middle[symbol as usize - 1];
        *middle = *middle + dice.below(3) - 1;
        let side = if dice.below(2) == 0 {
            Side::Buy
        } else {
            Side::Sell
        };
        let distance = dice.below(60);
        let ticks = if side == Side::Buy {
            *middle + 10 - distance
        } else {
            *middle + distance - 10
        };
        let client_id = ClientId::new(&format!("bench-{seed}-{n:010}")).unwrap_or_default();
        let actor = AccountId(AccountId::FIRST_USER.0 + dice.below(u64::from(ACCOUNTS)) as u32);
        placed.push((actor, symbol, client_id));
        let place = PlaceOrder {
            instrument: InstrumentId(symbol),
            side,
            kind: OrderKind::Limit,
            tif: TimeInForce::Gtc,
            stp: None,
            price: Decimal(ticks as i64 * 1_000_000),
            qty: Decimal((1 + dice.below(500) as i64) * 1_000),
            quote_qty: Decimal::ZERO,
            client_id,
            strategy_id: None,
            strategy_kind: None,
            extras: None,
        };
        requests.push(request(actor, Command::PlaceOrder(place)));
    }
    requests
}
