package tokens

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"cocart-gateway/tokens/jwt"
	"cocart-gateway/tokens/keys"
	"cocart-gateway/tokens/revocation"
)

// claims are an access token's payload: the PHP plugin's, plus what sessions need. The order is the order on the wire.
type claims struct {
	Issuer      string     `json:"iss"`
	IssuedAt    int64      `json:"iat"`
	NotBefore   int64      `json:"nbf"`
	Expiry      int64      `json:"exp"`
	Subject     string     `json:"sub"`
	Audience    string     `json:"aud,omitzero"`
	Session     string     `json:"sid"`
	Generation  uint64     `json:"gen"`
	Fingerprint string     `json:"fp"`
	Data        claimsData `json:"data"`
}

type claimsData struct {
	User claimsUser `json:"user"`
}

type claimsUser struct {
	ID      int64  `json:"id"`
	Login   string `json:"username"`
	Address string `json:"ip"`
	Device  string `json:"device"`
	PAT     string `json:"pat"`
	// Extra are those of the shop, where the plugin's filter cocart_jwt_auth_token_user_data puts them.
	Extra map[string]jsontext.Value `json:",embed"`
}

var errTooLong = errors.New("access token would be longer than 8 KiB: reduce the extra claims")

// mint makes the access token of a session's current generation. It fails only if no key can sign (any more) or the
// extra claims are too long.
func (a *Authority) mint(s *record, now time.Time) (token string, expiry time.Time, err error) {
	key, err := a.keys.Signer(now)
	if err != nil {
		return "", time.Time{}, err
	}
	expiry = a.accessExpiry(s, now)
	c := a.claims(s, a.issuedAt(s, now), expiry.Unix())
	if c.Data.User.Extra, err = s.shopClaims(); err != nil {
		return "", time.Time{}, err
	}
	payload, err := json.Marshal(c, json.Deterministic(true))
	if err != nil {
		return "", time.Time{}, fmt.Errorf("encoding access token: %w", err)
	}
	token, err = a.sign(key, plainJSON(payload))
	if len(token) > jwt.MaxLength {
		return "", time.Time{}, errTooLong
	}
	return token, expiry, err
}

// issuedAt returns the time of issue in Unix seconds. For a session from before a loss of data it is later than the loss, whose
// time is that of Redis: the clock of this machine may be behind it.
func (a *Authority) issuedAt(s *record, now time.Time) int64 {
	if lost := a.lostUntil(); s.created <= lost {
		return max(now.Unix(), lost/1000+1)
	}
	return now.Unix()
}

// accessExpiry keeps a token from outliving its session's absolute limit.
func (a *Authority) accessExpiry(s *record, now time.Time) time.Time {
	expiry := now.Add(a.cfg.AccessTTL)
	if a.cfg.SessionTTL > 0 {
		if end := time.UnixMilli(s.created).Add(a.cfg.SessionTTL); end.Before(expiry) {
			expiry = end
		}
	}
	return time.Unix(expiry.Unix(), 0)
}

func (a *Authority) claims(s *record, issued, expiry int64) claims {
	return claims{
		Issuer: a.cfg.Issuer, IssuedAt: issued, NotBefore: issued, Expiry: expiry,
		Subject: strconv.FormatInt(s.userID, 10), Audience: a.cfg.Audience,
		Session: s.id.String(), Generation: s.generation, Fingerprint: s.fingerprint,
		Data: claimsData{User: claimsUser{ID: s.userID, Login: s.login, Address: s.address, Device: s.device, PAT: patOf(s.id)}},
	}
}

// patOf returns the plugin's name of a session in its tokens. The gateway never reads it; clients may.
func patOf(id revocation.SessionID) string {
	sum := sha256.Sum256(append([]byte("pat of session "), id[:]...))
	return "pat_" + hex.EncodeToString(sum[:12])
}

func (a *Authority) sign(key *keys.Key, payload []byte) (string, error) {
	head := a.keys.Header(key)
	signed := make([]byte, 0, len(head)+1+base64.RawURLEncoding.EncodedLen(len(payload)))
	signed = append(append(signed, head...), '.')
	signed = base64.RawURLEncoding.AppendEncode(signed, payload)
	signature, err := key.Sign(string(signed))
	if err != nil {
		return "", fmt.Errorf("signing access token with %s: %w", key, err)
	}
	return string(base64.RawURLEncoding.AppendEncode(append(signed, '.'), signature)), nil
}

// plainJSON escapes what is not ASCII, and ">", "?", "~" and DEL. The result has the same encoding in base64 and base64url
// (RFC 4648 sections 4 and 5): some clients, CoCart's SDK for Swift among them, decode a token's payload with the
// former. Such characters stand only in JSON strings, so the text means what it meant.
func plainJSON(text []byte) []byte {
	if bytes.IndexFunc(text, needsEscape) < 0 {
		return text
	}
	out := make([]byte, 0, len(text)+64)
	for _, r := range string(text) {
		if !needsEscape(r) {
			out = append(out, byte(r))
			continue
		}
		if high, low := utf16.EncodeRune(r); high != utf8.RuneError {
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		} else {
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return out
}

func needsEscape(r rune) bool { return r >= '~' || r == '>' || r == '?' }

func (s *record) setExtra(extra map[string]any) (err error) {
	if len(extra) == 0 {
		return nil
	}
	if s.extra, err = json.Marshal(extra, json.Deterministic(true)); err != nil {
		return fmt.Errorf("encoding extra claims: %w", err)
	}
	return nil
}

// ownMembers are the members of data.user that the gateway sets.
var ownMembers = []string{"id", "username", "ip", "device", "pat"}

// shopClaims returns the extra claims that may stand in data.user. With a second "id" two readers could read the token
// differently; with an "ID" beside "id" so could readers that ignore case, such as encoding/json.
func (s *record) shopClaims() (map[string]jsontext.Value, error) {
	if s.extra == nil {
		return nil, nil
	}
	var all map[string]jsontext.Value
	if err := json.Unmarshal(s.extra, &all); err != nil {
		return nil, fmt.Errorf("reading extra claims of session %s: %w", s.id, err)
	}
	maps.DeleteFunc(all, func(name string, _ jsontext.Value) bool {
		return slices.ContainsFunc(ownMembers, func(own string) bool { return strings.EqualFold(name, own) })
	})
	return all, nil
}
