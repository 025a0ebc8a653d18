//! The bytes of trade groups, icebergs and pegs, for ever.

use types::*;

use crate::*;

const GOLDEN: &[u8] = include_bytes!("../tests/golden/book-1.bin");

fn place(extras: Extras) -> Command {
    Command::PlaceOrder(PlaceOrder {
        instrument: InstrumentId(7),
        side: Side::Buy,
        kind: OrderKind::StopLossLimit,
        tif: TimeInForce::Gtc,
        stp: Some(StpMode::Transfer),
        price: Decimal::ZERO,
        qty: Decimal(500),
        quote_qty: Decimal::ZERO,
        client_id: ClientId::new("x").unwrap(),
        strategy_id: None,
        strategy_kind: None,
        extras: extras.boxed(),
    })
}

fn commands() -> Vec<Command> {
    let peg = Some(Peg {
        kind: PegKind::Market,
        offset: 3,
    });
    let group = |group| {
        Command::Admin(Admin::SetTradeGroup(SetTradeGroup {
            account: AccountId(1001),
            group,
        }))
    };
    vec![
        group(Some(TradeGroupId(5))),
        group(None),
        place(Extras {
            iceberg_qty: Decimal(100),
            ..Extras::NONE
        }),
        place(Extras {
            peg,
            ..Extras::NONE
        }),
        place(Extras {
            stop_price: Decimal(9),
            trailing_delta: 250,
            iceberg_qty: Decimal(100),
            peg,
        }),
    ]
}

fn events() -> Vec<Event> {
    let (instrument, order, account) = (InstrumentId(7), OrderId(9), AccountId(1001));
    vec![
        Event::TradeGroupChanged(SetTradeGroup {
            account,
            group: Some(TradeGroupId(5)),
        }),
        Event::OrderDecremented(OrderDecremented {
            instrument,
            order,
            account,
            qty: Decimal(1),
            open_qty: Decimal(2),
            update: Some(UpdateId(3)),
        }),
        Event::MatchPreventedInGroup(MatchPreventedInGroup {
            instrument,
            id: 4,
            group: TradeGroupId(5),
        }),
        Event::IcebergShown(IcebergShown {
            instrument,
            order,
            side: Side::Sell,
            price: Decimal(6),
            delta: Decimal(-7),
            update: UpdateId(8),
        }),
        Event::OrderPegged(OrderPegged {
            instrument,
            order,
            account,
            price: Decimal(6),
        }),
    ]
}

fn more() -> More {
    More {
        iceberg_qty: Some(Decimal(10)),
        shown_qty: Some(Decimal(4)),
        peg: Some(Pegged {
            peg: Peg {
                kind: PegKind::Primary,
                offset: 0,
            },
            asked: Decimal(11),
            priced: true,
        }),
        ..More::default()
    }
}

#[test]
fn the_bytes_of_groups_icebergs_and_pegs_are_golden() {
    let mut bytes = Vec::new();
    for command in commands() {
        command.put(&mut bytes);
    }
    for event in events() {
        event.put(&mut bytes);
    }
    more().put(&mut bytes);
    if std::env::var_os("WRITE_GOLDEN").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/book-1.bin");
        std::fs::write(path, &bytes).unwrap();
        return;
    }
    assert_eq!(bytes, GOLDEN, "old journals would not be read");
    let mut rest = GOLDEN;
    for command in commands() {
        assert_eq!(Command::take(&mut rest), Ok(command));
    }
    for event in events() {
        assert_eq!(Event::take(&mut rest), Ok(event));
    }
    let last = rest;
    assert_eq!(More::take(&mut rest), Ok(more()));
    assert!(rest.is_empty());
    for end in 0..last.len() {
        assert!(More::take(&mut &last[..end]).is_err());
    }
}
