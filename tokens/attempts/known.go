package attempts

import (
	"crypto/rand"
	"time"

	"cocart-gateway/tokens/cache"
)

const (
	knownFor  = 5 * time.Minute
	knownSize = 10_000
)

// known remembers for some minutes which passwords were right, in this process only and hashed with a random key. Clients
// that send Basic with each request send many at once: a right password that is being checked must not use up the
// counter. A known password does not pass a lock: the answer would reveal that it is right.
type known struct {
	key     []byte
	entries *cache.Cache[time.Time]
}

func newKnown() (*known, error) {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	entries, err := cache.New[time.Time](knownSize)
	return &known{key, entries}, err
}

// proof returns the hash of a name and its password; "" if one of them is missing.
func (k *known) proof(name, password string) string {
	if name == "" || password == "" {
		return ""
	}
	return string(sum(k.key, name+"\x00"+password))
}

func (k *known) has(proof string, now time.Time) bool {
	until, ok := k.entries.Get(proof)
	return ok && now.Before(until)
}

func (k *known) add(proof string, now time.Time) {
	if proof != "" {
		k.entries.Put(proof, now.Add(knownFor))
	}
}

func (k *known) forget(proof string) { k.entries.Remove(proof) }
