package main

import (
	"context"
	"errors"

	"github.com/binance/binance-connector-go/clients/spot/src/restapi/models"
	"github.com/binance/binance-connector-go/common/v2/common"
)

const (
	buy  = models.NewOrderSideParameterBuy
	sell = models.NewOrderSideParameterSell
)

// typed is a check that a method answers with its model, and with the limits in its headers.
func typed[T any](area, name string, call func() (*common.RestApiResponse[T], error)) {
	check(area, name, func() error {
		answer, err := call()
		if err != nil {
			return err
		}
		if len(answer.RateLimits) == 0 {
			return errors.New("the answer's headers tell no limit")
		}
		return filled(answer.Data)
	})
}

func marketData(m *market) {
	api, ctx, s := restClient(nil), context.Background(), m.symbol
	const area = "market data"
	check(area, "ping", func() error { _, err := api.GeneralAPI.Ping(ctx).Execute(); return err })
	typed(area, "time", api.GeneralAPI.Time(ctx).Execute)
	typed(area, "exchangeInfo", api.GeneralAPI.ExchangeInfo(ctx).Symbol(s).Execute)
	typed(area, "executionRules", api.GeneralAPI.ExecutionRules(ctx).Symbol(s).Execute)
	typed(area, "depth", api.MarketAPI.Depth(ctx).Symbol(s).Limit(5).Execute)
	typed(area, "trades", api.MarketAPI.GetTrades(ctx).Symbol(s).Execute)
	typed(area, "historicalTrades", api.MarketAPI.HistoricalTrades(ctx).Symbol(s).FromId(0).Execute)
	typed(area, "aggTrades", api.MarketAPI.AggTrades(ctx).Symbol(s).Execute)
	typed(area, "klines", api.MarketAPI.Klines(ctx).Symbol(s).Interval(models.KlinesIntervalParameterInterval1m).Execute)
	typed(area, "uiKlines", api.MarketAPI.UiKlines(ctx).Symbol(s).Interval(models.KlinesIntervalParameterInterval1m).Execute)
	typed(area, "avgPrice", api.MarketAPI.AvgPrice(ctx).Symbol(s).Execute)
	typed(area, "ticker24hr", api.MarketAPI.Ticker24hr(ctx).Symbol(s).Execute)
	typed(area, "ticker24hr(symbols)", api.MarketAPI.Ticker24hr(ctx).Symbols([]string{s}).Execute)
	typed(area, "tickerTradingDay", api.MarketAPI.TickerTradingDay(ctx).Symbol(s).Execute)
	typed(area, "tickerPrice", api.MarketAPI.TickerPrice(ctx).Symbol(s).Execute)
	typed(area, "tickerPrice(symbols)", api.MarketAPI.TickerPrice(ctx).Symbols([]string{s}).Execute)
	typed(area, "tickerBookTicker", api.MarketAPI.TickerBookTicker(ctx).Symbol(s).Execute)
	typed(area, "ticker", api.MarketAPI.Ticker(ctx).Symbol(s).Execute)
}

func trading(m *market) {
	person, err := account(map[string]string{"USDT": "100000", "GOL": "100"})
	fail("account:", err)
	api, ctx, s := restClient(person), context.Background(), m.symbol
	status := func(id *int64, expected string) error {
		answer, err := api.AccountAPI.GetOrder(ctx).Symbol(s).OrderId(*id).Execute()
		if err != nil {
			return err
		}
		return errors.Join(filled(answer.Data), equal(answer.Data.Status, expected))
	}
	check("trading", "a limit order rests, is partially filled, filled", func() error {
		order, err := m.limit(api, buy, 0.5, 100)
		if err != nil {
			return err
		}
		first := errors.Join(filled(*order), equal(order.Status, "NEW"))
		_, err = m.limit(m.maker, sell, 0.25, 100)
		partial := status(order.OrderId, "PARTIALLY_FILLED")
		_, last := m.limit(m.maker, sell, 0.25, 100)
		return errors.Join(first, err, partial, last, status(order.OrderId, "FILLED"))
	})
	check("trading", "a market order is filled and says how", func() error {
		if _, err := m.limit(m.maker, sell, 0.5, 101); err != nil {
			return err
		}
		answer, err := api.TradeAPI.NewOrder(ctx).Symbol(s).Side(buy).Type(models.NewOrderTypeParameterMarket).Quantity(0.5).Execute()
		if err != nil {
			return err
		}
		return errors.Join(equal(answer.Data.Status, "FILLED"), equal(answer.Data.Fills[0].Price, "101.00000000"))
	})
	check("trading", "amend, cancel, cancel all", func() error {
		order, err := m.limit(api, buy, 0.5, 95)
		if err != nil {
			return err
		}
		amended, err := api.TradeAPI.OrderAmendKeepPriority(ctx).Symbol(s).OrderId(*order.OrderId).NewQty(0.25).Execute()
		if err != nil {
			return err
		}
		if err := equal(amended.Data.AmendedOrder.Qty, "0.25000000"); err != nil {
			return err
		}
		canceled, err := api.TradeAPI.DeleteOrder(ctx).Symbol(s).OrderId(*order.OrderId).Execute()
		if err != nil {
			return err
		}
		if _, err := m.limit(api, buy, 0.5, 94); err != nil {
			return err
		}
		all, err := api.TradeAPI.DeleteOpenOrders(ctx).Symbol(s).Execute()
		if err != nil {
			return err
		}
		return errors.Join(equal(canceled.Data.Status, "CANCELED"), filled(all.Data))
	})
	const area = "account"
	typed(area, "account", api.AccountAPI.GetAccount(ctx).OmitZeroBalances(true).Execute)
	typed(area, "commission", api.AccountAPI.AccountCommission(ctx).Symbol(s).Execute)
	typed(area, "rateLimitOrder", api.AccountAPI.RateLimitOrder(ctx).Execute)
	typed(area, "myFilters", api.AccountAPI.MyFilters(ctx).Symbol(s).Execute)
	typed(area, "allOrders", api.AccountAPI.AllOrders(ctx).Symbol(s).Execute)
	typed(area, "myTrades", api.AccountAPI.MyTrades(ctx).Symbol(s).Execute)
	check("errors", "messages", func() error {
		_, grid := api.TradeAPI.NewOrder(ctx).Symbol(s).Side(buy).Type(models.NewOrderTypeParameterLimit).
			TimeInForce(models.NewOrderTimeInForceParameterGtc).Quantity(0.5).Price(100.125).Execute()
		_, poor := m.limit(api, buy, 8000, 1000)
		_, none := api.AccountAPI.GetOrder(ctx).Symbol(s).OrderId(987654321).Execute()
		return errors.Join(
			refused(grid, "Filter failure: PRICE_FILTER"),
			refused(poor, "Account has insufficient balance for requested action."),
			refused(none, "Order does not exist."),
		)
	})
}

func lists(m *market) {
	person, err := account(map[string]string{"USDT": "100000", "GOL": "100"})
	fail("account:", err)
	api, ctx, s := restClient(person), context.Background(), m.symbol
	check("order lists", "an OCO: one leg is filled, the other ends", func() error {
		list, err := api.TradeAPI.OrderListOco(ctx).Symbol(s).Side(sell).Quantity(0.5).
			AboveType(models.OrderListOcoAboveTypeParameterLimitMaker).AbovePrice(102).
			BelowType(models.OrderListOcoBelowTypeParameterStopLoss).BelowStopPrice(80).Execute()
		if err != nil {
			return err
		}
		if err := errors.Join(equal(list.Data.ContingencyType, "OCO"), equal(len(list.Data.OrderReports), 2), filled(list.Data)); err != nil {
			return err
		}
		if _, err := m.limit(m.taker, buy, 0.5, 102); err != nil {
			return err
		}
		done, err := api.AccountAPI.GetOrderList(ctx).OrderListId(*list.Data.OrderListId).Execute()
		if err != nil {
			return err
		}
		return equal(done.Data.ListOrderStatus, "ALL_DONE")
	})
	typed("order lists", "allOrderList", api.AccountAPI.AllOrderList(ctx).Execute)
}
