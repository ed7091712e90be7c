package openapitest

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const small = `openapi: 3.1.0
info: {title: A test, version: "1"}
paths:
  /things/{id}:
    get:
      responses:
        "200":
          description: A thing
          headers: {X-Thing: {schema: {type: string}}}
          content: {application/json: {schema: {type: object, required: [id], properties: {id: {type: integer}}, additionalProperties: false}}}
        "404": {$ref: "#/components/responses/None"}
components:
  responses:
    None:
      description: No such thing
      content: {application/json: {schema: {properties: {code: {enum: [no_thing]}}}}}
`

func TestADifferenceBetweenAnswerAndDocumentIsFound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "small.yaml")
	if err := os.WriteFile(path, []byte(small), 0o600); err != nil {
		t.Fatal(err)
	}
	d := Open(t, path)
	if got := strings.Join(d.Operations(), ", ") + "; " + strings.Join(d.Codes(), ", "); got != "GET /things/{id}; no_thing" {
		t.Errorf("the document has %s", got)
	}
	for _, row := range []struct {
		status      int
		contentType string
		body, want  string
	}{
		{200, "application/json; charset=UTF-8", `{"id":1}`, ""},
		{404, "application/json", `{"code":"no_thing"}`, ""},
		{200, "application/json", `{"id":"1"}`, "got string, want integer"},
		{200, "application/json", `{"id":1,"name":"x"}`, "additional properties"},
		{200, "application/json", `{`, "EOF"},
		{200, "text/plain", `{"id":1}`, "Content-Type text/plain is not documented"},
		{404, "application/json", `{"code":"other"}`, "value must be 'no_thing'"},
		{500, "application/json", `{}`, "status 500 is not documented"},
	} {
		header := http.Header{"Content-Type": {row.contentType}, "X-Thing": {"1"}}
		err := d.compare(d.operation("GET", "/things/7"), row.status, header, row.body)
		if err == nil != (row.want == "") || err != nil && !strings.Contains(err.Error(), row.want) {
			t.Errorf("%d %s: %v, want %q", row.status, row.body, err, row.want)
		}
	}
	if err := d.compare("GET /things/{id}", 200, http.Header{"Content-Type": {"application/json"}}, `{"id":1}`); err == nil || !strings.Contains(err.Error(), "X-Thing") {
		t.Errorf("without the header: %v", err)
	}
	if d.operation("POST", "/things/7") != "" || d.operation("GET", "/things/") != "" || d.operation("GET", "/things/7/8") != "" {
		t.Error("an operation that is not in the document was found")
	}
}

func TestAnInvalidDocumentIsRefused(t *testing.T) {
	for name, change := range map[string][2]string{
		"another version":   {"3.1.0", "3.0.3"},
		"no description":    {"description: A thing", "summary: A thing"},
		"a broken schema":   {"type: integer", "type: number2"},
		"a broken ref":      {"responses/None", "responses/Nothing"},
		"a misspelt member": {"content:", "contents:"},
	} {
		path := filepath.Join(t.TempDir(), "broken.yaml")
		if err := os.WriteFile(path, []byte(strings.Replace(small, change[0], change[1], 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := read(path); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
