package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"cocart-gateway/untrusted"
)

type status string

const (
	statusOK        status = "ok"
	statusWarning   status = "warning"
	statusProblem   status = "problem"
	statusUnchecked status = "unchecked" // something else has to work first
)

// finding is one thing that was looked at. The shape is what --json promises.
type finding struct {
	ID     string `json:"id"` // stable, as in redis.eviction
	Group  string `json:"group"`
	Status status `json:"status"`
	Found  string `json:"found"`  // a sentence: what is
	Advice string `json:"advice"` // what to do; "" where there is nothing to do
}

// report is all of them, in the order in which they were looked at.
type report struct {
	OK     bool      `json:"ok"` // no problem; there may be warnings
	Checks []finding `json:"checks"`

	group string // of the checks that are added
	node  string // of WordPress, that they are about; "" where there is only one
}

func (r *report) add(id string, s status, found, advice string) {
	if r.node != "" {
		id, found = id+"-"+r.node, r.node+": "+found
	}
	r.Checks = append(r.Checks, finding{r.group + "." + id, r.group, s, untrusted.Visible(found), untrusted.Visible(advice)})
	r.OK = r.OK && s != statusProblem
}

func (r *report) ok(id, found string, args ...any) {
	r.add(id, statusOK, fmt.Sprintf(found, args...), "")
}

func (r *report) warn(id, found, advice string) { r.add(id, statusWarning, found, advice) }

func (r *report) problem(id, found, advice string) { r.add(id, statusProblem, found, advice) }

// skip says of several checks why nobody could look.
func (r *report) skip(because string, ids ...string) {
	for _, id := range ids {
		r.add(id, statusUnchecked, "Not checked: "+because+".", "")
	}
}

func (r *report) count(s status) int {
	n := 0
	for _, c := range r.Checks {
		if c.Status == s {
			n++
		}
	}
	return n
}

// write is the report for people: a group a paragraph, what to do below what is wrong, one line at the end.
func (r *report) write(w io.Writer, marks map[status]string) error {
	var b strings.Builder
	widest := 0
	for _, c := range r.Checks {
		widest = max(widest, utf8.RuneCountInString(marks[c.Status]))
	}
	group := ""
	for i, c := range r.Checks {
		if c.Status == statusUnchecked && i > 0 && r.Checks[i-1].Status == c.Status && r.Checks[i-1].Found == c.Found {
			continue // one line says it of all of them; --json has each
		}
		if c.Group != group {
			group = c.Group
			fmt.Fprintf(&b, "%s\n", pick(group == "wordpress", "WordPress", strings.ToUpper(group[:1])+group[1:]))
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

func (r *report) summary() string {
	problems, warnings := r.count(statusProblem), r.count(statusWarning)
	text := fmt.Sprintf("%d problem%s, %d warning%s.", problems, pick(problems == 1, "", "s"), warnings, pick(warnings == 1, "", "s"))
	switch {
	case problems == 0 && warnings == 0:
		return "All is well."
	case problems == 0:
		return text + " The gateway can take traffic."
	}
	return text + " Send it no traffic before the problems are gone."
}
