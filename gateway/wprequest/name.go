package wprequest

import (
	"regexp"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/collate"
	"golang.org/x/text/language"
	"golang.org/x/text/unicode/norm"
)

// This file reads user names as WordPress, WooCommerce and CoCart do before they look an account up, so that all spellings
// of the name of one account are one name to a counter.
//
// CoCart's get_username takes a name for a billing phone number first, then for an e-mail address, then for a login name;
// sanitize_user is applied once or several times, and the database compares the result by a collation that ignores case,
// accents and width. Attack: a spelling that WordPress reads as the same account and a counter does not gives a fresh
// counter. Prevention: a differential fuzz test compares [NameKey] with WordPress's own functions in PHP.

// MaxNameLength is how many characters a name may have: wp_users holds 60 of a login name
// and 100 of an e-mail address, wp_insert_user refuses more.
const MaxNameLength = 100

// NameTooLong reports whether a name is longer than that of any account. It looks at no
// more bytes than such a name can have, and comes before everything else that is done
// with a name: sanitize_user needs seconds for 1 MiB.
func NameTooLong(name string) bool {
	return len(name) > MaxNameLength*utf8.UTFMax || utf8.RuneCountInString(name) > MaxNameLength
}

// NameKey returns the one form of all spellings that WordPress and a MySQL collation take
// for the same name. It may bring the names of two accounts together, which then share
// a counter until WordPress names the account; it never separates spellings of one name.
// A name that is too long is cut: no account can have it. The key is not readable text; it
// is empty if nothing of the name is left.
func NameKey(name string) string {
	if NameTooLong(name) {
		name = string([]rune(name[:min(len(name), MaxNameLength*utf8.UTFMax)]))
	}
	for {
		shorter := SanitizeUser(name)
		if shorter == name {
			break
		}
		name = shorter
	}
	return primary(name)
}

// letters are those that collations take for ASCII and Unicode does not decompose.
var letters = strings.NewReplacer("æ", "ae", "œ", "oe", "ø", "o", "đ", "d", "ð", "d", "ł", "l", "ħ", "h", "ı", "i", "ĸ", "k",
	"ŋ", "n", "ŧ", "t", "þ", "th", "ŀ", "l", "ſ", "s")

// collators compare at the first level of the Unicode Collation Algorithm, as MySQL's
// utf8mb4_unicode_ci and _520_ci do: to them the digits of all scripts are the same. A
// collator serves one caller at a time.
var collators = sync.Pool{New: func() any { return collate.New(language.Und, collate.Loose) }}

// primary brings together what collations take for equal: case, accents, width, blanks,
// what is invisible. Characters beyond the basic plane go, since utf8mb4_unicode_ci and
// _general_ci take them all for the same one.
func primary(name string) string {
	name = letters.Replace(cases.Fold().String(norm.NFKD.String(name)))
	name = strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.M, unicode.Z, unicode.C) || r == unicode.ReplacementChar || r > 0xffff {
			return -1
		}
		return r
	}, name)
	c := collators.Get().(*collate.Collator)
	defer collators.Put(c)
	var buffer collate.Buffer
	return string(c.KeyFromString(&buffer, name))
}

var (
	octets   = regexp.MustCompile(`%[a-fA-F0-9]{2}`)
	entities = regexp.MustCompile(`&[^\n]+?;`)
	blanks   = regexp.MustCompile(`[ \t\n\v\f\r]+`)
)

// SanitizeUser is WordPress's sanitize_user, not strict, in the locale en_US.
func SanitizeUser(name string) string {
	name = removeAccents(stripAllTags(name))
	name = replaceBytes(octets, name, "")
	name = replaceBytes(entities, name, "")
	return replaceBytes(blanks, trim(name), " ")
}

// replaceBytes is preg_replace without the u flag, for patterns of ASCII: Go's regexp
// reads text that is not UTF-8 byte by byte as well, and copies the rest as it is.
func replaceBytes(pattern *regexp.Regexp, s, with string) string {
	return pattern.ReplaceAllLiteralString(s, with)
}

// SanitizeTextField is WordPress's sanitize_text_field on a site whose charset is
// UTF-8.
func SanitizeTextField(s string) string {
	if !utf8.ValidString(s) {
		return ""
	}
	if strings.Contains(s, "<") {
		s = stripAllTags(escapeUnclosed(s))
		s = strings.ReplaceAll(s, "<\n", "&lt;\n")
	}
	s = trim(textBlanks.ReplaceAllLiteralString(s, " "))
	found := false
	for {
		octet := octets.FindString(s)
		if octet == "" {
			break
		}
		s, found = strings.ReplaceAll(s, octet, ""), true
	}
	if found {
		s = trim(severalBlanks.ReplaceAllLiteralString(s, " "))
	}
	return s
}

var (
	textBlanks    = regexp.MustCompile(`[\r\n\t ]+`)
	severalBlanks = regexp.MustCompile(` +`)
	emailLocal    = regexp.MustCompile("^[a-zA-Z0-9!#$%&'*+/=?^_`{|}~.-]+\n?$")
	emailLabel    = regexp.MustCompile(`^[a-zA-Z0-9-]+$`)
	phoneSigns    = regexp.MustCompile(`[\s\v#0-9_\-+/().]`)
)

// IsEmail is WordPress's is_email.
func IsEmail(s string) bool {
	if len(s) < 6 || !strings.Contains(s[1:], "@") {
		return false
	}
	local, domain, _ := strings.Cut(s, "@")
	if !emailLocal.MatchString(local) || strings.Contains(domain, "..") || strings.Trim(domain, " \t\n\r\x00\x0b.") != domain {
		return false
	}
	labels := strings.Split(domain, ".")
	for _, label := range labels {
		if strings.Trim(label, " \t\n\r\x00\x0b-") != label || !emailLabel.MatchString(label) {
			return false
		}
	}
	return len(labels) > 1
}

// IsPhone is WooCommerce's WC_Validation::is_phone. An empty name is a phone number to
// it.
func IsPhone(s string) bool { return trim(phoneSigns.ReplaceAllLiteralString(s, "")) == "" }

// trim cuts what PHP's trim cuts.
func trim(s string) string { return strings.Trim(s, " \t\n\r\x00\x0b") }
