// Package term writes what commands print: tables and JSON, times in words, and text of clients that must not reach a
// terminal as it is.
package term

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"cocart-gateway/tokens/untrusted"
)

// WriteTable writes rows with their columns lined up.
func WriteTable(w io.Writer, rows [][]string) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(table, strings.Join(row, "\t"))
	}
	return table.Flush()
}

// WriteJSON writes v as one indented document.
func WriteJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}

const widestCell = 40 // characters; a User-Agent may have hundreds

// Cell returns text of a client shortened and safe for one column of a table; "-" for an empty text.
func Cell(text string) string {
	text = untrusted.Visible(text)
	if text == "" {
		return "-"
	}
	if runes := []rune(text); len(runes) > widestCell {
		return string(runes[:widestCell-1]) + "…"
	}
	return text
}

// Timestamp returns a time in UTC by RFC 3339.
func Timestamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// Relative returns how far at is from now, as in "3 hours ago", in the largest unit of which there are two or more.
func Relative(now, at time.Time) string {
	d := at.Sub(now).Round(time.Second)
	amount := d.Abs()
	text := "just now"
	for _, unit := range []struct {
		name string
		size time.Duration
	}{{"second", time.Second}, {"minute", time.Minute}, {"hour", time.Hour}, {"day", 24 * time.Hour}} {
		if n := amount / unit.size; n >= 2 || unit.size == time.Second && n == 1 {
			text = fmt.Sprintf("%d %s", n, unit.name)
			if n != 1 {
				text += "s"
			}
		}
	}
	switch {
	case d == 0:
		return text
	case d < 0:
		return text + " ago"
	}
	return "in " + text
}
