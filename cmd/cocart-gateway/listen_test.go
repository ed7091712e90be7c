package main

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cocart-gateway/cmd/cocart-gateway/certs/certstest"
	"cocart-gateway/tokens/tokenstest"
)

func TestItListensOnEveryAddressOfTheList(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "http.sock")
	d := openDoor(t, `listen: ["127.0.0.1:0", "127.0.0.1:0", "unix:`+socket+`"]`, nil)
	all := strings.Fields(d.address("listen"))
	if len(all) != 3 {
		t.Fatalf("it listens on %q", all)
	}
	for _, address := range all[:2] {
		if got := mustGet(t, http.DefaultClient, "http://"+address); got.status != http.StatusOK {
			t.Errorf("%s: %+v", address, got)
		}
	}
	if got := mustGet(t, dialling("unix", socket, nil), "http://shop.example.com/"); got.body != "http  shop.example.com" {
		t.Errorf("by the socket: %+v", got)
	}
	info, err := os.Stat(socket)
	if err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("the socket: %v, %v", info.Mode(), err)
	}
	if d.end(); !notThere(socket) {
		t.Error("the socket is left behind")
	}
}

func TestTheAdminListenerMayBeAUnixSocket(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "admin.sock")
	openDoor(t, "listen: \"127.0.0.1:0\"\nadmin: {listen: \"unix:"+socket+"\"}", nil)
	if got := mustGet(t, dialling("unix", socket, nil), "http://admin/healthz"); got.status != http.StatusOK {
		t.Errorf("%+v", got)
	}
}

func notThere(path string) bool {
	_, err := os.Lstat(path)
	return os.IsNotExist(err)
}

func TestConnectionsAreBoundedAndCounted(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	d := openDoor(t, "listen: \"127.0.0.1:0\"\nlimits: {connections: 1}\n", func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			close(entered)
			<-release
		}
	})
	address := d.address("listen")
	first := make(chan error, 1)
	go func() {
		_, err := get(t, &http.Client{Transport: &http.Transport{}}, "http://"+address+"/slow")
		first <- err
	}()
	<-entered
	if open, limit := d.connections(), d.metric(`cocart_gateway_client_connections_limit{listener="`+address+`"}`); open != "1" || limit != "1" {
		t.Errorf("%s connections of %s are open, want 1 of 1", open, limit)
	}
	d.stderr.await(t, "as many connections are open as limits.connections allows")
	second := make(chan error, 1)
	go func() {
		_, err := get(t, &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, "http://"+address)
		second <- err
	}()
	select {
	case err := <-second:
		t.Fatalf("a second connection got an answer while a request was under way on the first: %v", err)
	case <-d.asked(): // a round trip to the admin listener: the second has had its chance
	}
	close(release)
	if err := <-first; err != nil {
		t.Errorf("the first: %v", err)
	}
	if err := <-second; err != nil { // the first is idle, and closed for it
		t.Errorf("the second: %v", err)
	}
	if got := d.closed("idle"); got != "1" {
		t.Errorf("%s idle connections were closed", got)
	}
}

// closed is how many connections were closed for a reason on the only public listener.
func (d *door) closed(reason string) string {
	d.t.Helper()
	return d.metric(`cocart_gateway_client_connections_closed_total{listener="` + d.address("listen") + `",reason="` + reason + `"}`)
}

// keepOpen makes a connection on which one request was answered, and which stays open.
func keepOpen(t *testing.T, address, before string) (conn net.Conn, answered bool) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn, asks(conn, before)
}

func asks(conn net.Conn, before string) bool {
	_, _ = io.WriteString(conn, before+"GET / HTTP/1.1\r\nHost: shop.example.com\r\n\r\n") // it may be closed
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return false
	}
	_, _ = io.Copy(io.Discard, resp.Body) // or it would not be idle
	return resp.StatusCode == http.StatusOK
}

// Attack: idle connections of many addresses take all places, and each customer who comes waits.
func TestTheConnectionThatIsIdleForLongestMakesRoom(t *testing.T) {
	d := openDoor(t, "listen: \"127.0.0.1:0\"\nlimits: {connections: 3}\n", nil)
	address := d.address("listen")
	var all []net.Conn
	for i := range 3 {
		conn, answered := keepOpen(t, address, "")
		if !answered {
			t.Fatalf("connection %d got no answer", i)
		}
		all = append(all, conn)
	}
	if !asks(all[0], "") { // so one of the others is idle for longest; which one, the server learns after both were answered
		t.Fatal("the first connection is closed")
	}
	if _, answered := keepOpen(t, address, ""); !answered {
		t.Error("a new connection got no answer")
	}
	if first, second, third := asks(all[0], ""), asks(all[1], ""), asks(all[2], ""); !first || second == third {
		t.Errorf("connections are open: %t, %t, %t; want the first and one of the others", first, second, third)
	}
	if open, closed := d.connections(), d.closed("idle"); open != "3" || closed != "1" {
		t.Errorf("%s open, %s closed", open, closed)
	}
}

// The header of the next request has come in part when another client needs the place. net/http calls the connection idle
// until the header is complete. It may have read that part with the request before, as it reads what comes by TLS meanwhile.
func TestAConnectionWhoseNextRequestBeginsMakesNoRoom(t *testing.T) {
	i := certstest.NewAuthority(t)
	i.Issue("shop", certstest.Host("shop.example.com"))
	d := openDoor(t, strings.Replace(tlsLines(i, "shop"), "[]", "\"127.0.0.1:0\"", 1)+"limits: {connections: 1}\n", nil)
	for _, c := range []struct{ door, before, after string }{{"listen", "", "GET / HT"}, {"listen", "GET / HT", ""}, {"tls", "", "GET / HT"}, {"tls", "GET / HT", ""}} {
		door := c.door
		t.Run(door+", with the request before: "+c.before, func(t *testing.T) {
			dial := func() net.Conn {
				conn, err := net.Dial("tcp", d.address(door))
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { conn.Close() })
				if door == "tls" {
					return tls.Client(conn, &tls.Config{RootCAs: authorities(t, i.Path("ca.crt")), ServerName: "shop.example.com"})
				}
				return conn
			}
			first := dial()
			in := bufio.NewReader(first)
			sends(t, first, "GET / HTTP/1.1\r\nHost: shop.example.com\r\n\r\n"+c.before)
			readsAnswer(t, in)
			sends(t, first, c.after)
			second := make(chan bool, 1)
			go func() { second <- asks(dial(), "") }()
			for range 3 { // round trips to the admin listener: the second has had its chance
				<-d.asked()
			}
			sends(t, first, "TP/1.1\r\nHost: shop.example.com\r\n\r\n")
			readsAnswer(t, in)
			if !<-second { // the first is idle again
				t.Error("the second client got no answer")
			}
		})
	}
}

func sends(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
}

func readsAnswer(t *testing.T, in *bufio.Reader) {
	t.Helper()
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatalf("the request was lost: %v", err)
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Error(err)
	}
}

// Attack: clients send the first letter of a request on each connection that they keep, so that none makes room. net/http
// waits for server.idle_timeout until the fourth.
func TestARequestThatDoesNotGoOnMakesRoom(t *testing.T) {
	d := openDoor(t, "listen: \"127.0.0.1:0\"\nlimits: {connections: 1}\nserver: {read_header_timeout: 1s}\n", nil)
	first, answered := keepOpen(t, d.address("listen"), "")
	if !answered {
		t.Fatal("no answer")
	}
	if _, err := io.WriteString(first, "G"); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	if _, answered = keepOpen(t, d.address("listen"), ""); !answered || time.Since(start) > 30*time.Second {
		t.Errorf("another client: answered %t, after %s", answered, time.Since(start))
	}
	if got := d.closed("idle"); got != "0" {
		t.Errorf("%s idle connections were closed", got)
	}
}

func TestAnIdleHTTP2ConnectionMakesRoom(t *testing.T) {
	i := certstest.NewAuthority(t)
	i.Issue("shop", certstest.Host("shop.example.com"))
	d := openDoor(t, tlsLines(i, "shop")+"limits: {connections: 1}\n", nil)
	address := d.address("tls")
	for range 3 {
		client := dialling("tcp", address, authorities(t, i.Path("ca.crt")))
		t.Cleanup(client.CloseIdleConnections)
		got := mustGet(t, client, "https://shop.example.com/")
		if got.status != http.StatusOK || got.proto != "HTTP/2.0" {
			t.Fatalf("%+v", got)
		}
	}
	if got := d.metric(`cocart_gateway_client_connections_closed_total{listener="` + address + `",reason="idle"}`); got != "2" {
		t.Errorf("%s idle connections were closed", got)
	}
}

// Attack: one address opens all connections there may be.
func TestAnAddressHasConnectionsOfItsOwn(t *testing.T) {
	d := openDoor(t, "listen: \"127.0.0.1:0\"\nlimits: {connections_per_address: 2}\n", nil)
	address := d.address("listen")
	first, _ := keepOpen(t, address, "")
	keepOpen(t, address, "")
	if _, answered := keepOpen(t, address, ""); answered {
		t.Error("a third connection got an answer")
	}
	d.stderr.await(t, "its address has limits.connections_per_address connections already; logged once a minute\" listener="+address+" address=127.0.0.1/32 limit=2")
	if got := d.closed("address"); got != "1" {
		t.Errorf("%s were refused", got)
	}
	first.Close()
	tokenstest.Eventually(t, "there is room for another", func() bool { _, answered := keepOpen(t, address, ""); return answered })
}

func TestATrustedProxyHasAnyNumberOfConnections(t *testing.T) {
	d := openDoor(t, "listen: \"127.0.0.1:0\"\nlimits: {connections_per_address: 1}\ntrusted_proxies: [127.0.0.1]\n", nil)
	for range 3 {
		if _, answered := keepOpen(t, d.address("listen"), ""); !answered {
			t.Error("a connection of a proxy was refused")
		}
	}
}

func TestBehindThePROXYProtocolTheClientsAddressCounts(t *testing.T) {
	d := openDoor(t, "listen: \"127.0.0.1:0\"\nproxy_protocol: accept\nlimits: {connections_per_address: 1}\ntrusted_proxies: [127.0.0.1]\n", nil)
	for _, row := range []struct {
		header   string
		answered bool
	}{
		{"PROXY TCP4 192.0.2.9 192.0.2.1 4711 443\r\n", true},
		{"PROXY TCP4 192.0.2.9 192.0.2.1 4712 443\r\n", false},
		{"PROXY TCP4 192.0.2.10 192.0.2.1 4713 443\r\n", true},
		{"PROXY TCP6 2001:db8::1 2001:db8:1::1 4714 443\r\n", true},
		{"PROXY TCP6 2001:db8::2 2001:db8:1::1 4715 443\r\n", false}, // the same /64
		{"PROXY TCP6 2001:db8:0:1::1 2001:db8:1::1 4716 443\r\n", true},
		{"PROXY TCP6 ::ffff:192.0.2.10 ::ffff:192.0.2.1 4717 443\r\n", false}, // the IPv4 address from before
		{proxyV2(t), false}, // 2001:db8::7
		{"", true},          // the load balancer's own
		{"", true},
	} {
		if _, answered := keepOpen(t, d.address("listen"), row.header); answered != row.answered {
			t.Errorf("%q is answered: %t, want %t", row.header, answered, row.answered)
		}
	}
	if got := d.closed("address"); got != "4" {
		t.Errorf("%s were refused", got)
	}
}

// connections is how many are open on the only public listener.
func (d *door) connections() string {
	d.t.Helper()
	return d.metric(`cocart_gateway_client_connections{listener="` + d.address("listen") + `"}`)
}

// A WebSocket holds a place for as long as it is open, so it is counted, and no limit is none.
func TestUpgradedConnectionsAreCounted(t *testing.T) {
	d := openDoor(t, "listen: \"127.0.0.1:0\"\nlimits: {connections: 0}\n", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/live/" {
			return // a probe
		}
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Upgrade", "websocket")
		w.WriteHeader(http.StatusSwitchingProtocols)
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.Copy(conn, conn) // until the client leaves
		conn.Close()
	})
	conn, err := net.Dial("tcp", d.address("listen"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "GET /live/ HTTP/1.1\r\nHost: shop.example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	if resp, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%+v, %v", resp, err)
	}
	if got := d.connections(); got != "1" {
		t.Errorf("%s connections are open, want that one", got)
	}
	conn.Close()
	tokenstest.Eventually(t, "no connection is open, since the client left", func() bool { return d.connections() == "0" })
	if got := d.metric(`cocart_gateway_client_connections_limit{listener="` + d.address("listen") + `"}`); got != "" {
		t.Errorf("the limit is %s", got)
	}
}

// asked is closed after a round trip to another listener of the same process.
func (d *door) asked() <-chan struct{} {
	done := make(chan struct{})
	go func() { defer close(done); d.metric("up") }()
	return done
}

// Only who the operator lets open it gets to a unix socket: what it says of the client is believed.
func TestAProxyOnAUnixSocketIsTrusted(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	openDoor(t, "listen: \"unix:"+socket+"\"\n", nil)
	got := exchangeRaw(t, "unix", socket, strings.Replace(plainRequest, "\r\n\r\n", "\r\nX-Forwarded-Proto: https\r\n\r\n", 1))
	if got != "https 192.0.2.66 shop.example.com" {
		t.Errorf("got %q", got)
	}
}
