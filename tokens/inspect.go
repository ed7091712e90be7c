package tokens

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"slices"

	"cocart-gateway/tokens/jwt"
	"cocart-gateway/tokens/revocation"
)

// Inspection is everything about a token that an operator may want to know, and nothing he could spend: neither
// signature nor MAC. What it says of itself is only to be believed when it is good, or bad for another reason than
// its form, key or signature.
type Inspection struct {
	Kind       Kind            `json:"kind,omitempty"`
	Header     json.RawMessage `json:"header,omitempty"`     // of an access token, as it came
	Claims     json.RawMessage `json:"claims,omitempty"`     // of an access token, as they came
	SessionID  string          `json:"session_id,omitempty"` // that the token names
	Generation uint64          `json:"generation,omitempty"` // of the session, that the token names
	Secret     int             `json:"secret,omitempty"`     // which of Config.RefreshSecrets made a refresh token, from 1: whether an old one is still about
	Rejection  Rejection       `json:"rejection,omitempty"`  // why it is refused; "" when it is good
	Outcome    Outcome         `json:"verdict,omitempty"`    // what a refresh with it would come to now
	State      State           `json:"state,omitempty"`      // of the session; "" when there is none or it is not known
	Session    *Session        `json:"session,omitempty"`    // what Redis has of it
}

// Kind is which of the two tokens a text looks like.
type Kind string

// The kinds; a text that looks like neither has none.
const (
	KindAccess  Kind = "access"
	KindRefresh Kind = "refresh"
)

// Inspect tells all about a token without using it: no generation is spent, no use is noted, nothing is counted. It
// reads the revocation log to its end before it judges. ErrUnavailable comes with all that is known without Redis:
// then a token without Rejection is good as far as its form, signature and times go.
func (a *Authority) Inspect(ctx context.Context, token string) (Inspection, error) {
	if raw, ok := lowerHex(token); ok {
		return a.inspectRefresh(ctx, token, raw)
	}
	return a.inspectAccess(ctx, token)
}

func (a *Authority) inspectAccess(ctx context.Context, token string) (Inspection, error) {
	i := readAccess(token)
	late := a.CatchUp(ctx)
	_, err := a.judge(token, a.cfg.Now())
	i.reject(err)
	if late != nil {
		if i.Rejection == Stale {
			i.Rejection = "" // the error says it better
		}
		return i, late
	}
	id, named := revocation.ParseSessionID(i.SessionID)
	if !named {
		return i, nil
	}
	s, err := a.store.load(ctx, id)
	if err != nil {
		return i, unavailable("reading session", err)
	}
	return i, a.inspectSession(ctx, &i, s)
}

// readAccess believes nothing: what cannot be read is left out.
func readAccess(token string) Inspection {
	parts, err := jwt.Split(token)
	if err != nil {
		return Inspection{}
	}
	i := Inspection{Kind: KindAccess, Header: decodedJSON(parts.Head), Claims: decodedJSON(parts.Payload)}
	var says struct {
		Session    string `json:"sid"`
		Generation uint64 `json:"gen"`
	}
	if json.Unmarshal(i.Claims, &says) == nil {
		i.SessionID, i.Generation = says.Session, says.Generation
	}
	return i
}

func decodedJSON(part string) json.RawMessage {
	text, err := base64.RawURLEncoding.Strict().DecodeString(part)
	if err != nil || !json.Valid(text) {
		return nil
	}
	return text
}

func (i *Inspection) reject(err error) {
	var r Rejection
	if errors.As(err, &r) {
		i.Rejection = r
	}
}

func (a *Authority) inspectSession(ctx context.Context, i *Inspection, s *record) error {
	state, err := a.state(ctx, s)
	if err != nil {
		return err
	}
	i.State = state
	if s != nil {
		public := a.public(s)
		i.Session = &public
	}
	return nil
}

func (a *Authority) inspectRefresh(ctx context.Context, text string, raw [refreshBytes]byte) (Inspection, error) {
	id := revocation.SessionID(raw[:atGeneration])
	i := Inspection{Kind: KindRefresh, SessionID: id.String(), Generation: binary.BigEndian.Uint64(raw[atGeneration:])}
	i.Secret = a.refreshes.number([8]byte(raw[atSecret:atOuter]))
	t, refused := a.refreshes.parse(text)
	i.reject(refused)
	s, err := a.store.load(ctx, id)
	if err != nil {
		return i, unavailable("reading session", err)
	}
	if err := a.inspectSession(ctx, &i, s); err != nil {
		return i, err
	}
	if refused != nil {
		i.Outcome = OutcomeRefused
		return i, nil
	}
	i.Outcome, err = a.peek(ctx, s, t, Client{}, ownClient)
	i.reject(err)
	if errors.Is(err, ErrUnavailable) {
		return i, err
	}
	return i, nil
}

// number counts from 1; 0 is for a secret that is none of ours.
func (r refreshRing) number(id [8]byte) int {
	return 1 + slices.IndexFunc(r, func(s *refreshSecret) bool { return s.id == id })
}
