package config

import (
	"path/filepath"

	"cocart-gateway/cmd/cocart-gateway/config/schema"
)

// Load reads and checks the file at path. Values may contain ${NAME}, which env looks up. Secrets may be in files of
// their own, whose paths are relative to the folder of path. check is called for each signing key. Every error is an
// [*Error] with all problems of the file; its text contains no secret.
func Load(path string, env func(string) (string, bool), check KeyCheck) (*Config, error) {
	return loadFrom(path, sources{schema.Source{Dir: filepath.Dir(path), Env: env, File: schema.ReadBounded}, check})
}

func loadFrom(path string, src sources) (*Config, error) {
	data, m := src.File(path, schema.MaxConfigFile)
	if m != nil {
		return nil, schema.NewError(path, []schema.Problem{{Value: m.Value, Rule: m.Rule, Remedy: m.Remedy}})
	}
	c, problems := parse(data, src)
	if len(problems) > 0 {
		return nil, schema.NewError(path, problems)
	}
	return c, nil
}

// sources is what a configuration text refers to: files, the environment and the rules of signing keys.
type sources struct {
	schema.Source
	checkKey KeyCheck
}

func parse(data []byte, src sources) (*Config, []schema.Problem) {
	root, problem := schema.ParseDocument(data)
	if problem != nil {
		return nil, []schema.Problem{*problem}
	}
	c := Default()
	keys, given := keyTable(Default()), &redisURL{}
	r := schema.NewReader(src.Source, keys.Paths(""))
	keyTableWith(c, given).Read(r, "", schema.Position{Key: "", Line: root.Line}, root)
	checkRules(c, r, given, src.checkKey)
	return c, r.Problems
}
