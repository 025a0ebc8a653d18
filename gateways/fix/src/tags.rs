//! The tags that this gateway reads or writes, and which message may carry which.

macro_rules! tags {
    ($($name:ident = $tag:literal $text:literal;)*) => {
        $(#[doc = $text] pub const $name: u32 = $tag;)*

        /// What a tag is called in a refusal.
        #[must_use]
        pub fn name(tag: u32) -> Option<&'static str> {
            match tag { $($tag => Some($text),)* _ => None }
        }
    };
}

tags! {
    CL_ORD_ID = 11 "ClOrdID";
    CUM_QTY = 14 "CumQty";
    CURRENCY = 15 "Currency";
    EXEC_ID = 17 "ExecID";
    EXEC_INST = 18 "ExecInst";
    LAST_PX = 31 "LastPx";
    LAST_QTY = 32 "LastQty";
    MSG_SEQ_NUM = 34 "MsgSeqNum";
    MSG_TYPE = 35 "MsgType";
    ORDER_ID = 37 "OrderID";
    ORDER_QTY = 38 "OrderQty";
    ORD_STATUS = 39 "OrdStatus";
    ORD_TYPE = 40 "OrdType";
    ORIG_CL_ORD_ID = 41 "OrigClOrdID";
    PRICE = 44 "Price";
    REF_SEQ_NUM = 45 "RefSeqNum";
    SENDER_COMP_ID = 49 "SenderCompID";
    SENDING_TIME = 52 "SendingTime";
    SIDE = 54 "Side";
    SYMBOL = 55 "Symbol";
    TARGET_COMP_ID = 56 "TargetCompID";
    TEXT = 58 "Text";
    TIME_IN_FORCE = 59 "TimeInForce";
    TRANSACT_TIME = 60 "TransactTime";
    LIST_ID = 66 "ListID";
    ALLOC_ID = 70 "AllocID";
    NO_ORDERS = 73 "NoOrders";
    RAW_DATA_LENGTH = 95 "RawDataLength";
    RAW_DATA = 96 "RawData";
    ENCRYPT_METHOD = 98 "EncryptMethod";
    ORD_REJ_REASON = 103 "OrdRejReason";
    HEART_BT_INT = 108 "HeartBtInt";
    MAX_FLOOR = 111 "MaxFloor";
    TEST_REQ_ID = 112 "TestReqID";
    NO_MISC_FEES = 136 "NoMiscFees";
    MISC_FEE_AMT = 137 "MiscFeeAmt";
    MISC_FEE_CURR = 138 "MiscFeeCurr";
    MISC_FEE_TYPE = 139 "MiscFeeType";
    RESET_SEQ_NUM_FLAG = 141 "ResetSeqNumFlag";
    NO_RELATED_SYM = 146 "NoRelatedSym";
    HEADLINE = 148 "Headline";
    EXEC_TYPE = 150 "ExecType";
    LEAVES_QTY = 151 "LeavesQty";
    CASH_ORDER_QTY = 152 "CashOrderQty";
    PEG_OFFSET_VALUE = 211 "PegOffsetValue";
    MD_REQ_ID = 262 "MDReqID";
    SUBSCRIPTION_REQUEST_TYPE = 263 "SubscriptionRequestType";
    MARKET_DEPTH = 264 "MarketDepth";
    AGGREGATED_BOOK = 266 "AggregatedBook";
    NO_MD_ENTRY_TYPES = 267 "NoMDEntryTypes";
    NO_MD_ENTRIES = 268 "NoMDEntries";
    MD_ENTRY_TYPE = 269 "MDEntryType";
    MD_ENTRY_PX = 270 "MDEntryPx";
    MD_ENTRY_SIZE = 271 "MDEntrySize";
    MD_UPDATE_ACTION = 279 "MDUpdateAction";
    MD_REQ_REJ_REASON = 281 "MDReqRejReason";
    INSTRUMENT_REQ_ID = 320 "InstrumentReqID";
    REF_TAG_ID = 371 "RefTagID";
    REF_MSG_TYPE = 372 "RefMsgType";
    SESSION_REJECT_REASON = 373 "SessionRejectReason";
    LIST_STATUS_TYPE = 429 "ListStatusType";
    LIST_ORDER_STATUS = 431 "ListOrderStatus";
    CXL_REJ_RESPONSE_TO = 434 "CxlRejResponseTo";
    MASS_CANCEL_REQUEST_TYPE = 530 "MassCancelRequestType";
    MASS_CANCEL_RESPONSE = 531 "MassCancelResponse";
    MASS_CANCEL_REJECT_REASON = 532 "MassCancelRejectReason";
    TOTAL_AFFECTED_ORDERS = 533 "TotalAffectedOrders";
    USERNAME = 553 "Username";
    INSTRUMENT_LIST_REQUEST_TYPE = 559 "InstrumentListRequestType";
    MIN_TRADE_VOL = 562 "MinTradeVol";
    MATCH_TYPE = 574 "MatchType";
    WORKING_INDICATOR = 636 "WorkingIndicator";
    PEG_MOVE_TYPE = 835 "PegMoveType";
    PEG_OFFSET_TYPE = 836 "PegOffsetType";
    PEGGED_PRICE = 839 "PeggedPrice";
    TARGET_STRATEGY = 847 "TargetStrategy";
    LAST_FRAGMENT = 893 "LastFragment";
    MIN_PRICE_INCREMENT = 969 "MinPriceIncrement";
    TRADE_ID = 1003 "TradeID";
    AGGRESSOR_INDICATOR = 1057 "AggressorIndicator";
    PEG_PRICE_TYPE = 1094 "PegPriceType";
    TRIGGER_TYPE = 1100 "TriggerType";
    TRIGGER_ACTION = 1101 "TriggerAction";
    TRIGGER_PRICE = 1102 "TriggerPrice";
    TRIGGER_PRICE_TYPE = 1107 "TriggerPriceType";
    TRIGGER_PRICE_DIRECTION = 1109 "TriggerPriceDirection";
    MAX_TRADE_VOL = 1140 "MaxTradeVol";
    CONTINGENCY_TYPE = 1385 "ContingencyType";
    LIST_REJECT_REASON = 1386 "ListRejectReason";
    AGGRESSOR_SIDE = 2446 "AggressorSide";
    START_PRICE_RANGE = 2551 "StartPriceRange";
    END_PRICE_RANGE = 2552 "EndPriceRange";
    REQ_ID = 6136 "ReqID";
    STRATEGY_ID = 7940 "StrategyID";
    DROP_COPY_FLAG = 9406 "DropCopyFlag";
    RECV_WINDOW = 25000 "RecvWindow";
    STP_MODE = 25001 "SelfTradePreventionMode";
    CANCEL_RESTRICTIONS = 25002 "CancelRestrictions";
    NO_LIMIT_INDICATORS = 25003 "NoLimitIndicators";
    LIMIT_TYPE = 25004 "LimitType";
    LIMIT_COUNT = 25005 "LimitCount";
    LIMIT_MAX = 25006 "LimitMax";
    LIMIT_RESET_INTERVAL = 25007 "LimitResetInterval";
    LIMIT_RESET_RESOLUTION = 25008 "LimitResetIntervalResolution";
    TRAILING_DELTA = 25009 "TriggerTrailingDeltaBips";
    NO_LIST_TRIGGERS = 25010 "NoListTriggeringInstructions";
    LIST_TRIGGER_TYPE = 25011 "ListTriggerType";
    LIST_TRIGGER_INDEX = 25012 "ListTriggerTriggerIndex";
    LIST_TRIGGER_ACTION = 25013 "ListTriggerAction";
    CL_LIST_ID = 25014 "ClListID";
    ORIG_CL_LIST_ID = 25015 "OrigClListID";
    ERROR_CODE = 25016 "ErrorCode";
    CUM_QUOTE_QTY = 25017 "CumQuoteQty";
    ORDER_CREATION_TIME = 25018 "OrderCreationTime";
    WORKING_FLOOR = 25021 "WorkingFloor";
    TRAILING_TIME = 25022 "TrailingTime";
    WORKING_TIME = 25023 "WorkingTime";
    PREVENTED_MATCH_ID = 25024 "PreventedMatchID";
    PREVENTED_EXECUTION_PRICE = 25025 "PreventedExecutionPrice";
    PREVENTED_EXECUTION_QTY = 25026 "PreventedExecutionQty";
    TRADE_GROUP_ID = 25027 "TradeGroupID";
    COUNTER_SYMBOL = 25028 "CounterSymbol";
    COUNTER_ORDER_ID = 25029 "CounterOrderID";
    PREVENTED_QTY = 25030 "PreventedQty";
    LAST_PREVENTED_QTY = 25031 "LastPreventedQty";
    SOR = 25032 "SOR";
    CANCEL_REPLACE_MODE = 25033 "OrderCancelRequestAndNewOrderSingleMode";
    CANCEL_CL_ORD_ID = 25034 "CancelClOrdID";
    MESSAGE_HANDLING = 25035 "MessageHandling";
    RESPONSE_MODE = 25036 "ResponseMode";
    UUID = 25037 "UUID";
    RATE_LIMIT_EXCEEDED_MODE = 25038 "OrderRateLimitExceededMode";
    MIN_QTY_INCREMENT = 25039 "MinQtyIncrement";
    MARKET_MIN_TRADE_VOL = 25040 "MarketMinTradeVol";
    MARKET_MAX_TRADE_VOL = 25041 "MarketMaxTradeVol";
    MARKET_MIN_QTY_INCREMENT = 25042 "MarketMinQtyIncrement";
    FIRST_BOOK_UPDATE_ID = 25043 "FirstBookUpdateID";
    LAST_BOOK_UPDATE_ID = 25044 "LastBookUpdateID";
    EXECUTION_REPORT_TYPE = 25045 "ExecutionReportType";
    OPO = 25046 "OPO";
    SBE_SCHEMA_ID = 25050 "SbeSchemaId";
    SBE_SCHEMA_VERSION = 25051 "SbeSchemaVersion";
    SBE_DEPRECATED = 25052 "SbeSchemaIdVersionDeprecated";
    EXPIRY_REASON = 25056 "ExpiryReason";
}

/// What a client's message may hold besides the header.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    pub kind: &'static str,
    pub required: &'static [u32],
    pub optional: &'static [u32],
    /// Tags of repeating groups: these may stand more than once.
    pub repeated: &'static [u32],
}

const HEADER: &[u32] = &[
    MSG_TYPE,
    SENDER_COMP_ID,
    TARGET_COMP_ID,
    MSG_SEQ_NUM,
    SENDING_TIME,
];

/// What describes a new order.
const ORDER: &[u32] = &[
    ORDER_QTY,
    EXEC_INST,
    PRICE,
    TRIGGER_TYPE,
    TRIGGER_ACTION,
    TRIGGER_PRICE,
    TRIGGER_PRICE_TYPE,
    TRIGGER_PRICE_DIRECTION,
    TRAILING_DELTA,
    PEG_OFFSET_VALUE,
    PEG_PRICE_TYPE,
    PEG_MOVE_TYPE,
    PEG_OFFSET_TYPE,
    TIME_IN_FORCE,
    MAX_FLOOR,
    CASH_ORDER_QTY,
    TARGET_STRATEGY,
    STRATEGY_ID,
    STP_MODE,
    SOR,
    RATE_LIMIT_EXCEEDED_MODE,
    ORDER_ID,
    CANCEL_CL_ORD_ID,
    ORIG_CL_ORD_ID,
    CANCEL_RESTRICTIONS,
];
/// How many of [`ORDER`] a message without a cancel may hold.
const PLAIN: usize = 20;

const fn form(kind: &'static str, required: &'static [u32], optional: &'static [u32]) -> Form {
    Form {
        kind,
        required,
        optional,
        repeated: &[],
    }
}

/// What one order of a list may hold. It begins with the first.
pub const LIST_ORDER: &[u32] = &[
    CL_ORD_ID,
    ORDER_QTY,
    ORD_TYPE,
    EXEC_INST,
    PRICE,
    TRIGGER_TYPE,
    TRIGGER_ACTION,
    TRIGGER_PRICE,
    TRIGGER_PRICE_TYPE,
    TRIGGER_PRICE_DIRECTION,
    TRAILING_DELTA,
    PEG_OFFSET_VALUE,
    PEG_PRICE_TYPE,
    PEG_MOVE_TYPE,
    PEG_OFFSET_TYPE,
    SIDE,
    SYMBOL,
    TIME_IN_FORCE,
    MAX_FLOOR,
    CASH_ORDER_QTY,
    TARGET_STRATEGY,
    STRATEGY_ID,
    STP_MODE,
    NO_LIST_TRIGGERS,
    LIST_TRIGGER_TYPE,
    LIST_TRIGGER_INDEX,
    LIST_TRIGGER_ACTION,
];

pub const FORMS: &[Form] = &[
    form("0", &[], &[TEST_REQ_ID]),
    form("1", &[TEST_REQ_ID], &[]),
    form(
        "3",
        &[],
        &[
            REF_SEQ_NUM,
            REF_TAG_ID,
            REF_MSG_TYPE,
            SESSION_REJECT_REASON,
            ERROR_CODE,
            TEXT,
        ],
    ),
    form("5", &[], &[TEXT]),
    form(
        "A",
        &[
            HEART_BT_INT,
            RAW_DATA_LENGTH,
            RAW_DATA,
            RESET_SEQ_NUM_FLAG,
            USERNAME,
            MESSAGE_HANDLING,
        ],
        &[
            ENCRYPT_METHOD,
            RESPONSE_MODE,
            EXECUTION_REPORT_TYPE,
            DROP_COPY_FLAG,
            SBE_SCHEMA_ID,
            SBE_SCHEMA_VERSION,
        ],
    ),
    form("XLQ", &[REQ_ID], &[]),
    form(
        "D",
        &[CL_ORD_ID, ORD_TYPE, SIDE, SYMBOL],
        ORDER.split_at(PLAIN).0,
    ),
    Form {
        kind: "E",
        required: &[CL_LIST_ID, CONTINGENCY_TYPE, NO_ORDERS],
        optional: &[OPO],
        repeated: LIST_ORDER,
    },
    form(
        "XCN",
        &[CANCEL_REPLACE_MODE, CL_ORD_ID, ORD_TYPE, SIDE, SYMBOL],
        ORDER,
    ),
    form(
        "F",
        &[CL_ORD_ID, SYMBOL],
        &[
            ORIG_CL_ORD_ID,
            ORDER_ID,
            ORIG_CL_LIST_ID,
            LIST_ID,
            CANCEL_RESTRICTIONS,
        ],
    ),
    form(
        "XAK",
        &[CL_ORD_ID, SYMBOL, ORDER_QTY],
        &[ORIG_CL_ORD_ID, ORDER_ID],
    ),
    form("q", &[CL_ORD_ID, SYMBOL, MASS_CANCEL_REQUEST_TYPE], &[]),
    form(
        "x",
        &[INSTRUMENT_REQ_ID, INSTRUMENT_LIST_REQUEST_TYPE],
        &[SYMBOL],
    ),
    Form {
        kind: "V",
        required: &[MD_REQ_ID, SUBSCRIPTION_REQUEST_TYPE],
        optional: &[
            MARKET_DEPTH,
            AGGREGATED_BOOK,
            NO_RELATED_SYM,
            NO_MD_ENTRY_TYPES,
        ],
        repeated: &[SYMBOL, MD_ENTRY_TYPE],
    },
];

impl Form {
    #[must_use]
    pub fn of(kind: &str) -> Option<&'static Form> {
        FORMS.iter().find(|form| form.kind == kind)
    }

    /// Whether a message of this form may hold a tag.
    #[must_use]
    pub fn allows(&self, tag: u32) -> bool {
        HEADER.contains(&tag)
            || tag == RECV_WINDOW
            || self.required.contains(&tag)
            || self.optional.contains(&tag)
            || self.repeated.contains(&tag)
    }

    /// What a message of this form must hold.
    pub fn needs(&self) -> impl Iterator<Item = u32> {
        HEADER.iter().chain(self.required).copied()
    }
}
