package storefront

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// fields are one result, flat: "server HTTP_HOST", "header content-type",
// "status", "body".
type fields map[string]string

// notCompared differs between any two requests, also without a gateway.
var notCompared = []string{
	"server REQUEST_TIME", "server REQUEST_TIME_FLOAT", "server REMOTE_PORT", "header date",
	// How a body is framed on one connection is not for the next (RFC 9110 section 7.6.1).
	"header connection", "header transfer-encoding", "header keep-alive", "header content-length",
}

// flat reads an answer. The report of the probe becomes a field for each of its
// members; any other body is one field.
func flat(a answer, masked []*regexp.Regexp) fields {
	f := fields{"status": fmt.Sprint(a.status), "end": a.err}
	for _, line := range a.lines {
		name, _, _ := strings.Cut(line, ":")
		name = strings.ToLower(name)
		f["header "+name] = mask(strings.Join(a.values(name), " | "), masked)
	}
	var report map[string]map[string]json.RawMessage
	if json.Unmarshal([]byte(a.body), &report) == nil && report["server"] != nil {
		for part, members := range report {
			for name, value := range members {
				f[part+" "+name] = text(value)
			}
		}
	} else {
		body := mask(a.body, masked)
		f["body"] = fmt.Sprintf("%d bytes, %x", len(body), sha256.Sum256([]byte(body)))
	}
	for _, name := range notCompared {
		delete(f, name)
	}
	return f
}

func text(value json.RawMessage) string {
	var s string
	if json.Unmarshal(value, &s) == nil {
		return s
	}
	return string(value)
}

// mask blanks what masked matches, or its first group.
func mask(text string, masked []*regexp.Regexp) string {
	for _, m := range masked {
		text = m.ReplaceAllStringFunc(text, func(found string) string {
			if groups := m.FindStringSubmatch(found); len(groups) > 1 {
				return strings.Replace(found, groups[1], "…", 1)
			}
			return "…"
		})
	}
	return text
}

// difference is one field that is not the same past the gateway and through it.
type difference struct {
	request, field, change string
	past, through          string
}

func (d difference) String() string {
	return fmt.Sprintf("%s: %s %s: %q past the gateway, %q through it", d.request, d.field, d.change, d.past, d.through)
}

func differences(request string, past, through fields) (all []difference) {
	names := slices.Sorted(maps.Keys(past))
	for name := range through {
		if _, both := past[name]; !both {
			names = append(names, name)
		}
	}
	for _, name := range names {
		before, was := past[name]
		after, is := through[name]
		change := "changed"
		switch {
		case was && is && before == after:
			continue
		case !was:
			change = "added"
		case !is:
			change = "removed"
		}
		all = append(all, difference{request, name, change, before, after})
	}
	return all
}
