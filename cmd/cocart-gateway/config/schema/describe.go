package schema

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// Describe describes the value at n, as a predicate, for keys that are not secret.
func Describe(n *yaml.Node) string {
	if n.Kind != yaml.ScalarNode {
		return DescribeBlind(n)
	}
	switch n.ShortTag() {
	case "!!str", "!!timestamp", environmentTag:
		return "is " + quoted(n.Value)
	case "!!int", "!!float", "!!bool":
		return "is " + Printable(n.Value)
	}
	return DescribeBlind(n)
}

// DescribeBlind describes the value at n without showing any of it.
func DescribeBlind(n *yaml.Node) string {
	switch n.Kind {
	case yaml.SequenceNode:
		return IfElse(len(n.Content) == 0, "is an empty list", "is a list")
	case yaml.MappingNode:
		return "is a block of keys"
	case yaml.AliasNode:
		return "is an alias (*)"
	}
	switch n.ShortTag() {
	case "!!null":
		return "is empty"
	case "!!str", environmentTag:
		return Length(n.Value)
	case "!!int", "!!float":
		return "is a number"
	case "!!bool":
		return "is a truth value"
	case "!!timestamp":
		return "is a date"
	}
	return "has a YAML tag (!)"
}

// Length describes a secret by its number of characters, as a predicate.
func Length(secret string) string {
	switch n := utf8.RuneCountInString(secret); n {
	case 0:
		return "is empty"
	case 1:
		return "is 1 character long"
	default:
		return fmt.Sprintf("is %d characters long", n)
	}
}

const longestShown = 80 // characters of a value

// quoted shows a value. It leaves out what is before an @ or after a ?, which may be a password in a URL.
func quoted(value string) string {
	if at := strings.LastIndexByte(value, '@'); at >= 0 {
		scheme, _, found := strings.Cut(value[:at], "://")
		value = IfElse(found, scheme+"://", "") + Redacted + value[at:]
	}
	if query := strings.IndexAny(value, "?#"); query >= 0 && query+1 < len(value) {
		value = value[:query+1] + "…"
	}
	return strconv.Quote(shortened(value))
}

// Printable shows a word as it is, or quoted if it contains control characters.
func Printable(word string) string {
	word = shortened(word)
	if q := strconv.Quote(word); word == "" || q[1:len(q)-1] != word {
		return q
	}
	return word
}

func shortened(s string) string {
	if runes := []rune(s); len(runes) > longestShown {
		return string(runes[:longestShown]) + "…"
	}
	return s
}

// IfElse returns yes if claim is true, else no.
func IfElse(claim bool, yes, no string) string {
	if claim {
		return yes
	}
	return no
}
