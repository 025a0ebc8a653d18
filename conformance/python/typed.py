"""Typed answers of the official SDK: the type, and every field that the exchange can provide."""

import logging

from pydantic import BaseModel

# Fields that are there only under a condition which the checks do not set: order features that come later, and
# exponents that only the binary encoding carries. Everything else a model declares must be filled.
CONDITIONAL = {
    "icebergQty", "preventedMatchId", "preventedQuantity", "stopPrice", "strategyId", "strategyType", "trailingDelta",
    "trailingTime", "usedSor", "workingFloor", "pegPriceType", "pegOffsetType", "pegOffsetValue", "peggedPrice",
    "expiryReason", "listStatus", "priceExponent", "qtyExponent", "multiplierExponent", "additional_properties",
}
# `stopPrice` and `icebergQty` are always in the answers to these queries, as "0.00000000".
ALWAYS = {"GetOrderResponse", "AllOrdersResponseInner", "GetOpenOrdersResponseInner"}
# Private or conditional letters of an execution report.
REPORT = {"d", "D", "j", "J", "v", "A", "B", "u", "U", "Cs", "pl", "pL", "pY", "b", "a", "k", "uS", "gP", "gOT", "gOV", "gp", "eR", "W"}
LIST = {"contingencyType", "listStatusType", "listOrderStatus", "listClientOrderId", "transactionTime", "orders", "orderReports"}
BY_MODEL = {
    "ExecutionReport": REPORT | {"N"},
    "MyFiltersResponseRateLimitsInner": {"count"},
    "RateLimits": {"count"},
    "MyPreventedMatchesResponseInner": {"makerSymbol"},
    "ExchangeInfoResponse": {"sors"},
    "MyFiltersResponse": {"rateLimits"},  # stands in the envelope of the WebSocket API
    # One model stands for an order and for a list of orders; these are the list's.
    "OrderCancelResponseResult": LIST,
    "OpenOrdersCancelAllResponseResultInner": LIST,
}


class Warnings(logging.Handler):
    """The SDK falls back to raw JSON, or drops strict types, with no more than a log line: those lines are failures."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.lines = []
        logging.getLogger().addHandler(self)

    def emit(self, record):
        text = record.getMessage()
        if any(word in text for word in ("did not match the declared types", "Failed to parse", "Unknown user data event", "Error in callback")):
            self.lines.append(text)

    def none(self):
        lines, self.lines = self.lines, []
        if lines:
            raise AssertionError(lines[0][:600])


WARNINGS = Warnings()


def typed(data, model, optional=()):
    """The answer is an instance of the model (or a list, or one alternative), and nothing that we can provide is missing."""
    WARNINGS.none()
    items = data if isinstance(data, list) else [data]
    for item in items:
        item = getattr(item, "actual_instance", None) or item
        if isinstance(item, list):
            typed(item, model, optional)
            continue
        if not isinstance(item, BaseModel):
            raise AssertionError(f"answer is {type(item).__name__}, not a model: {str(item)[:200]}")
        if model is not None and model not in (type(item).__name__, type(data).__name__):
            raise AssertionError(f"answer is a {type(item).__name__}, not a {model}")
        lacking = list(missing(item, set(optional)))
        if lacking:
            raise AssertionError(f"fields without a value: {', '.join(sorted(set(lacking)))}")
    return data


def missing(item, optional):
    """Names of declared fields that are None, at any depth."""
    name = type(item).__name__
    skip = CONDITIONAL | BY_MODEL.get(name, set()) | optional
    if name in ALWAYS:
        skip = skip - {"stopPrice", "icebergQty"}
    for field, info in type(item).model_fields.items():
        wire = info.alias or field
        value = getattr(item, field)
        if field.startswith("oneof_schema") or field in ("one_of_schemas", "discriminator_value_class_map"):
            continue
        if value is None:
            if wire not in skip:
                yield f"{name}.{wire}"
            continue
        for part in value if isinstance(value, list) else [value]:
            part = getattr(part, "actual_instance", None) or part
            if isinstance(part, BaseModel):
                yield from missing(part, optional)
