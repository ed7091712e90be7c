package storefront

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"fmt"
	"mime/multipart"
	"net/textproto"
	"slices"
	"strings"
	"testing"
)

// reported is where the probe reports what arrived.
const reported = "/?probe=report"

func get(name, target string, head ...string) request {
	return request{name: name, method: "GET", target: target, head: head}
}

func post(name, target, contentType, body string, head ...string) request {
	if contentType != "" {
		head = append([]string{"Content-Type: " + contentType}, head...)
	}
	return request{name: name, method: "POST", target: target, head: head, body: body}
}

func (r request) with(head ...string) request {
	r.head = append(append([]string(nil), r.head...), head...)
	return r
}

func (r request) by(method string) request     { r.method = method; return r }
func (r request) framed(f framing) request     { r.framing = f; return r }
func (r request) named(name string) request    { r.name = name; return r }
func (r request) mask(e ...string) request     { r.masked = append(r.masked, e...); return r }
func (r request) speaking(v string) request    { r.version = v; return r }
func cookie(value string) string               { return "Cookie: " + value }
func answering(how string) request             { return get("answer "+how, "/?probe=answer&how="+how) }
func asked(how string, head ...string) request { return answering(how).with(head...) }

const (
	formType = "application/x-www-form-urlencoded"
	jsonType = "application/json"
)

// formOf writes a multipart body with a fixed boundary. A part is "name=value", or
// "name;filename;type=content".
func formOf(parts ...string) (contentType, body string) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	_ = w.SetBoundary("----WebKitFormBoundary7MA4YWxkTrZu0gW")
	for _, part := range parts {
		name, content, _ := strings.Cut(part, "=")
		names := strings.Split(name, ";")
		h := textproto.MIMEHeader{"Content-Disposition": {fmt.Sprintf(`form-data; name="%s"`, names[0])}}
		if len(names) == 3 {
			h.Set("Content-Disposition", fmt.Sprintf(`form-data; name="%s"; filename="%s"`, names[0], names[1]))
			h.Set("Content-Type", names[2])
		}
		p, _ := w.CreatePart(h)
		_, _ = p.Write([]byte(content))
	}
	_ = w.Close()
	return w.FormDataContentType(), b.String()
}

func multipartPost(name, target string, parts ...string) request {
	contentType, body := formOf(parts...)
	return post(name, target, contentType, body)
}

// zipped is a body of n bytes that do not compress, in gzip.
func zipped(n int) string {
	plain := make([]byte, n)
	_, _ = rand.Read(plain)
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(plain)
	_ = w.Close()
	return b.String()
}

// png is the smallest picture that WordPress takes.
const png = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89\x00\x00\x00\rIDATx\x9cc\xf8\xcf\xc0\xf0\x1f\x00\x05\x00\x01\xff\x89\x99=\x1d\x00\x00\x00\x00IEND\xaeB`\x82"

// requests is the whole list.
func requests(s staff) (all []request) {
	for _, part := range [][]request{webhooks(), bodies(), jobs(), uploads(s), administration(s), restAPI(s), pages(), headers(), answers()} {
		all = append(all, part...)
	}
	return all
}

// compare sends a request past the gateway and through it. WordPress writes times
// into some pages, and a second may pass in between: what is not listed must be
// different three times.
func compare(t *testing.T, g *gateway, r request, rows []*listed) (found []difference) {
	t.Helper()
	masked := compiled(r.masked)
	for range 3 {
		past := flat(ask(t, origin(), r), masked)
		through := flat(ask(t, g.address, r), masked)
		found = differences(r.name, past, through)
		if !slices.ContainsFunc(found, func(d difference) bool { return !isListed(rows, d) }) {
			break
		}
	}
	return found
}

// The gateway changes nothing about requests that are not CoCart's, but for what
// deploy/docs/differences.md lists.
func TestTheStorefrontIsTheSamePastTheGatewayAndThroughIt(t *testing.T) {
	g := startGateway(t, "")
	rows := readListed(t)
	var found []difference
	seen := map[string]bool{}
	for _, r := range requests(hire(t)) {
		if seen[r.name] {
			t.Fatalf("two requests are called %q", r.name)
		}
		seen[r.name] = true
		found = append(found, compare(t, g, r, rows)...)
	}
	judge(t, rows, found)
	if strings.Contains(g.logged(), `"msg":"request refused"`) {
		t.Errorf("the gateway refused requests:\n%s", g.logged())
	}
	t.Logf("%d requests", len(seen))
}
