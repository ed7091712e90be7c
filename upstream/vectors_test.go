package upstream

import (
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"cocart-gateway/upstream/clock"
	"cocart-gateway/upstream/pool"
)

// The vectors belong to the wire format; the plugin's tests read the same file.
type vectors struct {
	Keys []struct {
		Secret       string
		AssertionKey string `json:"assertion_key"`
		ReplyKey     string `json:"reply_key"`

		CapabilityKey string `json:"capability_key"`
		Kid           string
	}
	Audiences  []struct{ URL, Audience string }
	Assertions []vector
	Replies    []vector
	BadReplies []vector `json:"bad_replies"`

	Capabilities    []vector
	BadCapabilities []vector `json:"bad_capabilities"`
}

type vector struct {
	Name, Why, Header, Secret, Audience, Assertion, Token string
	Now                                                   int64
	Request                                               struct{ Method, Host, Target string }
	Claims                                                json.RawMessage // of any shape in a bad vector
}

type vectorClaims struct {
	Sub, Login, Fp, Reason, Result, Kind, Sid, IP, Proto, Origin, Route string
	Claims                                                              map[string]any
	Checks                                                              []struct {
		Sub, Result string
		N           int
	}
}

// report is what the gateway reads: of "sub" and "result" where there is no list.
func (c vectorClaims) report(t *testing.T) *Report {
	t.Helper()
	if c.Checks == nil {
		return &Report{Checks: []Check{{mustInt(t, c.Sub), AttemptResult(c.Result), 1}}}
	}
	r := &Report{}
	for _, row := range c.Checks {
		r.Checks = append(r.Checks, Check{mustInt(t, row.Sub), AttemptResult(row.Result), row.N})
	}
	return r
}

func (v vector) claims(t *testing.T) vectorClaims {
	t.Helper()
	var c vectorClaims
	if err := json.Unmarshal(v.Claims, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

func readVectors(t testing.TB) vectors {
	t.Helper()
	var v vectors
	for _, name := range []string{"assertions", "capabilities", "names", "replies"} {
		raw, err := os.ReadFile("../deploy/wordpress/testdata/vectors/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(raw, &v); err != nil { // each file sets other fields
			t.Fatal(err)
		}
	}
	if len(v.Keys) == 0 || len(v.Audiences) == 0 || len(v.Assertions) == 0 || len(v.Replies) == 0 || len(v.BadReplies) == 0 || len(v.Capabilities) == 0 || len(v.BadCapabilities) == 0 {
		t.Fatal("the vectors lack a part")
	}
	return v
}

func speaker(t *testing.T, v vector) *WordPress {
	t.Helper()
	keys, err := newSigningKeys([]string{v.Secret})
	if err != nil {
		t.Fatal(err)
	}
	now := func() time.Time { return time.Unix(v.Now, 0) }
	w := &WordPress{audience: v.Audience, now: now, steady: now, clocks: map[*pool.Node]*nodeClock{nil: {Clock: clock.New(now, nil)}}}
	w.keys.Store(&keys)
	return w
}

// to is the vector's assertion, as sent by w.
func (v vector) to(w *WordPress) sent {
	return sent{v.Assertion, *w.keys.Load(), w.clocks[nil], w.steady()}
}

func TestKeysAreDerivedAsThePluginDerivesThem(t *testing.T) {
	for _, v := range readVectors(t).Keys {
		keys, err := newSigningKeys([]string{v.Secret})
		if err != nil {
			t.Fatal(err)
		}
		got := [4]string{hex.EncodeToString(keys[0].assertion), hex.EncodeToString(keys[0].reply), hex.EncodeToString(keys[0].capability), keys[0].kid}
		if want := [4]string{v.AssertionKey, v.ReplyKey, v.CapabilityKey, v.Kid}; got != want {
			t.Errorf("keys of %q: got %v, want %v", v.Secret, got, want)
		}
	}
}

func TestAudienceIsWrittenAsThePluginWritesIt(t *testing.T) {
	for _, v := range readVectors(t).Audiences {
		site, err := url.Parse(v.URL)
		if err != nil {
			t.Fatal(err)
		}
		if site.Host == "" {
			continue // a home option without a scheme; the configuration refuses such a site.url
		}
		if got := audience(site); got != v.Audience {
			t.Errorf("audience of %s: got %q, want %q", v.URL, got, v.Audience)
		}
	}
}

func TestAssertionsAreTheVectorsByteForByte(t *testing.T) {
	for _, v := range readVectors(t).Assertions {
		t.Run(v.Name, func(t *testing.T) {
			var want claims
			if err := json.Unmarshal(v.Claims, &want); err != nil {
				t.Fatal(err)
			}
			w := speaker(t, v)
			if got := (*w.keys.Load())[0].sign(&want); got != v.Token {
				t.Errorf("signed\ngot  %s\nwant %s", got, v.Token)
			}
			got := w.assert(w.clocks[nil], Assertion{
				Kind: want.Kind, UserID: want.Subject, Session: want.Session, Fingerprint: want.Fingerprint, PAT: want.PAT, DenyGuests: want.Guests == "deny",
				Client: want.Client, Proto: want.Proto, Port: want.Port, Assumed: want.Assumed, carried: want.Carried, Protect: want.Protect, To: want.To, Find: want.Find, Entries: want.Entries,
			}, v.Request.Method, want.Host, v.Request.Target)
			want.IssuedAt, want.Expiry = v.Now, v.Now+want.Kind.life() // some vectors are of another time on purpose
			if len(got.ID) != 16 {
				t.Errorf("the id of the assertion is %q", got.ID)
			}
			if got.ID = want.ID; got != want {
				t.Errorf("claims\ngot  %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestRepliesOfTheVectorsAreUnderstood(t *testing.T) {
	for _, v := range readVectors(t).Replies {
		t.Run(v.Name, func(t *testing.T) {
			w, h, c := speaker(t, v), http.Header{v.canonical(): {v.Token}}, v.claims(t)
			if v.canonical() == loginHeader {
				got, err := w.parseLogin(h, v.to(w))
				if err != nil {
					t.Fatal(err)
				}
				if strconv.FormatInt(got.UserID, 10) != c.Sub || got.Login != c.Login || got.Fingerprint != c.Fp || len(got.Claims) != len(c.Claims) {
					t.Errorf("got %+v, want %+v", got, c)
				}
				return
			}
			if v.canonical() == attemptHeader {
				got, err := w.parseReport(h, v.to(w))
				if err != nil || !reflect.DeepEqual(got, c.report(t)) {
					t.Errorf("got %+v %v, want %+v", got, err, c.report(t))
				}
				return
			}
			if v.canonical() == sessionHeader {
				checkSession(t, w, v)
				return
			}
			if v.canonical() == statusHeader {
				checkStatus(t, w, v)
				return
			}
			got, err := w.parseEnded(h, v.to(w))
			if err != nil {
				t.Fatal(err)
			}
			if want := []Ended{{UserID: mustInt(t, c.Sub), Fingerprint: c.Fp, Reason: c.Reason}}; !slices.Equal(got, want) {
				t.Errorf("got %+v, want %+v", got, c)
			}
		})
	}
}

func TestBadRepliesOfTheVectorsAreRefused(t *testing.T) {
	for _, v := range readVectors(t).BadReplies {
		t.Run(v.Why, func(t *testing.T) {
			w, h := speaker(t, v), http.Header{v.canonical(): {v.Token}}
			var err error
			switch v.canonical() {
			case loginHeader:
				_, err = w.parseLogin(h, v.to(w))
			case attemptHeader:
				_, err = w.parseReport(h, v.to(w))
			case sessionHeader:
				_, err = w.parseSession(h, v.asserted(t), v.to(w))
			case statusHeader:
				if o := w.read(report(v)); o == StatusAnswered || o == StatusRefused || o == StatusFound {
					t.Errorf("it was believed: %s", o)
				}
				err = ErrBadReply
			default:
				_, err = w.parseEnded(h, v.to(w))
			}
			if err == nil {
				t.Error("it was believed")
			}
		})
	}
}

// asserted is what the vector's assertion says.
func (v vector) asserted(t *testing.T) Assertion {
	t.Helper()
	var c claims
	if err := decodePart(strings.Split(v.Assertion, ".")[1], &c); err != nil {
		t.Fatal(err)
	}
	return Assertion{Kind: c.Kind, UserID: c.Subject, Session: c.Session, Fingerprint: c.Fingerprint}
}

func checkSession(t *testing.T, w *WordPress, v vector) {
	t.Helper()
	c := v.claims(t)
	got, err := w.parseSession(http.Header{sessionHeader: {v.Token}}, v.asserted(t), v.to(w))
	if err != nil {
		t.Fatal(err)
	}
	want := &Session{Account{mustInt(t, c.Sub), c.Login, c.Fp, got.Claims}, c.Sid, c.Origin, c.Route}
	if !reflect.DeepEqual(got, want) || len(got.Claims) != len(c.Claims) {
		t.Errorf("got %+v, want %+v", got, c)
	}
	if got, err := w.parseSession(http.Header{sessionHeader: {v.Token, v.Token}}, v.asserted(t), v.to(w)); err == nil {
		t.Errorf("two headers were believed: %+v", got)
	}
}

// report is an answer that holds the vector's token.
func report(v vector) *StatusReport {
	return &StatusReport{Probe: &Probe{
		signed: v.Assertion, Header: http.Header{statusHeader: {v.Token}}, Sent: time.Unix(v.Now, int64(time.Second/2)),
		asked: claims{Audience: "shop.example", Method: "GET", Host: "shop.example", Target: "r6WPhICHBO7mN7fr3Cqq6GOPqQzCYmD1DNPrijHWGmY"},
	}}
}

func checkStatus(t *testing.T, w *WordPress, v vector) {
	t.Helper()
	var c struct {
		Iat     int64
		Refused string
		Status  *Facts
		Found   []struct{ Sub, Login string }
	}
	if err := json.Unmarshal(v.Claims, &c); err != nil {
		t.Fatal(err)
	}
	r := report(v)
	r.Outcome = w.read(r)
	want := &StatusReport{Probe: r.Probe, Outcome: StatusAnswered, Facts: c.Status, Clock: time.Duration(c.Iat-v.Now) * time.Second, Timed: true}
	if c.Found != nil {
		want.Outcome, want.Found = StatusFound, []User{}
		for _, row := range c.Found {
			want.Found = append(want.Found, User{mustInt(t, row.Sub), row.Login})
		}
	}
	if c.Refused != "" {
		want.Outcome, want.Refused, want.Differs = StatusRefused, c.Refused, Differences{Audience: "other.example"}
	}
	if !reflect.DeepEqual(r, want) {
		t.Errorf("got %+v, want %+v", r, want)
	}
}

func (v vector) canonical() string { return http.CanonicalHeaderKey(v.Header) }

func TestShortSecretsAreRefused(t *testing.T) {
	for _, secrets := range [][]string{nil, {""}, {"0123456789012345678901234567890"}, {"01234567890123456789012345678901", "short"}} {
		if _, err := newSigningKeys(secrets); err == nil {
			t.Errorf("%d secrets were accepted: %q", len(secrets), secrets)
		}
	}
}

func mustInt(t *testing.T, s string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
