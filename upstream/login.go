package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"cocart-gateway/upstream/http1"
	"cocart-gateway/upstream/pool"
)

// maxLoginAnswer bounds what is read of a login's answer. CoCart's own is about
// 1 KiB; profiles with many extras stay well below this.
const maxLoginAnswer = 1 << 20

// LoginCall is a login to be put to WordPress.
type LoginCall struct {
	Forwarding
	// Target and Body replace the client's, with what must not reach CoCart
	// taken out; ContentType describes Body.
	Target, ContentType string
	Body                []byte
	// Username and Password, when both are set, travel as Basic besides the
	// body: CoCart before 4.7 reads no JSON credentials, and later ones run
	// passwords through sanitize_text_field there, which mangles symbols.
	Username, Password string
}

// LoginAnswer is WordPress's whole answer to a login.
type LoginAnswer struct {
	Answer
	Body []byte
	// Account is set when the status is 200 and the call was of kind Login or
	// Refresh, or by a token of the old JWT plugin.
	Account *Account
}

// Login asks WordPress to check credentials, and reads the whole answer. A
// refusal is an answer, not an error. A 200 that the must-use plugin did not
// sign is [ErrNoPlugin]: without its signature there is no login.
func (w *WordPress) Login(r *http.Request, c *LoginCall) (*LoginAnswer, error) {
	return w.ask(r, c, "login")
}

func (w *WordPress) ask(r *http.Request, c *LoginCall, name string) (*LoginAnswer, error) {
	pl, err := w.pool.Take(r.Context(), pool.Claim{Group: pool.CoCart})
	if err != nil {
		return nil, err
	}
	defer pl.Leave()
	c.place = pl
	req, err := w.loginRequest(r, c)
	if err != nil {
		return nil, err
	}
	pl.Address(req.URL)
	start := time.Now()
	resp, err := w.pool.Send(req, pool.LoginCall, pl, false) // a refresh has the timeout of a login
	c.sent.clock = w.clockOf(pl.Node())
	if err != nil {
		w.metrics.observe(name, outcome(0, err), start)
		return nil, err
	}
	defer resp.Body.Close()
	w.metrics.observe(name, outcome(resp.StatusCode, nil), start)
	if resp.StatusCode == http.StatusSwitchingProtocols { // it has no body with an end
		return nil, fmt.Errorf("%w: it answered a login by switching protocols", ErrUnavailable)
	}
	// body_timeout bounds each pause of an answer, and this the whole: one byte in each pause would otherwise hold a
	// place at WordPress, and the client, for as long as the answer is.
	whole := time.AfterFunc(w.loginTime, func() { _ = resp.Body.Close() })
	answer, err := w.readLogin(resp, c)
	if !whole.Stop() && err != nil {
		return nil, fmt.Errorf("%w: the answer to the login did not end in time", ErrTimeout)
	}
	return answer, err
}

func (w *WordPress) loginRequest(r *http.Request, c *LoginCall) (*http.Request, error) {
	target, err := url.ParseRequestURI(c.Target)
	if err != nil {
		return nil, fmt.Errorf("reading the login target: %w", err)
	}
	req := (&http.Request{
		Method: r.Method, URL: target, Host: w.hostFor(r), Header: r.Header.Clone(),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Body: http1.NewBytes(c.Body), ContentLength: int64(len(c.Body)),
	}).WithContext(r.Context())
	dropForLogin(req.Header)
	// A user name cannot hold a colon (sanitize_user), and Basic cannot carry one.
	if c.Username != "" && c.Password != "" && !strings.Contains(c.Username, ":") {
		req.SetBasicAuth(c.Username, c.Password)
	}
	c.KeepCredentials = true // that Basic: the client's own Authorization is dropped
	w.setHeaders(req, r, &c.Forwarding)
	if c.ContentType != "" {
		req.Header.Set("Content-Type", c.ContentType)
	}
	if _, sent := req.Header["User-Agent"]; !sent {
		req.Header.Set("User-Agent", "") // not Go's own: CoCart records it
	}
	return req, nil
}

// dropForLogin removes what would let a login skip a check (cookies, Bearer)
// and what concerns the connection with the client only.
func dropForLogin(h http.Header) {
	for _, list := range h["Connection"] {
		for name := range strings.SplitSeq(list, ",") {
			h.Del(strings.TrimSpace(name))
		}
	}
	for _, name := range []string{
		"Cookie", "Authorization", "Accept-Encoding", "Content-Length", "Expect", "Range",
		"If-None-Match", "If-Modified-Since", "Connection", "Keep-Alive", "Proxy-Connection",
		"Proxy-Authorization", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
	} {
		delete(h, name)
	}
}

func (w *WordPress) readLogin(resp *http.Response, c *LoginCall) (*LoginAnswer, error) {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxLoginAnswer+1))
	if err != nil {
		return nil, readingError(err)
	}
	if len(body) > maxLoginAnswer {
		return nil, badReply("the login answer is larger than " + strconv.Itoa(maxLoginAnswer) + " bytes")
	}
	answer := &LoginAnswer{Body: body}
	if resp.StatusCode == http.StatusOK && c.Assertion.vouchedFor() {
		if answer.Account, err = w.parseLogin(resp.Header, c.sent); err != nil {
			return nil, err
		}
	}
	a, err := w.answer(resp, &c.Forwarding)
	if err != nil {
		return nil, err
	}
	answer.Answer = *a
	for _, name := range []string{"Connection", "Keep-Alive", "Transfer-Encoding", "Trailer", "Upgrade", "Content-Length"} {
		answer.Header.Del(name)
	}
	return answer, nil
}

// vouchedFor reports whether the plugin states whose session may begin.
func (a Assertion) vouchedFor() bool { return a.Kind == Login || a.Kind == Refresh || a.PAT != "" }

func readingError(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, ErrTimeout) {
		return err
	}
	return fmt.Errorf("%w: reading the answer: %w", ErrUnavailable, err)
}
