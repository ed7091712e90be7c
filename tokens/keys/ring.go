package keys

import (
	"encoding/base64"
	"errors"
	"fmt"
	"time"
)

// Ring is the table of the keys in use. It never changes, so it needs no lock.
type Ring struct {
	keys []Key
	byID map[string]*Key
	// byHeader and headers map the one encoded header that we write per key to the key, and back.
	byHeader map[string]*Key
	headers  map[*Key]string
}

// NewRing makes a table of keys. The first one that can sign and is not retired signs, all verify.
func NewRing(keys []Key) *Ring {
	r := &Ring{keys: append([]Key(nil), keys...), byID: map[string]*Key{}, byHeader: map[string]*Key{}, headers: map[*Key]string{}}
	for i := range r.keys {
		k := &r.keys[i]
		// The id needs no escaping: checkID allows nothing that JSON would escape.
		header := base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"alg":%q,"typ":"JWT","kid":%q}`, k.Algorithm(), k.id))
		r.byID[k.id], r.byHeader[header], r.headers[k] = k, k, header
	}
	return r
}

var errNoSigner = errors.New("keys: none can sign: add a secret or a private key that is not retired")

// Signer returns the first key that can sign and is not retired.
func (r *Ring) Signer(now time.Time) (*Key, error) {
	for i := range r.keys {
		if k := &r.keys[i]; k.CanSign() && !k.Retired(now) {
			return k, nil
		}
	}
	return nil, errNoSigner
}

// Known returns the key of an id; false when there is no such key, or it is retired.
func (r *Ring) Known(id string, now time.Time) (*Key, bool) {
	k, ok := r.byID[id]
	if !ok || k.Retired(now) {
		return nil, false
	}
	return k, true
}

// Has reports whether a key of that id is in the table, also a retired one.
func (r *Ring) Has(id string) bool {
	_, ok := r.byID[id]
	return ok
}

// Header returns the encoded token header of a key of this table: the one that its tokens are written with.
func (r *Ring) Header(k *Key) string { return r.headers[k] }

// ByHeader returns the key whose tokens begin with that encoded header, so that our own tokens are recognised without
// reading JSON. The answer decides nothing: a header that is not found is parsed instead.
func (r *Ring) ByHeader(header string) (*Key, bool) {
	k, ok := r.byHeader[header]
	return k, ok
}
