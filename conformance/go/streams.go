package main

import (
	"fmt"
	"sync"
	"time"

	client "github.com/binance/binance-connector-go/clients/spot"
	streammodels "github.com/binance/binance-connector-go/clients/spot/src/websocketstreams/models"
	"github.com/binance/binance-connector-go/common/v2/common"
)

// inbox holds what came over the streams, by the name of the stream.
type inbox struct {
	sync.Mutex
	messages map[string][]any
}

func (i *inbox) put(name string, message any) {
	i.Lock()
	defer i.Unlock()
	i.messages[name] = append(i.messages[name], message)
}

func (i *inbox) first(name string) any {
	i.Lock()
	defer i.Unlock()
	if len(i.messages[name]) == 0 {
		return nil
	}
	return i.messages[name][0]
}

// listen subscribes to one stream; its messages come as the SDK's own model.
func listen[T any](box *inbox, name string, subscribe func() (*common.StreamHandler[T], error)) {
	handler, err := subscribe()
	if err != nil {
		box.put(name, err)
		return
	}
	handler.On("message", func(message T) { box.put(name, message) })
	// A connection may send five messages a second.
	time.Sleep(250 * time.Millisecond)
}

func streams(m *market) {
	sdk := client.NewBinanceSpotClient(client.WithWebsocketStreams(common.NewConfigurationWebsocketStreams(common.WithWsStreamsBasePath(address("ws") + "/stream"))))
	fail("streams:", sdk.WebsocketStreams.Connect([]string{}))
	api, s := sdk.WebsocketStreams.WebSocketStreamsAPI, lower(m.symbol)
	box := &inbox{messages: map[string][]any{}}
	listen(box, "trade", api.Trade().Symbol(s).Execute)
	listen(box, "aggTrade", api.AggTrade().Symbol(s).Execute)
	listen(box, "kline", api.Kline().Symbol(s).Interval(streammodels.KlineIntervalParameterInterval1m).Execute)
	listen(box, "depth", api.DiffBookDepth().Symbol(s).UpdateSpeed("100ms").Execute)
	listen(box, "bookTicker", api.BookTicker().Symbol(s).Execute)
	listen(box, "ticker", api.Ticker().Symbol(s).Execute)
	listen(box, "miniTicker", api.MiniTicker().Symbol(s).Execute)
	listen(box, "avgPrice", api.AvgPrice().Symbol(s).Execute)
	for range 10 {
		fail("trade:", m.trade(0.25, 100))
		time.Sleep(150 * time.Millisecond)
	}
	for _, name := range []string{"trade", "aggTrade", "kline", "depth", "bookTicker", "ticker", "miniTicker", "avgPrice"} {
		check("streams", name, func() error {
			if err := until("a message", func() bool { return box.first(name) != nil }); err != nil {
				return err
			}
			if err, bad := box.first(name).(error); bad {
				return fmt.Errorf("cannot subscribe: %w", err)
			}
			return filled(box.first(name))
		})
	}
	check("streams", "the connection closes", sdk.WebsocketStreams.CloseWebSocketStreamConnection)
}
