package account

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"cocart-gateway/gateway/respond"
	"cocart-gateway/gateway/wprequest"
)

// Issued is what a client gets by a login or refresh.
type Issued struct {
	Access  string
	Refresh string // "": the answer has no refresh token
	// Expiry of the access token. It is zero for a token that the old plugin issued and
	// that the gateway does not accept; then the answer does not contain it.
	Expiry time.Time
	Now    time.Time
}

// tokenType is the scheme under which the access token is sent (RFC 6750 section 2.1).
const tokenType = "Bearer"

// lifetime returns token_type and expires_in (RFC 6749 section 5.1). The seconds are whole
// and rounded down, so that no client takes an expired token for a valid one.
func (t Issued) lifetime() wprequest.Object {
	members := wprequest.Object{{Name: "token_type", Value: quoted(tokenType)}}
	if t.Expiry.IsZero() {
		return members
	}
	return append(members, wprequest.Member{Name: "expires_in", Value: json.RawMessage(strconv.FormatInt(secondsUntil(t.Expiry, t.Now), 10))})
}

func secondsUntil(expiry, now time.Time) int64 {
	return int64(max(0, expiry.Sub(now)) / time.Second)
}

// WriteRefresh answers a refresh.
func (t Issued) WriteRefresh(w http.ResponseWriter, r *http.Request) {
	respond.Bytes(w, r, http.StatusOK, t.pair().Encode(), "application/json; charset=UTF-8")
}

// pair returns the tokens under the names that a refresh has. The SDKs for Flutter and
// Swift look for them in the answer to a login as well.
func (t Issued) pair() wprequest.Object {
	return t.named("token", "refresh_token")
}

func (t Issued) named(access, refresh string) wprequest.Object {
	members := wprequest.Object{{Name: access, Value: quoted(t.Access)}}
	if t.Refresh != "" {
		members = append(members, wprequest.Member{Name: refresh, Value: quoted(t.Refresh)})
	}
	return append(members, t.lifetime()...)
}

// ErrNoObject means that an answer of CoCart is not a JSON object, so that no tokens can
// be added.
var ErrNoObject = errors.New("the answer is not a JSON object")

// AddTo adds the tokens to extras of CoCart's answer to a login and leaves every other byte
// of its values as it is. An empty PHP array arrives as []; a list becomes the object that
// PHP would make of it. Under an alias of the route they are in front of the answer, too.
// It returns ErrNoObject.
func (t Issued) AddTo(text []byte, alias bool) ([]byte, error) {
	members, err := wprequest.ParseObject(text)
	if err != nil {
		return nil, ErrNoObject
	}
	if alias {
		members = append(t.pair(), without(members, "token", "refresh_token")...)
	}
	extras := append(without(wprequest.ExtrasOf(members), "jwt_token", "jwt_refresh"), t.named("jwt_token", "jwt_refresh")...)
	for i, m := range members {
		if m.Name == "extras" {
			members[i].Value = extras.Encode()
			return members.Encode(), nil
		}
	}
	return append(members, wprequest.Member{Name: "extras", Value: extras.Encode()}).Encode(), nil // CoCart before 3.8.1
}

// RemoveTokens removes tokens that another plugin put where AddTo would put them, and leaves every other byte of the answer's
// values as it is. It returns ErrNoObject.
func RemoveTokens(text []byte, alias bool) ([]byte, error) {
	members, err := wprequest.ParseObject(text)
	if err != nil {
		return nil, ErrNoObject
	}
	isToken := func(name string) bool { return name == "jwt_token" || name == "jwt_refresh" }
	for i, m := range members {
		if extras := wprequest.ExtrasOf(members); m.Name == "extras" && extras.Has(isToken) {
			members[i].Value = without(extras, "jwt_token", "jwt_refresh").Encode()
		}
	}
	if alias {
		members = without(members, "token", "refresh_token")
	}
	return members.Encode(), nil
}

// without returns the members that are not replaced by the tokens, which have these names.
func without(members wprequest.Object, access, refresh string) wprequest.Object {
	return members.Without(func(name string) bool {
		return slices.Contains([]string{access, refresh, "token_type", "expires_in"}, name)
	})
}

// quoted returns a token as JSON. A filter of the shop may give the old plugin's tokens any
// characters.
func quoted(token string) json.RawMessage {
	text, _ := json.Marshal(token) // a text always can
	return text
}
