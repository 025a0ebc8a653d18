//! The venue's own acts, and who may do them.

use protocol::*;
use types::*;

use crate::support::*;

fn refused(code: RejectCode) -> Result<Reply, Reject> {
    Err(code.into())
}

#[test]
fn only_the_venue_administers() {
    let mut world = World::new();
    for admin in [
        Admin::OpenAccount,
        Admin::HaltInstrument(MARKET),
        Admin::SetRulesVersion(1),
    ] {
        assert_eq!(
            world.run(ANN, Command::Admin(admin)),
            refused(RejectCode::NotPermitted)
        );
    }
    let order = limit(Side::Buy, "1", "1", "a");
    let by_venue = world.run(AccountId::TREASURY, Command::PlaceOrder(order.clone()));
    assert_eq!(by_venue, refused(RejectCode::NotPermitted));
    for stranger in [
        AccountId(0),
        AccountId::FEES,
        AccountId(1000),
        AccountId(1003),
    ] {
        let result = world.run(stranger, Command::PlaceOrder(order.clone()));
        assert_eq!(result, refused(RejectCode::UnknownAccount));
    }
}

#[test]
fn a_request_is_good_until_it_expires() {
    let mut world = World::new();
    let mut request = Request {
        actor: AccountId::TREASURY,
        id: RequestId(1),
        expires: world.time,
        command: Command::Admin(Admin::OpenAccount),
    };
    let time = world.time;
    assert_eq!(world.engine.check(time, &request), Ok(()));
    request.expires = time.plus_micros(-1);
    let result = world
        .engine
        .execute(Seq(9), time, &request, &mut world.events);
    assert_eq!(result, refused(RejectCode::Expired));
}

#[test]
fn assets_have_names_of_their_own() {
    let mut world = World::new();
    let mut create = |name: &str, precision| {
        let asset = NewAsset {
            name: name.into(),
            precision,
        };
        world.admin(Admin::CreateAsset(asset))
    };
    assert_eq!(create("TIDE", 16), Ok(Reply::AssetCreated(AssetId(3))));
    assert_eq!(create("TIDE", 8), refused(RejectCode::AlreadyExists));
    assert_eq!(
        create("FINE", 17),
        refused(RejectCode::InvalidSpecification)
    );
    for name in ["", "lower", "WITH SPACE", "TWENTYONECHARACTERSXX"] {
        assert_eq!(create(name, 8), refused(RejectCode::InvalidName), "{name}");
    }
}

#[test]
fn a_listing_is_complete_and_new() {
    let mut world = World::new();
    let mut list = |change: &dyn Fn(&mut Instrument)| {
        let mut instrument = Box::new(instrument("NEW", Filters::default()));
        change(&mut instrument);
        world.admin(Admin::ListInstrument(ListInstrument { instrument }))
    };
    assert_eq!(
        list(&|i| i.symbol = "BTCUSDT".into()),
        refused(RejectCode::AlreadyExists)
    );
    assert_eq!(
        list(&|i| i.symbol = "btc".into()),
        refused(RejectCode::InvalidName)
    );
    assert_eq!(
        list(&|i| i.base = AssetId(9)),
        refused(RejectCode::UnknownAsset)
    );
    for broken in [
        &(|i: &mut Instrument| i.contract = ContractKind(9)) as &dyn Fn(&mut Instrument),
        &|i| i.quote = i.base,
        &|i| i.taker_fee = Rate(Decimal::SCALE + 1),
        &|i| i.allowed_stp = StpModes(0b10),
    ] {
        assert_eq!(list(broken), refused(RejectCode::InvalidSpecification));
    }
    assert_eq!(list(&|_| ()), Ok(Reply::InstrumentListed(InstrumentId(2))));
}

#[test]
fn money_comes_from_the_treasury_within_the_supply() {
    let mut world = World::new();
    assert_eq!(world.fund(ANN, BTC, 0), refused(RejectCode::InvalidAmount));
    assert_eq!(world.fund(ANN, BTC, -1), refused(RejectCode::InvalidAmount));
    assert_eq!(
        world.fund(AccountId(7), BTC, 1),
        refused(RejectCode::UnknownAccount)
    );
    assert_eq!(
        world.fund(ANN, AssetId(3), 1),
        refused(RejectCode::UnknownAsset)
    );
    let supply = 10_i128.pow(30);
    assert_eq!(
        world.fund(ANN, BTC, supply),
        refused(RejectCode::InvalidAmount)
    );
    let rest = supply - 2 * 100_000_000_000_000;
    world.fund(ANN, BTC, rest).unwrap();
    assert_eq!(world.fund(ANN, BTC, 1), refused(RejectCode::InvalidAmount));
    let transferred: Vec<_> = world
        .events
        .iter()
        .filter(|e| matches!(e, Event::Transferred(_)))
        .collect();
    assert!(transferred.is_empty(), "a refusal leaves no event");
    // the largest order that the wire can say is answered, not overflowed
    let most = Decimal(i64::MAX);
    let mut order = limit(Side::Sell, "1", "1", "big");
    (order.price, order.qty) = (Decimal(i64::MAX - 1), most);
    assert!(world.place(ANN, order.clone()).is_ok());
    order.client_id = ClientId::new("more").unwrap();
    assert_eq!(
        world.place(ANN, order.clone()).map(|_| ()),
        Err(RejectCode::LotSize.into()),
        "the level's sum would not fit the wire"
    );
    order.side = Side::Buy;
    assert_eq!(
        world.place(BOB, order).map(|_| ()),
        Err(RejectCode::InsufficientBalance.into())
    );
    let mut market = limit(Side::Buy, "0", "0", "all");
    market.kind = OrderKind::Market;
    market.quote_qty = most;
    assert!(world.place(BOB, market).is_err());
}

#[test]
fn transfers_stay_within_ones_own_wallets() {
    let mut world = World::new();
    let mut transfer = |from, to, asset, amount| {
        let transfer = Transfer {
            from,
            to,
            asset,
            amount: Amount(amount),
        };
        world.run(ANN, Command::Transfer(transfer))
    };
    let (spot, funding) = (Wallet::SPOT, Wallet::FUNDING);
    assert_eq!(transfer(spot, funding, BTC, 5), Ok(Reply::Done));
    assert_eq!(
        transfer(funding, spot, BTC, 6),
        refused(RejectCode::InsufficientBalance)
    );
    assert_eq!(
        transfer(spot, spot, BTC, 1),
        refused(RejectCode::InvalidAmount)
    );
    assert_eq!(
        transfer(spot, funding, AssetId(0), 1),
        refused(RejectCode::UnknownAsset)
    );
    assert_eq!(
        transfer(spot, Wallet(99), BTC, 1),
        refused(RejectCode::NotPermitted)
    );
    assert_eq!(
        transfer(spot, Wallet::isolated(MARKET), BTC, 1),
        Ok(Reply::Done)
    );
}

#[test]
fn a_halt_is_told_with_the_whole_specification() {
    let mut world = World::new();
    world.admin(Admin::HaltInstrument(MARKET)).unwrap();
    let [Event::InstrumentChanged(instrument)] = &world.events[..] else {
        panic!("{:?}", world.events);
    };
    assert_eq!(instrument.status, MarketStatus::Halt);
    assert_eq!(&*instrument.symbol, "BTCUSDT");
    assert_eq!(
        world.admin(Admin::SetRulesVersion(2)),
        refused(RejectCode::InvalidSpecification)
    );
}
