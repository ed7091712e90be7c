package gateway_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"cocart-gateway/upstream"
	"cocart-gateway/upstream/upstreamtest"
)

// stopSending sends a request, then that nothing more will come, and returns what is answered until the connection is
// closed. before is called in between.
func (s *shop) stopSending(request string, before func()) string {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	s.must(err)
	defer conn.Close()
	_, err = io.WriteString(conn, strings.ReplaceAll(request, "\n", "\r\n"))
	s.must(err)
	before()
	s.must(conn.(*net.TCPConn).CloseWrite())
	answer, err := io.ReadAll(conn)
	s.must(err)
	return string(answer)
}

// net/http takes a client that stops sending for one that left. If it did not, it must not take silence for 200.
func TestWhoStopsSendingIsNotToldThatItWentWell(t *testing.T) {
	s := openShop(t)
	entered := make(chan struct{})
	s.wordpress.Answer = func(_ http.ResponseWriter, r *http.Request, _ upstreamtest.Seen) bool {
		entered <- struct{}{}
		<-r.Context().Done()
		return true
	}
	for _, target := range []string{"/shop/", cartRoute} {
		if got := s.stopSending("GET "+target+" HTTP/1.1\nHost: shop.example\n\n", func() { <-entered }); got != "" {
			t.Errorf("%s: %s", target, got)
		}
	}
	if log := s.log.String(); strings.Count(log, `"status":499`) != 2 {
		t.Error(log)
	}
}

// A client that loses its connection in the middle of an upload is not a failure of WordPress, which would alert the operator.
func TestWhoLeavesInTheMiddleOfABodyLeft(t *testing.T) {
	s := openShop(t)
	const half = "Host: shop.example\nContent-Type: application/x-www-form-urlencoded\nContent-Length: 100\n\na=1"
	for _, target := range []string{"/upload/", addItemRoute, loginRoute} {
		if got := s.stopSending("POST "+target+" HTTP/1.1\n"+half, func() {}); got != "" {
			t.Errorf("%s: %s", target, got)
		}
	}
	log := s.log.String()
	if strings.Count(log, `"status":499`) != 3 || strings.Contains(log, `"level":"ERROR"`) {
		t.Error(log)
	}
}

func TestABodyInNoChunksIsTheClientsMistake(t *testing.T) {
	s := openShop(t)
	for _, target := range []string{"/upload/", addItemRoute, loginRoute} {
		request := "POST " + target + " HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: chunked\r\n\r\nno number\r\n"
		if got := s.rawReply(request); got != http.StatusBadRequest {
			t.Errorf("%s: %d", target, got)
		}
	}
	if log := s.log.String(); strings.Count(log, `"code":"cocart_gateway_bad_body"`) != 3 {
		t.Error(log)
	}
}

// A partial answer to a login starts no session.
func TestHalfAnAnswerToALoginIsAFailure(t *testing.T) {
	const body = `{"user_id":"2","display_name":"Alice","extras":[]}`
	const json = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	for name, row := range map[string]struct {
		head, rest, code string
		status           int
	}{
		"another protocol": {"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n", body, "cocart_gateway_upstream_unavailable", 502},
		"too few bytes":    {json + "Content-Length: 500\r\n", body, "cocart_gateway_upstream_unavailable", 502},
		"no last chunk":    {json + "Transfer-Encoding: chunked\r\n", "32\r\n" + body + "\r\n", "cocart_gateway_upstream_unavailable", 502},
		"no last byte":     {json + "Connection: close\r\n", body[:len(body)-1], "cocart_gateway_upstream_unusable", 502},
		"no end":           {json + "Connection: close\r\n", "", "cocart_gateway_upstream_timeout", 504},
	} {
		t.Run(name, func(t *testing.T) {
			s := openShopBehind(t, nil, func(c *upstream.Config) {
				if row.status == http.StatusGatewayTimeout {
					c.Timeouts.Login = 200 * time.Millisecond
				}
			})
			s.wordpress.Answer = func(w http.ResponseWriter, r *http.Request, _ upstreamtest.Seen) bool {
				conn, out, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Error(err)
					return true
				}
				defer conn.Close()
				signed := s.wordpress.Sign("cocart-login+jwt", r.Header.Get("X-CoCart-Gateway"), map[string]any{"sub": "2", "login": "alice", "fp": "f"})
				_, _ = out.WriteString(row.head + "X-CoCart-Gateway-Login: " + signed + "\r\n\r\n" + row.rest)
				for pace := time.Tick(10 * time.Millisecond); out.Flush() == nil && row.rest == ""; <-pace { // until the gateway hangs up
					_ = out.WriteByte(' ')
				}
				if row.status == http.StatusBadGateway && strings.Contains(row.head, " 101 ") {
					_, _ = out.ReadByte() // the same
				}
				return true
			}
			r := s.post(loginRoute, `{"username":"alice","password":"wonderland-1"}`)
			if r.Status != row.status || !strings.Contains(r.Body, `"`+row.code+`"`) {
				t.Errorf("%d %s", r.Status, r.Body)
			}
		})
	}
}

// WordPress, or a page of it, sends hints before its answer. None of the gateway's own names may reach the client with them.
func TestHintsReachTheClientWithoutReservedHeaders(t *testing.T) {
	s := openShop(t)
	s.wordpress.Answer = func(w http.ResponseWriter, _ *http.Request, _ upstreamtest.Seen) bool {
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.Header().Set("X-CoCart-Gateway-Plugin", "evil")
		w.WriteHeader(http.StatusEarlyHints)
		return false
	}
	var hints []textproto.MIMEHeader
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got1xxResponse: func(_ int, h textproto.MIMEHeader) error {
		hints = append(hints, h)
		return nil
	}})
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if len(hints) != 1 || hints[0].Get("Link") == "" || hints[0].Get("X-CoCart-Gateway-Plugin") != "" {
		t.Errorf("hints: %v", hints)
	}
}
