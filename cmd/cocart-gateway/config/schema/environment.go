package schema

import (
	"errors"
	"io"
	"strings"

	"gopkg.in/yaml.v3"
)

const (
	// EnvironmentLine stands for the line of a key whose value comes from the environment. No file is that long.
	EnvironmentLine = 1 << 30

	variablePrefix = "COCART_GATEWAY_"
	// environmentTag marks text of the environment. It has no YAML type: it is read as the key requires, and no variable in
	// it is filled in.
	environmentTag = "!!env"
)

// Variable returns the name of the environment variable that gives the value of a key: COCART_GATEWAY_TOKENS_ACCESS_TTL for
// tokens.access_ttl. An item of a list has the variable of its list.
func Variable(key string) string {
	key, _, _ = strings.Cut(key, "[")
	return variablePrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// FromText is a [Content] that a variable of the environment gives in another form than as one text.
type FromText interface {
	// FromText returns the YAML that text stands for.
	FromText(text string) (*yaml.Node, error)
}

// Overlay puts the values that env has into block, whose keys are those of s. They replace what the file says. An empty
// variable counts as not set. It reports variables that are not the YAML that their key requires.
func (s Section) Overlay(block *yaml.Node, env func(string) (string, bool)) []Problem {
	return s.overlay(block, "", env)
}

func (s Section) overlay(block *yaml.Node, parent string, env func(string) (string, bool)) (problems []Problem) {
	for _, e := range s {
		replaced := false
		for _, name := range e.Names {
			key := Position{Key: parent}.Child(name, 0).Key
			text, set := env(Variable(key))
			if !set || text == "" || !e.fromText() {
				continue
			}
			value, err := nodeOf(e.Content, text)
			if err != nil {
				problems = append(problems, Problem{Line: EnvironmentLine, Key: key, Value: "is not valid YAML: " + err.Error(),
					Rule: "must be YAML in one line", Remedy: "write e.g. [a, b] or {key: value}"})
				continue
			}
			if !replaced {
				removeKeys(block, e.Names)
			}
			replaced = true
			block.Content = append(block.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: name, Line: EnvironmentLine}, value)
		}
		if e.Inner == nil || e.List {
			continue
		}
		if replaced {
			problems = append(problems, e.besides(parent, env)...)
		} else {
			problems = append(problems, e.overlayInner(block, parent, env)...)
		}
	}
	return problems
}

// besides reports variables of the keys below a key that a variable gives as one word.
func (e Entry) besides(parent string, env func(string) (string, bool)) (problems []Problem) {
	for _, path := range e.Inner.Paths(Position{Key: parent}.Child(e.Names[0], 0).Key) {
		if text, _ := env(Variable(path)); text != "" {
			problems = append(problems, Problem{Line: EnvironmentLine, Key: path, Value: "is given besides " + Variable(Position{Key: parent}.Child(e.Names[0], 0).Key),
				Rule: "must not be given besides the other", Remedy: "remove one of them"})
		}
	}
	return problems
}

// overlayInner overlays the keys below a block, and adds the block if it is missing, or if the file has a word in its place.
func (e Entry) overlayInner(block *yaml.Node, parent string, env func(string) (string, bool)) []Problem {
	name := e.Names[0]
	inner := valueOf(block, name)
	missing := inner == nil || inner.Kind != yaml.MappingNode && (IsNull(inner) || e.fromText())
	if missing {
		inner = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: EnvironmentLine}
	}
	if inner.Kind != yaml.MappingNode { // a mistake of the file
		return nil
	}
	problems := e.Inner.overlay(inner, Position{Key: parent}.Child(name, 0).Key, env)
	if missing && len(inner.Content) > 0 {
		removeKeys(block, e.Names)
		block.Content = append(block.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: name, Line: EnvironmentLine}, inner)
	}
	return problems
}

// fromText reports whether a variable can give the whole value of the key: a block has variables for its keys instead.
func (e Entry) fromText() bool {
	_, special := e.Content.(FromText)
	return special || e.Inner == nil
}

func nodeOf(c Content, text string) (*yaml.Node, error) {
	if special, ok := c.(FromText); ok {
		return special.FromText(text)
	}
	return TextNode(text), nil
}

// TextNode returns text of the environment as the value of a key.
func TextNode(text string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: environmentTag, Value: text, Line: EnvironmentLine}
}

// ListNode returns the items of a list, which sep separates, without the white space around them.
func ListNode(text, sep string) *yaml.Node {
	list := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Line: EnvironmentLine}
	for item := range strings.SplitSeq(text, sep) {
		if item = strings.TrimSpace(item); item != "" {
			list.Content = append(list.Content, TextNode(item))
		}
	}
	return list
}

// YAMLNode reads a text as the file is read, with ${NAME} filled in later.
func YAMLNode(text string) (*yaml.Node, error) {
	var document yaml.Node
	switch err := yaml.NewDecoder(strings.NewReader(text)).Decode(&document); {
	case errors.Is(err, io.EOF):
		return TextNode(""), nil
	case err != nil:
		return nil, errors.New("it cannot be parsed") // the parser's own message may show a part of a secret
	}
	value := document.Content[0]
	moveToEnvironment(value)
	return value, nil
}

func moveToEnvironment(n *yaml.Node) {
	n.Line = EnvironmentLine
	for _, inner := range n.Content {
		moveToEnvironment(inner)
	}
}

func valueOf(block *yaml.Node, name string) *yaml.Node {
	for i := 0; i+1 < len(block.Content); i += 2 {
		if block.Content[i].Value == name {
			return block.Content[i+1]
		}
	}
	return nil
}

func removeKeys(block *yaml.Node, names []string) {
	for _, name := range names {
		for i := 0; i+1 < len(block.Content); i += 2 {
			if block.Content[i].Value == name {
				block.Content = append(block.Content[:i:i], block.Content[i+2:]...)
				break
			}
		}
	}
}

// Misspelt returns, for each of the variables that resembles the variable of a key of s without being one, a sentence that
// names both. Names only: a value may be a secret.
func (s Section) Misspelt(environ []string) []string {
	known := map[string]bool{}
	var all []string
	for _, path := range s.Paths("") {
		name := Variable(path)
		if !known[name] {
			all = append(all, strings.TrimPrefix(name, variablePrefix))
		}
		known[name] = true
	}
	var sentences []string
	for _, pair := range environ {
		name, _, _ := strings.Cut(pair, "=")
		rest, ours := strings.CutPrefix(name, variablePrefix)
		if !ours || known[name] {
			continue
		}
		if meant := misspellingOf(rest, all); meant != "" {
			sentences = append(sentences, "the environment variable "+Printable(name)+" is not a key; did you mean "+variablePrefix+meant+"?")
		}
	}
	return sentences
}

// misspellingOf is stricter than [Nearest]: Kubernetes and operators have variables with this prefix that are not meant as
// keys.
func misspellingOf(name string, candidates []string) string {
	for _, candidate := range candidates {
		if len(name) >= 6 && distance(name, candidate) <= min(2, len(name)/6) {
			return candidate
		}
	}
	return ""
}
