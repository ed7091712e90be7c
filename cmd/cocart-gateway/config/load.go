package config

import (
	"cmp"
	"path/filepath"

	"cocart-gateway/cmd/cocart-gateway/config/schema"

	"gopkg.in/yaml.v3"
)

// Load reads and checks the file at path, or without a path the environment alone. A variable such as
// COCART_GATEWAY_TOKENS_ACCESS_TTL replaces the key tokens.access_ttl of the file. Values may contain ${NAME}, which env looks up. Secrets may be in files of
// their own, whose paths are relative to the folder of path. check is called for each signing key. Every error is an
// [*Error] with all problems of the file; its text contains no secret.
func Load(path string, env func(string) (string, bool), check KeyCheck) (*Config, error) {
	return loadFrom(path, sources{schema.Source{Dir: filepath.Dir(path), Env: env, File: schema.ReadBounded}, check})
}

func loadFrom(path string, src sources) (*Config, error) {
	name := cmp.Or(path, "environment")
	root, problem := readRoot(path, src)
	if problem != nil {
		return nil, schema.NewError(name, []schema.Problem{*problem})
	}
	c, problems := parseRoot(root, src)
	if len(problems) > 0 {
		return nil, schema.NewError(name, problems)
	}
	return c, nil
}

// readRoot returns the keys of the file, or none without a path.
func readRoot(path string, src sources) (*yaml.Node, *schema.Problem) {
	if path == "" {
		return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: schema.EnvironmentLine}, nil
	}
	data, m := src.File(path, schema.MaxConfigFile)
	if m != nil {
		return nil, &schema.Problem{Value: m.Value, Rule: m.Rule, Remedy: m.Remedy}
	}
	return schema.ParseDocument(data)
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
	return parseRoot(root, src)
}

func parseRoot(root *yaml.Node, src sources) (*Config, []schema.Problem) {
	var problems []schema.Problem
	if root.Kind == yaml.MappingNode {
		problems = keyTable(Default()).Overlay(root, src.Env)
		if list := child(root, shopsKey); list != nil && !schema.IsNull(list) && (list.Kind != yaml.SequenceNode || len(list.Content) > 0) {
			c, more := parseShops(root, list, src)
			return c, append(problems, more...)
		}
	}
	c, r := parseOne(root, src)
	return c, append(problems, r.Problems...)
}

// parseOne reads the configuration of one shop. The reader has its problems.
func parseOne(root *yaml.Node, src sources) (*Config, *schema.Reader) {
	c, given := Default(), &redisURL{}
	r := schema.NewReader(src.Source, keyTable(Default()).Paths(""))
	keyTableWith(c, given).Read(r, "", schema.Position{Key: "", Line: root.Line}, root)
	checkRules(c, r, given, src.checkKey)
	return c, r
}

// Misspelt returns a sentence for each variable of environ, of the form NAME=value, that is probably meant as a key and is
// not one.
func Misspelt(environ []string) []string { return keyTable(Default()).Misspelt(environ) }
