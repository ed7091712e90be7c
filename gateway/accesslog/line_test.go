package accesslog_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"cocart-gateway/gateway/accesslog"
)

func TestThePathOfALineHidesWhatIsNotAWord(t *testing.T) {
	for _, row := range []struct {
		target     string
		storefront bool
		want       string
	}{
		{"/wp-json/cocart/v2/cart?cart_key=t_1", false, "/wp-json/cocart/v2/cart"},
		{"/wp-json/cocart/v1/get-cart/t_4f2a", false, "/wp-json/cocart/v1/get-cart/{}"},
		{"/Produkt/4711?utm=1", true, "/Produkt/4711"},
	} {
		line := accesslog.Line{Request: httptest.NewRequest(http.MethodGet, row.target, nil), Target: row.target, Storefront: row.storefront}
		line.Record(time.Time{}).Attrs(func(a slog.Attr) bool {
			if a.Key == "path" && a.Value.String() != row.want {
				t.Errorf("%s: %s, want %s", row.target, a.Value, row.want)
			}
			return true
		})
	}
}

func TestTheLevelOfALine(t *testing.T) {
	for _, row := range []struct {
		line accesslog.Line
		want slog.Level
	}{
		{accesslog.Line{Status: 200}, slog.LevelInfo},
		{accesslog.Line{Status: 404, Storefront: true}, slog.LevelDebug},
		{accesslog.Line{Status: 502, Storefront: true}, slog.LevelError},
		{accesslog.Line{Status: accesslog.StatusClientLeft}, slog.LevelInfo},
	} {
		if got := row.line.Level(); got != row.want {
			t.Errorf("%+v: %s, want %s", row.line, got, row.want)
		}
	}
}

func TestOnlyATrustedProxyNamesARequest(t *testing.T) {
	for _, row := range []struct {
		given         string
		trusted, kept bool
	}{{"proxy-1", true, true}, {"client-1", false, false}, {"not well formed", true, false}} {
		h := http.Header{"X-Request-Id": {row.given}}
		id := accesslog.Identify(h, row.trusted)
		if (id == row.given) != row.kept || h.Get("X-CoCart-Request-Id") != id || h.Get("X-Request-Id") != row.given {
			t.Errorf("%+v: %s, %v", row, id, h)
		}
	}
}
