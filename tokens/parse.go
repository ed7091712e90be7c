package tokens

import (
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"cocart-gateway/tokens/jwt"
	"cocart-gateway/tokens/keys"
	"cocart-gateway/tokens/revocation"
)

// received is a payload as it came.
type received struct {
	Issuer      string         `json:"iss"`
	IssuedAt    int64          `json:"iat"`
	NotBefore   int64          `json:"nbf"`
	Expiry      int64          `json:"exp"`
	Subject     *string        `json:"sub"`
	Audience    jsontext.Value `json:"aud"`
	Session     *string        `json:"sid"`
	Generation  *uint64        `json:"gen"`
	Fingerprint *string        `json:"fp"`
	Data        receivedData   `json:"data"`
}

type receivedData struct {
	User receivedUser `json:"user"`
}

// receivedUser has the members that are read. The JSON package checks the others as well.
type receivedUser struct {
	ID    int64  `json:"id"`
	Login string `json:"username"`
}

func parsePayload(text string) (*received, error) {
	p := new(received)
	if jwt.Decode(text, p) != nil {
		return nil, Malformed
	}
	if p.IssuedAt <= 0 || p.NotBefore < 0 || p.Expiry <= 0 || p.Data.User.ID <= 0 || p.Data.User.ID > maxUserID {
		return nil, Malformed
	}
	return p, nil
}

// maxUserID is the largest number that every JSON reader can hold exactly (RFC 8259 6).
const maxUserID = 1<<53 - 1

// ours reads a payload that mint wrote.
func (p *received) ours(key *keys.Key) (*verified, error) {
	if p.Session == nil || p.Generation == nil || p.Fingerprint == nil || p.Subject == nil {
		return nil, Malformed
	}
	id, ok := revocation.ParseSessionID(*p.Session)
	if !ok || *p.Generation == 0 || *p.Subject != strconv.FormatInt(p.Data.User.ID, 10) {
		return nil, Malformed
	}
	v := p.verified(key)
	v.session, v.created = id, id.Created()
	v.access.Session, v.access.Generation, v.access.Fingerprint = *p.Session, *p.Generation, *p.Fingerprint
	return v, nil
}

func (p *received) verified(key *keys.Key) *verified {
	return &verified{
		key:       key,
		notBefore: max(p.NotBefore, p.IssuedAt),
		expiry:    p.Expiry,
		access: Access{UserID: p.Data.User.ID, Login: p.Data.User.Login, KeyID: key.ID(),
			IssuedAt: time.Unix(p.IssuedAt, 0), Expiry: time.Unix(p.Expiry, 0)},
	}
}

// audience returns the aud of a token, if it is one string as mint writes it.
func (p *received) audience() (string, bool) {
	if p.Audience == nil {
		return "", true
	}
	var one string
	err := json.Unmarshal(p.Audience, &one)
	return one, err == nil && p.Audience.Kind() == '"'
}
