package upstream_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"cocart-gateway/upstream"
	"cocart-gateway/upstream/pool"
	"cocart-gateway/upstream/upstreamtest"
)

// slowShop answers on command, and counts how many it works on at once.
type slowShop struct {
	*upstreamtest.WordPress
	entered chan string   // targets, as they arrive
	release chan struct{} // one for each answer; closed: all

	mu        sync.Mutex
	now, most int
}

func openSlowShop(t *testing.T) *slowShop {
	t.Helper()
	s := &slowShop{WordPress: upstreamtest.Start(t), entered: make(chan string, 1000), release: make(chan struct{})}
	s.Answer = func(_ http.ResponseWriter, r *http.Request, seen upstreamtest.Seen) bool {
		s.change(+1)
		defer s.change(-1)
		s.entered <- seen.Target
		select {
		case <-s.release:
		case <-r.Context().Done():
		}
		return false
	}
	return s
}

func (s *slowShop) change(by int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now += by
	s.most = max(s.most, s.now)
}

func (s *slowShop) atOnce() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.most
}

func limited(c pool.Concurrency) func(*upstream.Config) {
	c.Wait = orMinute(c.Wait)
	return func(cfg *upstream.Config) { cfg.Concurrency = c }
}

// orMinute is longer than any test.
func orMinute(d time.Duration) time.Duration {
	if d == 0 {
		return time.Minute
	}
	return d
}

// start sends a request and reports its result later: a status, or 0.
func (fr *front) start(ctx context.Context, target string, headers ...string) <-chan int {
	done := make(chan int, 1)
	go func() {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, fr.URL+target, nil)
		if err != nil {
			panic(err) // the targets are ours
		}
		for _, h := range headers {
			name, value, _ := strings.Cut(h, ": ")
			req.Header.Set(name, value)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			done <- 0
			return
		}
		_, _ = io.Copy(io.Discard, resp.Body) // the status says enough
		resp.Body.Close()
		done <- resp.StatusCode
	}()
	return done
}

// until waits for a metric; a test that never gets there runs into its timeout.
func (fr *front) until(t *testing.T, series string, want float64) {
	t.Helper()
	for fr.metric(t, series) != want {
		if t.Context().Err() != nil {
			t.Fatalf("%s never became %v", series, want)
		}
		time.Sleep(time.Millisecond)
	}
}

const queuedSite, queuedCoCart = `cocart_gateway_upstream_queued{queue="site"}`, `cocart_gateway_upstream_queued{queue="cocart"}`

func TestTenTimesTheLoadIsShedAndPHPNeverSeesMoreThanTheLimit(t *testing.T) {
	shop := openSlowShop(t)
	fr := newFront(t, shop.URL, asSite(), limited(pool.Concurrency{Limit: 4, Queue: 6, SitePercent: 100}))
	var answers []<-chan int
	for i := range 40 {
		answers = append(answers, fr.start(t.Context(), fmt.Sprint("/page/", i)))
	}
	for range 30 { // all but four that are answered and six that wait, while not one answer has come
		if err := <-fr.errors; !errors.Is(err, upstream.ErrBusy) {
			t.Fatal(err)
		}
	}
	for shop.atOnce() < 4 && t.Context().Err() == nil { // they have their places, and are on their way
		time.Sleep(time.Millisecond)
	}
	close(shop.release)
	got := map[int]int{}
	for _, answer := range answers {
		got[<-answer]++
	}
	if got[200] != 10 || got[http.StatusTeapot] != 30 {
		t.Errorf("answers %v", got)
	}
	if n := shop.atOnce(); n != 4 {
		t.Errorf("PHP worked on %d at once", n)
	}
	if n := fr.metric(t, `cocart_gateway_upstream_shed_total{queue="site",reason="full"}`); n != 30 {
		t.Errorf("%v counted as shed", n)
	}
	if n := fr.metric(t, `cocart_gateway_upstream_queue_wait_seconds{queue="site"}`); n != 6 {
		t.Errorf("%v waited", n)
	}
	fr.until(t, `cocart_gateway_upstream_in_flight{node="`+mustParse(t, shop.URL).Host+`"}`, 0)
}

func TestWaitingTooLongIsBusy(t *testing.T) {
	shop := openSlowShop(t)
	defer close(shop.release)
	fr := newFront(t, shop.URL, asSite(), limited(pool.Concurrency{Limit: 1, Queue: 5, Wait: 5 * time.Millisecond}))
	fr.start(t.Context(), "/first")
	<-shop.entered
	fr.send(t, "GET", "/second", "")
	if err := <-fr.errors; !errors.Is(err, upstream.ErrBusy) || len(shop.Seen()) != 1 {
		t.Errorf("%v, %d requests arrived", err, len(shop.Seen()))
	}
	if n := fr.metric(t, `cocart_gateway_upstream_shed_total{queue="site",reason="timeout"}`); n != 1 {
		t.Errorf("%v counted", n)
	}
}

func TestWhoWaitsIsServedInOrder(t *testing.T) {
	shop := openSlowShop(t)
	fr := newFront(t, shop.URL, asSite(), limited(pool.Concurrency{Limit: 1, Queue: 5}))
	fr.start(t.Context(), "/0")
	var got []string
	got = append(got, <-shop.entered)
	for i := 1; i <= 4; i++ {
		fr.start(t.Context(), fmt.Sprint("/", i))
		fr.until(t, queuedSite, float64(i))
	}
	for range 4 {
		shop.release <- struct{}{}
		got = append(got, <-shop.entered)
	}
	close(shop.release)
	if order := strings.Join(got, " "); order != "/0 /1 /2 /3 /4" {
		t.Errorf("served %s", order)
	}
}

func TestARequestOvertakesOneThatMayNotUseTheFreeNode(t *testing.T) {
	busy, idle := openSlowShop(t), upstreamtest.Start(t)
	idle.Answer = func(w http.ResponseWriter, r *http.Request, s upstreamtest.Seen) bool {
		return s.Target == "/barred" && cut(w, r, s)
	}
	f := asSite()
	f.Repeatable = true
	fr := newFront(t, "http://unused", f, onNodes(mustParse(t, busy.URL), mustParse(t, idle.URL)),
		limited(pool.Concurrency{Limit: 1, Queue: 1, SitePercent: 100}))
	var held <-chan int
	for held == nil { // until chance has filled the one that does not answer
		answer := fr.start(t.Context(), "/page")
		select {
		case <-busy.entered:
			held = answer
		case <-answer:
		}
	}
	barred := fr.start(t.Context(), "/barred") // has been at the idle one, and waits for the other
	fr.until(t, queuedSite, 1)
	if got := <-fr.start(t.Context(), "/page"); got != 200 {
		t.Errorf("the next one: %d, %v", got, <-fr.errors)
	}
	close(busy.release)
	<-barred
	<-held
}

func TestWhoLeavesMakesRoomInTheQueue(t *testing.T) {
	shop := openSlowShop(t)
	fr := newFront(t, shop.URL, asSite(), limited(pool.Concurrency{Limit: 1, Queue: 1}))
	first := fr.start(t.Context(), "/first")
	<-shop.entered
	ctx, leave := context.WithCancel(t.Context())
	fr.start(ctx, "/impatient")
	fr.until(t, queuedSite, 1)
	leave()
	fr.until(t, queuedSite, 0)
	if err := <-fr.errors; !errors.Is(err, context.Canceled) {
		t.Errorf("who left got %v", err)
	}
	next := fr.start(t.Context(), "/patient")
	fr.until(t, queuedSite, 1)
	close(shop.release)
	if a, b := <-first, <-next; a != 200 || b != 200 {
		t.Errorf("%d, %d", a, b)
	}
	if last := <-shop.entered; last != "/patient" {
		t.Errorf("PHP was asked for %s", last)
	}
}

func TestAFloodOfPagesLeavesRoomForCoCart(t *testing.T) {
	shop := openSlowShop(t)
	defer close(shop.release)
	fr := newFront(t, shop.URL, asSite(), limited(pool.Concurrency{Limit: 4, Queue: 10, SitePercent: 50}))
	for range 12 {
		fr.start(t.Context(), "/page")
	}
	fr.until(t, queuedSite, 10)
	for range 2 {
		<-shop.entered
	}
	for range 2 {
		fr.start(t.Context(), "/wp-json/cocart/v2/cart", "Test-Kind: guest")
		if target := <-shop.entered; !strings.HasPrefix(target, "/wp-json/") {
			t.Errorf("PHP was asked for %s, a third page", target)
		}
	}
	fr.start(t.Context(), "/wp-json/cocart/v2/cart", "Test-Kind: guest")
	fr.until(t, queuedCoCart, 1) // a queue of its own: the other one is full
	if n := shop.atOnce(); n != 4 {
		t.Errorf("%d at once", n)
	}
}

func TestAnUpgradedConnectionTakesNoPlace(t *testing.T) {
	wp := upstreamtest.Start(t)
	wp.Answer = func(w http.ResponseWriter, r *http.Request, s upstreamtest.Seen) bool {
		if s.Target != "/socket" {
			return false
		}
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Upgrade", "websocket")
		w.WriteHeader(http.StatusSwitchingProtocols)
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return true
		}
		defer conn.Close()
		_, _ = rw.ReadString('\n') // until the client hangs up
		return true
	}
	fr := newFront(t, wp.URL, asSite(), limited(pool.Concurrency{Limit: 1}))
	conn, err := net.Dial("tcp", fr.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET /socket HTTP/1.1\r\nHost: shop.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	if resp, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%v, %v", resp, err)
	}
	if status := fr.send(t, "GET", "/page", ""); status != 200 {
		t.Errorf("status %d beside an open socket", status)
	}
}

func TestAPlaceIsHeldUntilTheAnswerEnded(t *testing.T) {
	wp := upstreamtest.Start(t)
	finish := make(chan struct{})
	wp.Answer = func(w http.ResponseWriter, _ *http.Request, s upstreamtest.Seen) bool {
		if s.Target == "/stream" {
			fmt.Fprintln(w, "first")
			_ = http.NewResponseController(w).Flush()
			<-finish
		}
		return false
	}
	fr := newFront(t, wp.URL, asSite(), limited(pool.Concurrency{Limit: 1}))
	resp, err := http.Get(fr.URL + "/stream")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if status := fr.send(t, "GET", "/page", ""); status != http.StatusTeapot {
		t.Errorf("status %d while the stream goes on", status)
	}
	close(finish)
	if _, err := io.ReadAll(resp.Body); err != nil {
		t.Error(err)
	}
	fr.until(t, `cocart_gateway_upstream_in_flight{node="`+mustParse(t, wp.URL).Host+`"}`, 0)
	if status := fr.send(t, "GET", "/page", ""); status != 200 {
		t.Errorf("status %d once it has ended", status)
	}
}

func TestABodyThatArrivesSlowlyTakesNoPlace(t *testing.T) {
	wp := upstreamtest.Start(t)
	fr := newFront(t, wp.URL, asSite(), limited(pool.Concurrency{Limit: 1}))
	conn, err := net.Dial("tcp", fr.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "POST /slow HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 8\r\nExpect: 100-continue\r\n\r\n")
	in := bufio.NewReader(conn)
	if line, err := in.ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") { // it is being read
		t.Fatalf("%q, %v", line, err)
	}
	fmt.Fprint(conn, "half")
	if status := fr.send(t, "GET", "/page", ""); status != 200 {
		t.Errorf("status %d beside a slow upload", status)
	}
	fmt.Fprint(conn, "done")
	_, _ = in.ReadString('\n') // the empty line after 100
	resp, err := http.ReadResponse(in, nil)
	for err == nil && resp.StatusCode == http.StatusContinue { // the shop's own
		resp, err = http.ReadResponse(in, nil)
	}
	if err != nil || resp.StatusCode != 200 {
		t.Fatalf("%v, %v", resp, err)
	}
	if got := wp.Last().Body; got != "halfdone" {
		t.Errorf("arrived: %q", got)
	}
}

func TestALargeBodyIsAStreamUnderALimitToo(t *testing.T) {
	wp := upstreamtest.Start(t)
	fr := newFront(t, wp.URL, asSite(), limited(pool.Concurrency{Limit: 1}))
	body := strings.Repeat("0123456789abcdef", 20_000)
	if status := fr.send(t, "POST", "/upload", body); status != 200 || wp.Last().Body != body {
		t.Errorf("status %d, %d bytes of %d arrived", status, len(wp.Last().Body), len(body))
	}
}

func TestANodeThatIsDownHasNoPlaces(t *testing.T) {
	one, two := openSlowShop(t), openSlowShop(t)
	one.Lock()
	slow := one.Answer
	one.Answer = func(w http.ResponseWriter, r *http.Request, s upstreamtest.Seen) bool {
		if s.Method == http.MethodHead {
			w.WriteHeader(500)
			return true
		}
		return slow(w, r, s)
	}
	one.Unlock()
	two.Lock()
	slowToo := two.Answer
	two.Answer = func(w http.ResponseWriter, r *http.Request, s upstreamtest.Seen) bool {
		return s.Method != http.MethodHead && slowToo(w, r, s)
	}
	two.Unlock()
	fr := newFront(t, "http://unused", asSite(), onNodes(mustParse(t, one.URL), mustParse(t, two.URL)),
		limited(pool.Concurrency{Limit: 2, Queue: 1, SitePercent: 100}), func(c *upstream.Config) { c.Health.Failures = 1 })
	fr.wordpress.Check(t.Context())
	for range 4 {
		fr.start(t.Context(), "/page")
	}
	if err := <-fr.errors; !errors.Is(err, upstream.ErrBusy) { // two are answered, one waits
		t.Fatal(err)
	}
	if a, b := one.atOnce(), two.atOnce(); a != 0 || b > 2 {
		t.Errorf("the node that is down works on %d, the other on %d", a, b)
	}
	close(one.release)
	close(two.release)
}

// TestNothingLeaksWhereClientsLeave lets clients leave at every point there is;
// afterwards all places are free and no request waits.
func TestNothingLeaksWhereClientsLeave(t *testing.T) {
	one, two := openSlowShop(t), openSlowShop(t)
	close(one.release)
	close(two.release)
	nodes := []*url.URL{mustParse(t, one.URL), mustParse(t, two.URL)}
	fr := newFront(t, "http://unused", asSite(), onNodes(nodes...), limited(pool.Concurrency{Limit: 2, Queue: 20, SitePercent: 50}))
	var asked sync.WaitGroup
	asked.Go(func() {
		for range fr.errors { // their texts do not matter
		}
	})
	t.Cleanup(func() {
		fr.Close() // waits for handlers that have an error to tell yet
		close(fr.errors)
		asked.Wait()
	})
	var gone []<-chan int
	for i := range 300 {
		ctx, leave := context.WithTimeout(t.Context(), time.Duration(i%7)*time.Millisecond)
		defer leave()
		kind := "Test-Kind: " + []string{"site", "guest"}[i%2]
		gone = append(gone, fr.start(ctx, "/page", kind))
	}
	for _, done := range gone {
		<-done
	}
	for _, node := range nodes {
		fr.until(t, `cocart_gateway_upstream_in_flight{node="`+node.Host+`"}`, 0)
	}
	fr.until(t, queuedSite, 0)
	fr.until(t, queuedCoCart, 0)
	var all []<-chan int
	for range 3 {
		all = append(all, fr.start(t.Context(), "/page", "Test-Kind: guest"))
	}
	for _, done := range all {
		if status := <-done; status != 200 {
			t.Errorf("status %d afterwards", status)
		}
	}
}
