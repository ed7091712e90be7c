package e2e

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"cocart-gateway/deploy/demo/shop"
	"cocart-gateway/gateway/wprequest"
)

// reporter makes WordPress tell in a header what it took a request for, and do
// nothing more: the first dispatch of the REST server, or a page.
const reporter = `<?php
	add_filter( 'pre_option_active_plugins', '__return_empty_array' );
	function reading_report( $what ) {
		header( 'X-Read-As: ' . rawurlencode( $what ) );
		exit;
	}
	add_filter( 'rest_pre_dispatch', function ( $result, $server, $request ) {
		$route  = $request->get_route();
		$ours   = array();
		foreach ( \CoCartGateway\is_batch( $route ) ? (array) $request->get_param( 'requests' ) : array() as $one ) {
			$url = is_string( $one['path'] ?? null ) ? wp_parse_url( $one['path'] ) : array();
			if ( \CoCartGateway\is_cocart( $url['path'] ?? '' ) ) {
				$ours[] = $one;
			}
		}
		reading_report( $request->get_method() . ' ' . count( $ours ) . ' ' . $route );
	}, PHP_INT_MIN, 3 );
	add_action( 'parse_request', function () { reading_report( 'page' ); }, PHP_INT_MAX );`

// sample is one request of the comparison, as a client could write it.
type sample struct {
	method, target, body string
	header               http.Header
}

func (s sample) String() string {
	return fmt.Sprintf("%s %s\n\t%v\n\t%q", s.method, s.target, s.header, s.body)
}

// request is what the gateway's server would make of the sample. False: it would
// refuse it unread.
func (s sample) request() (*http.Request, bool) {
	u, err := url.ParseRequestURI(s.target)
	if err != nil {
		return nil, false
	}
	r := &http.Request{Method: s.method, URL: u, Host: "shop.example", Header: s.header.Clone(),
		Body: http.NoBody, ContentLength: int64(len(s.body)), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}
	if s.body != "" {
		r.Body = bodyOf(s.body)
	}
	return r, true
}

type closer struct{ *bytes.Reader }

func (closer) Close() error { return nil }

func bodyOf(s string) closer { return closer{bytes.NewReader([]byte(s))} }

// reading is what either side made of a request.
type reading struct{ class, route, method string }

var (
	readConfig = wprequest.SiteConfig{URL: &url.URL{Scheme: "https", Host: "shop.example"}}
	space      = regexp.MustCompile(`(?i)^/cocart(/|$)`)
	opening    = map[string]*regexp.Regexp{
		"login":    regexp.MustCompile(`(?i)^/cocart/(v2/login|jwt/token)$`),
		"refresh":  regexp.MustCompile(`(?i)^/cocart/jwt/refresh-token$`),
		"validate": regexp.MustCompile(`(?i)^/cocart/jwt/validate-token$`),
		"logout":   regexp.MustCompile(`(?i)^/cocart/(v[12]|jwt)/logout$`),
	}
	batches = regexp.MustCompile(`(?i)^/cocart(/v\d+)?/batch$`)
)

func readBy(cfg wprequest.SiteConfig, s sample) reading {
	r, ok := s.request()
	if !ok {
		return reading{class: "refused"}
	}
	got, err := wprequest.NewSite(cfg).Read(wprequest.Request{Method: r.Method, Target: r.URL.RequestURI(), Header: r.Header}, []byte(s.body))
	if err != nil {
		return reading{class: "refused"}
	}
	return reading{string(got.Class), got.Route, got.Method}
}

// theirs asks WordPress. "page": it would show a page; "nothing": the request
// never came to its front controller, or WordPress refused it.
func theirs(t *testing.T, client *http.Client, s sample) reading {
	r, ok := s.request()
	if !ok {
		return reading{class: "nothing"}
	}
	r.URL.Scheme, r.URL.Host = "http", strings.TrimPrefix(theShop.URL, "http://")
	resp, err := client.Do(r.WithContext(t.Context()))
	if err != nil {
		t.Errorf("%v\n%v", err, s)
		return reading{class: "nothing"}
	}
	defer resp.Body.Close()
	said, err := url.PathUnescape(resp.Header.Get("X-Read-As"))
	switch {
	case err != nil:
		t.Errorf("%v\n%v", err, s)
		return reading{class: "nothing"}
	case said == "":
		return reading{class: "nothing"}
	case said == "page":
		return reading{class: "page"}
	}
	parts := strings.SplitN(said, " ", 3)
	return classed(parts[0], parts[1], parts[2])
}

func classed(method, inside, route string) reading {
	route = strings.TrimSuffix(route, "\n")
	switch {
	case batches.MatchString(route), strings.EqualFold(route, "/batch/v1") && inside != "0":
		return reading{"batch", route, method}
	case !space.MatchString(route):
		return reading{"site", route, method}
	}
	for class, pattern := range opening {
		if method == "POST" && pattern.MatchString(route) {
			return reading{class, route, method}
		}
	}
	return reading{"cocart", route, method}
}

// unreadableForm reports a multipart form that the gateway passes on unread: it
// vouches for a page of the site alone, and the plugin refuses any CoCart route
// that such a form names.
func (s sample) unreadableForm() bool {
	contentType := s.header.Get("Content-Type")
	_, err := wprequest.MultipartFields(contentType, []byte(s.body))
	return s.method == "POST" && strings.HasPrefix(contentType, "multipart/form-data") && err != nil
}

// disagree tells in what way two readings must not differ; "" if they may. The
// public keys are the gateway's own answer: WordPress is not asked.
func disagree(gateway, wordpress reading) string {
	shop := gateway.class == "site"
	switch {
	case gateway.class == "refused", gateway.class == "jwks", wordpress.class == "nothing":
		return ""
	case wordpress.class == "page" || wordpress.class == "site":
		if !shop {
			return "the gateway took it for CoCart's, WordPress did not"
		}
	case shop:
		return "WordPress dispatched a CoCart route that the gateway did not see"
	case gateway != wordpress:
		return "the route, the method or the class differ"
	}
	return ""
}

// reports has the shop report instead of answering, with its plugin taking
// requests that no gateway vouches for.
func reports(t *testing.T) *http.Client {
	reconfigure(t, func(c *shop.Config) { c.Required = false })
	mustUse(t, "reading-report.php", reporter)
	transport := &http.Transport{MaxIdleConnsPerHost: 4}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func TestGatewayAndWordPressReadEachRequestAlike(t *testing.T) {
	compareReadings(t, readConfig, reports(t), number(t, "FUZZREQUESTS", 3000), generate)
}

// compareReadings compares what both sides make of n requests.
func compareReadings(t *testing.T, cfg wprequest.SiteConfig, client *http.Client, n int, generate func(*rand.Rand) sample) {
	seed, begun := number(t, "FUZZSEED", 1), time.Now()
	samples, counts := make(chan sample), make(map[string]int)
	var mu sync.Mutex
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			for s := range samples {
				mine, wp := readBy(cfg, s), theirs(t, client, s)
				if why := disagree(mine, wp); why != "" && !s.unreadableForm() {
					t.Errorf("%s\ngateway   %q\nwordpress %q\n%v", why, mine, wp, s)
				}
				mu.Lock()
				counts[mine.class+" / "+wp.class]++
				mu.Unlock()
			}
		})
	}
	for i := range n {
		samples <- generate(rand.New(rand.NewPCG(uint64(seed), uint64(i))))
	}
	close(samples)
	workers.Wait()
	t.Logf("%d requests, seed %d, in %s; gateway / WordPress: %v", n, seed, time.Since(begun).Round(time.Second), counts)
	if both := counts["cocart / cocart"]; both < n/20 {
		t.Errorf("only %d of %d requests were CoCart's to both", both, n)
	}
}

func number(t *testing.T, name string, otherwise int) int {
	text, ok := os.LookupEnv(name)
	if !ok {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}
