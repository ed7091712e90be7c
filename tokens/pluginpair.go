package tokens

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// PluginPair is what the PHP plugin hands out at a login or refresh. It must not be stored or logged; its LogValue
// redacts.
type PluginPair struct{ Access, Refresh string }

// LogValue keeps both tokens out of logs.
func (PluginPair) LogValue() slog.Value { return slog.StringValue(redacted) }

// String keeps both tokens out of %v and %s.
func (PluginPair) String() string { return redacted }

// GoString keeps both tokens out of %#v.
func (PluginPair) GoString() string { return redacted }

// CheckPluginPair tells what is wrong with a pair that WordPress answered for a user: tokens that are not there, were
// signed with another secret than Config.PluginSecret, are somebody else's, or are not good just now. The customer could
// not use them. It does no I/O, and the error names no token. It is also Revoked where nothing is wrong but the moment:
// the plugin counts in seconds, and a token of the second in which others ended counts as one of those.
func (a *Authority) CheckPluginPair(pair PluginPair, userID int64) error {
	if pair.Access == "" || pair.Refresh == "" {
		return fmt.Errorf("%w: there are no tokens of the plugin in the answer", ErrKeep)
	}
	v, err := a.usable(pair.Access)
	switch {
	case err != nil:
		return fmt.Errorf("%w: the access token in the answer is not good: %w", ErrKeep, err)
	case v.access.PAT == "" || v.access.UserID != userID:
		return fmt.Errorf("%w: the access token in the answer is not the plugin's for this customer", ErrKeep)
	case !a.Foreign(pair.Refresh):
		return fmt.Errorf("%w: the refresh token in the answer is not the plugin's", ErrKeep)
	}
	return nil
}

// usable examines an access token that a client is about to be given. Doubt about the revocations is none about the token.
func (a *Authority) usable(access string) (*verified, error) {
	now := a.cfg.Now()
	v, err := a.examine(access, now)
	if err != nil {
		return nil, err
	}
	if err := a.current(v, now); err != nil && !errors.Is(err, Stale) {
		return nil, err
	}
	return v, nil
}

// NotePluginPair notes that a pair of the PHP plugin was handed out now, so that what ended sessions of this user before
// does not end it. ErrUnavailable when Redis is gone: any such end then does.
func (a *Authority) NotePluginPair(ctx context.Context, pair PluginPair, userID int64) error {
	at := max(a.cfg.Now().UnixMilli(), a.revoked.LatestPluginCutoff(userID)+1)
	if err := a.store.Set(ctx, a.store.adopted(pair.Refresh), issuedAt(at), a.cfg.RefreshTTL+outlives).Err(); err != nil {
		return unavailable("noting a pair of the plugin", err)
	}
	return nil
}

// A pair of the PHP plugin waits in Redis for those who come with the same token of ours, or of the plugin's. It is
// sealed: who reads Redis can spend nothing, for the key needs the refresh secret, and salt besides.
const sealedPair = "pair "

// seal hides a pair under the current secret.
func (r refreshRing) seal(pair PluginPair, salt []byte, about string) string {
	text, err := json.Marshal([]string{pair.Access, pair.Refresh})
	if err != nil {
		panic("tokens: a pair cannot be encoded: " + err.Error()) // strings always can
	}
	box := r[0].box(salt)
	nonce := make([]byte, box.NonceSize())
	rand.Read(nonce)
	return sealedPair + about + " " + base64.RawStdEncoding.EncodeToString(box.Seal(nonce, nonce, text, []byte(about)))
}

// open finds the pair again, under any of the secrets; what does not fit is none.
func (r refreshRing) open(sealed string, salt []byte, about string) (PluginPair, bool) {
	text, fits := strings.CutPrefix(sealed, sealedPair+about+" ")
	raw, err := base64.RawStdEncoding.DecodeString(text)
	if !fits || err != nil {
		return PluginPair{}, false
	}
	for _, secret := range r {
		var pair []string
		box := secret.box(salt)
		if len(raw) < box.NonceSize() {
			break
		}
		text, err := box.Open(nil, raw[:box.NonceSize()], raw[box.NonceSize():], []byte(about))
		if err == nil && json.Unmarshal(text, &pair) == nil && len(pair) == 2 {
			return PluginPair{pair[0], pair[1]}, true
		}
	}
	return PluginPair{}, false
}

func (s *refreshSecret) box(salt []byte) cipher.AEAD {
	block, err := aes.NewCipher(derive(s.raw, salt, "sealed pair"))
	if err != nil {
		panic(err) // only a key of another length
	}
	box, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // only a block of another length
	}
	return box
}

func (p PluginPair) of(session string) Pair {
	return Pair{Access: p.Access, Refresh: p.Refresh, Session: session}
}

// atLeast keeps a key for a moment where the grace is none: Redis takes no life of 0.
func atLeast(d time.Duration) time.Duration { return max(d, time.Second) }
