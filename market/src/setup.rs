//! What must be there before the first order: assets, markets, two accounts with plenty.

use std::path::Path;

use protocol::{
    Admin, CancelAll, Command, Fund, ListInstrument, NewAsset, Reject, RejectCode, Reply, Request,
};
use sequencer::{Accepted, Client};
use types::{AccountId, Amount, AssetId, ClientId, InstrumentId, Time, Wallet};

use crate::symbols::{LISTINGS, Listing};
use crate::{Config, MarketError};

/// Whole units of each asset that each account is given: a thousand days of trading.
const PLENTY: i128 = 1_000_000_000;

/// The market's accounts and markets.
#[derive(Clone, Debug)]
pub struct Stage {
    pub maker: AccountId,
    pub taker: AccountId,
    pub markets: Vec<(Listing, InstrumentId)>,
}

pub fn request(client: &Client, actor: AccountId, command: Command) -> Request {
    Request {
        actor,
        id: client.next_id(),
        expires: Time(i64::MAX),
        command,
    }
}

async fn admin(client: &Client, what: &'static str, admin: Admin) -> Result<Accepted, MarketError> {
    let answer = client
        .submit(request(client, AccountId::TREASURY, Command::Admin(admin)))
        .await?;
    answer
        .outcome
        .map_err(|reject| MarketError::Refused { what, reject })
}

/// Finds everything, making what is missing, and cancels what the market's accounts left behind.
pub async fn stage(client: &Client, config: &Config) -> Result<Stage, MarketError> {
    let mut markets = Vec::new();
    for listing in LISTINGS {
        let id = match config.catalog.instrument(&listing.symbol()) {
            Some(known) => known.id,
            None => {
                let base = asset(client, config, listing.base).await?;
                let quote = asset(client, config, listing.quote).await?;
                let instrument = Box::new(listing.instrument(base, quote));
                match admin(
                    client,
                    "list a symbol",
                    Admin::ListInstrument(ListInstrument { instrument }),
                )
                .await?
                .reply()
                {
                    Reply::InstrumentListed(id) => *id,
                    _ => return Err(unexpected("list a symbol")),
                }
            }
        };
        markets.push((listing, id));
    }
    let (maker, taker) = match known_accounts(&config.accounts) {
        Some(known) => known,
        None => {
            let accounts = (open(client, config).await?, open(client, config).await?);
            let text = format!("{{\"maker\":{},\"taker\":{}}}\n", accounts.0, accounts.1);
            std::fs::write(&config.accounts, text).map_err(|error| MarketError::Accounts {
                path: config.accounts.clone(),
                error,
            })?;
            accounts
        }
    };
    for (_, instrument) in &markets {
        for actor in [maker, taker] {
            let cancel = CancelAll {
                instrument: *instrument,
                client_id: ClientId::NONE,
            };
            match client
                .submit(request(client, actor, Command::CancelAll(cancel)))
                .await?
                .outcome
            {
                Ok(_) | Err(Reject::One(RejectCode::UnknownOrder)) => {}
                Err(reject) => {
                    tracing::debug!(?reject, "what a market account left could not be canceled")
                }
            }
        }
    }
    Ok(Stage {
        maker,
        taker,
        markets,
    })
}

fn unexpected(what: &'static str) -> MarketError {
    MarketError::Refused {
        what,
        reject: RejectCode::Fault.into(),
    }
}

async fn asset(client: &Client, config: &Config, name: &str) -> Result<AssetId, MarketError> {
    if let Some(known) = config.catalog.asset(name) {
        return Ok(known);
    }
    match admin(
        client,
        "create an asset",
        Admin::CreateAsset(NewAsset {
            name: name.into(),
            precision: 8,
        }),
    )
    .await?
    .reply()
    {
        Reply::AssetCreated(id) => Ok(*id),
        _ => Err(unexpected("create an asset")),
    }
}

async fn open(client: &Client, config: &Config) -> Result<AccountId, MarketError> {
    let Reply::AccountOpened(account) = *admin(client, "open an account", Admin::OpenAccount)
        .await?
        .reply()
    else {
        return Err(unexpected("open an account"));
    };
    let mut names: Vec<&str> = LISTINGS
        .iter()
        .flat_map(|listing| [listing.base, listing.quote])
        .collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let asset = asset(client, config, name).await?;
        let fund = Fund {
            account,
            wallet: Wallet::SPOT,
            asset,
            amount: Amount(PLENTY * 100_000_000),
        };
        admin(client, "fund an account", Admin::Fund(fund)).await?;
    }
    Ok(account)
}

fn known_accounts(path: &Path) -> Option<(AccountId, AccountId)> {
    let value: serde_json::Value = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
    let read = |name: &str| u32::try_from(value[name].as_u64()?).ok().map(AccountId);
    Some((read("maker")?, read("taker")?))
}
