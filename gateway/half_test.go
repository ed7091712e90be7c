package gateway_test

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

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

// A client that loses its connection in the middle of an upload is no failure of WordPress, of which somebody is woken up.
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
