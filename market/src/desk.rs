//! The market's accounts, and the way their requests take.
//!
//! Makers quote and takers trade: all of them ordinary accounts. They are opened, funded and marked by the venue at the first start, and found
//! again by their badge (see [`crate::ears`]). An account's float is brought back to where it began when half is gone, so that the market never
//! runs dry; what it gains it keeps.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use protocol::{
    Admin, Command, Event, Filters, Fund, Instrument, ListInstrument, MarketStatus, NewAsset,
    Reply, Request, StpMode, StpModes,
};
use sequencer::{Answer, Client, Unavailable};
use tokio::sync::oneshot;
use types::{AccountId, Amount, AssetId, ContractKind, Decimal, InstrumentId, Rate, Time, Wallet};

use crate::ears::{BADGE, Ears};
use crate::symbols::float_of;

/// Requests under way at once: far below what the queue holds, so that the market never crowds users out.
const WINDOW: usize = 4096;
/// Commission of the market's symbols for everybody: 0.1 %.
const FEE: Rate = Rate(100_000);

/// Why the market cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum MarketError {
    #[error("the exchange does not answer: {0}")]
    Unavailable(#[from] Unavailable),
    #[error("the exchange refused to set up the market ({what}): {reject:?}")]
    Refused {
        what: String,
        reject: protocol::Reject,
    },
    #[error("the shipped recording: {0}")]
    Recording(#[from] crate::recording::Unreadable),
    #[error("{0}")]
    Frames(String),
}

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) client: Client,
    pub(crate) ears: Ears,
    pub(crate) makers: Vec<AccountId>,
    pub(crate) takers: Vec<AccountId>,
    free: HashMap<(AccountId, AssetId), i128>,
    floats: HashMap<AssetId, i128>,
    /// Opened or created just now: known to be empty.
    new_accounts: Vec<AccountId>,
    new_assets: Vec<AssetId>,
}

impl Desk {
    /// Opens what is missing of the accounts.
    pub(crate) async fn open(
        client: Client,
        ears: Ears,
        makers: usize,
        takers: usize,
    ) -> Result<Desk, MarketError> {
        let mut desk = Desk {
            client,
            ears,
            makers: Vec::new(),
            takers: Vec::new(),
            free: HashMap::new(),
            floats: HashMap::new(),
            new_accounts: Vec::new(),
            new_assets: Vec::new(),
        };
        let badge = desk.asset(BADGE).await?;
        for number in 1..=(makers + takers) as i128 {
            let known = desk.ears.lock().desk.get(&number).copied();
            let account = match known {
                Some(account) => account,
                None => desk.hire(badge, number).await?,
            };
            if number <= takers as i128 {
                desk.takers.push(account)
            } else {
                desk.makers.push(account)
            }
        }
        Ok(desk)
    }

    async fn hire(&mut self, badge: AssetId, number: i128) -> Result<AccountId, MarketError> {
        let Reply::AccountOpened(account) =
            self.admin("open an account", Admin::OpenAccount).await?
        else {
            unreachable!("OpenAccount answers AccountOpened");
        };
        let fund = Fund {
            account,
            wallet: Wallet::FUNDING,
            asset: badge,
            amount: Amount(number),
        };
        self.admin("mark an account", Admin::Fund(fund)).await?;
        self.ears.lock().desk.insert(number, account);
        self.new_accounts.push(account);
        Ok(account)
    }

    pub(crate) async fn asset(&mut self, name: &str) -> Result<AssetId, MarketError> {
        let known = self.ears.lock().assets.get(name).copied();
        if let Some(asset) = known {
            return Ok(asset);
        }
        let new = NewAsset {
            name: name.into(),
            precision: 8,
        };
        let Reply::AssetCreated(asset) = self.admin(name, Admin::CreateAsset(new)).await? else {
            unreachable!("CreateAsset answers AssetCreated");
        };
        self.ears.lock().assets.insert(name.to_owned(), asset);
        self.new_assets.push(asset);
        Ok(asset)
    }

    /// The instrument of this name, listed if it is not there.
    pub(crate) async fn instrument(
        &mut self,
        symbol: &str,
        base: &str,
        quote: &str,
        filters: Filters,
    ) -> Result<Instrument, MarketError> {
        let (base_id, quote_id) = (self.asset(base).await?, self.asset(quote).await?);
        for (asset, name) in [(base_id, base), (quote_id, quote)] {
            self.floats
                .insert(asset, float_of(name) * i128::from(Decimal::SCALE));
        }
        let known = self.ears.lock().instruments.get(symbol).cloned();
        if let Some(instrument) = known {
            return Ok(instrument);
        }
        let mut instrument = Instrument {
            id: InstrumentId(0),
            symbol: symbol.into(),
            contract: ContractKind(1),
            base: base_id,
            quote: quote_id,
            status: MarketStatus::Trading,
            filters,
            default_stp: StpMode::ExpireMaker,
            allowed_stp: StpModes::ALL,
            maker_fee: FEE,
            taker_fee: FEE,
            denied: protocol::Denied::NONE,
        };
        let list = ListInstrument {
            instrument: Box::new(instrument.clone()),
        };
        let Reply::InstrumentListed(id) = self.admin(symbol, Admin::ListInstrument(list)).await?
        else {
            unreachable!("ListInstrument answers InstrumentListed");
        };
        instrument.id = id;
        self.ears
            .lock()
            .instruments
            .insert(symbol.to_owned(), instrument.clone());
        Ok(instrument)
    }

    async fn admin(&mut self, what: &str, command: Admin) -> Result<Reply, MarketError> {
        let request = self.request(AccountId::TREASURY, Command::Admin(command));
        let answer = self.client.submit(request).await?;
        self.note(&answer);
        match answer.outcome {
            Ok(accepted) => Ok(accepted.reply().clone()),
            Err(reject) => Err(MarketError::Refused {
                what: what.to_owned(),
                reject,
            }),
        }
    }

    pub(crate) fn request(&self, actor: AccountId, command: Command) -> Request {
        Request {
            actor,
            id: self.client.next_id(),
            expires: Time(i64::MAX),
            command,
        }
    }

    /// Sends requests in order and waits for all answers.
    pub(crate) async fn send(
        &mut self,
        requests: Vec<Request>,
    ) -> Result<Vec<Result<Answer, Unavailable>>, MarketError> {
        let mut answers = Vec::with_capacity(requests.len());
        let mut requests = requests.into_iter().peekable();
        while requests.peek().is_some() {
            let window: Vec<Request> = requests.by_ref().take(WINDOW).collect();
            let count = window.len();
            let (done, all) = oneshot::channel();
            let shared = Arc::new(Mutex::new((vec![None; count], count, Some(done))));
            for (at, request) in window.into_iter().enumerate() {
                let shared = Arc::clone(&shared);
                self.client.submit_with(request, move |answer| {
                    let mut state = shared.lock().unwrap_or_else(PoisonError::into_inner);
                    state.0[at] = Some(answer);
                    state.1 -= 1;
                    if state.1 == 0
                        && let Some(done) = state.2.take()
                    {
                        let _ = done.send(());
                    }
                });
            }
            all.await.map_err(|_| Unavailable::Lost)?;
            let mut state = shared.lock().unwrap_or_else(PoisonError::into_inner);
            for answer in std::mem::take(&mut state.0) {
                let answer = answer.unwrap_or(Err(Unavailable::Lost));
                match &answer {
                    Err(why @ (Unavailable::ShuttingDown | Unavailable::Lost)) => {
                        return Err((*why).into());
                    }
                    Err(Unavailable::Overloaded | Unavailable::DiskFull) => {}
                    Ok(answer) => self.note(answer),
                }
                answers.push(answer);
            }
        }
        Ok(answers)
    }

    /// Remembers the balances of the market's accounts.
    fn note(&mut self, answer: &Answer) {
        let Ok(accepted) = &answer.outcome else {
            return;
        };
        for event in accepted.events() {
            if let Event::BalanceChanged(b) = event
                && b.wallet == Wallet::SPOT
                && self.floats.contains_key(&b.asset)
            {
                self.free.insert((b.account, b.asset), b.free.0);
            }
        }
    }

    /// Brings every account that has less than half its float of an asset back to the whole.
    pub(crate) async fn recentre(&mut self) -> Result<(), MarketError> {
        let mut accounts = self.makers.clone();
        accounts.extend(&self.takers);
        let mut assets: Vec<(AssetId, i128)> = self
            .floats
            .iter()
            .map(|(asset, float)| (*asset, *float))
            .collect();
        assets.sort_unstable();
        let mut requests = Vec::new();
        for account in accounts {
            for &(asset, float) in &assets {
                let empty =
                    self.new_accounts.contains(&account) || self.new_assets.contains(&asset);
                let unknown = if empty { 0 } else { float };
                let free = self.free.get(&(account, asset)).copied().unwrap_or(unknown);
                if free < float / 2 {
                    let fund = Fund {
                        account,
                        wallet: Wallet::SPOT,
                        asset,
                        amount: Amount(float - free),
                    };
                    requests
                        .push(self.request(AccountId::TREASURY, Command::Admin(Admin::Fund(fund))));
                }
            }
        }
        for answer in self.send(requests).await? {
            if let Ok(Answer {
                outcome: Err(reject),
                ..
            }) = answer
            {
                return Err(MarketError::Refused {
                    what: "fund an account of the market".to_owned(),
                    reject,
                });
            }
        }
        Ok(())
    }
}
