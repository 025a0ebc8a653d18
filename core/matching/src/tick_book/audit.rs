//! The book's own consistency.

use types::Side;

use super::{NO_ASK, NO_BID, TickBook};
use crate::window::NIL;
use crate::{Book, SlotIndex};

pub(super) fn audit(book: &TickBook) -> Result<(), String> {
    book.window.audit()?;
    for sparse in &book.sparse {
        sparse.audit()?;
    }
    let (bid, ask) = (book.best[0], book.best[1]);
    if bid != NO_BID && ask != NO_ASK && bid >= ask {
        return Err(format!("crossed: best bid {bid}, best ask {ask}"));
    }
    book.icebergs.audit()?;
    let flagged = book.nodes.iter().filter(|n| n.open > 0 && n.is_iceberg());
    if flagged.count() != book.icebergs.len() {
        return Err("an iceberg without its hidden part".to_owned());
    }
    let mut found = 0;
    let mut levels = 0;
    for side in [Side::Buy, Side::Sell] {
        let (orders, used) = side_audit(book, side)?;
        found += orders;
        levels += used;
    }
    let kept = book.window.used() + book.sparse[0].len() + book.sparse[1].len();
    if levels != kept {
        return Err(format!(
            "{levels} levels reached from the touch, {kept} kept"
        ));
    }
    let mut free = 0;
    let mut slot = book.free;
    while slot != NIL {
        free += 1;
        if free > book.nodes.len() || book.nodes[slot as usize].open != 0 {
            return Err(format!("the list of free slots is broken at {slot}"));
        }
        slot = book.nodes[slot as usize].next;
    }
    if found != book.live || found != book.index.len() || found + free != book.nodes.len() {
        return Err(format!(
            "{found} orders in queues, {} counted, {} in the index, {free} free slots of {}",
            book.live,
            book.index.len(),
            book.nodes.len()
        ));
    }
    Ok(())
}

/// Walks a side from the touch; the orders and levels found.
fn side_audit(book: &TickBook, side: Side) -> Result<(usize, usize), String> {
    let (mut orders, mut levels) = (0, 0);
    let mut next = book.best(side).map(|p| p.0);
    while let Some(price) = next {
        levels += 1;
        let place = book
            .place(side, price)
            .ok_or_else(|| format!("{side:?} level {price} is not found"))?;
        let level = book.level_at(side, price, place);
        let (mut slot, mut prev, mut qty) = (level.head, NIL, 0_i64);
        while slot != NIL {
            orders += 1;
            if orders > book.nodes.len() {
                return Err(format!("the queue at {price} has a loop"));
            }
            let node = &book.nodes[slot as usize];
            if node.side() != side || node.price != price || node.open <= 0 || node.prev != prev {
                return Err(format!("slot {slot} in the queue at {price} is wrong"));
            }
            let id = book.ids[slot as usize];
            if book
                .index
                .find(SlotIndex::hash_of(id), |s| s == slot)
                .is_none()
            {
                return Err(format!("order {id} is not in the index"));
            }
            qty += node.open;
            prev = slot;
            slot = node.next;
        }
        if level.tail != prev || level.qty != qty || prev == NIL {
            return Err(format!(
                "level {price} says {} lots and has {qty}",
                level.qty
            ));
        }
        next = book.behind(side, price);
    }
    Ok((orders, levels))
}
