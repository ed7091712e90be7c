package tokens

import (
	"encoding/base64"
	"errors"
	"fmt"
	"time"
)

// keyring is the key table. It never changes, so it needs no lock.
type keyring struct {
	keys []Key
	byID map[string]*Key
	// headers holds the one header we write per key, encoded, so that our own tokens are recognised without
	// reading JSON. It decides nothing: whatever is not in it goes the long way.
	headers map[string]*Key
	heads   map[*Key]string
}

func newKeyring(keys []Key) *keyring {
	r := &keyring{keys: append([]Key(nil), keys...), byID: map[string]*Key{}, headers: map[string]*Key{}, heads: map[*Key]string{}}
	for i := range r.keys {
		k := &r.keys[i]
		// The id needs no escaping: checkID allows nothing that JSON would escape.
		head := base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"alg":%q,"typ":"JWT","kid":%q}`, k.Algorithm(), k.id))
		r.byID[k.id], r.headers[head], r.heads[k] = k, k, head
	}
	return r
}

var errNoSigner = errors.New("keys: none can sign: give a secret or a private key that is not retired")

// signer returns the first key that can sign and is not retired.
func (r *keyring) signer(now time.Time) (*Key, error) {
	for i := range r.keys {
		if k := &r.keys[i]; k.CanSign() && !k.retired(now) {
			return k, nil
		}
	}
	return nil, errNoSigner
}

// known returns the key of that id, unless it is retired.
func (r *keyring) known(id string, now time.Time) (*Key, error) {
	k, ok := r.byID[id]
	if !ok || k.retired(now) {
		return nil, UnknownKey
	}
	return k, nil
}
