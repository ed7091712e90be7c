package gateway_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"cocart-gateway/gateway"
	"cocart-gateway/upstream/upstreamtest"
)

// tooFast is a rate that no client keeps.
const tooFast = 1 << 40

func atRates(stall, bodyTime time.Duration, up, down int64) func(*gateway.Config) {
	return func(c *gateway.Config) {
		c.Bounds.Stall, c.Bounds.BodyTime, c.Bounds.UploadRate, c.Bounds.DownloadRate = stall, bodyTime, up, down
	}
}

// trickle sends a request and then bytes of its body, none of which comes late, until there is an answer.
func (s *shop) trickle(head string) (status int) {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	s.must(err)
	defer conn.Close()
	fmt.Fprintf(conn, "%s\r\nHost: shop.example\r\nContent-Type: application/octet-stream\r\nContent-Length: 1000000\r\n\r\n", head)
	answered := make(chan struct{})
	go func() {
		for {
			select {
			case <-answered:
				return
			case <-time.After(5 * time.Millisecond):
				_, _ = io.WriteString(conn, "x") // the gateway may have hung up
			}
		}
	}()
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	close(answered)
	s.must(err)
	resp.Body.Close()
	return resp.StatusCode
}

// Attack: one byte before each timeout holds a connection, and one to PHP, for ever.
func TestATrickledUploadEnds(t *testing.T) {
	for _, target := range []string{"/upload/", "/wp-admin/async-upload.php", "/wp-json/wp/v2/media", addItemRoute} {
		s := openShop(t, atRates(time.Second, time.Second, tooFast, -1))
		if got := s.trickle("POST " + target + " HTTP/1.1"); got != http.StatusRequestTimeout {
			t.Errorf("%s: %d", target, got)
		}
		if log := s.log.String(); !strings.Contains(log, `"code":"cocart_gateway_body_timeout"`) {
			t.Errorf("%s: %s", target, log)
		}
	}
}

// A body that keeps the rate may last for longer than server.read_timeout.
func TestASlowBodyThatKeepsTheRateArrives(t *testing.T) {
	for _, target := range []string{"/upload/", "/wp-json/cocart/v2/cart/add-item"} {
		s := openShop(t, atRates(100*time.Millisecond, 100*time.Millisecond, 1000, -1))
		body, sending := io.Pipe()
		go func() {
			for range 20 { // 200 ms at least, each piece worth 100 ms
				time.Sleep(10 * time.Millisecond) // the client's slowness is what is tried
				_, _ = io.WriteString(sending, strings.Repeat("x", 100))
			}
			sending.Close()
		}()
		resp, err := http.Post(s.URL+target, "application/octet-stream", body)
		s.must(err)
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK || len(s.wordpress.Last().Body) != 2000 {
			t.Errorf("%s: %d, %d bytes arrived", target, resp.StatusCode, len(s.wordpress.Last().Body))
		}
	}
}

// Attack: an answer that is taken a little at a time holds a place at PHP.
func TestATrickledDownloadEnds(t *testing.T) {
	for name, http2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2": true} {
		s := openShop(t, atRates(time.Second, time.Second, -1, tooFast))
		s.wordpress.Answer = endless
		w := s.watch(http2, false)
		resp, err := w.Client().Get(w.URL + "/shop/")
		s.must(err)
		for err == nil { // always something, and never as much as comes
			_, err = io.CopyN(io.Discard, resp.Body, 4<<10)
			time.Sleep(time.Millisecond)
		}
		if err == io.EOF {
			t.Errorf("%s: the answer looks whole", name)
		}
		resp.Body.Close()
		w.await(t, name)
	}
}

// An event stream is silent for long, and a shop may take its time for an answer: neither is the client's slowness.
func TestASlowShopIsNotTheClientsFault(t *testing.T) {
	s := openShop(t, atRates(50*time.Millisecond, 50*time.Millisecond, -1, 512))
	const events = 3
	s.wordpress.Answer = func(w http.ResponseWriter, _ *http.Request, _ upstreamtest.Seen) bool {
		w.Header().Set("Content-Type", "text/event-stream")
		for range events {
			_, _ = io.WriteString(w, "data: 1\n\n")
			_ = http.NewResponseController(w).Flush()
			<-time.After(150 * time.Millisecond)
		}
		return true
	}
	if got := s.do("GET", "/events/", ""); strings.Count(got.Body, "data: 1") != events {
		t.Errorf("%d %q", got.Status, got.Body)
	}
}
