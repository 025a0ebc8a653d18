//! The sandbox: accounts, money and markets on demand, for tests and for the demo. It needs no key: whoever reaches it owns the venue, so it
//! is served with `--sandbox` or `--demo` only.
//!
//! | request, under `/sandbox/v1` | body | answer |
//! |---|---|---|
//! | `POST /accounts` | `balances`, `keyType`, `publicKey`, `permissions`, `ips`; all optional | `accountId`, `apiKey`, `secretKey` (HMAC only) |
//! | `POST /accounts/{id}/fund` | `asset`, `amount` | `accountId`, `asset`, `amount` |
//! | `PUT /accounts/{id}` | `tier`: a number, or `null` for the tier of the account's volume; `discountToken`: pay commission in the discount asset; either optional | `accountId`, `tier`, `tierForced`, `discountToken` |
//! | `PUT /fees` | `discountAsset` (`null`: none), `discount`, `valuationAsset`, `tiers`: each `volume`, `maker`, `taker`; all optional | the same, whole; also to `GET` |
//! | `PUT /fees/{symbol}` | `standard`, `tax`, `special`: each any of `maker`, `taker`, `buyer`, `seller`; `discount`: may it be paid in the discount asset | the same, whole; also to `GET` |
//! | `DELETE /keys/{apiKey}` | | `{}` |
//! | `POST /symbols` | `symbol`, `baseAsset`, `quoteAsset`, `filters` (as exchangeInfo writes them; optional) | `symbol`, `status` |
//! | `PUT /symbols/{symbol}` | `status`: `TRADING`, `HALT`, `BREAK` or `CANCEL_ONLY`; `filters`: all of them, on the same tick and step; either optional | `symbol`, `status` |
//! | `GET ` alone | | `sandbox`: `true`; `requests`: this table's first column |
//! | `GET /state` | | `seq`, `mark`, `digest`, `audit`: `ok` or the first violation |
//!
//! Money comes from the treasury, so every asset still sums to zero; an asset is created when it is first named, with eight decimals. A symbol
//! without filters has a tick and a step of 0.00000001 and nothing else. Everything is durable before it is answered. A request is read and
//! checked whole before the first of its effects.
//!
//! Errors are `{"code":…,"msg":…}` with status 400, 404, 405, 409 or 503; the sentence says what was wrong and what was expected.

mod body;
mod desk;
mod exchange;
mod features;
mod fees;
mod filters;
mod routing;
mod rules;

pub use desk::Sandbox;
