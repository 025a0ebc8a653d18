use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use identity::Key;
use types::{AccountId, Time};

use crate::{ApiError, Context, Dialect, Input, Param, Params, TimeUnit};

/// Who may call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Security {
    /// Everybody; a key that is sent all the same is not looked at.
    Public,
    /// A signed request, or one on a session that has logged on, of a key that may read.
    Read,
    /// As [`Security::Read`], of a key that may trade.
    Trade,
}

/// What a call costs its address, in request weight.
#[derive(Clone, Copy, Debug)]
pub enum Weight {
    Fixed(u32),
    /// Depends on the parameters, which are not checked yet.
    By(fn(&Input<'_>) -> u32),
    /// Nothing when it succeeds, this much when it is refused.
    UnlessSuccessful(u32),
}

/// What a call adds to its account's count of unfilled orders.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Orders {
    /// Nothing.
    None,
    /// So many, when it succeeds; refused with 429 when they are too many.
    Count(u32),
    /// The handler counts for itself; the answer tells the count in any case.
    ByHandler,
}

/// JSON, or a refusal.
pub type Outcome = Result<Vec<u8>, ApiError>;
pub type Later<'a> = Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

/// What answers a call.
#[derive(Clone, Copy)]
pub enum Handler {
    /// From memory, at once.
    Now(fn(&Context, &Call) -> Outcome),
    /// After the engine or the history has answered.
    Later(for<'a> fn(&'a Context, &'a Call) -> Later<'a>),
}

impl fmt::Debug for Handler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Handler::Now(_) => "Now",
            Handler::Later(_) => "Later",
        })
    }
}

/// One method of the API, defined once and served over REST and over the WebSocket API alike.
#[derive(Clone, Copy, Debug)]
pub struct Method {
    /// HTTP method and path.
    pub rest: Option<(&'static str, &'static str)>,
    /// The name in a frame of the WebSocket API.
    pub ws: Option<&'static str>,
    pub security: Security,
    /// What it reads, besides `timestamp` and `recvWindow` of a signed request.
    pub params: &'static [Param],
    /// Which parameters need or exclude each other (-1102, -1106, -1128); sees texts, before their values are read.
    pub conditions: fn(&Input<'_>) -> Result<(), ApiError>,
    pub weight: Weight,
    pub orders: Orders,
    pub handler: Handler,
}

impl Method {
    /// For tables: a public method, answered from memory, that has no conditions.
    #[must_use]
    pub const fn public(
        path: &'static str,
        ws: Option<&'static str>,
        weight: Weight,
        params: &'static [Param],
        handler: Handler,
    ) -> Method {
        Method {
            rest: Some(("GET", path)),
            ws,
            security: Security::Public,
            params,
            conditions: no_conditions,
            weight,
            orders: Orders::None,
            handler,
        }
    }

    #[must_use]
    pub const fn with_conditions(
        self,
        conditions: fn(&Input<'_>) -> Result<(), ApiError>,
    ) -> Method {
        Method { conditions, ..self }
    }
}

/// For [`Method::conditions`] when there are none.
///
/// # Errors
/// Never.
pub fn no_conditions(_: &Input<'_>) -> Result<(), ApiError> {
    Ok(())
}

/// A call whose caller is known and whose parameters are read.
#[derive(Clone, Debug)]
pub struct Call {
    pub params: Params,
    /// The key that signed, or that the session logged on with; `None` for a public method.
    pub key: Option<Arc<Key>>,
    /// [`AccountId::default`] for a public method.
    pub account: AccountId,
    pub peer: IpAddr,
    pub unit: TimeUnit,
    pub dialect: Dialect,
    /// The venue's time when the call came in.
    pub now: Time,
    /// Not to be executed after this; `Time(i64::MAX)` when nothing was said.
    pub expires: Time,
}

/// Finds methods by path and by name.
#[derive(Clone, Debug, Default)]
pub struct Router {
    rest: HashMap<&'static str, Vec<(&'static str, &'static Method)>>,
    ws: HashMap<&'static str, &'static Method>,
}

/// Why there is no method.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Miss {
    Path,
    /// The path exists, with other HTTP methods.
    Method,
}

impl Router {
    /// From the tables of every product.
    ///
    /// # Panics
    /// When two methods claim one name: a defect of the tables.
    #[must_use]
    pub fn new(tables: &[&'static [Method]]) -> Router {
        let mut router = Router::default();
        for method in tables.iter().copied().flatten() {
            if let Some((verb, path)) = method.rest {
                let known = router.rest.entry(path).or_default();
                assert!(
                    known.iter().all(|(other, _)| *other != verb),
                    "{verb} {path} stands twice"
                );
                known.push((verb, method));
            }
            if let Some(name) = method.ws {
                assert!(
                    router.ws.insert(name, method).is_none(),
                    "{name} stands twice"
                );
            }
        }
        router
    }

    /// # Errors
    /// [`Miss`].
    pub fn rest(&self, verb: &str, path: &str) -> Result<&'static Method, Miss> {
        let known = self.rest.get(path).ok_or(Miss::Path)?;
        known
            .iter()
            .find(|(other, _)| *other == verb)
            .map(|(_, method)| *method)
            .ok_or(Miss::Method)
    }

    /// By the name in a frame, which may carry a version (`v3/order.place`).
    #[must_use]
    pub fn ws(&self, name: &str) -> Option<&'static Method> {
        self.ws
            .get(name.strip_prefix("v3/").unwrap_or(name))
            .copied()
    }

    /// The HTTP methods that a path answers to.
    pub fn verbs(&self, path: &str) -> impl Iterator<Item = &'static str> {
        self.rest
            .get(path)
            .into_iter()
            .flatten()
            .map(|(verb, _)| *verb)
    }
}
