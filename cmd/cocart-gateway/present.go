package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
)

// writeTable lines up columns for people.
func writeTable(w io.Writer, rows [][]string) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(table, strings.Join(row, "\t"))
	}
	return table.Flush()
}

// writeJSON is one document for machines.
func writeJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}

const widestCell = 40 // characters; a User-Agent may have hundreds

// cell is a text of a stranger, fit for one column.
func cell(text string) string {
	text = visible(text)
	if text == "" {
		return "-"
	}
	if runes := []rune(text); len(runes) > widestCell {
		return string(runes[:widestCell-1]) + "…"
	}
	return text
}

// visible writes out what would move the cursor, turn the writing round or otherwise upset a terminal.
func visible(text string) string {
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

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// since is a time and how far from now that is.
func (t terminal) since(at time.Time) string { return stamp(at) + ", " + fromNow(t.now(), at) }

// fromNow says how long ago a time was, or how far ahead it is, in the largest unit of which there are two or more.
func fromNow(now, at time.Time) string {
	d := at.Sub(now).Round(time.Second)
	amount := d.Abs()
	text := "just now"
	for _, unit := range []struct {
		name string
		size time.Duration
	}{{"second", time.Second}, {"minute", time.Minute}, {"hour", time.Hour}, {"day", day}} {
		if n := amount / unit.size; n >= 2 || unit.size == time.Second && n == 1 {
			text = fmt.Sprintf("%d %s%s", n, unit.name, pick(n == 1, "", "s"))
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
