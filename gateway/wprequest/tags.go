package wprequest

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

var scripts = regexp.MustCompile(`(?is)<script[^>]*?>.*?</script>|<style[^>]*?>.*?</style>`)

// stripAllTags is wp_strip_all_tags.
func stripAllTags(s string) string {
	if strings.Contains(s, "<") {
		s = scripts.ReplaceAllLiteralString(s, "")
	}
	return trim(stripTags(s))
}

// stripper is the state of PHP's strip_tags (php_strip_tags_impl).
type stripper struct {
	in    string
	out   []byte
	quote byte // the quote that is open, 0 if none
	depth int  // "<" within a tag that are still open
	xml   bool
}

// stripTags is PHP's strip_tags without allowed tags.
func stripTags(s string) string {
	if !strings.ContainsAny(s, "<>\x00") {
		return s
	}
	t := stripper{in: s, out: make([]byte, 0, len(s))}
	for i := 0; i < len(s); {
		i = t.text(i)
	}
	return string(t.out)
}

func (t *stripper) at(i int) byte {
	if i < 0 || i >= len(t.in) {
		return 0
	}
	return t.in[i]
}

// text copies one character, or skips a tag; it returns where to go on.
func (t *stripper) text(i int) int {
	switch c := t.in[i]; c {
	case 0:
	case '<':
		if t.quote != 0 {
			return i + 1
		}
		if isSpace(t.at(i + 1)) {
			t.out = append(t.out, c)
			return i + 1
		}
		return t.tag(i + 1)
	case '>':
		switch {
		case t.depth > 0:
			t.depth--
		case t.quote == 0:
			t.out = append(t.out, c)
		}
	default:
		t.out = append(t.out, c)
	}
	return i + 1
}

// tag skips to behind the ">" of a tag.
func (t *stripper) tag(i int) int {
	for ; i < len(t.in); i++ {
		switch c := t.in[i]; c {
		case '<':
			if t.quote == 0 && !isSpace(t.at(i+1)) {
				t.depth++
			}
		case '>':
			switch {
			case t.depth > 0:
				t.depth--
			case t.quote != 0, t.xml && t.at(i-1) == '-':
			default:
				t.quote, t.xml = 0, false
				return i + 1
			}
		case '"', '\'':
			t.quoted(c)
		case '!':
			if t.at(i-1) == '<' {
				return t.declaration(i + 1)
			}
		case '?':
			if t.at(i-1) == '<' {
				return t.instruction(i + 1)
			}
		}
	}
	return i
}

// quoted opens or closes a quotation.
func (t *stripper) quoted(c byte) {
	switch t.quote {
	case 0:
		t.quote = c
	case c:
		t.quote = 0
	}
}

// instruction skips to behind the "?>" of PHP code, or goes on as a tag after "<?xml".
func (t *stripper) instruction(i int) int {
	last, parentheses := byte('<'), 0
	for ; i < len(t.in); i++ {
		switch c := t.in[i]; c {
		case '(', ')':
			if last != '"' && last != '\'' {
				last = c
				parentheses += map[byte]int{'(': 1, ')': -1}[c]
			}
		case '>':
			switch {
			case t.depth > 0:
				t.depth--
			case t.quote == 0 && parentheses == 0 && last != '"' && t.at(i-1) == '?':
				return i + 1
			}
		case '"', '\'':
			if t.at(i-1) == '\\' {
				continue
			}
			if last == c {
				last = 0
			} else if last != '\\' {
				last = c
			}
			t.quoted(c)
		case 'l', 'L':
			if i > 4 && strings.EqualFold(t.in[i-4:i], "<?xm") {
				t.xml = true
				return t.tag(i + 1)
			}
		}
	}
	return i
}

// declaration skips to behind the ">" of "<!…", or the "-->" of a comment.
func (t *stripper) declaration(i int) int {
	for ; i < len(t.in); i++ {
		switch c := t.in[i]; c {
		case '>':
			switch {
			case t.depth > 0:
				t.depth--
			case t.quote == 0:
				return i + 1
			}
		case '"', '\'':
			if t.at(i-1) != '\\' {
				t.quoted(c)
			}
		case '-':
			if t.at(i-1) == '-' && t.at(i-2) == '!' {
				return t.comment(i + 1)
			}
		case 'e', 'E':
			if i > 6 && strings.EqualFold(t.in[i-6:i], "doctyp") {
				return t.tag(i + 1)
			}
		}
	}
	return i
}

func (t *stripper) comment(i int) int {
	for ; i < len(t.in); i++ {
		if t.in[i] == '>' && t.quote == 0 && t.at(i-1) == '-' && t.at(i-2) == '-' {
			return i + 1
		}
	}
	return i
}

func isSpace(c byte) bool { return c != 0 && strings.IndexByte(" \t\n\v\f\r", c) >= 0 }

// removeAccents is remove_accents in the locale en_US, on a PHP without intl; with
// intl the text is composed first, which [Key] makes up for.
func removeAccents(s string) string {
	if seemsUTF8(s) {
		return mapRunes(s)
	}
	return removeLatin1(s)
}

// mapRunes is strtr with the table of accents; bytes that begin no character stay.
func mapRunes(s string) string {
	var out strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if plain, found := accents[r]; found && size > 1 {
			out.WriteString(plain)
		} else {
			out.WriteString(s[i : i+size])
		}
		i += size
	}
	return out.String()
}

// seemsUTF8 is WordPress's seems_utf8, which takes any lead byte with as many
// continuation bytes as it announces.
func seemsUTF8(s string) bool {
	for i := 0; i < len(s); i++ {
		n := 0
		switch c := s[i]; {
		case c < 0x80:
		case c&0xe0 == 0xc0:
			n = 1
		case c&0xf0 == 0xe0:
			n = 2
		case c&0xf8 == 0xf0:
			n = 3
		case c&0xfc == 0xf8:
			n = 4
		case c&0xfe == 0xfc:
			n = 5
		default:
			return false
		}
		for ; n > 0; n-- {
			i++
			if i == len(s) || s[i]&0xc0 != 0x80 {
				return false
			}
		}
	}
	return true
}
