package main

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cocart-gateway/cmd/cocart-gateway/config"
)

// Every key that a reload changes: what customers meet before and after.
var reloads = []struct {
	key           string
	with          settings // needed to see it
	before, after string   // "" is the default
	look          func(r *rig) string
	want          [2]string
}{
	{"admin.token", nil, adminToken, "another admin token of these tests, 32 bytes", statusOfOld, [2]string{"200", "401"}},
	{"admin.hosts", nil, "", "[metrics.internal]", func(r *rig) string {
		return code(r.send("http://"+r.admin, "GET", "/healthz", "", "Host: metrics.internal"))
	}, [2]string{"421", "200"}},
	{"admin.oauth", nil, "", "true", func(r *rig) string { return code(r.administer("POST", "/oauth/introspect")) }, [2]string{"404", "400"}},
	{"site.rest_prefix", nil, "", "api", badToken("/api/cocart/v2/cart"), [2]string{"200", "401"}},
	{"site.paths", nil, "", "[/en]", badToken("/en/wp-json/cocart/v2/cart"), [2]string{"200", "401"}},
	{"site.namespaces", nil, "", "[cocart, acme]", badToken("/wp-json/acme/v2/cart"), [2]string{"200", "401"}},
	{"site.guests", nil, "", "deny", func(r *rig) string { return code(r.do("GET", cart, "")) }, [2]string{"200", "401"}},
	{"site.auth_headers", nil, "", "[Authorization, X-Authorization]", func(r *rig) string {
		return code(r.do("GET", cart, "", "X-Authorization: Bearer bad"))
	}, [2]string{"200", "401"}},
	{"site.hosts", nil, "", "[other.example]", func(r *rig) string {
		return code(r.do("GET", cart, "", "X-Forwarded-Host: a-third.example"))
	}, [2]string{"200", "421"}},
	{"tokens.keys", nil, "", "[" + secondKey + "]", withToken(nil), [2]string{"200", "401"}},
	{"tokens.refresh_secret", nil, "", "a refresh secret of these tests, 32 bytes", oneRefresh, [2]string{"200", "401"}},
	{"tokens.access_ttl", nil, "", "15m", func(r *rig) string {
		claims := claimsOf(first(r.login()))
		return fmt.Sprint(claims["exp"].(float64) - claims["iat"].(float64))
	}, [2]string{"864000", "900"}},
	{"tokens.session_ttl", settings{"tokens.access_ttl": "20m"}, "", "20m", sessionEnd(20 * time.Minute), [2]string{"later", "soon"}},
	{"tokens.refresh_ttl", settings{"tokens.access_ttl": "1h"}, "", "1h", sessionEnd(time.Hour), [2]string{"later", "soon"}},
	{"tokens.refresh_grace", settings{"tokens.lost_answer": "never", "tokens.reuse_by_same_client": "end"}, "", "0s", spentRefresh, [2]string{"200", "401"}},
	{"tokens.reuse_by_same_client", settings{"tokens.refresh_grace": "0s", "tokens.lost_answer": "never"}, "", "refuse", spentRefresh, [2]string{"200", "401"}},
	{"tokens.lost_answer", settings{"tokens.refresh_grace": "0s", "tokens.reuse_by_same_client": "end"}, "", "never", spentRefresh, [2]string{"200", "401"}},
	{"tokens.max_sessions", nil, "", "1", func(r *rig) string {
		access, _ := r.login()
		r.login()
		return code(r.do("GET", cart, "", "Authorization: Bearer "+access))
	}, [2]string{"200", "401"}},
	{"tokens.leeway", nil, "", "0s", withToken(func(claims map[string]any) { claims["exp"] = time.Now().Unix() - 3 }), [2]string{"200", "401"}},
	{"tokens.audience", nil, "", "shop", withToken(nil), [2]string{"200", "401"}},
	{"tokens.verified_cache", nil, "", "0", func(r *rig) string {
		access, _ := r.login()
		hits := func() string { return r.metric(`cocart_gateway_verified_token_cache_total{outcome="hit"}`) }
		before := hits()
		for range 2 {
			r.do("GET", cart, "", "Authorization: Bearer "+access)
		}
		return fmt.Sprint(hits() != before)
	}, [2]string{"true", "false"}},
	{"revocation.max_staleness", nil, "", "10m", inForceOf("max_staleness"), [2]string{"0s", "10m"}},
	{"revocation.on_stale", settings{"revocation.max_staleness": "10m"}, "", "deny", inForceOf("on_stale"), [2]string{"serve", "deny"}},
	{"revocation.on_loss", nil, "", "deny", inForceOf("on_loss"), [2]string{"serve", "deny"}},
	{"server.assume_https", nil, "", "true", schemeOf(), [2]string{"http", "https"}},
	{"server.scheme_headers", nil, "", "[CloudFront-Forwarded-Proto]", schemeOf("X-Forwarded-Proto: https"), [2]string{"https", "http"}},
	{"trusted_proxies", nil, "", "[192.0.2.7]", func(r *rig) string {
		r.do("GET", cart, "", "X-Forwarded-For: 198.51.100.9")
		return r.wordpress.Last().Claims.Client
	}, [2]string{"198.51.100.9", "127.0.0.1"}},
	{"compat.invalid_token_status", nil, "", "403", badToken(cart), [2]string{"401", "403"}},
	{"compat.mirror_cart_key", nil, "", "false", func(r *rig) string {
		return fmt.Sprint(r.do("GET", cart, "").header.Get("Cart-Key") != "")
	}, [2]string{"true", "false"}},
	{"compat.bearer_login_refresh", nil, "", "true", func(r *rig) string {
		access, _ := r.login()
		return fmt.Sprint(strings.Contains(r.do("POST", "/wp-json/cocart/v2/login", "", "Authorization: Bearer "+access).body, "jwt_refresh"))
	}, [2]string{"false", "true"}},
	{"compat.other_bearers", nil, "", "pass", func(r *rig) string {
		token := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256"}`)) + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"id":2}`)) + ".AAAA"
		return code(r.do("GET", cart, "", "Authorization: Bearer "+token))
	}, [2]string{"401", "200"}},
	{"compat.accept_plugin_tokens", settings{"compat.plugin_secret": oldSecret}, "", "true", withPluginToken, [2]string{"401", "200"}},
	{"compat.plugin_secret", settings{"compat.accept_plugin_tokens": "true"}, "another secret of the old plugin", oldSecret, withPluginToken, [2]string{"401", "200"}},
	{"compat.plugin_issuer", pluginTokens, "", "https://api.example", withPluginTokenOf("", "https://api.example"), [2]string{"401", "200"}},
	{"compat.plugin_token_prefix", pluginTokens, "", "shop_", withPluginTokenOf("shop_", ""), [2]string{"401", "200"}},
	{"compat.plugin_refresh", nil, "", "true", func(r *rig) string {
		foreign := strings.Repeat("0f", 64)
		r.wordpress.Lock()
		r.wordpress.OldRefresh = map[string]int64{foreign: 2}
		r.wordpress.Unlock()
		return code(r.refresh(foreign))
	}, [2]string{"401", "200"}},
	{"compat.hand_back", settings{"compat.accept_plugin_tokens": "true", "compat.plugin_secret": oldSecret}, "", "true", func(r *rig) string {
		foreign := strings.Repeat("0e", 64)
		r.wordpress.Lock()
		r.wordpress.OldRefresh = map[string]int64{foreign: 2}
		r.wordpress.Unlock()
		return code(r.refresh(foreign))
	}, [2]string{"401", "200"}},
	{"cors.origins", nil, "", `["https://app.example"]`, corsHeader("Access-Control-Allow-Origin"), [2]string{"*", ""}},
	{"cors.credentials", settings{"cors.origins": `["https://page.example"]`}, "", "true", corsHeader("Access-Control-Allow-Credentials"), [2]string{"", "true"}},
	{"cors.allow_headers", nil, "", "[X-Currency]", func(r *rig) string {
		return r.do("OPTIONS", cart, "", "Origin: https://page.example", "Access-Control-Request-Method: GET", "Access-Control-Request-Headers: x-currency").header.Get("Access-Control-Allow-Headers")
	}, [2]string{"", "x-currency"}},
	{"cors.expose_headers", nil, "", "[X-Stock]", func(r *rig) string {
		return fmt.Sprint(strings.Contains(r.do("GET", cart, "", "Origin: https://page.example").header.Get("Access-Control-Expose-Headers"), "X-Stock"))
	}, [2]string{"false", "true"}},
	{"cors.max_age", nil, "", "1m", corsHeader("Access-Control-Max-Age"), [2]string{"600", "60"}},
	{"cookies.enabled", nil, "", "true", func(r *rig) string { return code(r.cookieLogin()) }, [2]string{"400", "200"}},
	{"cookies.domain", settings{"cookies.enabled": "true"}, "", "shop.example", func(r *rig) string {
		return fmt.Sprint(strings.Contains(r.cookieLogin().header.Get("Set-Cookie"), "; Domain=shop.example"))
	}, [2]string{"false", "true"}},
	{"cookies.same_site", settings{"cookies.enabled": "true"}, "", "strict", func(r *rig) string {
		return fmt.Sprint(strings.Contains(r.cookieLogin().header.Get("Set-Cookie"), "; SameSite=Strict"))
	}, [2]string{"false", "true"}},
	{"limits.login_body", nil, "", "1KiB", func(r *rig) string {
		return code(r.do("POST", "/wp-json/cocart/v2/login", `{"username":"alice","password":"wonderland-1","x":"`+strings.Repeat("x", 2000)+`"}`))
	}, [2]string{"200", "413"}},
	{"limits.form", nil, "", "1KiB", func(r *rig) string {
		return code(r.do("POST", cart, "x="+strings.Repeat("x", 2000), "Content-Type: application/x-www-form-urlencoded"))
	}, [2]string{"200", "413"}},
	{"limits.json", nil, "", "1KiB", func(r *rig) string {
		return code(r.do("POST", cart, `{"x":"`+strings.Repeat("x", 2000)+`"}`, "Content-Type: application/json"))
	}, [2]string{"200", "413"}},
	{"limits.body", nil, "", "1KiB", func(r *rig) string { return code(r.do("POST", cart, `{"x":"`+strings.Repeat("x", 2000)+`"}`)) }, [2]string{"200", "413"}},
	{"limits.parameters", nil, "", "2", func(r *rig) string { return code(r.do("GET", cart+"?a=1&b=2&c=3", "")) }, [2]string{"200", "400"}},
	{"limits.upload_rate", settings{"server.read_timeout": "1s"}, "1B", "1MiB", trickledBody, [2]string{"200", "408"}},
	{"limits.connections_per_address", settings{"trusted_proxies": "[192.0.2.7]"}, "", "1", func(r *rig) string {
		first, one := keepOpen(r.T, r.public, "")
		second, two := keepOpen(r.T, r.public, "")
		first.Close()
		second.Close()
		return fmt.Sprint(one && two)
	}, [2]string{"true", "false"}},
	{"limits.login.account", noLanes, "", "1/15m", wrongPasswords, [2]string{"401 401", "429 429"}}, // what was counted is counted
	{"limits.login.account_network", settings{"limits.login.account": "1/15m", "limits.login.account_network": "off", "limits.login.newcomer.account": "off"}, "", "off", wrongPasswords, [2]string{"401 401", "429 429"}},
	{"limits.login.newcomer.account", lockedEarly, "", "off", wrongPasswords, [2]string{"401 401", "429 429"}},
	{"limits.login.newcomer.address", lockedEarly, "", "1/1d", wrongPasswords, [2]string{"401 401", "429 429"}},
	{"limits.login.newcomer.network", lockedEarly, "", "1/1d", wrongPasswords, [2]string{"401 401", "429 429"}},
	{"limits.login.address", noLanes, "", "1/15m", wrongPasswords, [2]string{"401 401", "429 429"}},
	{"limits.login.subnet", settings{"trusted_proxies": "[127.0.0.1]"}, "200/1d", "1/15m", func(r *rig) string { return tryTwice(r, "", "X-Forwarded-For: 2001:db8::7") }, [2]string{"401 401", "429 429"}},
	{"limits.login.network", noLanes, "500/1d", "1/15m", wrongPasswords, [2]string{"401 401", "429 429"}},
	{"limits.login.overall", noLanes, "", "1/15m", wrongPasswords, [2]string{"401 401", "401 429"}},
	{"limits.login.site_login", settings{"limits.login.account": "1/15m", "limits.login.account_network": "off", "limits.login.newcomer.account": "off"}, "", "false", func(r *rig) string {
		return code(r.do("POST", "/wp-login.php", "")) + " " + code(r.do("POST", "/wp-login.php", ""))
	}, [2]string{"401 429", "401 401"}},
	{"limits.second_factor", nil, "", "1/15m", func(r *rig) string { return tryTwice(r, `,"2fa_code":"1"`) }, [2]string{"401 401", "429 429"}},
	{"limits.refresh", nil, "", "7/1m", func(r *rig) string { return r.refresh("x").header.Get("X-RateLimit-Limit") }, [2]string{"600", "7"}},
	{"limits.validate", nil, "", "7/1m", func(r *rig) string {
		return r.do("POST", "/wp-json/cocart/jwt/validate-token", "").header.Get("X-RateLimit-Limit")
	}, [2]string{"600", "7"}},
	{"site.protect", nil, "", "[wc/store]", func(r *rig) string {
		return code(r.do("GET", "/wp-json/wc/store/v1/cart", "", "Authorization: Bearer a.b.c"))
	}, [2]string{"200", "401"}},
	{"app_servers", nil, "", "[{name: web, secret: a-secret-of-an-app-server-of-32-bytes-or-more}]", func(r *rig) string {
		return code(r.do("GET", cart, "", "CoCart-App-Server: web:a-secret-of-an-app-server-of-32-bytes-or-more"))
	}, [2]string{"401", "200"}},
	{"limits.requests.address", nil, "", "7/1m", requestLimit, [2]string{"", "7"}},
	{"limits.requests.session", nil, "", "7/1m", requestLimit, [2]string{"", "7"}},
	{"login.uniform_errors", nil, "", "false", func(r *rig) string {
		return fmt.Sprint(strings.Contains(r.do("POST", "/wp-json/cocart/v2/login", wrongPassword("")).body, "Said by WordPress."))
	}, [2]string{"false", "true"}},
	{"server.read_timeout", nil, "30s", "10ms", halfABody, [2]string{"200", "408"}},
	{"log.level", nil, "", "debug", func(r *rig) string {
		r.do("GET", "/a-page-of-the-storefront", "")
		return fmt.Sprint(strings.Contains(r.logged(), "route=site"))
	}, [2]string{"false", "true"}},
	{"log.format", nil, "", "json", func(r *rig) string {
		r.do("GET", cart, "")
		lines := strings.Split(strings.TrimSpace(r.logged()), "\n")
		return fmt.Sprint(json.Valid([]byte(lines[len(lines)-1])))
	}, [2]string{"false", "true"}},
}

// elsewhere are keys that have a test of their own.
var elsewhere = []string{"upstream.secret", "server.shutdown_timeout", "server.drain_delay", "tls.certificates", "compat.plugin_address", "limits.download_rate"}

func TestAReloadChangesWhatRequestsMeet(t *testing.T) {
	for _, row := range reloads {
		t.Run(row.key, func(t *testing.T) {
			t.Parallel()
			with := settings{row.key: row.before}
			for key, text := range row.with {
				with[key] = text
			}
			if row.before == "" {
				delete(with, row.key)
			}
			r := start(t, with)
			r.kept.access, r.kept.refresh = r.login()
			before := row.look(r)
			r.write(settings{row.key: row.after})
			done := r.administer("POST", "/reload")
			if want := `{"changed":["` + row.key + `"],"restart_needed":[]}`; done.body != want {
				t.Fatalf("reload: %d %s, want %s", done.status, done.body, want)
			}
			if got := [2]string{before, row.look(r)}; got != row.want {
				t.Errorf("before and after %v, want %v", got, row.want)
			}
		})
	}
}

func TestEveryKeyIsReloadableOrWaitsForARestart(t *testing.T) {
	tested := slices.Clone(elsewhere)
	for _, row := range reloads {
		tested = append(tested, row.key)
	}
	for _, key := range config.Keys() {
		if key.Reloadable != slices.Contains(tested, key.Path) {
			t.Errorf("%s: reloadable says %v, and the table of this test has it: %v", key.Path, key.Reloadable, slices.Contains(tested, key.Path))
		}
	}
}

const cart = "/wp-json/cocart/v2/cart"

func code(a answer) string { return strconv.Itoa(a.status) }

func first(a, _ string) string { return a }

func statusOfOld(r *rig) string { return code(r.administer("GET", "/sessions")) }

// schemeOf is the scheme that WordPress takes for the client's.
func schemeOf(headers ...string) func(*rig) string {
	return func(r *rig) string {
		req, _ := http.NewRequest("GET", "http://"+r.public+"/", nil)
		for _, h := range headers {
			name, value, _ := strings.Cut(h, ": ")
			req.Header.Set(name, value)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			r.Fatal(err)
		}
		resp.Body.Close()
		return r.wordpress.Last().Claims.Proto
	}
}

func badToken(target string) func(*rig) string {
	return func(r *rig) string { return code(r.do("GET", target, "", "Authorization: Bearer bad")) }
}

// withToken shows a token of before the reload, after a change to what it says.
func withToken(change func(map[string]any)) func(*rig) string {
	return func(r *rig) string {
		token := r.kept.access
		if change != nil {
			claims := claimsOf(token)
			change(claims)
			token = signed(token, claims)
		}
		return code(r.do("GET", cart, "", "Authorization: Bearer "+token))
	}
}

func claimsOf(token string) (claims map[string]any) {
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err == nil {
		err = json.Unmarshal(raw, &claims)
	}
	if err != nil {
		panic(err)
	}
	return claims
}

const oldSecret = "the secret of the old plugin in these tests"

var pluginTokens = settings{"compat.accept_plugin_tokens": "true", "compat.plugin_secret": oldSecret}

// withPluginToken is the customer's request with a token that the old plugin made.
func withPluginToken(r *rig) string { return withPluginTokenOf("", "")(r) }

// withPluginTokenOf is the same in a shop that filters how those look.
func withPluginTokenOf(prefix, issuer string) func(*rig) string {
	return func(r *rig) string {
		return code(r.do("GET", cart, "", "Authorization: Bearer "+prefix+pluginToken(r, issuer)))
	}
}

func pluginToken(r *rig, issuer string) string {
	const pat = "pat_0123456789abcdef01234567"
	r.wordpress.Lock()
	r.wordpress.Users[0].PATs = []string{pat}
	r.wordpress.Unlock()
	claims := claimsOf(r.kept.access)
	for _, ours := range []string{"sub", "sid", "gen", "fp"} {
		delete(claims, ours)
	}
	claims["data"].(map[string]any)["user"].(map[string]any)["pat"] = pat
	if issuer != "" {
		claims["iss"] = issuer
	}
	return signedWith(oldSecret, base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)), claims)
}

// signed is a token of the first key with other claims.
func signed(token string, claims map[string]any) string {
	return signedWith("a signing key of these tests, 32 bytes", strings.Split(token, ".")[0], claims)
}

func signedWith(secret, header string, claims map[string]any) string {
	payload, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	text := header + "." + base64.RawURLEncoding.EncodeToString(payload)
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

func oneRefresh(r *rig) string {
	a := r.refresh(r.kept.refresh)
	if m := regexp.MustCompile(`"refresh_token":"([0-9a-f]+)"`).FindStringSubmatch(a.body); m != nil {
		r.kept.refresh = m[1]
	}
	return code(a)
}

func spentRefresh(r *rig) string {
	_, token := r.login()
	r.refresh(token)
	return code(r.refresh(token))
}

// sessionEnd tells whether a new session ends within so long.
func sessionEnd(within time.Duration) func(*rig) string {
	return func(r *rig) string {
		r.login()
		var said struct{ Sessions []struct{ Expires time.Time } }
		text := r.administer("GET", "/sessions?user_id=2").body
		if err := json.Unmarshal([]byte(text), &said); err != nil {
			return err.Error()
		}
		soonest := "later"
		for _, s := range said.Sessions {
			if !s.Expires.IsZero() && !s.Expires.After(time.Now().Add(within)) {
				soonest = "soon"
			}
		}
		return soonest
	}
}

func inForceOf(word string) func(*rig) string {
	return func(r *rig) string {
		m := regexp.MustCompile(`(?m)^ +` + word + `: (.*)$`).FindStringSubmatch(r.administer("GET", "/config").body)
		if m == nil {
			return "absent"
		}
		return m[1]
	}
}

func (r *rig) cookieLogin() answer {
	return r.do("POST", "/wp-json/cocart/v2/login", `{"username":"alice","password":"wonderland-1"}`, "Content-Type: application/json", "CoCart-Session: cookie")
}

func corsHeader(name string) func(*rig) string {
	return func(r *rig) string {
		return r.do("OPTIONS", cart, "", "Origin: https://page.example", "Access-Control-Request-Method: POST").header.Get(name)
	}
}

// requestLimit is the limit that a customer reads on CoCart's routes.
func requestLimit(r *rig) string {
	return r.do("GET", cart, "", "Authorization: Bearer "+r.kept.access).header.Get("RateLimit-Limit")
}

// wrongRequests numbers the requests with a wrong password: the same request again would be answered from memory.
var wrongRequests atomic.Int64

func wrongPassword(more string) string {
	return `{"username":"alice","password":"wrong","request":` + strconv.FormatInt(wrongRequests.Add(1), 10) + more + `}`
}

var (
	// noLanes: nobody passes a limit that is used up by a good record or as a newcomer.
	noLanes = settings{"limits.login.account_network": "off", "limits.login.newcomer.account": "off"}
	// lockedEarly: the second wrong password passes as a newcomer's.
	lockedEarly = settings{"limits.login.account": "1/15m", "limits.login.account_network": "off"}
)

func wrongPasswords(r *rig) string { return tryTwice(r, "") }

// tryTwice logs in with a wrong password, and returns both answers.
func tryTwice(r *rig, more string, headers ...string) string {
	var codes []string
	for range 2 {
		codes = append(codes, code(r.do("POST", "/wp-json/cocart/v2/login", wrongPassword(more), headers...)))
	}
	return strings.Join(codes, " ")
}

// halfABody sends the rest of a body once the answer, or the end of patience, is there.
func halfABody(r *rig) string {
	conn, err := net.Dial("tcp", r.public)
	if err != nil {
		r.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "POST "+cart+" HTTP/1.1\r\nHost: shop.example\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nab"); err != nil {
		r.Fatal(err)
	}
	if strings.Contains(r.administer("GET", "/config").body, "read_timeout: 30s") {
		if _, err := io.WriteString(conn, "cd"); err != nil {
			r.Fatal(err)
		}
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	return strconv.Itoa(resp.StatusCode)
}

// trickledBody sends a byte each tenth of a second, for longer than server.read_timeout. The slowness is what is tried. It reads
// the answer beside that: the gateway may hang up after it, and a client that fails with the next byte might not look for it.
func trickledBody(r *rig) string {
	conn, err := net.Dial("tcp", r.public)
	if err != nil {
		r.Fatal(err)
	}
	defer conn.Close()
	sent := make(chan struct{})
	defer func() { <-sent }()
	go func() {
		defer close(sent)
		_, _ = io.WriteString(conn, "POST "+cart+" HTTP/1.1\r\nHost: "+r.public+"\r\nContent-Type: text/plain\r\nContent-Length: 15\r\n\r\n")
		for range 15 {
			time.Sleep(100 * time.Millisecond)
			_, _ = io.WriteString(conn, "x")
		}
	}()
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	return strconv.Itoa(resp.StatusCode)
}
