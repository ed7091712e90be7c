package shop

import (
	"bytes"
	"embed"
	"encoding/json"
	"io/fs"
	"path"
	"strings"
	"text/template"
)

//go:embed etc
var templates embed.FS

//go:embed cocart-standin
var standIn embed.FS

// render fills one of the configuration files that the programs read.
func render(name string, values any) ([]byte, error) {
	t := template.New(name).Funcs(template.FuncMap{"php": phpLiteral}).Option("missingkey=error")
	t, err := t.ParseFS(templates, "etc/"+name)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = t.Execute(&out, values)
	return out.Bytes(), err
}

// phpLiteral writes a value as a PHP expression. Single quotes know two escapes only, so
// nothing in the value can end them; JSON carries what is not a string.
func phpLiteral(value any) (string, error) {
	if text, ok := value.(string); ok {
		return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + "'", nil
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		return "", err
	}
	text, err := phpLiteral(string(encoded))
	return "json_decode( " + text + ", true )", err
}

// writeTree copies a directory into the shop.
func (p place) writeTree(source fs.FS, from, to string) error {
	return fs.WalkDir(source, from, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := path.Join(to, strings.TrimPrefix(name, from))
		if entry.IsDir() {
			return p.makeTheirs(target)
		}
		content, err := fs.ReadFile(source, name)
		if err != nil {
			return err
		}
		return p.write(target, content)
	})
}
