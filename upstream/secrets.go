package upstream

import (
	"net/http"
	"time"
)

// Secrets prepares other shared secrets: the first signs, all of them verify
// replies. The function returned puts them in force. An error says what is wrong
// with them, and changes nothing.
//
// A request that is on its way keeps those it was signed with: WordPress answers
// with the one that it was asked with.
func (w *WordPress) Secrets(secrets []string) (use func(), err error) {
	keys, err := newSigningKeys(secrets)
	if err != nil {
		return nil, err
	}
	return func() { w.keys.Store(&keys) }, nil
}

// sent is an assertion as it went out, and the keys that a reply to it is
// verified with.
type sent struct {
	assertion string
	keys      signingKeys
	clock     *nodeClock // of the node that answers
	at        time.Time  // by WordPress.steady
}

func (w *WordPress) seal(a Assertion, r *http.Request, by *nodeClock) sent {
	keys := *w.keys.Load()
	c := w.assert(by, a, r.Method, r.Host, r.URL.RequestURI())
	return sent{keys[0].sign(&c), keys, by, w.steady()}
}
