package wprequest

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// entityNames are the entities of HTML 4.01, which esc_html leaves as they are.
const entityNames = "" +
	"nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn acute " +
	"micro para middot cedil ordm raquo iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave " +
	"Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash " +
	"Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil " +
	"egrave eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide " +
	"oslash ugrave uacute ucirc uuml yacute thorn yuml quot amp lt gt OElig oelig Scaron scaron Yuml circ " +
	"tilde ensp emsp thinsp zwnj zwj lrm rlm ndash mdash lsquo rsquo sbquo ldquo rdquo bdquo dagger " +
	"Dagger permil lsaquo rsaquo euro fnof Alpha Beta Gamma Delta Epsilon Zeta Eta Theta Iota Kappa " +
	"Lambda Mu Nu Xi Omicron Pi Rho Sigma Tau Upsilon Phi Chi Psi Omega alpha beta gamma delta epsilon " +
	"zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigmaf sigma tau upsilon phi chi psi omega " +
	"thetasym upsih piv bull hellip prime Prime oline frasl weierp image real trade alefsym larr uarr " +
	"rarr darr harr crarr lArr uArr rArr dArr hArr forall part exist empty nabla isin notin ni prod sum " +
	"minus lowast radic prop infin ang and or cap cup int sim cong asymp ne equiv le ge sub sup nsub sube " +
	"supe oplus otimes perp sdot lceil rceil lfloor rfloor lang rang loz spades clubs hearts diams sup1 " +
	"sup2 sup3 frac14 frac12 frac34 there4"

var isEntityName = func() map[string]bool {
	known := map[string]bool{}
	for name := range strings.SplitSeq(entityNames, " ") {
		known[name] = true
	}
	return known
}()

var (
	openTags = regexp.MustCompile(`<[^<>]*>?`)
	named    = regexp.MustCompile(`&amp;([A-Za-z]{2,8}[0-9]{0,2});`)
	decimal  = regexp.MustCompile(`&amp;#(0*[0-9]{1,7});`)
	hex      = regexp.MustCompile(`&amp;#[Xx](0*[0-9A-Fa-f]{1,6});`)
	quotes   = strings.NewReplacer("<", "&lt;", `"`, "&quot;", "'", "&#039;")
)

// escapeUnclosed is wp_pre_kses_less_than: it escapes "<" where no ">" follows before
// the next "<" or the end.
func escapeUnclosed(s string) string {
	return openTags.ReplaceAllStringFunc(s, func(tag string) string {
		if strings.HasSuffix(tag, ">") {
			return tag
		}
		return escapeHTML(tag)
	})
}

// escapeHTML is esc_html: wp_kses_normalize_entities, which goes over the text three
// times, and htmlspecialchars.
func escapeHTML(s string) string {
	s = strings.ReplaceAll(s, "&", "&amp;")
	s = named.ReplaceAllStringFunc(s, func(text string) string {
		if name := named.FindStringSubmatch(text)[1]; isEntityName[name] {
			return "&" + name + ";"
		}
		return text
	})
	s = numbers(decimal, s, 10, "&amp;#", func(n int64, _ string) string { return fmt.Sprintf("&#%03d;", n) })
	s = numbers(hex, s, 16, "&amp;#x", func(_ int64, digits string) string { return "&#x" + strings.TrimLeft(digits, "0") + ";" })
	return quotes.Replace(s)
}

// numbers goes over the entities that are numbers. Of "0" nothing is left, since PHP's
// empty() finds it empty.
func numbers(pattern *regexp.Regexp, s string, base int, escaped string, write func(int64, string) string) string {
	return pattern.ReplaceAllStringFunc(s, func(text string) string {
		digits := pattern.FindStringSubmatch(text)[1]
		n, err := strconv.ParseInt(digits, base, 64)
		switch {
		case digits == "0":
			return ""
		case err == nil && isText(n):
			return write(n, digits)
		}
		return escaped + digits + ";"
	})
}

// isText is valid_unicode.
func isText(n int64) bool {
	return n == '\t' || n == '\n' || n == '\r' || 0x20 <= n && n <= 0xd7ff || 0xe000 <= n && n <= 0xfffd || 0x10000 <= n && n <= 0x10ffff
}
