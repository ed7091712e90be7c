package gateway_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"cocart-gateway/gateway"
)

// attack is a file of testdata/attacks: what is expected, then what is sent.
//
//	# expect: 400, 200          the statuses the client reads, in order
//	# code: x                   the code in the first answer
//	# wordpress: kind METHOD T  one line for each request that reaches WordPress, or "nothing"
//	# absent: Name, Name        headers that no request there has
//	# present: Name: value      a header that the first request there has
//	# body: text                what the first request there holds
//
// Lines are sent with CR LF; "␊" at the end of one is a bare LF, "␍" a bare CR.
// {bearer} is alice's token, {basic} her password, {length} that of all after the
// first empty line.
type attack struct {
	expect, code, body string
	wordpress, present []string
	absent             []string
	raw                string
}

func readAttack(t *testing.T, file string) attack {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	a, rest := attack{}, string(text)
	for strings.HasPrefix(rest, "# ") {
		var line string
		line, rest, _ = strings.Cut(rest, "\n")
		key, value, _ := strings.Cut(strings.TrimPrefix(line, "# "), ": ")
		switch key {
		case "expect":
			a.expect = value
		case "code":
			a.code = value
		case "body":
			a.body = value
		case "wordpress":
			a.wordpress = append(a.wordpress, value)
		case "present":
			a.present = append(a.present, value)
		case "absent":
			a.absent = append(a.absent, strings.Split(value, ", ")...)
		case "why":
		default:
			t.Fatalf("%s: what is %q?", file, key)
		}
	}
	if a.expect == "" || len(a.wordpress) == 0 {
		t.Fatalf("%s expects nothing", file)
	}
	a.raw = strings.TrimSuffix(rest, "\n")
	return a
}

func (a attack) bytes(access string) string {
	s := strings.NewReplacer("␊\n", "\n", "␍\n", "\r", "\n", "\r\n").Replace(a.raw)
	s = strings.NewReplacer("{bearer}", "Bearer "+access, "{basic}", "Basic YWxpY2U6d29uZGVybGFuZC0x").Replace(s)
	_, body, _ := strings.Cut(s, "\r\n\r\n")
	return strings.ReplaceAll(s, "{length}", strconv.Itoa(len(body)))
}

// last ends the connection. An attack that smuggles a request makes one more or
// one less of it.
const last = "GET /the-last-request HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n"

func TestEachAttackMeetsItsVerdict(t *testing.T) {
	files, err := filepath.Glob("testdata/attacks/*.http")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d attacks, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".http"), func(t *testing.T) {
			a := readAttack(t, file)
			s := openShop(t, func(c *gateway.Config) { c.AuthHeaders = []string{"Authorization", "X-Authorization"} })
			access, _ := s.login()
			before := len(s.wordpress.Seen())
			statuses, first := s.raw(a.bytes(access) + last)
			seen := s.wordpress.Seen()[before:]
			if n := len(seen); n > 0 && seen[n-1].Target == "/the-last-request" {
				seen, statuses = seen[:n-1], statuses[:len(statuses)-1]
			}
			if got := strings.Join(statuses, ", "); got != a.expect {
				t.Errorf("answered %s, want %s: %s", got, a.expect, first)
			}
			if a.code != "" && !strings.Contains(first, `"code":"`+a.code+`"`) {
				t.Errorf("answered %s, want %s", first, a.code)
			}
			var reached []string
			for _, r := range seen {
				reached = append(reached, r.Claims.Kind+" "+r.Method+" "+r.Target)
				for _, name := range a.absent {
					if _, ok := r.Header[http.CanonicalHeaderKey(name)]; ok {
						t.Errorf("WordPress got %s: %q", name, r.Header[http.CanonicalHeaderKey(name)])
					}
				}
			}
			if got := strings.Join(append(reached, "nothing")[:max(len(reached), 1)], "\n"); got != strings.Join(a.wordpress, "\n") {
				t.Errorf("WordPress got\n%s\nwant\n%s", got, strings.Join(a.wordpress, "\n"))
			}
			for _, line := range a.present {
				if name, value, _ := strings.Cut(line, ": "); len(seen) > 0 && strings.Join(seen[0].Header[http.CanonicalHeaderKey(name)], "|") != value {
					t.Errorf("WordPress got %s: %q, want %q", name, seen[0].Header[http.CanonicalHeaderKey(name)], value)
				}
			}
			if a.body != "" && (len(seen) == 0 || seen[0].Body != a.body) {
				t.Errorf("WordPress got %v, want the body %q", seen, a.body)
			}
		})
	}
}

// raw sends bytes over a connection of their own and reads answers until it ends.
func (s *shop) raw(text string) (statuses []string, first string) {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	s.must(err)
	defer conn.Close()
	_, err = io.WriteString(conn, text)
	s.must(err)
	reader := bufio.NewReader(conn)
	for {
		resp, err := http.ReadResponse(reader, nil)
		if err != nil {
			return statuses, first
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if len(statuses) == 0 {
			first = fmt.Sprintf("%s %s %v", resp.Status, body, err)
		}
		statuses = append(statuses, strconv.Itoa(resp.StatusCode))
	}
}
