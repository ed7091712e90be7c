package browserlink

import (
	"errors"
	"fmt"
	"html"
	"net/http"
	"slices"
	"strings"

	"cocart-gateway/gateway/respond"
	"cocart-gateway/gateway/wprequest"
	"cocart-gateway/tokens"
	"cocart-gateway/upstream"
)

// Follow spends the ticket of a link and returns what WordPress has to be asked with. Where another site sent the browser
// it asks the customer instead, spends nothing and returns nil without an error.
//
// Attack (login CSRF): an attacker makes a link for the own account and has a victim's browser follow it, so that the victim
// enters an address and a card there. Prevention: a page of another site leads only to a page that names the account, and
// its link, which comes from the shop itself, goes on. WordPress refuses a browser that another user is logged in with.
func (l *Links) Follow(w http.ResponseWriter, r *http.Request, text string, fromOtherSite bool) (*upstream.Assertion, error) {
	if err := checkNavigation(r); err != nil {
		return nil, err
	}
	if fromOtherSite {
		t, err := l.book.Look(r.Context(), text)
		if err != nil {
			return nil, Refused(err)
		}
		writeQuestion(w, r, t.Login, text)
		return nil, nil
	}
	t, err := l.book.Spend(r.Context(), text)
	if err != nil {
		return nil, Refused(err)
	}
	return &upstream.Assertion{Kind: upstream.Browser, UserID: t.UserID, Session: t.Session, Fingerprint: t.Fingerprint, To: t.To}, nil
}

// checkNavigation refuses what is not a browser that opens the link as its page. Mail and chat servers look at links before
// people do, mostly by HEAD, and browsers prefetch: neither may spend the ticket, nor may a frame or a script of a page.
func checkNavigation(r *http.Request) error {
	if r.Method != http.MethodGet {
		f := respond.Fail(respond.MethodNotAllowed)
		f.Allow = http.MethodGet
		return f
	}
	h := r.Header
	for _, name := range []string{"Sec-Purpose", "Purpose", "X-Moz", "X-Purpose"} {
		if early := strings.ToLower(strings.Join(h[http.CanonicalHeaderKey(name)], ",")); strings.Contains(early, "prefetch") || strings.Contains(early, "prerender") || strings.Contains(early, "preview") {
			return respond.Fail(respond.NotNavigation)
		}
	}
	if other(h["Sec-Fetch-Dest"], "document") || other(h["Sec-Fetch-Mode"], "navigate") {
		return respond.Fail(respond.NotNavigation)
	}
	return nil
}

// other reports whether a header is there with another value. Browsers of before 2023 do not send these.
func other(values []string, want string) bool {
	return slices.ContainsFunc(values, func(v string) bool { return v != want })
}

// Refused returns the answer to a link that was spent or has expired, or whose session is over: one for all of them, so that
// it says nothing about the session. Other errors stay as they are.
func Refused(err error) error {
	var rejection tokens.Rejection
	var f *respond.Failure
	if errors.As(err, &f) && f.Code == respond.Authentication || f == nil && errors.As(err, &rejection) {
		return respond.Fail(respond.BrowserLink).Because(err)
	}
	return err
}

// Judge returns what the browser reads where WordPress did not log it in.
func Judge(answer *upstream.Answer) error {
	switch {
	case !answer.Plugin:
		return respond.Fail(respond.UpstreamUnusable).Because(upstream.ErrNoPlugin)
	case answer.Status == http.StatusSeeOther:
		return nil
	case answer.Status == http.StatusConflict:
		return respond.Fail(respond.OtherLogin)
	case answer.Status == http.StatusForbidden:
		return respond.Fail(respond.NotAllowed).WithMessage("This account cannot be used here.")
	case answer.Status == http.StatusUnauthorized:
		return respond.Fail(respond.BrowserLink)
	}
	return respond.Fail(respond.UpstreamUnusable).Because(fmt.Errorf("WordPress answered %d to the link of a browser", answer.Status))
}

// Rewrite makes r the request by which WordPress logs the browser in. Of the client's request only what WordPress looks at
// stays, so that neither the ticket nor a parameter, a method or a body of the client reaches it.
func Rewrite(r *http.Request) {
	kept := http.Header{}
	for _, name := range []string{"Cookie", "User-Agent", "Accept", "Accept-Language", "X-Request-Id"} {
		if values := r.Header[name]; len(values) > 0 {
			kept[name] = values
		}
	}
	r.Header, r.Body, r.ContentLength, r.TransferEncoding = kept, http.NoBody, 0, nil
}

// SetHeaders sets the last headers of every answer to a link: its address must not get to another site as a Referer, nor the
// answer into a cache or a frame.
func SetHeaders(h http.Header) {
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "private, no-store")
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Robots-Tag", "noindex")
	if h.Get("Content-Security-Policy") == "" {
		h.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	}
}

// writeQuestion asks whether to go on as the user. The ticket is of the alphabet of base64url, because it was found.
func writeQuestion(w http.ResponseWriter, r *http.Request, login, ticket string) {
	text := `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Continue</title><h1>Continue as ` +
		html.EscapeString(login) + `?</h1><p>Another site sent you here to log in to this shop with the account <strong>` + html.EscapeString(login) +
		`</strong>. If this is not your account, close this page.</p><p><a href="?` + wprequest.BrowserParameter + `=` + ticket + `">Continue as ` + html.EscapeString(login) + `</a></p></html>
`
	respond.Bytes(w, r, http.StatusOK, []byte(text), "text/html; charset=UTF-8")
}
