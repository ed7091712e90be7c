package attempts

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// What sanitize_user takes out of a user name before it is looked up: tags, percent-encoded bytes and entities.
var stripped = regexp.MustCompile(`<[^>]*>|%[0-9a-fA-F]{2}|&[^;\s]+;`)

// letters are those that remove_accents spells in ASCII and Unicode does not decompose.
var letters = strings.NewReplacer("æ", "ae", "œ", "oe", "ø", "o", "đ", "d", "ð", "d", "ł", "l", "ħ", "h", "ı", "i", "ĸ", "k", "ŋ", "n", "ŧ", "t", "þ", "th")

// fold brings the spellings of a name that WordPress and MySQL's collations take for one to one form: case, accents,
// width, blanks, and what is invisible. It may bring two accounts together, which then share a counter of the time
// before WordPress named them; it shall not keep one account apart.
func fold(name string) string {
	name = stripped.ReplaceAllString(name, "")
	name = letters.Replace(cases.Fold().String(norm.NFKD.String(name)))
	return norm.NFC.String(strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.M, unicode.Z, unicode.C) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, name))
}

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

func (n namer) name(name string) string { return "name:" + n.hash("name", fold(name)) }

func userName(id int64) string { return "user:" + strconv.FormatInt(id, 10) }
