package helm

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"gopkg.in/yaml.v3"
)

// object is a JSON object.
type object = map[string]any

// schemas is a folder with a schema for each kind, for kubeconform. The schemas that kubeconform downloads by default are
// made from the same description of the Kubernetes API; no registry has them.
type schemas struct{ dir string }

// location is the template of kubeconform for the name of a file.
func (s schemas) location() string {
	return filepath.Join(s.dir, "{{.Group}}_{{.ResourceAPIVersion}}_{{.ResourceKind}}.json")
}

// made is shared by the tests: the description of Kubernetes has 4 MB.
var made = sync.OnceValues(makeSchemas)

func schemasOf(t *testing.T) schemas {
	t.Helper()
	s, err := made()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func makeSchemas() (schemas, error) {
	dir, err := os.MkdirTemp("", "cocart-gateway-schemas")
	if err != nil {
		return schemas{}, err
	}
	s := schemas{dir}
	list, err := os.ReadFile("tools/schemas.txt")
	if err != nil {
		return s, err
	}
	for line := range strings.Lines(string(list)) {
		f := strings.Fields(line)
		if len(f) != 3 || f[0] == "#" {
			continue
		}
		text, err := fileOfModule(f[0]+"@"+f[1], f[2])
		if err != nil {
			return s, err
		}
		read := s.ofDefinition // YAML, as JSON is
		if strings.HasSuffix(f[2], ".json") {
			read = s.ofAPI
		}
		if err := read(text); err != nil {
			return s, err
		}
	}
	return s, nil
}

// fileOfModule downloads a module, or takes it from the cache, and reads one file. Nothing of the module is built.
func fileOfModule(module, file string) ([]byte, error) {
	cmd := exec.Command("go", "mod", "download", "-json", module)
	cmd.Dir = os.TempDir() // in no module: a requirement would select versions of its own
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	var about struct{ Dir string }
	if err := json.Unmarshal(out, &about); err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(about.Dir, file))
}

// ofAPI writes a schema for each kind of an OpenAPI 2 description.
func (s schemas) ofAPI(text []byte) error {
	var api struct{ Definitions map[string]object }
	if err := json.Unmarshal(text, &api); err != nil {
		return err
	}
	loosen(api.Definitions)
	for name, d := range api.Definitions {
		kinds, _ := d["x-kubernetes-group-version-kind"].([]any)
		for _, k := range kinds {
			kind := k.(object)
			needed := map[string]object{}
			reach(api.Definitions, name, needed)
			schema := object{"$ref": "#/definitions/" + name, "definitions": needed}
			if err := s.write(kind["group"].(string), kind["version"].(string), kind["kind"].(string), schema); err != nil {
				return err
			}
		}
	}
	return nil
}

// loosen corrects two types that OpenAPI 2 cannot express, and makes all others strict.
func loosen(definitions map[string]object) {
	for name, d := range definitions {
		switch {
		case strings.HasSuffix(name, ".intstr.IntOrString"), strings.HasSuffix(name, ".resource.Quantity"):
			d["type"] = []string{"string", "number"}
			delete(d, "format")
		default:
			strict(d)
		}
	}
}

// strict refuses names that a schema does not list, in every object of it.
func strict(schema any) {
	switch s := schema.(type) {
	case object:
		_, lists := s["properties"]
		_, others := s["additionalProperties"]
		if open, _ := s["x-kubernetes-preserve-unknown-fields"].(bool); lists && !others && !open {
			s["additionalProperties"] = false
		}
		for _, inner := range s {
			strict(inner)
		}
	case []any:
		for _, inner := range s {
			strict(inner)
		}
	}
}

// reach collects a definition and those that it refers to.
func reach(all map[string]object, name string, into map[string]object) {
	if _, seen := into[name]; seen {
		return
	}
	into[name] = all[name]
	var follow func(any)
	follow = func(v any) {
		switch v := v.(type) {
		case object:
			if ref, ok := v["$ref"].(string); ok {
				reach(all, strings.TrimPrefix(ref, "#/definitions/"), into)
			}
			for _, inner := range v {
				follow(inner)
			}
		case []any:
			for _, inner := range v {
				follow(inner)
			}
		}
	}
	follow(all[name])
}

// ofDefinition writes a schema for each version of a CustomResourceDefinition.
func (s schemas) ofDefinition(text []byte) error {
	var crd struct {
		Spec struct {
			Group    string
			Names    struct{ Kind string }
			Versions []struct {
				Name   string
				Schema struct {
					Open object `yaml:"openAPIV3Schema"`
				}
			}
		}
	}
	if err := yaml.Unmarshal(text, &crd); err != nil {
		return err
	}
	for _, v := range crd.Spec.Versions {
		strict(v.Schema.Open)
		if err := s.write(crd.Spec.Group, v.Name, crd.Spec.Names.Kind, v.Schema.Open); err != nil {
			return err
		}
	}
	return nil
}

func (s schemas) write(group, version, kind string, schema object) error {
	if group == "" {
		group = version // as kubeconform calls the core group
	}
	text, err := json.Marshal(schema)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.dir, group+"_"+version+"_"+strings.ToLower(kind)+".json"), text, 0o600)
}
