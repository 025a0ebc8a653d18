//! From a request to what handles it.

use contract::Cx;
use protocol::{
    Command, Event, Events, ProductCommand, Reject, RejectCode, Reply, Request, Transferred,
};
use types::{AccountId, Amount, InstrumentId, ProductId, Seq, Time, Wallet};

use crate::Engine;
use crate::cancel::Canceled;
use crate::place::{Ahead, Plan};

impl Engine {
    pub(crate) fn dispatch(
        &mut self,
        (seq, time): (Seq, Time),
        request: &Request,
        out: &mut Events,
    ) -> Result<Reply, Reject> {
        let actor = request.actor;
        let reply = match &request.command {
            Command::PlaceOrder(c) => {
                let mut plan = Plan::of(c);
                self.plan_into(time, actor, c, Ahead::default(), &mut plan)?;
                self.feasible(actor, &plan)?;
                Reply::Placed(self.act_place(time, actor, c, &plan, out))
            }
            Command::CancelOrder(c) => {
                let found = self.check_cancel(actor, c)?;
                match self.cancel_found(time, c.instrument, found, c.client_id, out) {
                    Canceled::One(order) => Reply::Canceled(order),
                    Canceled::List(list) => Reply::ListCanceled(list),
                }
            }
            _ => return self.dispatch_rare((seq, time), request, out),
        };
        Ok(reply)
    }

    /// Commands that come less often than the placing and canceling of single orders.
    #[cold]
    fn dispatch_rare(
        &mut self,
        (seq, time): (Seq, Time),
        request: &Request,
        out: &mut Events,
    ) -> Result<Reply, Reject> {
        let actor = request.actor;
        let reply = match &request.command {
            Command::PlaceOrder(_) | Command::CancelOrder(_) => {
                return self.dispatch((seq, time), request, out);
            }
            Command::CancelAll(c) => {
                self.check_cancel_all(actor, c)?;
                let (orders, lists) = self.act_cancel_all(time, actor, c, out);
                Reply::CanceledAll(orders, lists)
            }
            Command::CancelReplace(c) => return self.cancel_replace(time, actor, c, out),
            Command::AmendOrder(c) => {
                let amend = self.check_amend(time, actor, c)?;
                Reply::Amended(Box::new(self.act_amend(time, c, amend, out)))
            }
            Command::PlaceRouted(c) => {
                let (plan, route) = self.plan_routed(time, actor, c)?;
                let placed = self.act_routed(time, actor, c, (&plan, &route), out);
                Reply::Placed(Box::new(placed))
            }
            Command::PlaceList(c) => {
                let plans = self.plan_list(time, actor, c)?;
                self.list_feasible(actor, c, &plans)?;
                let placed = self.act_place_list(time, actor, c, &plans, out);
                Reply::ListPlaced(Box::new(placed))
            }
            Command::CancelList(c) => {
                let (at, list) = self.check_cancel_list(actor, c)?;
                let reply = self.act_cancel_list(time, at, list, c.client_id, out);
                Reply::ListCanceled(Box::new(reply))
            }
            Command::Transfer(c) => {
                self.check_transfer(actor, c)?;
                self.act_transfer(actor, c, out);
                Reply::Done
            }
            Command::Wake(c) => {
                self.wake((seq, time), c.budget, out);
                Reply::Done
            }
            Command::Product(c) => self.handle((seq, time), actor, c, out)?,
            Command::Admin(c) => {
                self.check_admin(actor, c)?;
                self.act_admin(time, c, out)
            }
        };
        Ok(reply)
    }

    pub(crate) fn check_command(&self, time: Time, request: &Request) -> Result<(), Reject> {
        let actor = request.actor;
        match &request.command {
            Command::PlaceOrder(c) => {
                let plan = self.plan(time, actor, c)?;
                self.feasible(actor, &plan)?;
            }
            Command::CancelOrder(c) => {
                self.check_cancel(actor, c)?;
            }
            Command::CancelAll(c) => {
                self.check_cancel_all(actor, c)?;
            }
            Command::CancelReplace(c) => self.check_cancel_replace(time, actor, c)?,
            Command::AmendOrder(c) => {
                self.check_amend(time, actor, c)?;
            }
            Command::PlaceRouted(c) => {
                self.plan_routed(time, actor, c)?;
            }
            Command::PlaceList(c) => {
                let plans = self.plan_list(time, actor, c)?;
                self.list_feasible(actor, c, &plans)?;
            }
            Command::CancelList(c) => {
                self.check_cancel_list(actor, c)?;
            }
            Command::Transfer(c) => self.check_transfer(actor, c)?,
            Command::Wake(_) => {}
            Command::Product(c) => {
                let known = self.registry.products().iter().any(|p| p.id() == c.product);
                known.then_some(()).ok_or(RejectCode::UnknownProduct)?;
            }
            Command::Admin(c) => self.check_admin(actor, c)?,
        }
        Ok(())
    }

    fn check_transfer(&self, actor: AccountId, c: &protocol::Transfer) -> Result<(), RejectCode> {
        if !self.is_user(actor) || !self.is_wallet(c.from) || !self.is_wallet(c.to) {
            return Err(RejectCode::NotPermitted);
        }
        self.asset(c.asset).ok_or(RejectCode::UnknownAsset)?;
        if c.amount <= Amount::ZERO || c.from == c.to {
            return Err(RejectCode::InvalidAmount);
        }
        let free = self
            .ledger
            .balance(ledger::Key::new(actor, c.from, c.asset))
            .0;
        if free < c.amount {
            return Err(RejectCode::InsufficientBalance);
        }
        Ok(())
    }

    /// The named wallets, and an isolated one for each instrument.
    pub(crate) fn is_wallet(&self, wallet: Wallet) -> bool {
        wallet <= Wallet::PORTFOLIO
            || (1..=self.markets.len())
                .filter_map(|id| u32::try_from(id).ok())
                .any(|id| wallet == Wallet::isolated(InstrumentId(id)))
    }

    fn act_transfer(&mut self, actor: AccountId, c: &protocol::Transfer, out: &mut Events) {
        let from = ledger::Key::new(actor, c.from, c.asset);
        let to = ledger::Key::new(actor, c.to, c.asset);
        self.transfer(from, to, c.amount, out);
    }

    /// Moves a free amount and tells both sides.
    pub(crate) fn transfer(
        &mut self,
        from: ledger::Key,
        to: ledger::Key,
        amount: Amount,
        out: &mut Events,
    ) {
        let (source, sink) = (self.ledger.open(from), self.ledger.open(to));
        self.ledger.transfer(source, sink, amount);
        for (key, delta) in [(from, Amount::ZERO.minus(amount)), (to, amount)] {
            out.push(Event::Transferred(Transferred {
                account: key.account,
                wallet: key.wallet,
                asset: key.asset,
                delta,
            }));
        }
    }

    fn handle(
        &mut self,
        stamp: (Seq, Time),
        actor: AccountId,
        c: &ProductCommand,
        out: &mut Events,
    ) -> Result<Reply, RejectCode> {
        if !self.is_user(actor) {
            return Err(RejectCode::NotPermitted);
        }
        let product = self
            .registry
            .product_mut(c.product)
            .ok_or(RejectCode::UnknownProduct)?;
        let mut cx = Cx::new(
            stamp,
            c.product,
            Some(actor),
            self.accounts_end,
            &mut self.ledger,
            out,
        );
        product.handle(&mut cx, actor, &c.body)
    }

    fn wake(&mut self, stamp: (Seq, Time), budget: u32, out: &mut Events) {
        self.roll_fees(stamp.1, budget, out);
        for product in self.registry.products_mut() {
            if product.next_wake().is_some_and(|at| at <= stamp.1) {
                let id: ProductId = product.id();
                let mut cx = Cx::new(stamp, id, None, self.accounts_end, &mut self.ledger, out);
                product.wake(&mut cx, budget);
            }
        }
    }

    pub(crate) fn tell_fills(&mut self, stamp: (Seq, Time), out: &mut Events) {
        for fill in self.fills.drain(..) {
            for product in self.registry.products_mut() {
                let id = product.id();
                let mut cx = Cx::new(stamp, id, None, self.accounts_end, &mut self.ledger, out);
                product.filled(&mut cx, &fill);
            }
        }
    }
}
