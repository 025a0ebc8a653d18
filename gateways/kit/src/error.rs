use std::borrow::Cow;
use std::fmt::Display;

use protocol::{Reject, RejectCode};
use sequencer::Unavailable;
use types::Time;

use crate::{Json, TimeUnit};

/// A refusal as the API words it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ApiError {
    /// HTTP status; the WebSocket API's `status` too.
    pub status: u16,
    pub code: i32,
    pub msg: Cow<'static, str>,
    /// JSON of the `data` member.
    pub data: Option<Box<[u8]>>,
    /// When to come back, for 418 and 429.
    pub retry_at: Option<Time>,
}

macro_rules! errors {
    ($($name:ident($($arg:ident),*) $code:literal $template:literal;)*) => {
        impl ApiError {
            $(
                #[doc = concat!("`", stringify!($code), "` ", $template)]
                #[must_use]
                pub fn $name($($arg: impl Display),*) -> ApiError {
                    ApiError::filled($code, $template, &[$(&$arg as &dyn Display),*])
                }
            )*
        }

        /// Every refusal of the gateways: code and sentence, `%s` where a value stands. Those of the engine stand in [`RejectCode`].
        pub const TABLE: &[(i32, &str)] = &[$(($code, $template)),*];
    };
}

errors! {
    unknown_error() -1000 "An unknown error occurred while processing the request.";
    disconnected() -1001 "Internal error; unable to process your request. Please try again.";
    unauthorized() -1002 "You are not authorized to execute this request.";
    too_much_weight(limit, interval) -1003 "Too much request weight used; current limit is %s request weight per %s. Please use WebSocket Streams for live updates to avoid polling the API.";
    too_many_requests(limit, interval) -1003 "Too many requests; current limit is %s requests per %s. Please use WebSocket Streams for live updates to avoid polling the API.";
    banned(until_ms) -1003 "Way too much request weight used; IP banned until %s. Please use WebSocket Streams for live updates to avoid bans.";
    unexpected_response() -1006 "An unexpected response was received from the message bus. Execution status unknown.";
    timeout() -1007 "Timeout waiting for response from backend server. Send status unknown; execution status unknown.";
    server_busy() -1008 "Server is currently overloaded with other requests. Please try again in a few minutes.";
    unsupported_combination() -1014 "Unsupported order combination.";
    too_many_orders(limit, interval) -1015 "Too many new orders; current limit is %s orders per %s.";
    shutting_down() -1016 "This service is no longer available.";
    unsupported_operation() -1020 "This operation is not supported.";
    outside_recv_window() -1021 "Timestamp for this request is outside of the recvWindow.";
    ahead_of_time() -1021 "Timestamp for this request was 1000ms ahead of the server's time.";
    bad_signature() -1022 "Signature for this request is not valid.";
    too_many_connections(limit, interval) -1034 "Too many connection attempts from IP; current limit is %s per '%s'.";
    illegal_anything() -1100 "Illegal characters found in a parameter.";
    illegal(name, range) -1100 "Illegal characters found in parameter '%s'; legal range is '%s'.";
    body_too_large() -1101 "Too many parameters sent for this endpoint.";
    too_many_params(expected, received) -1101 "Too many parameters; expected '%s' and received '%s'.";
    duplicate() -1101 "Duplicate values for a parameter detected.";
    mandatory(name) -1102 "Mandatory parameter '%s' was not sent, was empty/null, or malformed.";
    either(a, b) -1102 "Param '%s' or '%s' must be sent, but both were empty/null!";
    too_great(name, max) -1102 "'%s' contains unexpected value. Cannot be greater than %s.";
    unknown_param() -1103 "An unknown parameter was sent.";
    unread(read, sent) -1104 "Not all sent parameters were read; read '%s' parameter(s) but was sent '%s'.";
    empty(name) -1105 "Parameter '%s' was empty.";
    not_required(name) -1106 "Parameter '%s' sent when not required.";
    overflow(name) -1108 "Parameter '%s' overflowed.";
    too_precise(name) -1111 "Parameter '%s' has too much precision.";
    tif_not_required() -1114 "TimeInForce parameter sent when not required.";
    bad_tif() -1115 "Invalid timeInForce.";
    bad_order_type() -1116 "Invalid orderType.";
    bad_side() -1117 "Invalid side.";
    empty_new_client_id() -1118 "New client order ID was empty.";
    empty_orig_client_id() -1119 "Original client order ID was empty.";
    bad_interval() -1120 "Invalid interval.";
    bad_symbol() -1121 "Invalid symbol.";
    bad_symbol_status() -1122 "Invalid symbolStatus.";
    bad_listen_key() -1125 "This listenKey does not exist.";
    span_too_long(hours) -1127 "More than %s hours between startTime and endTime.";
    bad_combination() -1128 "Combination of optional parameters invalid.";
    both_needed(a, b) -1128 "Combination of optional fields invalid. Recommendation: '%s' and '%s' must both be sent.";
    invalid(name) -1130 "Data sent for parameter '%s' is not valid.";
    bad_strategy_type() -1134 "`strategyType` was less than 1000000.";
    bad_json() -1135 "Invalid JSON Request";
    bad_json_param(name) -1135 "JSON sent for parameter '%s' is not valid";
    bad_ticker_type() -1139 "Invalid ticker type.";
    bad_cancel_restrictions() -1145 "`cancelRestrictions` has to be either `ONLY_NEW` or `ONLY_PARTIALLY_FILLED`.";
    duplicate_symbols() -1151 "Symbol is present multiple times in the list.";
    bad_sbe_header() -1152 "Invalid `X-MBX-SBE` header; expected `<SCHEMA_ID>:<VERSION>`.";
    unknown_sbe_schema() -1153 "Unsupported SBE schema ID or version specified in the `X-MBX-SBE` header.";
    unknown_sbe_version() -1153 "Invalid SBE schema ID or version specified.";
    bad_oco_type() -1158 "Order type not supported in OCO.";
    oco_iceberg_tif(name) -1160 "Parameter '%s' is not supported if `aboveTimeInForce`/`belowTimeInForce` is not GTC.";
    buy_oco_limit_above() -1165 "A limit order in a buy OCO must be below.";
    sell_oco_limit_below() -1166 "A limit order in a sell OCO must be above.";
    oco_of_limits() -1168 "At least one OCO order must be contingent.";
    buy_oco_stop_below() -1196 "A stop loss order in a buy OCO must be above.";
    sell_oco_stop_above() -1197 "A stop loss order in a sell OCO must be below.";
    buy_oco_profit_above() -1198 "A take profit order in a buy OCO must be below.";
    sell_oco_profit_below() -1199 "A take profit order in a sell OCO must be above.";
    opo_working_sells() -1222 "Working order in an OPO list must be a bid.";
    opo_pending_buys() -1223 "Pending orders in an OPO list must be asks.";
    sbe_disabled() -1155 "SBE is not enabled.";
    bad_time_unit() -1194 "Invalid value for time unit; expected either MICROSECOND or MILLISECOND.";
    bad_peg_price_type() -1210 "Invalid pegPriceType.";
    bad_peg_offset_type() -1211 "Invalid pegOffsetType.";
    status_mismatch() -1220 "The symbol's status does not match the requested symbolStatus.";
    no_such_order() -2013 "Order does not exist.";
    bad_key_format() -2014 "API-key format invalid.";
    rejected_key() -2015 "Invalid API-key, IP, or permissions for action.";
    archived() -2026 "Order was canceled or expired with no executed qty over 90 days ago and has been archived.";
    subscription_active() -2035 "User Data Stream subscription already active.";
    subscription_inactive() -2036 "User Data Stream subscription not active.";
    wrong_client_id() -2039 "Client order ID is not correct for this order ID.";
    no_more_subscription_ids() -2042 "Maximum subscription ID reached for this connection.";
    no_reference_price() -2043 "This symbol doesn't have a reference price.";
    cancel_replace_partly_failed() -2021 "Order cancel-replace partially failed.";
    cancel_replace_failed() -2022 "Order cancel-replace failed.";
}

impl ApiError {
    /// A refusal with the status that its code usually has.
    #[must_use]
    pub fn new(code: i32, msg: impl Into<Cow<'static, str>>) -> ApiError {
        ApiError {
            status: status_of(code),
            code,
            msg: msg.into(),
            data: None,
            retry_at: None,
        }
    }

    fn filled(code: i32, template: &'static str, values: &[&dyn Display]) -> ApiError {
        if values.is_empty() {
            return ApiError::new(code, template);
        }
        let mut msg = String::with_capacity(template.len() + 16 * values.len());
        let mut values = values.iter();
        let mut parts = template.split("%s");
        msg.push_str(parts.next().unwrap_or_default());
        for part in parts {
            if let Some(value) = values.next() {
                msg.push_str(&value.to_string());
            }
            msg.push_str(part);
        }
        ApiError::new(code, msg)
    }

    #[must_use]
    pub fn with_status(mut self, status: u16) -> ApiError {
        self.status = status;
        self
    }

    #[must_use]
    pub fn with_data(mut self, json: Vec<u8>) -> ApiError {
        self.data = Some(json.into_boxed_slice());
        self
    }

    /// `{"code":…,"msg":…}`, with `data` when there is one.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        let mut json = Json::new(TimeUnit::Millis);
        self.write(&mut json);
        json.finish()
    }

    /// Writes the body as the next value.
    pub fn write(&self, json: &mut Json) {
        json.begin();
        json.num("code", self.code).str("msg", &self.msg);
        if let Some(data) = &self.data {
            json.raw("data", data);
        }
        json.end();
    }
}

const fn status_of(code: i32) -> u16 {
    match code {
        -1003 | -1015 | -1034 => 429,
        -1002 | -2014 | -2015 => 401,
        -1000 | -1001 | -1006 => 500,
        -1008 | -1016 => 503,
        -1007 => 504,
        -1155 => 406,
        _ => 400,
    }
}

impl From<RejectCode> for ApiError {
    fn from(code: RejectCode) -> ApiError {
        ApiError::new(code.api_code(), code.message())
    }
}

impl From<Reject> for ApiError {
    /// Of a cancel-replace only the first refusal; its full answer is made where the orders are known.
    fn from(reject: Reject) -> ApiError {
        reject.code().into()
    }
}

impl From<Unavailable> for ApiError {
    fn from(why: Unavailable) -> ApiError {
        match why {
            Unavailable::Overloaded => ApiError::server_busy(),
            Unavailable::DiskFull => ApiError::new(
                -1008,
                "The venue's disk is full. Orders are not taken until there is room again; cancels still are.",
            )
            .with_status(503),
            Unavailable::ShuttingDown => ApiError::shutting_down(),
            Unavailable::Lost => ApiError::unexpected_response(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_take_their_places() {
        let error = ApiError::unread(3, 4);
        assert_eq!(
            error.body(),
            br#"{"code":-1104,"msg":"Not all sent parameters were read; read '3' parameter(s) but was sent '4'."}"#
        );
        assert_eq!(error.status, 400);
        let error = ApiError::illegal("quantity", types::Decimal::PATTERN);
        assert_eq!(
            error.msg,
            "Illegal characters found in parameter 'quantity'; legal range is '^([0-9]{1,20})(\\.[0-9]{1,20})?$'."
        );
    }

    #[test]
    fn engine_refusals_keep_their_words_and_get_a_status() {
        let cases = [
            (RejectCode::InsufficientBalance, 400, -2010),
            (RejectCode::Expired, 400, -1021),
            (RejectCode::LotSize, 400, -1013),
            (RejectCode::UnknownOrder, 400, -2011),
            (RejectCode::UnknownAccount, 401, -2015),
            (RejectCode::Fault, 500, -1000),
        ];
        for (code, status, api_code) in cases {
            let error = ApiError::from(code);
            assert_eq!((error.status, error.code), (status, api_code));
            assert_eq!(error.msg, code.message());
        }
    }

    #[test]
    fn no_sentence_stands_twice() {
        for (i, (code, text)) in TABLE.iter().enumerate() {
            assert!(*code < 0 && !text.is_empty());
            assert!(TABLE[..i].iter().all(|(_, other)| other != text), "{text}");
        }
    }
}
