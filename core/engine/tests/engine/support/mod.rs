//! A small market to stand in: BTC (1) against USDT (2), two funded users.

use contract::Registry;
use engine::Engine;
use protocol::*;
use spot_rules::Spot;
use types::*;

pub const ANN: AccountId = AccountId(1001);
pub const BOB: AccountId = AccountId(1002);
pub const BTC: AssetId = AssetId(1);
pub const USDT: AssetId = AssetId(2);
pub const MARKET: InstrumentId = InstrumentId(1);

pub fn dec(text: &str) -> Decimal {
    Decimal::parse(text).unwrap()
}

pub fn registry() -> Registry {
    Registry::new().contract(Spot)
}

pub struct World {
    pub engine: Engine,
    pub seq: u64,
    pub time: Time,
    pub events: Events,
}

impl World {
    pub fn with(registry: Registry, filters: Filters) -> World {
        World::of(registry, instrument("BTCUSDT", filters))
    }

    /// The market as it is specified.
    pub fn of(registry: Registry, instrument: Instrument) -> World {
        let mut world = World {
            engine: Engine::new(registry),
            seq: 0,
            time: Time(1_700_000_000_000_000),
            events: Vec::new(),
        };
        for name in ["BTC", "USDT"] {
            let asset = NewAsset {
                name: name.into(),
                precision: 8,
            };
            world.admin(Admin::CreateAsset(asset)).unwrap();
        }
        let instrument = Box::new(instrument);
        world
            .admin(Admin::ListInstrument(ListInstrument { instrument }))
            .unwrap();
        for account in [ANN, BOB] {
            world.admin(Admin::OpenAccount).unwrap();
            for asset in [BTC, USDT] {
                world.fund(account, asset, 100_000_000_000_000).unwrap();
            }
        }
        world
    }

    pub fn new() -> World {
        World::with(registry(), Filters::default())
    }

    pub fn admin(&mut self, admin: Admin) -> Result<Reply, Reject> {
        self.run(AccountId::TREASURY, Command::Admin(admin))
    }

    pub fn fund(
        &mut self,
        account: AccountId,
        asset: AssetId,
        atoms: i128,
    ) -> Result<Reply, Reject> {
        self.admin(Admin::Fund(Fund {
            account,
            wallet: Wallet::SPOT,
            asset,
            amount: Amount(atoms),
        }))
    }

    /// Executes and audits; the events of this command alone are in `events` afterwards.
    pub fn run(&mut self, actor: AccountId, command: Command) -> Result<Reply, Reject> {
        let request = Request {
            actor,
            id: RequestId(0),
            expires: Time(i64::MAX),
            command,
        };
        let before = self.engine.digest();
        let checked = self.engine.check(self.time, &request);
        self.events.clear();
        let result = self
            .engine
            .execute(Seq(self.seq + 1), self.time, &request, &mut self.events);
        match &result {
            Ok(_) => {
                self.seq += 1;
                assert_eq!(checked, Ok(()));
            }
            Err(reject) => {
                assert_eq!(self.engine.digest(), before, "{reject:?} changed the state");
                assert!(self.events.is_empty());
                if !matches!(request.command, Command::Product(_)) {
                    assert_eq!(checked, Err(*reject));
                }
            }
        }
        self.engine.audit().unwrap();
        result
    }

    pub fn place(&mut self, actor: AccountId, order: PlaceOrder) -> Result<Placed, Reject> {
        match self.run(actor, Command::PlaceOrder(order))? {
            Reply::Placed(placed) => Ok(*placed),
            other => panic!("{other:?}"),
        }
    }

    pub fn limit(&mut self, actor: AccountId, side: Side, price: &str, qty: &str) -> Placed {
        let id = format!("t{}", self.seq);
        self.place(actor, limit(side, price, qty, &id)).unwrap()
    }
}

pub fn instrument(symbol: &str, filters: Filters) -> Instrument {
    Instrument {
        id: InstrumentId(0),
        symbol: symbol.into(),
        contract: Spot::KIND,
        base: BTC,
        quote: USDT,
        status: MarketStatus::Trading,
        filters,
        default_stp: StpMode::None,
        // all that there were when the golden snapshot was written
        allowed_stp: StpModes(0b1111),
        maker_fee: Rate(100_000),
        taker_fee: Rate(100_000),
        denied: protocol::Denied::NONE,
    }
}

pub fn limit(side: Side, price: &str, qty: &str, id: &str) -> PlaceOrder {
    PlaceOrder {
        instrument: MARKET,
        side,
        kind: OrderKind::Limit,
        tif: TimeInForce::Gtc,
        stp: None,
        price: dec(price),
        qty: dec(qty),
        quote_qty: Decimal::ZERO,
        client_id: ClientId::new(id).unwrap(),
        strategy_id: None,
        strategy_kind: None,
        extras: None,
    }
}

/// The balance of an account's spot wallet: free and held.
pub fn balance(world: &World, account: AccountId, asset: AssetId) -> (i128, i128) {
    let mut found = (0, 0);
    world.engine.tell(&mut |event| {
        if let Event::BalanceChanged(b) = event
            && (b.account, b.wallet, b.asset) == (account, Wallet::SPOT, asset)
        {
            found = (b.free.0, b.held.0);
        }
    });
    found
}

/// What a snapshot of the engine restores to; it has to be the same.
pub fn again(world: &World) -> Engine {
    let mut bytes = Vec::new();
    world
        .engine
        .snapshot(&mut |piece| bytes.extend_from_slice(piece));
    let restored = Engine::restore(registry(), &bytes).unwrap();
    assert_eq!(restored.digest(), world.engine.digest());
    restored
}

pub fn open_orders(world: &World) -> Vec<Order> {
    let mut orders = Vec::new();
    world.engine.tell(&mut |event| {
        if let Event::OrderRestored(order) = event {
            orders.push(*order);
        }
    });
    orders
}

/// Lets a restored engine and the world's execute the same order: they do the same.
pub fn both(world: &mut World, restored: &mut Engine, actor: AccountId, order: PlaceOrder) {
    let request = Request {
        actor,
        id: RequestId(0),
        expires: Time(i64::MAX),
        command: Command::PlaceOrder(order.clone()),
    };
    let mut events = Vec::new();
    restored
        .execute(Seq(world.seq + 1), world.time, &request, &mut events)
        .unwrap();
    restored.audit().unwrap();
    world.place(actor, order).unwrap();
    assert_eq!(events, world.events);
    assert_eq!(restored.digest(), world.engine.digest());
}
