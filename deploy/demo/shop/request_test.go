package shop_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"cocart-gateway/deploy/demo/shop/shoptest"
)

// request is written to the wire as it stands: many of these are not what net/http would send.
type request shoptest.Request

type answer shoptest.Response

func (r request) send(t *testing.T) answer {
	t.Helper()
	a := answer(shoptest.Request(r).Send(t, theShop.URL, strings.TrimPrefix(theShop.URL, "http://")))
	if a.Status == 0 {
		t.FailNow()
	}
	return a
}

func get(target string, headers ...[2]string) request {
	return request{Method: "GET", Target: target, Headers: headers}
}

func post(target, body string, headers ...[2]string) request {
	return request{"POST", target, append(headers, [2]string{"Content-Type", "application/json"}), body}
}

func basic(name, password string) [2]string {
	return [2]string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+password))}
}

var (
	asAlice = basic("alice", "wonderland-1")
	asBob   = basic("bob", "builder-2-Strong")
)

// read decodes a JSON answer, and expects it to be a 200.
func read[T any](t *testing.T, a answer) T {
	t.Helper()
	var value T
	if a.Status != http.StatusOK {
		t.Fatalf("answer %d: %s", a.Status, a.Body)
	}
	if err := json.Unmarshal([]byte(a.Body), &value); err != nil {
		t.Fatalf("%v in %s", err, a.Body)
	}
	return value
}

// refusal is the status and code of an error.
func (a answer) refusal() string {
	var body struct{ Code string }
	_ = json.Unmarshal([]byte(a.Body), &body)
	return strings.TrimSpace(fmt.Sprintf("%d %s", a.Status, body.Code))
}
