// Package untrusted handles what clients control: text of theirs that is logged, stored or shown on a terminal, and log lines
// that they can cause as often as they like.
package untrusted

import (
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"
)

// Shorten cuts a text to a number of bytes, for a log line, whose own form escapes control characters.
func Shorten(text string, length int) string {
	if len(text) <= length {
		return text
	}
	return cut(text, length) + "…"
}

// Storable removes control characters and broken UTF-8 from a text and cuts it to a number of bytes.
func Storable(text string, length int) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == utf8.RuneError {
			return -1
		}
		return r
	}, text)
	return cut(text, length)
}

// cut does not leave part of a character.
func cut(text string, length int) string {
	if len(text) <= length {
		return text
	}
	return strings.ToValidUTF8(text[:length], "")
}

// Visible escapes each character that is not printable, for a terminal.
//
// Attack: a client names its device with control characters, which move the cursor or change the direction of writing in
// the terminal of an operator. Prevention: they are shown as \n or \u202e.
func Visible(text string) string {
	var b strings.Builder
	for _, c := range text {
		if unicode.IsPrint(c) {
			b.WriteRune(c)
		} else {
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(c), "'"))
		}
	}
	return b.String()
}

// Throttle limits how often a line is logged that clients can cause. Its zero value allows one a minute; it is safe for
// concurrent use.
type Throttle struct {
	Period time.Duration // 0 means a minute

	mu   sync.Mutex
	last time.Time
}

// Allow reports whether a line may be logged now, at most once in a period.
func (t *Throttle) Allow(now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	period := t.Period
	if period == 0 {
		period = time.Minute
	}
	if !t.last.IsZero() && now.Sub(t.last) < period {
		return false
	}
	t.last = now
	return true
}
