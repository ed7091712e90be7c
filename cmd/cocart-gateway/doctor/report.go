package doctor

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"cocart-gateway/cmd/cocart-gateway/config/schema"
	"cocart-gateway/tokens/untrusted"
)

// Status is the result of a check in one word.
type Status string

// The values of Status.
const (
	OK        Status = "ok"
	Warning   Status = "warning"
	Problem   Status = "problem"
	Unchecked Status = "unchecked" // something else has to work first
)

// Check is the result of one check. Its JSON form is documented.
type Check struct {
	ID     string `json:"id"` // stable, as in redis.eviction
	Group  string `json:"group"`
	Status Status `json:"status"`
	Found  string `json:"found"`  // a sentence
	Advice string `json:"advice"` // what to do; "" if there is nothing to do
	// Shop is the name of the shop that was examined, if there are several. What all of them share is with the first.
	Shop string `json:"shop,omitempty"`
}

// Report has the results in the order of the checks.
type Report struct {
	OK     bool    `json:"ok"` // there is no problem; there may be warnings
	Checks []Check `json:"checks"`

	Options `json:"-"`
	group   string // of the checks that are added
	node    string // the web server of the checks that are added; "" if there is only one
}

// row is one possible result of a check: the condition under which it is the result, what was found, and what to do.
type row struct {
	when          bool
	status        Status
	found, advice string
}

// otherwise is the condition of the last row.
const otherwise = true

// decide adds the first row whose condition is true as the result of a check. A check may have no result.
func (r *Report) decide(id string, rows ...row) {
	for _, row := range rows {
		if row.when {
			r.add(id, row.status, row.found, row.advice)
			return
		}
	}
}

func (r *Report) add(id string, s Status, found, advice string) {
	if r.node != "" {
		id, found = id+"-"+r.node, r.node+": "+found
	}
	r.Checks = append(r.Checks, Check{ID: r.group + "." + id, Group: r.group, Status: s, Found: untrusted.Visible(found), Advice: untrusted.Visible(advice)})
	r.OK = r.OK && s != Problem
}

func (r *Report) ok(id, found string, args ...any) { r.add(id, OK, fmt.Sprintf(found, args...), "") }

func (r *Report) warn(id, found, advice string) { r.add(id, Warning, found, advice) }

func (r *Report) problem(id, found, advice string) { r.add(id, Problem, found, advice) }

// skip records why several checks were not made.
func (r *Report) skip(because string, ids ...string) {
	for _, id := range ids {
		r.add(id, Unchecked, "Not checked: "+because+".", "")
	}
}

func (r *Report) count(s Status) int {
	n := 0
	for _, c := range r.Checks {
		if c.Status == s {
			n++
		}
	}
	return n
}

// Write writes the report as text: a paragraph for each group, advice below what was found, and a summary. marks has the
// text that stands for each status.
func (r *Report) Write(w io.Writer, marks map[Status]string) error {
	var b strings.Builder
	widest := 0
	for _, c := range r.Checks {
		widest = max(widest, utf8.RuneCountInString(marks[c.Status]))
	}
	group, shop := "", ""
	for i, c := range r.Checks {
		if c.Status == Unchecked && i > 0 && r.Checks[i-1].Status == c.Status && r.Checks[i-1].Found == c.Found && r.Checks[i-1].Shop == c.Shop {
			continue // one line is enough for people; the JSON form has each check
		}
		if c.Shop != shop {
			group, shop = "", c.Shop
			fmt.Fprintf(&b, "%s\n%s\n", schema.IfElse(i > 0, "\n", "")+"Shop "+shop, strings.Repeat("=", len("Shop ")+len(shop)))
		}
		if c.Group != group {
			group = c.Group
			fmt.Fprintf(&b, "%s\n", title(group))
		}
		fmt.Fprintf(&b, "  %-*s  %s\n", widest, marks[c.Status], c.Found)
		if c.Advice != "" {
			fmt.Fprintf(&b, "  %*s  → %s\n", widest, "", c.Advice)
		}
	}
	fmt.Fprintf(&b, "\n%s\n", r.summary())
	_, err := io.WriteString(w, b.String())
	return err
}

func title(group string) string {
	if group == "wordpress" {
		return "WordPress"
	}
	return strings.ToUpper(group[:1]) + group[1:]
}

func (r *Report) summary() string {
	problems, warnings := r.count(Problem), r.count(Warning)
	text := fmt.Sprintf("%d %s, %d %s.", problems, plural(problems, "problem"), warnings, plural(warnings, "warning"))
	switch {
	case problems == 0 && warnings == 0:
		return "No problems found."
	case problems == 0:
		return text + " The gateway can take traffic."
	}
	return text + " Fix the problems before sending traffic."
}

func plural(n int, noun string) string {
	if n == 1 {
		return noun
	}
	return noun + "s"
}
