// Package openapitest compares handlers with the OpenAPI documents in deploy/docs/openapi. Only tests import it.
//
// oas31.json is the JSON Schema of OpenAPI 3.1 (https://spec.openapis.org/oas/3.1/schema/2022-10-07, Apache License 2.0).
package openapitest

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"
)

//go:embed oas31.json
var specification string

const (
	specificationURL = "https://spec.openapis.org/oas/3.1/schema/2022-10-07"
	documentURL      = "https://openapi.invalid/document"
)

// methods are those that a path of a document may have.
var methods = []string{"get", "put", "post", "delete", "options", "head", "patch", "trace"}

// Document is one of the documents. It is safe for concurrent use.
type Document struct {
	// operations has the answers of each operation, such as "GET /sessions", by status.
	operations map[string]map[string]*answer

	mu   sync.Mutex // guards seen
	seen map[string]bool
}

// answer is what an operation may answer with a status.
type answer struct {
	schemas map[string]*jsonschema.Schema // by media type
	headers []string                      // that it has
	codes   []string                      // of errors, as the schemas list them
}

var (
	opening sync.Mutex // guards opened
	opened  = map[string]*Document{}
)

// Open reads a document, and fails the test if it is not valid OpenAPI 3.1. A process reads each document once.
func Open(t testing.TB, path string) *Document {
	t.Helper()
	opening.Lock()
	defer opening.Unlock()
	if opened[path] == nil {
		d, err := read(path)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		opened[path] = d
	}
	return opened[path]
}

func read(path string) (*Document, error) {
	tree, err := parse(path)
	if err != nil {
		return nil, err
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	meta, err := jsonschema.UnmarshalJSON(strings.NewReader(specification))
	if err != nil {
		return nil, err
	}
	if err := errors.Join(compiler.AddResource(specificationURL, meta), compiler.AddResource(documentURL, tree)); err != nil {
		return nil, err
	}
	schema, err := compiler.Compile(specificationURL)
	if err != nil {
		return nil, err
	}
	if err := schema.Validate(tree); err != nil {
		return nil, err
	}
	d := &Document{operations: map[string]map[string]*answer{}, seen: map[string]bool{}}
	for path, item := range object(tree, "paths") {
		for method, operation := range item.(map[string]any) {
			if !slices.Contains(methods, method) {
				continue
			}
			name := strings.ToUpper(method) + " " + path
			pointer := "/paths/" + escape(path) + "/" + method + "/responses/"
			if d.operations[name], err = readAnswers(compiler, tree, operation, pointer); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return d, nil
}

// parse reads YAML as what JSON would be.
func parse(path string) (any, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var tree any
	if err := yaml.Unmarshal(text, &tree); err != nil {
		return nil, err
	}
	if text, err = json.Marshal(tree); err != nil {
		return nil, err
	}
	return jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
}

func readAnswers(compiler *jsonschema.Compiler, tree, operation any, pointer string) (map[string]*answer, error) {
	all := map[string]*answer{}
	for status, response := range object(operation, "responses") {
		at := pointer + status
		if ref, is := response.(map[string]any)["$ref"].(string); is {
			at = strings.TrimPrefix(ref, "#")
			response = object(tree, "components", "responses")[at[strings.LastIndex(at, "/")+1:]]
		}
		if response == nil {
			return nil, fmt.Errorf("%s: nothing is at %s", status, at)
		}
		a := &answer{schemas: map[string]*jsonschema.Schema{}, headers: slices.Collect(maps.Keys(object(response, "headers")))}
		for mediaType := range object(response, "content") {
			schema, err := compiler.Compile(documentURL + "#" + at + "/content/" + escape(mediaType) + "/schema")
			if err != nil {
				return nil, err
			}
			a.schemas[mediaType], a.codes = schema, append(a.codes, codesIn(schema)...)
		}
		all[status] = a
	}
	return all, nil
}

// object returns the object below the members of another one; nil if it is missing.
func object(tree any, members ...string) map[string]any {
	for _, name := range members {
		outer, _ := tree.(map[string]any)
		tree = outer[name]
	}
	inner, _ := tree.(map[string]any)
	return inner
}

// escape makes a name a part of a JSON pointer in a URL (RFC 6901 sections 3 and 6).
func escape(name string) string {
	return strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(name)
}

// codesIn returns the values of the member code in a schema and in the schemas that it combines.
func codesIn(schema *jsonschema.Schema) (codes []string) {
	if schema == nil {
		return nil
	}
	for _, part := range slices.Concat(schema.AllOf, schema.OneOf, schema.AnyOf, []*jsonschema.Schema{schema.Ref}) {
		codes = append(codes, codesIn(part)...)
	}
	if code := schema.Properties["code"]; code != nil {
		for _, part := range append(code.AnyOf, code) {
			if part.Enum != nil {
				for _, value := range part.Enum.Values {
					codes = append(codes, fmt.Sprint(value))
				}
			}
		}
	}
	return codes
}

// Operations returns the operations, sorted, as in "GET /sessions/{id}".
func (d *Document) Operations() []string { return slices.Sorted(maps.Keys(d.operations)) }

// Codes returns the codes of errors in the answers of all operations, sorted.
func (d *Document) Codes() []string {
	var all []string
	for _, answers := range d.operations {
		for _, a := range answers {
			all = append(all, a.codes...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Check fails the test if the answer to a request is not one that the document describes. It passes requests for operations
// that the document does not have.
func (d *Document) Check(t testing.TB, method, path string, status int, header http.Header, body string) {
	t.Helper()
	operation := d.operation(method, path)
	if operation == "" {
		return
	}
	d.mu.Lock()
	d.seen[fmt.Sprint(operation, " ", status)] = true
	d.mu.Unlock()
	if err := d.compare(operation, status, header, body); err != nil {
		t.Errorf("%s: the answer is not the documented one: %v\n%d %.400s", operation, err, status, body)
	}
}

func (d *Document) operation(method, path string) string {
	if _, literal := d.operations[method+" "+path]; literal {
		return method + " " + path
	}
	for name := range d.operations {
		if matches(strings.Split(name, "/"), strings.Split(method+" "+path, "/")) {
			return name
		}
	}
	return ""
}

func matches(want, got []string) bool {
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		if want[i] != got[i] && (!strings.HasPrefix(want[i], "{") || got[i] == "") {
			return false
		}
	}
	return true
}

func (d *Document) compare(operation string, status int, header http.Header, body string) error {
	answers := d.operations[operation]
	a := answers[strconv.Itoa(status)]
	if a == nil {
		if a = answers["default"]; a == nil {
			return fmt.Errorf("status %d is not documented", status)
		}
	}
	for _, name := range a.headers {
		if header.Get(name) == "" {
			return fmt.Errorf("without the header %s", name)
		}
	}
	if len(a.schemas) == 0 {
		return nil
	}
	mediaType, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	schema := a.schemas[mediaType]
	switch {
	case err != nil:
		return fmt.Errorf("Content-Type %q: %w", header.Get("Content-Type"), err)
	case schema == nil:
		return fmt.Errorf("Content-Type %s is not documented", mediaType)
	case !strings.HasSuffix(mediaType, "json"):
		return schema.Validate(body)
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(body))
	if err != nil {
		return err
	}
	return schema.Validate(value)
}

// Seen returns what Check has seen so far, sorted, as in "GET /sessions 200".
func (d *Document) Seen() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Sorted(maps.Keys(d.seen))
}
