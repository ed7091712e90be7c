package main

import (
	"bytes"
	"fmt"
	"io"

	"gopkg.in/yaml.v3"
)

// writeYAML writes c as a configuration file with every key, secrets as "[redacted]".
func (c *Config) writeYAML(w io.Writer) error {
	text, err := c.yaml(false)
	if err == nil {
		_, err = w.Write(text)
	}
	return err
}

// yaml with reveal gives a file that loads as c.
func (c *Config) yaml(reveal bool) ([]byte, error) {
	var text bytes.Buffer
	encoder := yaml.NewEncoder(&text)
	encoder.SetIndent(2)
	if err := encoder.Encode(shape(c).node(reveal)); err != nil {
		return nil, fmt.Errorf("encoding the configuration: %w", err)
	}
	return text.Bytes(), nil
}

func (s section) node(reveal bool) *yaml.Node {
	block := &yaml.Node{Kind: yaml.MappingNode}
	for _, e := range s {
		shown := e.show(reveal)
		if shown == nil {
			continue
		}
		var key, value yaml.Node
		key.SetString(e.names[0])
		if err := value.Encode(shown); err != nil {
			panic("showing " + e.names[0] + ": " + err.Error()) // a form shows plain values only
		}
		block.Content = append(block.Content, &key, &value)
	}
	return block
}
