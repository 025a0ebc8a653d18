package main

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	client "github.com/binance/binance-connector-go/clients/spot"
	wsapi "github.com/binance/binance-connector-go/clients/spot/src/websocketapi"
	"github.com/binance/binance-connector-go/clients/spot/src/websocketapi/models"
	"github.com/binance/binance-connector-go/common/v2/common"
)

func lower(s string) string { return strings.ToLower(s) }

// events are the user's events, in the order in which they came.
type events struct {
	sync.Mutex
	all []models.UserDataStreamEventsResponse
}

func (e *events) some(wanted func(models.UserDataStreamEventsResponse) bool) int {
	e.Lock()
	defer e.Unlock()
	count := 0
	for _, event := range e.all {
		if wanted(event) {
			count++
		}
	}
	return count
}

// answered is a check that a method answers with its model.
func answered[T any](name string, call func() (*common.ResponseOrRaw[T], error)) {
	check("WebSocket API", name, func() error {
		answer, err := call()
		if err != nil {
			return err
		}
		if answer.Typed == nil {
			return fmt.Errorf("the SDK could not read the answer as its model: %v", answer.Raw)
		}
		return filled(*answer.Typed)
	})
}

func websocketAPI(m *market) {
	person, err := account(map[string]string{"USDT": "100000", "GOL": "100"})
	fail("account:", err)
	sdk := client.NewBinanceSpotClient(client.WithWebsocketAPI(common.NewConfigurationWebsocketApi(
		common.WithWsApiBasePath(address("wsapi")), common.WithWsApiKey(person["apiKey"].(string)),
		common.WithWsApiSecret(person["secretKey"].(string)), common.WithWsTimeout(20*time.Second),
	)))
	api := sdk.WebsocketAPI
	fail("WebSocket API:", api.Connect())
	seen := &events{}
	check("user data", "userDataStream.subscribe.signature", func() error {
		answer, stream, _, err := api.UserDataStreamAPI.UserDataStreamSubscribeSignature().Execute()
		if err != nil {
			return err
		}
		stream.On("message", func(event models.UserDataStreamEventsResponse) {
			seen.Lock()
			defer seen.Unlock()
			seen.all = append(seen.all, event)
		})
		return filled(*answer.Typed)
	})
	reads(api, m.symbol)
	orders(api, m, seen)
	check("user data", "balanceUpdate, as its model", func() error {
		_, err := sandbox("POST", fmt.Sprintf("/accounts/%v/fund", int64(person["accountId"].(float64))), map[string]string{"asset": "USDT", "amount": "5"})
		return errors.Join(err, until("the deposit", func() bool {
			return seen.some(func(e models.UserDataStreamEventsResponse) bool { return e.BalanceUpdate != nil }) > 0
		}))
	})
	check("WebSocket API", "the connection closes", api.CloseWebSocketConnection)
}

func reads(api *wsapi.WebsocketAPIClient, s string) {
	answered("time", api.GeneralAPI.Time().Execute)
	answered("exchangeInfo", api.GeneralAPI.ExchangeInfo().Symbol(s).Execute)
	answered("depth", api.MarketAPI.Depth().Symbol(s).Execute)
	answered("trades.recent", api.MarketAPI.TradesRecent().Symbol(s).Execute)
	answered("trades.aggregate", api.MarketAPI.TradesAggregate().Symbol(s).Execute)
	answered("klines", api.MarketAPI.Klines().Symbol(s).Interval(models.KlinesIntervalParameterInterval1m).Execute)
	answered("avgPrice", api.MarketAPI.AvgPrice().Symbol(s).Execute)
	answered("account.status", api.AccountAPI.AccountStatus().Execute)
	answered("account.commission", api.AccountAPI.AccountCommission().Symbol(s).Execute)
	answered("account.rateLimits.orders", api.AccountAPI.AccountRateLimitsOrders().Execute)
}

func orders(api *wsapi.WebsocketAPIClient, m *market, seen *events) {
	s := m.symbol
	reports := func(id int64, kind string) func() bool {
		return func() bool {
			return seen.some(func(e models.UserDataStreamEventsResponse) bool {
				r := e.ExecutionReport
				return r != nil && r.Smalli != nil && *r.Smalli == id && r.Smallx != nil && *r.Smallx == kind
			}) > 0
		}
	}
	check("WebSocket API", "place, partial fill, query, cancel, and its reports", func() error {
		placed, err := api.TradeAPI.OrderPlace().Symbol(s).Side(models.OrderCancelReplaceSideParameterBuy).Type(models.OrderCancelReplaceTypeParameterLimit).
			TimeInForce(models.OrderCancelReplaceTimeInForceParameterGtc).Quantity(0.5).Price(100).Execute()
		if err != nil {
			return err
		}
		id := *placed.Typed.Result.OrderId
		if _, err := m.limit(m.maker, sell, 0.25, 100); err != nil {
			return err
		}
		found, err := api.AccountAPI.OrderStatus().Symbol(s).OrderId(id).Execute()
		if err != nil {
			return err
		}
		canceled, err := api.TradeAPI.OrderCancel().Symbol(s).OrderId(id).Execute()
		if err != nil {
			return err
		}
		return errors.Join(
			equal(found.Typed.Result.Status, "PARTIALLY_FILLED"), equal(canceled.Typed.Result.Status, "CANCELED"),
			until("NEW", reports(id, "NEW")), until("TRADE", reports(id, "TRADE")), until("CANCELED", reports(id, "CANCELED")),
		)
	})
	check("WebSocket API", "a market order to its fill, with the position", func() error {
		if _, err := m.limit(m.maker, sell, 0.5, 101); err != nil {
			return err
		}
		placed, err := api.TradeAPI.OrderPlace().Symbol(s).Side(models.OrderCancelReplaceSideParameterBuy).
			Type(models.OrderCancelReplaceTypeParameterMarket).Quantity(0.5).Execute()
		if err != nil {
			return err
		}
		return errors.Join(equal(placed.Typed.Result.Status, "FILLED"), until("the new position", func() bool {
			return seen.some(func(e models.UserDataStreamEventsResponse) bool { return e.OutboundAccountPosition != nil }) > 0
		}))
	})
	check("WebSocket API", "an OCO is placed and canceled, and listStatus tells it", func() error {
		list, err := api.TradeAPI.OrderListPlaceOco().Symbol(s).Side(models.OrderCancelReplaceSideParameterSell).Quantity(0.5).
			AboveType(models.OrderListPlaceOcoAboveTypeParameterLimitMaker).AbovePrice(120).
			BelowType(models.OrderListPlaceOcoBelowTypeParameterStopLoss).BelowStopPrice(80).Execute()
		if err != nil {
			return err
		}
		id := *list.Typed.Result.OrderListId
		canceled, err := api.TradeAPI.OrderListCancel().Symbol(s).OrderListId(int32(id)).Execute()
		if err != nil {
			return err
		}
		return errors.Join(equal(canceled.Typed.Result.ListOrderStatus, "ALL_DONE"), until("two list statuses", func() bool {
			return seen.some(func(e models.UserDataStreamEventsResponse) bool { return e.ListStatus != nil }) >= 2
		}))
	})
}
