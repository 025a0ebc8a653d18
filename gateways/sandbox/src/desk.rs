use std::fmt;
use std::sync::Arc;

use identity::{Keys, NewKey};
use kit::{ApiError, Context, Desk, DeskAnswer, Json, TimeUnit, words};
use protocol::{
    Admin, BalanceLock, Command, Fund, Instrument, ListInstrument, NewAsset, Reject, RejectCode,
    Reply, Request, SetFilters, SetStatus, StpMode, StpModes,
};
use sequencer::Accepted;
use types::{
    AccountId, Amount, AssetId, ContractKind, InstrumentId, Rate, Time, Wallet, format_atoms,
};

use crate::body::{self, NewAccount, NewSymbol, PRECISION, wrong};
use crate::{features, filters, rules};

/// Serves the sandbox's requests as the venue's own administration.
#[derive(Clone)]
pub struct Sandbox {
    ctx: Arc<Context>,
}

/// Spot, as the registry of contracts numbers it.
const SPOT: ContractKind = ContractKind(1);
/// What a market of the sandbox charges: 0.1 %.
const FEE: Rate = Rate(100_000);

/// What can be asked, under `/sandbox/v1`.
const REQUESTS: &[&str] = &[
    "POST /accounts",
    "PUT /accounts/{id}",
    "POST /accounts/{id}/keys",
    "POST /accounts/{id}/fund",
    "POST /accounts/{id}/lock",
    "POST /accounts/{id}/unlock",
    "DELETE /keys/{apiKey}",
    "POST /symbols",
    "PUT /symbols/{symbol}",
    "POST /symbols/{symbol}/blockTrades",
    "GET /fees",
    "PUT /fees",
    "GET /fees/{symbol}",
    "PUT /fees/{symbol}",
    "GET /filters",
    "PUT /filters",
    "GET /state",
];

pub(crate) type Answer = Result<Vec<u8>, ApiError>;

impl Sandbox {
    #[must_use]
    pub fn new(ctx: Arc<Context>) -> Sandbox {
        Sandbox { ctx }
    }

    fn keys(&self) -> &Keys {
        &self.ctx.keys
    }

    pub(crate) fn views(&self) -> &views::Views {
        &self.ctx.views
    }

    async fn route(&self, verb: &str, path: &str, body: &[u8]) -> Answer {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        match (verb, parts.as_slice()) {
            ("POST", ["accounts"]) => self.open_account(body).await,
            ("POST", ["accounts", id, "keys"]) => self.add_key(id, body).await,
            ("POST", ["accounts", id, "fund"]) => self.fund(id, body).await,
            ("POST", ["accounts", id, "lock"]) => self.lock(id, body, true).await,
            ("POST", ["accounts", id, "unlock"]) => self.lock(id, body, false).await,
            ("PUT", ["accounts", id]) => self.change_account(id, body).await,
            ("PUT", ["fees"]) => self.change_fees(body).await,
            ("GET", ["fees"]) => Ok(self.told_fees()),
            ("PUT", ["fees", symbol]) => self.change_symbol_fees(symbol, body).await,
            ("GET", ["fees", symbol]) => self.symbol_fees(symbol),
            ("PUT", ["filters"]) => self.change_filters(body).await,
            ("GET", ["filters"]) => Ok(self.told_filters()),
            ("DELETE", ["keys", api_key]) => self.revoke(api_key).await,
            ("POST", ["symbols"]) => self.list(body).await,
            ("POST", ["symbols", symbol, "blockTrades"]) => self.block_trade(symbol, body).await,
            ("PUT", ["symbols", symbol]) => self.change(symbol, body).await,
            // Is it there? Asked by every page that loads, so nothing is computed for it.
            ("GET", [""]) => Ok(written(|json| {
                json.flag("sandbox", true)
                    .strs("requests", REQUESTS.iter().copied());
            })),
            ("GET", ["state"]) => self.state().await,
            (
                _,
                ["" | "accounts" | "symbols" | "state" | "fees" | "filters"]
                | ["accounts", _, "keys" | "fund" | "lock" | "unlock"]
                | ["symbols", _, "blockTrades"]
                | ["keys" | "symbols" | "accounts" | "fees", _],
            ) => Err(ApiError::new(
                -1020,
                format!(
                    "{verb} is not what this path takes; see the documentation of the sandbox."
                ),
            )
            .with_status(405)),
            _ => Err(
                ApiError::new(-1020, format!("The sandbox has no path {path}.")).with_status(404),
            ),
        }
    }

    async fn open_account(&self, body: &[u8]) -> Answer {
        let new: NewAccount = body::read(body)?;
        let key = key(body::KeyWanted {
            key_type: new.key_type,
            public_key: new.public_key,
            permissions: new.permissions,
            ips: new.ips,
        })?;
        let mut balances = Vec::with_capacity(new.balances.len());
        for (name, amount) in &new.balances {
            let precision = self
                .ctx
                .views
                .asset_by_name(body::asset_name(name)?)
                .map_or(PRECISION, |asset| asset.precision);
            balances.push((name.as_str(), body::amount(amount, precision)?));
        }

        let opened = self.admin(Admin::OpenAccount).await?;
        let Reply::AccountOpened(account) = *opened.reply() else {
            return Err(ApiError::unexpected_response());
        };
        for (name, amount) in balances {
            let asset = self.asset(name).await?;
            self.admin(Admin::Fund(Fund {
                account,
                wallet: Wallet::SPOT,
                asset,
                amount,
            }))
            .await?;
        }
        self.issue(key(account)).await
    }

    /// One more key for an account.
    async fn add_key(&self, id: &str, body: &[u8]) -> Answer {
        let key = key(body::read(body)?)?;
        let account = self.known_account(id)?;
        self.issue(key(account)).await
    }

    async fn issue(&self, key: NewKey) -> Answer {
        let account = key.account;
        let created = self.keys().create(key).await.map_err(refused_key)?;
        Ok(written(|json| {
            json.num("accountId", account)
                .str("apiKey", &created.api_key);
            if let Some(secret) = &created.secret {
                json.str("secretKey", secret);
            }
        }))
    }

    async fn fund(&self, id: &str, body: &[u8]) -> Answer {
        let fund: body::Fund = body::read(body)?;
        let account = self.known_account(id)?;
        let known = self.ctx.views.asset_by_name(body::asset_name(&fund.asset)?);
        let precision = known.map_or(PRECISION, |asset| asset.precision);
        let amount = body::amount(&fund.amount, precision)?;
        let asset = self.asset(&fund.asset).await?;
        self.admin(Admin::Fund(Fund {
            account,
            wallet: Wallet::SPOT,
            asset,
            amount,
        }))
        .await?;
        Ok(written(|json| {
            let Amount(atoms) = amount;
            json.num("accountId", account)
                .str("asset", &fund.asset)
                .str("amount", format_atoms(atoms, precision).as_str());
        }))
    }

    /// As a system outside locks a part of a balance, or lets go of it.
    async fn lock(&self, id: &str, body: &[u8], locks: bool) -> Answer {
        let asked: body::Fund = body::read(body)?;
        let account = self.known_account(id)?;
        let name = body::asset_name(&asked.asset)?;
        let asset = self.ctx.views.asset_by_name(name);
        let asset = asset.ok_or_else(|| wrong(format!("There is no asset {name}.")))?;
        let amount = body::amount(&asked.amount, asset.precision)?;
        let delta = if locks {
            amount
        } else {
            Amount::ZERO.minus(amount)
        };
        self.admin(Admin::LockBalance(BalanceLock {
            account,
            asset: asset.id,
            delta,
        }))
        .await?;
        Ok(written(|json| {
            json.num("accountId", account)
                .str("asset", &asset.name)
                .str("amount", format_atoms(amount.0, asset.precision).as_str());
        }))
    }

    async fn revoke(&self, api_key: &str) -> Answer {
        match self.keys().revoke(api_key).await {
            Ok(true) => Ok(b"{}".to_vec()),
            Ok(false) => Err(wrong("There is no such API key.").with_status(404)),
            Err(error) => Err(broken(&error)),
        }
    }

    async fn list(&self, body: &[u8]) -> Answer {
        let new: NewSymbol = body::read(body)?;
        let filters = filters::read(new.filters)?;
        let (base, quote) = (
            body::asset_name(&new.base_asset)?,
            body::asset_name(&new.quote_asset)?,
        );
        if base == quote {
            return Err(wrong(
                "baseAsset and quoteAsset are the same; two assets make a market.",
            ));
        }
        if !is_symbol(&new.symbol) {
            return Err(wrong(format!(
                "'{}' is not a symbol: 1 to 50 upper-case letters, digits and `-._&` are expected.",
                new.symbol
            )));
        }
        let exists = || wrong(format!("Symbol {} exists already.", new.symbol)).with_status(409);
        if self.ctx.views.instrument(&new.symbol).is_some() {
            return Err(exists());
        }
        let instrument = Instrument {
            id: InstrumentId(0),
            symbol: new.symbol.as_str().into(),
            contract: SPOT,
            base: self.asset(base).await?,
            quote: self.asset(quote).await?,
            status: protocol::MarketStatus::Trading,
            filters,
            default_stp: StpMode::ExpireMaker,
            allowed_stp: StpModes::ALL,
            maker_fee: FEE,
            taker_fee: FEE,
            denied: protocol::Denied::NONE,
        };
        match self
            .try_admin(Admin::ListInstrument(ListInstrument {
                instrument: Box::new(instrument),
            }))
            .await?
        {
            Ok(_) => Ok(symbol_and_status(
                &new.symbol,
                protocol::MarketStatus::Trading,
            )),
            Err(RejectCode::AlreadyExists) => Err(exists()),
            Err(RejectCode::InvalidSpecification) => Err(wrong(
                "The filters do not make a market: a minimum is above its maximum, or a grid does not fit. Compare with exchangeInfo.",
            )),
            Err(code) => Err(code.into()),
        }
    }

    async fn change(&self, symbol: &str, body: &[u8]) -> Answer {
        let (features, new) = body::changed_symbol(body)?;
        let status = new.status.as_deref().map(body::market_status).transpose()?;
        let filters = new.filters.as_ref();
        let filters = filters.map(|f| filters::read(f.clone())).transpose()?;
        let found = self
            .ctx
            .views
            .instrument(symbol)
            .ok_or_else(|| ApiError::bad_symbol().with_status(404))?;
        let instrument = found.id;
        let reference = self.ctx.views.reference(instrument);
        let rules = rules::commands(instrument, reference.as_deref(), &new)?;
        let features = features::command(&found, &features)?;
        if let Some(filters) = filters.map(Box::new) {
            let change = Admin::SetFilters(SetFilters {
                instrument,
                filters,
            });
            match self.try_admin(change).await? {
                Err(RejectCode::InvalidSpecification) => {
                    return Err(wrong(
                        "The filters do not fit this market: a minimum is above its maximum, or tickSize or stepSize differs from the present one. Compare with exchangeInfo.",
                    ));
                }
                outcome => outcome?,
            };
        }
        for command in rules.into_iter().chain(features) {
            self.admin(command).await?;
        }
        if let Some(group) = &new.sor {
            self.route_orders(&found, group.as_deref().unwrap_or_default())
                .await?;
        }
        if let Some(status) = status {
            self.admin(Admin::SetStatus(SetStatus { instrument, status }))
                .await?;
        }
        Ok(symbol_and_status(symbol, status.unwrap_or(found.status)))
    }

    async fn state(&self) -> Answer {
        let state = self.ctx.sequencer.state().await?;
        Ok(written(|json| {
            json.num("seq", state.seq)
                .num("mark", state.mark)
                .str("digest", &state.digest);
            json.str(
                "audit",
                state.audit.as_ref().err().map_or("ok", String::as_str),
            );
        }))
    }

    /// The asset of this name, created if nobody named it before.
    pub(crate) async fn asset(&self, name: &str) -> Result<AssetId, ApiError> {
        if let Some(asset) = self.ctx.views.asset_by_name(name) {
            return Ok(asset.id);
        }
        match self
            .try_admin(Admin::CreateAsset(NewAsset {
                name: name.into(),
                precision: PRECISION,
            }))
            .await?
        {
            Ok(accepted) => match accepted.reply() {
                Reply::AssetCreated(id) => Ok(*id),
                _ => Err(ApiError::unexpected_response()),
            },
            // Somebody else named it meanwhile.
            Err(RejectCode::AlreadyExists) => self
                .ctx
                .views
                .asset_by_name(name)
                .map(|asset| asset.id)
                .ok_or_else(ApiError::unexpected_response),
            Err(code) => Err(code.into()),
        }
    }

    pub(crate) async fn admin(&self, admin: Admin) -> Result<Accepted, ApiError> {
        Ok(self.try_admin(admin).await??)
    }

    pub(crate) async fn try_admin(
        &self,
        admin: Admin,
    ) -> Result<Result<Accepted, RejectCode>, ApiError> {
        let request = Request {
            actor: AccountId::TREASURY,
            id: self.ctx.sequencer.next_id(),
            expires: Time(i64::MAX),
            command: Command::Admin(admin),
        };
        Ok(self
            .ctx
            .sequencer
            .submit(request)
            .await?
            .outcome
            .map_err(Reject::code))
    }
}

impl Desk for Sandbox {
    fn answer<'a>(&'a self, verb: &'a str, path: &'a str, body: &'a [u8]) -> DeskAnswer<'a> {
        Box::pin(async move {
            match self.route(verb, path, body).await {
                Ok(json) => (200, json),
                Err(error) => (error.status, error.body()),
            }
        })
    }
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sandbox")
    }
}

fn is_symbol(text: &str) -> bool {
    let legal =
        |c: char| (c.is_alphanumeric() && !c.is_lowercase()) || matches!(c, '-' | '.' | '_' | '&');
    (1..=50).contains(&text.chars().count()) && text.chars().all(legal)
}

fn symbol_and_status(symbol: &str, status: protocol::MarketStatus) -> Vec<u8> {
    written(|json| {
        json.str("symbol", symbol)
            .str("status", words::market_status(status));
    })
}

pub(crate) fn written(fill: impl FnOnce(&mut Json)) -> Vec<u8> {
    let mut json = Json::new(TimeUnit::Millis);
    json.begin();
    fill(&mut json);
    json.end();
    json.finish()
}

/// The caller's key is at fault, or our database.
fn refused_key(error: identity::Error) -> ApiError {
    match error {
        identity::Error::PublicKey(_) | identity::Error::PublicKeyMismatch => {
            wrong(error.to_string())
        }
        error => broken(&error),
    }
}

fn broken(error: &identity::Error) -> ApiError {
    tracing::error!(%error, "keys could not be written");
    ApiError::disconnected()
}

/// The key that is wanted, checked; whose it is, is said later.
fn key(wanted: body::KeyWanted) -> Result<impl FnOnce(AccountId) -> NewKey, ApiError> {
    let kind = body::key_kind(wanted.key_type.as_deref())?;
    let permissions = body::permissions(wanted.permissions.as_deref())?;
    identity::check(kind, wanted.public_key.as_deref()).map_err(refused_key)?;
    Ok(move |account| NewKey {
        account,
        kind,
        public_key: wanted.public_key,
        permissions,
        ips: wanted.ips,
    })
}
