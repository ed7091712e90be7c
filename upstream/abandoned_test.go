package upstream_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"cocart-gateway/upstream"
	"cocart-gateway/upstream/pool"
	"cocart-gateway/upstream/upstreamtest"
)

const (
	queuedOwn     = `cocart_gateway_upstream_queued{queue="own"}`
	shedLeft      = `cocart_gateway_upstream_shed_total{queue="site",reason="left"}`
	shedAbandoned = `cocart_gateway_upstream_shed_total{queue="site",reason="abandoned"}`
)

// leave sends a request and closes the connection at once, as wp_remote_post does that does not wait for the answer.
func (fr *front) leave(t *testing.T, request string) {
	t.Helper()
	conn, err := net.Dial("tcp", fr.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.WriteString(conn, request)
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func acting(target, body string, headers ...string) string {
	more := strings.Join(append(headers, ""), "\r\n")
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: shop.example\r\nTest-Acts: 1\r\n%sContent-Length: %d\r\n\r\n%s", target, more, len(body), body)
}

// occupied is a shop of one place, which a page holds until shop.release is closed.
func occupied(t *testing.T, c pool.Concurrency) (*slowShop, *front) {
	t.Helper()
	shop := openSlowShop(t)
	c.Limit, c.Queue, c.SitePercent = 1, max(c.Queue, 10), 100
	fr := newFront(t, shop.URL, asSite(), limited(c))
	fr.start(t.Context(), "/page")
	<-shop.entered
	return shop, fr
}

func TestARequestThatActsKeepsItsPlaceWhenItsClientLeaves(t *testing.T) {
	shop, fr := occupied(t, pool.Concurrency{})
	for i := range 5 {
		fr.leave(t, acting(fmt.Sprint("/job/", i), fmt.Sprint("job=", i)))
	}
	fr.until(t, queuedSite, 5)
	close(shop.release)
	var got []string
	for range 5 {
		got = append(got, <-shop.entered)
	}
	slices.Sort(got)
	if fmt.Sprint(got) != "[/job/0 /job/1 /job/2 /job/3 /job/4]" {
		t.Errorf("WordPress was asked for %v", got)
	}
	for _, seen := range shop.Seen()[1:] {
		if seen.Body != "job="+strings.TrimPrefix(seen.Target, "/job/") {
			t.Errorf("%s came with the body %q", seen.Target, seen.Body)
		}
	}
}

func TestAPageIsNotMadeWhenItsClientLeaves(t *testing.T) {
	shop, fr := occupied(t, pool.Concurrency{})
	fr.leave(t, "GET /left HTTP/1.1\r\nHost: shop.example\r\n\r\n")
	fr.until(t, shedLeft, 1)
	close(shop.release)
	fr.start(t.Context(), "/next")
	if got := <-shop.entered; got != "/next" {
		t.Errorf("WordPress was asked for %s", got)
	}
}

func TestHalfARequestThatActsIsNotSent(t *testing.T) {
	wp := upstreamtest.Start(t)
	fr := newFront(t, wp.URL, asSite(), limited(pool.Concurrency{Limit: 1, Queue: 1}))
	fr.leave(t, strings.Replace(acting("/job", "job=1"), "Content-Length: 5", "Content-Length: 6", 1))
	<-fr.errors
	if n := len(wp.Seen()); n != 0 {
		t.Errorf("WordPress saw %d requests", n)
	}
}

// Attack: HTTP/2 Rapid Reset and its like, requests that cost their sender nothing.
func TestRequestsWithoutAClientAreBounded(t *testing.T) {
	shop, fr := occupied(t, pool.Concurrency{Abandoned: 2})
	for i := range 6 {
		fr.leave(t, acting(fmt.Sprint("/job/", i), ""))
	}
	fr.until(t, shedAbandoned, 4)
	for range 3 { // the shop's own are not counted among them
		fr.leave(t, acting("/wp-cron.php", "", "Test-Own: 1"))
	}
	close(shop.release)
	got := map[string]int{}
	for range 5 {
		target := <-shop.entered
		got[strings.TrimRight(target, "0123456789")]++
	}
	if got["/job/"] != 2 || got["/wp-cron.php"] != 3 {
		t.Errorf("WordPress was asked for %v", got)
	}
	fr.until(t, queuedSite, 0)
	for i := range 2 { // those that are over make room for others
		fr.leave(t, acting(fmt.Sprint("/more/", i), ""))
		<-shop.entered
	}
}

// A client that waits is turned away after queue_timeout; where none waits, there is no reason to.
func TestARequestWithoutAClientWaitsLongerAndTakesNoRoomInTheQueue(t *testing.T) {
	shop, fr := occupied(t, pool.Concurrency{Queue: 10, Wait: time.Second})
	for i := range 10 {
		fr.leave(t, acting(fmt.Sprint("/job/", i), ""))
	}
	fr.until(t, queuedSite, 10)
	const timedOut = `cocart_gateway_upstream_shed_total{queue="site",reason="timeout"}`
	for fr.metric(t, timedOut) == 0 && t.Context().Err() == nil { // a page finds room in the queue, and waits as long as a client does
		fr.send(t, "GET", "/page", "")
		<-fr.errors
	}
	close(shop.release)
	for range 10 {
		<-shop.entered
	}
}

func TestWithoutALimitEveryRequestThatActsArrives(t *testing.T) {
	wp := upstreamtest.Start(t)
	fr := newFront(t, wp.URL, asSite())
	for i := range 60 {
		fr.leave(t, acting(fmt.Sprint("/job/", i), "job=1"))
	}
	for len(wp.Seen()) < 60 && t.Context().Err() == nil {
		time.Sleep(time.Millisecond)
	}
	for _, seen := range wp.Seen() {
		if seen.Body != "job=1" {
			t.Errorf("%s came with the body %q", seen.Target, seen.Body)
		}
	}
}

// A page that waits for a request of the shop to itself holds the place that this request needs.
func TestTheShopsOwnRequestsAreNotStarvedByItsStorefront(t *testing.T) {
	shop, fr := occupied(t, pool.Concurrency{})
	for range 3 {
		fr.start(t.Context(), "/page")
	}
	fr.until(t, queuedSite, 3)
	fr.start(t.Context(), "/wp-cron.php", "Test-Own: 1")
	if got := <-shop.entered; got != "/wp-cron.php" { // in the place beyond the limit
		t.Errorf("WordPress was asked for %s", got)
	}
	fr.start(t.Context(), "/wp-cron.php?2", "Test-Own: 1")
	fr.until(t, queuedOwn, 1)
	shop.release <- struct{}{}
	if got := <-shop.entered; got != "/wp-cron.php?2" { // before the pages that came first
		t.Errorf("WordPress was asked for %s", got)
	}
	close(shop.release)
}

// A client that leaves says nothing of WordPress. Attack: requests without a body that are cancelled at once take nodes down.
func TestARequestThatIsAbandonedTakesNoNodeDown(t *testing.T) {
	shop := openSlowShop(t)
	fr := newFront(t, shop.URL, asSite(), limited(pool.Concurrency{Abandoned: -1}), func(c *upstream.Config) { c.Health.Failures = 1 })
	conn, err := net.Dial("tcp", fr.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.WriteString(conn, acting("/job", ""))
	<-shop.entered
	if err := errors.Join(err, conn.Close()); err != nil {
		t.Fatal(err)
	}
	if err := <-fr.errors; !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	if n := fr.log.count("node is down"); n != 0 {
		t.Errorf("the log is\n%s", fr.log)
	}
}
