//! The seam for products, proven by a small real one: an escrow that pays whom the depositor names, or back when its time is up.

use contract::{CorruptProduct, Cx, Fill, Product};
use engine::Engine;
use protocol::*;
use types::*;

use crate::support::*;

const ESCROW: ProductId = ProductId(7);

/// A deposit: who may release it, how much, until when.
#[derive(Clone, Debug)]
struct Deposit {
    owner: AccountId,
    asset: AssetId,
    amount: Amount,
    until: Time,
}

#[derive(Default)]
struct Escrow {
    deposits: Vec<Deposit>,
    /// Lots that it heard were filled.
    heard: i64,
}

/// `1 asset amount` deposits for an hour; `2 index to` releases to somebody.
fn deposit(asset: AssetId, amount: i128) -> Command {
    let mut body = vec![1];
    asset.put(&mut body);
    Amount(amount).put(&mut body);
    product(body)
}

fn release(index: u32, to: AccountId) -> Command {
    let mut body = vec![2];
    index.put(&mut body);
    to.put(&mut body);
    product(body)
}

fn product(body: Vec<u8>) -> Command {
    Command::Product(ProductCommand {
        product: ESCROW,
        body: body.into_boxed_slice(),
    })
}

impl Escrow {
    fn deposit(
        &mut self,
        cx: &mut Cx<'_>,
        owner: AccountId,
        mut body: &[u8],
    ) -> Option<RejectCode> {
        let (Ok(asset), Ok(amount)) = (AssetId::take(&mut body), Amount::take(&mut body)) else {
            return Some(RejectCode::InvalidAmount);
        };
        // twice half, so that a shortfall in the second half has something to undo
        let half = Amount(amount.0 / 2);
        for part in [half, amount.minus(half)] {
            if let Err(code) = cx.collect(Wallet::SPOT, asset, part) {
                return Some(code);
            }
        }
        self.deposits.push(Deposit {
            owner,
            asset,
            amount,
            until: cx.time.plus_micros(3_600_000_000),
        });
        None
    }
}

impl Product for Escrow {
    fn id(&self) -> ProductId {
        ESCROW
    }

    fn handle(
        &mut self,
        cx: &mut Cx<'_>,
        actor: AccountId,
        body: &[u8],
    ) -> Result<Reply, RejectCode> {
        let (kind, mut body) = body.split_first().ok_or(RejectCode::InvalidAmount)?;
        if *kind == 1 {
            return self.deposit(cx, actor, body).map_or(Ok(Reply::Done), Err);
        }
        let index = u32::take(&mut body).map_err(|_| RejectCode::InvalidAmount)? as usize;
        let to = AccountId::take(&mut body).map_err(|_| RejectCode::InvalidAmount)?;
        let found = self.deposits.get(index).cloned();
        let deposit = found.filter(|d| d.owner == actor);
        let deposit = deposit.ok_or(RejectCode::NotPermitted)?;
        cx.pay(to, Wallet::SPOT, deposit.asset, deposit.amount)?;
        self.deposits.remove(index);
        Ok(Reply::Done)
    }

    fn next_wake(&self) -> Option<Time> {
        self.deposits.iter().map(|d| d.until).min()
    }

    fn wake(&mut self, cx: &mut Cx<'_>, budget: u32) {
        for _ in 0..budget {
            let Some(at) = self.deposits.iter().position(|d| d.until <= cx.time) else {
                return;
            };
            let back = self.deposits.remove(at);
            cx.pay(back.owner, Wallet::SPOT, back.asset, back.amount)
                .expect("the pool holds every deposit");
        }
    }

    fn filled(&mut self, _cx: &mut Cx<'_>, fill: &Fill) {
        self.heard += fill.qty.0;
    }

    fn claims(&self) -> Vec<(AssetId, Amount)> {
        self.deposits.iter().map(|d| (d.asset, d.amount)).collect()
    }

    fn snapshot(&self, out: &mut Vec<u8>) {
        self.heard.put(out);
        for d in &self.deposits {
            d.owner.put(out);
            d.asset.put(out);
            d.amount.put(out);
            d.until.put(out);
        }
    }

    fn restore(&mut self, mut bytes: &[u8]) -> Result<(), CorruptProduct> {
        let broken = |e: Malformed| CorruptProduct(e.to_string());
        self.heard = i64::take(&mut bytes).map_err(broken)?;
        while !bytes.is_empty() {
            self.deposits.push(Deposit {
                owner: AccountId::take(&mut bytes).map_err(broken)?,
                asset: AssetId::take(&mut bytes).map_err(broken)?,
                amount: Amount::take(&mut bytes).map_err(broken)?,
                until: Time::take(&mut bytes).map_err(broken)?,
            });
        }
        Ok(())
    }
}

fn world() -> World {
    World::with(registry().product(Escrow::default()), Filters::default())
}

const MILLION: i128 = 100_000_000_000_000;

#[test]
fn without_a_product_its_commands_are_unknown() {
    let mut world = World::new();
    let result = world.run(ANN, deposit(BTC, 1));
    assert_eq!(result, Err(RejectCode::UnknownProduct.into()));
}

#[test]
fn a_deposit_moves_to_the_pool_and_on_to_whom_its_owner_names() {
    let mut world = world();
    world.run(ANN, deposit(USDT, 1_000)).unwrap();
    let changed = |world: &World| -> Vec<(AccountId, i128)> {
        let balances = world.events.iter().filter_map(|event| match event {
            Event::BalanceChanged(b) => Some((b.account, b.free.0)),
            _ => None,
        });
        balances.collect()
    };
    let pool = contract::pool(ESCROW);
    assert_eq!(changed(&world), [(ANN, MILLION - 1_000), (pool, 1_000)]);
    // only its owner
    assert!(world.run(BOB, release(0, BOB)).is_err());
    // only to somebody who exists
    assert!(world.run(ANN, release(0, AccountId(5_000))).is_err());
    world.run(ANN, release(0, BOB)).unwrap();
    assert_eq!(changed(&world), [(pool, 0), (BOB, MILLION + 1_000)]);
}

/// `World::run` compares the digest before and after: the first half of the deposit is undone.
#[test]
fn a_refusal_in_the_middle_is_undone() {
    let mut world = world();
    let result = world.run(ANN, deposit(USDT, MILLION + 1_001));
    assert_eq!(result, Err(RejectCode::InsufficientBalance.into()));
    world.run(ANN, deposit(USDT, MILLION)).unwrap();
}

#[test]
fn due_work_is_done_by_wake_within_its_budget() {
    let mut world = world();
    for _ in 0..3 {
        world.run(ANN, deposit(USDT, 10)).unwrap();
    }
    assert!(!world.engine.due(world.time));
    world.time = world.time.plus_micros(3_600_000_000);
    assert!(world.engine.due(world.time));
    world
        .run(AccountId::TREASURY, Command::Wake(Wake { budget: 2 }))
        .unwrap();
    assert!(world.engine.due(world.time), "one is left");
    world
        .run(AccountId::TREASURY, Command::Wake(Wake { budget: 2 }))
        .unwrap();
    assert!(!world.engine.due(world.time));
}

#[test]
fn fills_are_heard_and_the_state_survives_a_snapshot() {
    let mut world = world();
    world.run(ANN, deposit(USDT, 10)).unwrap();
    world.limit(ANN, Side::Sell, "100", "2");
    let before = world.engine.digest();
    world.limit(BOB, Side::Buy, "100", "1");
    assert_ne!(world.engine.digest(), before);
    let mut bytes = Vec::new();
    world.engine.snapshot(&mut |b| bytes.extend_from_slice(b));
    let restored = Engine::restore(registry().product(Escrow::default()), &bytes).unwrap();
    assert_eq!(restored.digest(), world.engine.digest());
    assert!(restored.due(world.time.plus_micros(3_600_000_000)));
    // a registry without the product cannot hold its money
    assert!(Engine::restore(registry(), &bytes).is_err());
}
