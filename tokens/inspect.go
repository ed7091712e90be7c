package tokens

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"

	"cocart-gateway/tokens/jwt"
	"cocart-gateway/tokens/revocation"
)

// Inspection describes a token for an operator. It holds nothing that could be spent: neither signature nor MAC. Header
// and Claims are unverified if the Rejection concerns form, key or signature.
type Inspection struct {
	Kind       Kind            `json:"kind,omitempty"`
	Header     json.RawMessage `json:"header,omitempty"`     // of an access token, as it came
	Claims     json.RawMessage `json:"claims,omitempty"`     // of an access token, as they came
	SessionID  string          `json:"session_id,omitempty"` // the session of the token
	Generation uint64          `json:"generation,omitempty"` // of the session in the token
	Secret     int             `json:"secret,omitempty"`     // which of Config.RefreshSecrets made a refresh token, counted from 1; 0 if none did
	Rejection  Rejection       `json:"rejection,omitempty"`  // why it is refused; "" if it is valid
	Outcome    Outcome         `json:"verdict,omitempty"`    // what a refresh with it would result in now
	State      State           `json:"state,omitempty"`      // of the session; "" without a session, or if it could not be read
	Session    *Session        `json:"session,omitempty"`    // the session, as far as Redis has it
}

// Kind says which kind of token a text looks like.
type Kind string

// The kinds. It is "" for a text that looks like neither.
const (
	KindAccess  Kind = "access"
	KindRefresh Kind = "refresh"
)

// Inspect describes a token without using it: it spends no generation, notes no use and counts nothing. It first reads
// the revocation log to its end. With ErrUnavailable it returns what is known without Redis: then a token without
// Rejection is valid as far as form, signature and times show.
func (a *Authority) Inspect(ctx context.Context, token string) (Inspection, error) {
	if session, generation, secret, ok := a.refreshes.Read(token); ok {
		return a.inspectRefresh(ctx, token, session, Inspection{Kind: KindRefresh, SessionID: session.String(), Generation: generation, Secret: secret})
	}
	return a.inspectAccess(ctx, token)
}

func (a *Authority) inspectAccess(ctx context.Context, token string) (Inspection, error) {
	i := readAccess(token)
	late := a.CatchUp(ctx)
	_, err := a.check(token, a.cfg.Now())
	i.reject(err)
	if late != nil {
		if i.Rejection == Stale {
			i.Rejection = "" // the error below says why
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

// readAccess reads an access token without checking it. It leaves out what cannot be read.
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
		public := a.session(s)
		i.Session = &public
	}
	return nil
}

func (a *Authority) inspectRefresh(ctx context.Context, text string, id revocation.SessionID, i Inspection) (Inspection, error) {
	t, refused := a.parseRefresh(text)
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
