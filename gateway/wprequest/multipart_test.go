package wprequest_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"cocart-gateway/gateway/wprequest"
)

const plain = "multipart/form-data; boundary=B"

// form writes parts, "header lines|value" each, as a browser does.
func form(parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		head, value, _ := strings.Cut(p, "|")
		b.WriteString("--B\r\n" + head + "\r\n\r\n" + value + "\r\n")
	}
	return b.String() + "--B--\r\n"
}

func field(name, value string) string {
	return `Content-Disposition: form-data; name="` + name + `"|` + value
}

func TestFormsThatClientsSendAreRead(t *testing.T) {
	for name, row := range map[string]struct{ kind, body, want string }{
		"a browser":                         {plain, form(field("a", "1"), field("b[c]", "two words")), `a=1 b[c]=two words`},
		"an empty value":                    {plain, form(field("a", "")), `a=`},
		"lines in a value":                  {plain, form(field("a", "1\r\n2\n-- B")), "a=1\r\n2\n-- B"},
		"a file":                            {plain, form(field("a", "1"), "Content-Disposition: form-data; name=\"f\"; filename=\"x.png\"\r\nContent-Type: image/png|\x89PNG\r\n\r\n--"), "a=1 f=file"},
		"an empty filename":                 {plain, form(`Content-Disposition: form-data; name="f"; filename=""|x`), "f=file"},
		".NET":                              {plain, form("Content-Type: text/plain; charset=utf-8\r\nContent-Disposition: form-data; name=a|1"), "a=1"},
		"Dart":                              {plain, form("content-disposition: form-data; name=\"a\"|1"), "a=1"},
		"OkHttp":                            {plain, form("Content-Disposition: form-data; name=\"a\"\r\nContent-Length: 1|1"), "a=1"},
		"a quoted boundary":                 {`multipart/form-data; boundary="B"`, form(field("a", "1")), "a=1"},
		"Apache HttpClient":                 {"multipart/form-data; charset=UTF-8; boundary=B", form(field("a", "1")), "a=1"},
		"a charset behind":                  {"multipart/form-data; boundary=B; charset=UTF-8", form(field("a", "1")), "a=1"},
		"capitals":                          {"Multipart/Form-Data;boundary=B", form(field("a", "1")), "a=1"},
		"filename* alone is a field to PHP": {plain, form(`Content-Disposition: form-data; name="cart_key"; filename*=UTF-8''a|2`), "cart_key=2"},
		"both spellings of a file name":     {plain, form(`Content-Disposition: form-data; name="f"; filename="a"; filename*=UTF-8''%C3%A4|2`), "f=file"},
		"a quote in a file name":            {plain, form(`Content-Disposition: form-data; name="f"; filename="a\"; name=\"cart_key\""|2`), "f=file"},
		"a path for a file name":            {plain, form(`Content-Disposition: form-data; name="f"; filename="C:\a.png"|2`), "f=file"},
		"a header of 4096 bytes":            {plain, form("X: " + strings.Repeat("x", 4093) + "\r\nContent-Disposition: form-data; name=a|1"), "a=1"},
		"no boundary":                       {"multipart/form-data", "anything", ""},
		"no body":                           {plain, "", ""},
		"no parts":                          {plain, "--B--\r\n", ""},
		"a line before":                     {plain, "\r\n" + form(field("a", "1")), "a=1"},
	} {
		fields, err := wprequest.MultipartFields(row.kind, []byte(row.body))
		var got []string
		for _, f := range fields {
			if f.File {
				f.Value = []byte("file")
			}
			got = append(got, fmt.Sprintf("%s=%s", f.Name, f.Value))
		}
		if err != nil || strings.Join(got, " ") != row.want {
			t.Errorf("%s: %q %v, want %q", name, got, err, row.want)
		}
	}
}

func TestUnusualFormsAreReported(t *testing.T) {
	for name, row := range map[string][2]string{
		"two names":                      {plain, form(`Content-Disposition: form-data; name="a"; name="cart_key"|2`)},
		"two dispositions":               {plain, form("Content-Disposition: form-data; name=\"a\"\r\nContent-Disposition: form-data; name=\"cart_key\"|2")},
		"an escaped quote":               {plain, form(`Content-Disposition: form-data; name="a\"; name="cart_key"|2`)},
		"a name in single quotes":        {plain, form(`Content-Disposition: form-data; name='a b'|2`)},
		"no name":                        {plain, form(`Content-Disposition: form-data|2`)},
		"an attachment":                  {plain, form(`Content-Disposition: attachment; name="cart_key"|2`)},
		"no disposition":                 {plain, form("Content-Type: text/plain|2")},
		"a folded header":                {plain, form("Content-Disposition: form-data;\r\n name=\"cart_key\"|2")},
		"a bare line feed in a header":   {plain, form("Content-Disposition: form-data; name=\"a\"\nX: y|2")},
		"line feeds alone":               {plain, strings.ReplaceAll(form(field("cart_key", "2")), "\r\n", "\n")},
		"a preamble":                     {plain, "hello\r\n" + form(field("a", "1"))},
		"a header longer than 4096":      {plain, form("X: " + strings.Repeat("x", 4094) + "\r\nContent-Disposition: form-data; name=a|1")},
		"a header without a value":       {plain, "--B\r\nContent-Disposition: form-data; name=a\r\n--B--\r\n"},
		"a delimiter for an end":         {plain, strings.TrimSuffix(form(field("a", "1")), "--\r\n")},
		"a letter behind the end":        {plain, strings.TrimSpace(form(field("a", "1"))) + "x"},
		"the form of an empty boundary":  {"multipart/form-data; boundary=", strings.ReplaceAll(form(field("a", "1")), "--B", "--")},
		"a part behind the end":          {plain, form(field("a", "1")) + form(field("cart_key", "2"))},
		"text behind the end":            {plain, form(field("a", "1")) + "hello"},
		"no end":                         {plain, strings.TrimSuffix(form(field("a", "1")), "--B--\r\n")},
		"cut in a value":                 {plain, "--B\r\n" + strings.Replace(field("cart_key", "2"), "|", "\r\n\r\n", 1)},
		"a longer delimiter":             {plain, form(field("a", "1\r\n--BC\r\n"+strings.Replace(field("cart_key", "2"), "|", "\r\n\r\n", 1)))},
		"a delimiter behind a line feed": {plain, form(field("a", "1\n--B\r\n"+strings.Replace(field("cart_key", "2"), "|", "\r\n\r\n", 1)))},
		"two boundaries":                 {"multipart/form-data; boundary=A; boundary=B", form(field("a", "1"))},
		"a boundary elsewhere":           {"multipart/form-data; x=boundary=B", form(field("a", "1"))},
		"another parameter":              {"multipart/form-data; xboundary=A; boundary=B", form(field("a", "1"))},
		"an empty boundary":              {"multipart/form-data; boundary=", form(field("a", "1"))},
		"a comma":                        {"multipart/form-data, boundary=B", form(field("a", "1"))},
		"a NUL in a header":              {plain, form("Content-Disposition: form-data; name=\"a\x00b\"|2")},
	} {
		if fields, err := wprequest.MultipartFields(row[0], []byte(row[1])); !errors.Is(err, wprequest.ErrUnusualForm) {
			t.Errorf("%s: %v %v", name, fields, err)
		}
	}
}

// FuzzParse holds that no part of a form is lost: writing the fields anew and
// reading that gives the same fields.
func FuzzParse(f *testing.F) {
	f.Add(plain, form(field("a", "1"), `Content-Disposition: form-data; name="f"; filename="x"|y`))
	f.Add("multipart/form-data; charset=utf-8; boundary=B", form("Content-Type: text/plain\r\nContent-Disposition: form-data; name=a|1"))
	f.Fuzz(func(t *testing.T, kind, body string) {
		fields, err := wprequest.MultipartFields(kind, []byte(body))
		if err != nil {
			return
		}
		if n := strings.Count(body, "\n--"); len(fields) > n+1 {
			t.Fatalf("%d fields of %d delimiters", len(fields), n)
		}
		for _, f := range fields {
			if strings.ContainsAny(f.Name, "\r\n\"\\") {
				t.Fatalf("name %q", f.Name)
			}
			if !strings.Contains(body, string(f.Value)) {
				t.Fatalf("value %q is not in the body", f.Value)
			}
		}
	})
}
