package wprequest

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// PHP and Go read unusual multipart forms differently: PHP knows no filename*, takes
// the last of two name parameters, ends a part at any line that begins with the
// boundary, and reads on behind the closing delimiter. An attacker who finds such a
// difference hides a parameter from the gateway that PHP sees. [MultipartFields]
// therefore reads only the form that browsers and HTTP libraries write, and reports
// everything else as [ErrUnusualForm].

// ErrUnusualForm reports a form that PHP and other readers could read differently.
var ErrUnusualForm = errors.New("unusual multipart form")

// FormField is one part of a form in the order of the body.
type FormField struct {
	// Name as it is in the header, before PHP turns dots and blanks into "_".
	Name  string
	Value []byte
	// File: PHP puts the part into $_FILES. It is no parameter.
	File bool
}

var (
	plainType = regexp.MustCompile(`(?i)^[ \t]*multipart/form-data[ \t]*(?:;[ \t]*charset="?[\w-]+"?[ \t]*)?;[ \t]*boundary=(?:"([0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-])"|([0-9A-Za-z'()+_./:=?-]{1,70}))[ \t]*(?:;[ \t]*charset="?[\w-]+"?[ \t]*)?;?$`)

	partHeader = regexp.MustCompile(`^[A-Za-z0-9-]+:[ \t]*[^\x00-\x08\x0a-\x1f\x7f]*$`)
	// A value without quotes holds none: PHP takes ' for a quote, and name='a' for a.
	// filename* is written as RFC 5987 says, which needs two. A filename may hold
	// escapes, which all read alike but for a backslash before a backslash.
	disposition = regexp.MustCompile(`(?i)^content-disposition:[ \t]*form-data((?:[ \t]*;[ \t]*(?:filename="(?:[^"\\]|\\[^\\])*"|[a-z]+\*?=(?:"[^"\\]*"|[^\s;"'\\]+|utf-8'[a-z-]*'[^\s;"'\\]*)))*)[ \t]*;?[ \t]*$`)
	attribute   = regexp.MustCompile(`(?i);[ \t]*(?:(filename)="(?:[^"\\]|\\[^\\])*"|([a-z]+\*?)=(?:"([^"\\]*)"|([^\s;"'\\]+|utf-8'[a-z-]*'[^\s;"'\\]*)))`)
)

// longestLine is how long a header of a part may be. PHP reads lines into a buffer of
// 5 KiB (FILLUNIT): what follows in a longer line is a line of its own to it, and so
// another Content-Disposition could be hidden there.
const longestLine = 4 << 10

// MultipartBoundary returns the boundary that a Content-Type names, or "" where it names none
// or is unusual.
func MultipartBoundary(contentType string) string {
	if m := plainType.FindStringSubmatch(contentType); m != nil {
		return m[1] + m[2]
	}
	return ""
}

// MultipartFields returns the fields of a form. A form without a boundary has none, because
// PHP reads none of it. The error is [ErrUnusual], with what is unusual.
func MultipartFields(contentType string, raw []byte) ([]FormField, error) {
	if !strings.Contains(strings.ToLower(contentType), "boundary") {
		return nil, nil // "Missing boundary in multipart/form-data POST data"
	}
	boundary := MultipartBoundary(contentType)
	if boundary == "" {
		return nil, unusual("the Content-Type")
	}
	if len(raw) == 0 {
		return nil, nil
	}
	return parseParts(bytes.TrimPrefix(raw, []byte("\r\n")), "--"+boundary)
}

func unusual(what string) error { return fmt.Errorf("%w: %s", ErrUnusualForm, what) }

// parseParts cuts a body at each line that begins with the delimiter, as PHP does
// (multipart_buffer_read looks for a line feed and the delimiter).
func parseParts(raw []byte, delimiter string) ([]FormField, error) {
	if !bytes.HasPrefix(raw, []byte(delimiter)) {
		return nil, unusual("text before the first part")
	}
	var fields []FormField
	for rest, closed := raw[len(delimiter):], false; !closed; {
		after, found := bytes.CutPrefix(rest, []byte("\r\n"))
		if !found {
			closed = true
			if err := closing(rest); err != nil {
				return nil, err
			}
			continue
		}
		end := bytes.Index(after, []byte("\n"+delimiter))
		if end < 1 || after[end-1] != '\r' {
			return nil, unusual("a part without its end")
		}
		field, err := parsePart(after[:end-1])
		if err != nil {
			return nil, err
		}
		fields, rest = append(fields, field), after[end+1+len(delimiter):]
	}
	return fields, nil
}

// closing checks what follows the last delimiter. PHP reads on behind it and would
// find further parts there.
func closing(rest []byte) error {
	if after, found := bytes.CutPrefix(rest, []byte("--")); !found || len(bytes.TrimRight(after, "\r\n")) > 0 {
		return unusual("the closing delimiter")
	}
	return nil
}

func parsePart(part []byte) (FormField, error) {
	head, value, found := bytes.Cut(part, []byte("\r\n\r\n"))
	if !found {
		return FormField{}, unusual("a part without a header")
	}
	field, named := FormField{Value: value}, false
	for line := range strings.SplitSeq(string(head), "\r\n") {
		if len(line) > longestLine || !partHeader.MatchString(line) { // folded, or with a bare line feed
			return FormField{}, unusual("a header of a part")
		}
		if !strings.HasPrefix(strings.ToLower(line), "content-disposition") {
			continue
		}
		if named {
			return FormField{}, unusual("two Content-Disposition headers")
		}
		named = true
		if err := field.read(line); err != nil {
			return FormField{}, err
		}
	}
	if !named {
		return FormField{}, unusual("a part without Content-Disposition")
	}
	return field, nil
}

// read takes name and filename from a Content-Disposition header. filename* is not
// looked at: PHP does not know it.
func (f *FormField) read(line string) error {
	m := disposition.FindStringSubmatch(line)
	if m == nil {
		return unusual("Content-Disposition")
	}
	seen := map[string]bool{}
	for _, a := range attribute.FindAllStringSubmatch(m[1], -1) {
		name := strings.ToLower(a[1] + a[2])
		if seen[name] {
			return unusual("a parameter of Content-Disposition that is there twice")
		}
		seen[name] = true
		switch name {
		case "name":
			f.Name = a[3] + a[4]
		case "filename":
			f.File = true
		}
	}
	if !seen["name"] {
		return unusual("a part without a name")
	}
	return nil
}
