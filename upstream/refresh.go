package upstream

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
)

// RefreshCall is a refresh token of the old JWT plugin, which that plugin checks.
type RefreshCall struct {
	// Target is the plugin's route, as the client named it.
	Target string
	Token  string
	Origin Origin
	// Host and Agent are the client's; Agent holds the headers in which the plugin
	// looks for what the client is, see [AgentOf].
	Host  string
	Agent http.Header
}

// Refresh sends a refresh token of the old JWT plugin, still active behind the
// gateway, to that plugin, which spends it. Nothing else of the client's
// request goes there. A refusal is an answer; with a 200 comes an Account, whom
// the must-use plugin vouches for, and without it the error is [ErrNoPlugin].
func (w *WordPress) Refresh(ctx context.Context, c RefreshCall) (*LoginAnswer, error) {
	body, err := json.Marshal(map[string]string{"refresh_token": c.Token})
	if err != nil {
		return nil, err
	}
	call := &LoginCall{Forwarding: Forwarding{Assertion: Assertion{Kind: Refresh}, Origin: c.Origin},
		Target: c.Target, ContentType: "application/json", Body: body}
	return w.ask(post(ctx, c.Host, c.Agent), call, "refresh")
}

// HandBackCall is a customer's session that the old JWT plugin is to take over.
type HandBackCall struct {
	// Target is CoCart's login.
	Target string
	// UserID, Session and Fingerprint are those of the session.
	UserID               int64
	Session, Fingerprint string
	Origin               Origin
	// Host and Agent are as for [RefreshCall].
	Host  string
	Agent http.Header
}

// HandBack logs a customer in without a password, and reads what the old JWT
// plugin adds to CoCart's answer. Nothing of the client's request goes there but
// who the client is, to which that plugin binds its tokens. An answer that says
// that the session is over, or refuses it otherwise, is not an error.
func (w *WordPress) HandBack(ctx context.Context, c HandBackCall) (*LoginAnswer, error) {
	call := &LoginCall{Forwarding: Forwarding{Origin: c.Origin,
		Assertion: Assertion{Kind: HandBack, UserID: c.UserID, Session: c.Session, Fingerprint: c.Fingerprint}},
		Target: c.Target, ContentType: "application/json", Body: []byte("{}")}
	return w.ask(post(ctx, c.Host, c.Agent), call, "hand_back")
}

// post is a request of our own on behalf of a client.
func post(ctx context.Context, host string, agent http.Header) *http.Request {
	h := http.Header{"Accept": {"application/json"}}
	maps.Copy(h, agent)
	return (&http.Request{Method: http.MethodPost, Host: host, Header: h}).WithContext(ctx)
}

// agentHeaders are where the old JWT plugin looks for what the client is, in
// whatever order: its tokens are good for a client that says the same again.
var agentHeaders = []string{
	"User-Agent", "X-Operamini-Phone-Ua", "X-Device-User-Agent", "X-Original-User-Agent",
	"X-Skyfire-Phone", "X-Bolt-Phone-Ua", "Device-Stock-Ua", "X-Ucbrowser-Device-Ua",
}

// AgentOf takes those headers from a client's.
func AgentOf(h http.Header) http.Header {
	agent := http.Header{}
	for _, name := range agentHeaders {
		if said, sent := h[name]; sent {
			agent[name] = slices.Clone(said)
		}
	}
	return agent
}
