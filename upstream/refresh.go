package upstream

import (
	"context"
	"encoding/json"
	"net/http"
)

// RefreshCall is a refresh token of the old JWT plugin, for that plugin to judge.
type RefreshCall struct {
	// Target is the plugin's route, as the client named it.
	Target string
	Token  string
	Origin Origin
	// Host and UserAgent are the client's.
	Host, UserAgent string
}

// Refresh has the old JWT plugin, still active behind the gateway, judge a
// refresh token of its own, which is spent by that. Nothing else of the client's
// request goes there. A refusal is an answer; with a 200 comes an Account, whom
// the must-use plugin vouches for, and without it the error is [ErrNoPlugin].
func (w *WordPress) Refresh(ctx context.Context, c RefreshCall) (*LoginAnswer, error) {
	body, err := json.Marshal(map[string]string{"refresh_token": c.Token})
	if err != nil {
		return nil, err
	}
	r := (&http.Request{Method: http.MethodPost, Host: c.Host, Header: http.Header{"Accept": {"application/json"}}}).WithContext(ctx)
	if c.UserAgent != "" {
		r.Header.Set("User-Agent", c.UserAgent)
	}
	call := &LoginCall{Forwarding: Forwarding{Assertion: Assertion{Kind: Refresh}, Origin: c.Origin},
		Target: c.Target, ContentType: "application/json", Body: body}
	return w.ask(r, call, "refresh")
}
