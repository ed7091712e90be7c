package attempts

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strconv"

	"cocart-gateway/tokens/attempts/wpname"
)

// namer makes the keyed hashes that stand for names and addresses.
type namer struct{ key []byte }

// newNamer derives a key of its own, so that a hash is of no use where the secret is used for something else.
func newNamer(secret []byte) namer {
	return namer{sum(secret, "cocart-gateway attempts v1")}
}

func sum(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func (n namer) hash(kind, text string) string {
	return hex.EncodeToString(sum(n.key, kind+"\n"+text)[:16])
}

// name stands for all spellings of a name that WordPress takes for the same.
func (n namer) name(name string) string { return "name:" + n.hash("name", wpname.Key(name)) }

func userName(id int64) string { return "user:" + strconv.FormatInt(id, 10) }

// UserAccount is how [Attempt.Account] names a user's account.
func UserAccount(id int64) string { return userName(id) }
