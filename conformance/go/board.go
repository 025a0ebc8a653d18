// The official Go SDK, unmodified, against a running exchange: REST, market streams, WebSocket API, user data.
//
// This file is what the parts share: rows of the scoreboard, the sandbox gateway, a market with a little history.
// A row is one check. The program ends with 0 whatever its rows say; only one that breaks off ends otherwise.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"strings"
	"time"

	client "github.com/binance/binance-connector-go/clients/spot"
	rest "github.com/binance/binance-connector-go/clients/spot/src/restapi"
	"github.com/binance/binance-connector-go/clients/spot/src/restapi/models"
	"github.com/binance/binance-connector-go/common/v2/common"
)

var (
	ready map[string]any
	rows  *os.File
)

// open reads where the exchange is, and where the rows go.
func open() error {
	if err := json.Unmarshal([]byte(os.Getenv("HIGHWATER_READY")), &ready); err != nil {
		return fmt.Errorf("HIGHWATER_READY is not set: start this with `cargo x conformance`: %w", err)
	}
	var err error
	rows, err = os.OpenFile(os.Getenv("HIGHWATER_ROWS"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	return err
}

func address(name string) string { return ready[name].(string) }

// check is one check: it passes when its work errs nowhere and does not panic.
func check(area, name string, work func() error) {
	var err error
	func() {
		defer func() {
			if thrown := recover(); thrown != nil {
				err = fmt.Errorf("panic: %v", thrown)
			}
		}()
		err = work()
	}()
	detail := ""
	if err != nil {
		detail = err.Error()
	}
	line, _ := json.Marshal(map[string]any{"area": area, "check": name, "pass": err == nil, "detail": detail[:min(len(detail), 400)]})
	fmt.Fprintln(rows, string(line))
}

// sandbox is a request of the sandbox gateway.
func sandbox(method, path string, body any) (map[string]any, error) {
	payload, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	if body == nil {
		payload = nil
	}
	request, err := http.NewRequest(method, address("sandbox")+path, bytes.NewReader(payload))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode >= 300 {
		return nil, fmt.Errorf("sandbox %s: %d %s", path, answer.StatusCode, text)
	}
	value := map[string]any{}
	if len(text) > 0 {
		err = json.Unmarshal(text, &value)
	}
	return value, err
}

// account is one with money and an HMAC key.
func account(balances map[string]string) (map[string]any, error) {
	return sandbox("POST", "/accounts", map[string]any{"balances": balances, "keyType": "HMAC"})
}

// restClient is the SDK's REST client, with an account's key or without one.
func restClient(account map[string]any) *rest.RestAPIClient {
	options := []common.ConfigurationRestAPIOption{
		common.WithBasePath(address("rest")), common.WithTimeout(20 * time.Second), common.WithRetries(0),
	}
	if account != nil {
		options = append(options, common.WithApiKey(account["apiKey"].(string)), common.WithApiSecret(account["secretKey"].(string)))
	}
	return client.NewBinanceSpotClient(client.WithRestAPI(common.NewConfigurationRestAPI(options...))).RestApi
}

// market is a symbol and two accounts that keep it alive.
type market struct {
	symbol       string
	maker, taker *rest.RestAPIClient
}

func newMarket(base string) (*market, error) {
	symbol := base + "USDT"
	filters := []map[string]any{
		{"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000", "tickSize": "0.01"},
		{"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000", "stepSize": "0.00001"},
		{"filterType": "NOTIONAL", "minNotional": "5", "applyMinToMarket": true, "maxNotional": "9000000", "applyMaxToMarket": false, "avgPriceMins": 5},
	}
	body := map[string]any{"symbol": symbol, "baseAsset": base, "quoteAsset": "USDT", "filters": filters}
	if _, err := sandbox("POST", "/symbols", body); err != nil {
		return nil, err
	}
	made := &market{symbol: symbol}
	for _, who := range []**rest.RestAPIClient{&made.maker, &made.taker} {
		account, err := account(map[string]string{"USDT": "10000000", base: "10000"})
		if err != nil {
			return nil, err
		}
		*who = restClient(account)
	}
	for _, price := range []float32{100, 100.5, 99.5} {
		if err := made.trade(1, price); err != nil {
			return nil, err
		}
	}
	if _, err := made.limit(made.maker, models.NewOrderSideParameterBuy, 1, 90); err != nil {
		return nil, err
	}
	_, err := made.limit(made.maker, models.NewOrderSideParameterSell, 1, 110)
	return made, err
}

// limit is a limit order of somebody.
func (m *market) limit(who *rest.RestAPIClient, side models.NewOrderSideParameter, quantity, price float32) (*models.NewOrderResponse, error) {
	answer, err := who.TradeAPI.NewOrder(context.Background()).Symbol(m.symbol).Side(side).Type(models.NewOrderTypeParameterLimit).
		TimeInForce(models.NewOrderTimeInForceParameterGtc).Quantity(quantity).Price(price).Execute()
	if err != nil {
		return nil, err
	}
	return &answer.Data, nil
}

// trade is one trade, and so one change of the book.
func (m *market) trade(quantity, price float32) error {
	if _, err := m.limit(m.maker, models.NewOrderSideParameterSell, quantity, price); err != nil {
		return err
	}
	_, err := m.limit(m.taker, models.NewOrderSideParameterBuy, quantity, price)
	return err
}

// filled wants something of the model to be in the answer, and nothing in it that the model does not declare.
func filled(model any) error {
	text, err := json.Marshal(model)
	if err != nil {
		return err
	}
	if s := string(text); s == "{}" || s == "[]" || s == "null" || s == "[{}]" {
		return fmt.Errorf("nothing of the model %T is in the answer", model)
	}
	return undeclared(reflect.ValueOf(model), fmt.Sprintf("%T", model))
}

// undeclared finds what the SDK put aside because its model knows no such field.
func undeclared(value reflect.Value, path string) error {
	switch value.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !value.IsNil() {
			return undeclared(value.Elem(), path)
		}
	case reflect.Slice:
		for i := range value.Len() {
			if err := undeclared(value.Index(i), fmt.Sprintf("%s[%d]", path, i)); err != nil {
				return err
			}
		}
	case reflect.Struct:
		if more := value.FieldByName("AdditionalProperties"); more.IsValid() && more.Kind() == reflect.Map {
			for _, key := range more.MapKeys() {
				// Documented, sent by the real exchange, and missing in this version's models.
				if name := key.String(); name != "tradeGroupId" && name != "rateLimits" {
					return fmt.Errorf("%s has a field that the model lacks: %s", path, name)
				}
			}
		}
		for i := range value.NumField() {
			if value.Type().Field(i).IsExported() {
				if err := undeclared(value.Field(i), path+"."+value.Type().Field(i).Name); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// equal says both sides when they differ; pointers are followed.
func equal(actual, expected any) error {
	value := reflect.ValueOf(actual)
	if value.Kind() == reflect.Pointer {
		if value.IsNil() {
			return fmt.Errorf("expected %v, got nothing", expected)
		}
		actual = value.Elem().Interface()
	}
	if fmt.Sprint(actual) != fmt.Sprint(expected) {
		return fmt.Errorf("expected %v, got %v", expected, actual)
	}
	return nil
}

// refused wants an error that carries this message.
func refused(err error, message string) error {
	if err == nil {
		return errors.New("was not refused")
	}
	if !strings.Contains(err.Error(), message) {
		return fmt.Errorf("expected %q, got %q", message, err.Error())
	}
	return nil
}

// until waits for something to come about; the deadline is there only so that nothing hangs.
func until(what string, condition func() bool) error {
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if condition() {
			return nil
		}
	}
	return fmt.Errorf("did not come about in 30 s: %s", what)
}

func fail(step string, err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, step, err)
		os.Exit(1)
	}
}

func main() {
	fail("start:", open())
	made, err := newMarket("GOL")
	fail("market:", err)
	marketData(made)
	trading(made)
	lists(made)
	streams(made)
	websocketAPI(made)
	check("state", "the audit is clean at the end", func() error {
		state, err := sandbox("GET", "/state", nil)
		if err != nil {
			return err
		}
		return equal(state["audit"], "ok")
	})
}
