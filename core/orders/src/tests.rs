use types::{AccountId, ClientId, OrderId, Qty, Time};

use super::*;

fn order(id: u64, seat: SeatId, name: &str) -> LiveOrder {
    LiveOrder::new(
        OrderId(id),
        seat,
        ClientId::new(name).unwrap(),
        Qty(1),
        Time(0),
    )
}

#[test]
fn lists_run_from_the_oldest_and_survive_removal_anywhere() {
    for removed in 0..4_u32 {
        let mut live = LiveOrders::default();
        let seat = live.take_seat(AccountId(1001), [0, 1], None);
        for slot in 0..4 {
            live.insert(slot, order(u64::from(slot), seat, &format!("c{slot}")));
        }
        live.remove(removed);
        live.audit(3).unwrap();
        let mut seen = Vec::new();
        let mut next = live.first_of(seat);
        while let Some(slot) = next {
            seen.push(slot);
            next = live.next_of(slot);
        }
        let expected: Vec<u32> = (0..4).filter(|s| *s != removed).collect();
        assert_eq!(seen, expected);
    }
}

#[test]
fn a_client_id_is_one_accounts_and_only_while_open() {
    let mut live = LiveOrders::default();
    let one = live.take_seat(AccountId(1001), [0, 1], None);
    let two = live.take_seat(AccountId(1002), [2, 3], None);
    assert_eq!(live.seat_of(AccountId(1002)), Some(two));
    assert_eq!(live.seat_of(AccountId(1003)), None);
    live.insert(0, order(1, one, "same"));
    live.insert(1, order(2, two, "same"));
    let same = ClientId::new("same").unwrap();
    assert_eq!(live.find_client_id(one, &same), Some(0));
    assert_eq!(live.find_client_id(two, &same), Some(1));
    let former = live.rename(0, ClientId::new("other").unwrap());
    assert_eq!(former, same);
    assert_eq!(live.find_client_id(one, &same), None);
    live.audit(2).unwrap();
    live.remove(1);
    assert_eq!(live.find_client_id(two, &same), None);
    assert!(live.audit(2).is_err());
}
