package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"gopkg.in/yaml.v3"

	"cocart-gateway/cmd/cocart-gateway/config"
	"cocart-gateway/cmd/cocart-gateway/config/schema"
	"cocart-gateway/cmd/cocart-gateway/term"
	"cocart-gateway/tokens/keys"
)

func keysCommand(t terminal) *cobra.Command {
	return group("keys", "Make, rotate and list the keys that sign tokens", groupOperate, keysGenerateCommand(t), keysRotateCommand(t), keysListCommand(t))
}

func keysListCommand(t terminal) *cobra.Command {
	var of shopOf
	var asJSON bool
	c := &cobra.Command{
		Use:   "list",
		Short: "List the keys of a configuration: which one signs, which verify, which are retired",
		Long: "List the keys of a configuration: which one signs, which verify, which are retired. The thumbprint (RFC 7638)\n" +
			"names a public key whatever its id; a shared secret has none.",
		Example: "  cocart-gateway keys list\n" +
			"  cocart-gateway keys list --json",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return t.listKeys(of, asJSON) },
	}
	c.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return t.takesShop(c, &of)
}

// listedKey is a key as operators see it.
type listedKey struct {
	ID         string    `json:"id"`
	Algorithm  string    `json:"algorithm"`
	Use        string    `json:"use"` // "signs", "verifies" or "retired"
	RetireAt   time.Time `json:"retire_at,omitzero"`
	Thumbprint string    `json:"thumbprint,omitempty"`
}

func (t terminal) listKeys(of shopOf, asJSON bool) error {
	cfg, err := t.loadShop(of)
	if err != nil {
		return err
	}
	list, err := keysOf(cfg, t.now())
	if err != nil {
		return err
	}
	if asJSON {
		return term.WriteJSON(t.out, map[string]any{"keys": list})
	}
	rows := [][]string{{"ID", "ALGORITHM", "USE", "RETIRES", "THUMBPRINT"}}
	for _, k := range list {
		retires := "never"
		if !k.RetireAt.IsZero() {
			retires = t.since(k.RetireAt)
		}
		rows = append(rows, []string{k.ID, k.Algorithm, k.Use, retires, pick(k.Thumbprint == "", "-", k.Thumbprint)})
	}
	return term.WriteTable(t.out, rows)
}

// keysOf lists the keys of a configuration, as they are at a time.
func keysOf(cfg *config.Config, at time.Time) ([]listedKey, error) {
	var list []listedKey
	signs := false
	for _, k := range cfg.Tokens.Keys {
		key, err := signingKey(k)
		if err != nil {
			return nil, err
		}
		use := useOf(key, at)
		if use == "signs" && signs {
			use = "verifies"
		}
		signs = signs || use == "signs"
		list = append(list, listedKey{k.ID, k.Algorithm, use, k.RetireAt, key.Thumbprint()})
	}
	return list, nil
}

// useOf returns what a key would do at a time if it stood first.
func useOf(key keys.Key, at time.Time) string {
	switch retires := key.Retires(); {
	case !retires.IsZero() && !at.Before(retires):
		return "retired"
	case key.CanSign():
		return "signs"
	}
	return "verifies"
}

// newKey has the arguments of keys generate.
type newKey struct{ algorithm, id, out string }

func keysGenerateCommand(t terminal) *cobra.Command {
	var k newKey
	c := &cobra.Command{
		Use:   "generate [--algorithm ALGORITHM] [--id ID] [--out FILE]",
		Short: "Make a key and print its entry for tokens.keys",
		Long: "Make a key and print its entry for tokens.keys. With --out the private key or secret goes into a file that only\n" +
			"its owner can read, and the entry names that file. A file that exists is never touched.\n\n" +
			"To change keys without logging anybody out: add the new one at the end of tokens.keys on every gateway, then\n" +
			"move it to the front, then give the old one a retire_at at least one tokens.access_ttl later.\n\n" +
			"Algorithms: " + strings.Join(keys.Algorithms(), ", ") + ".",
		Example: "  cocart-gateway keys generate --out /etc/cocart-gateway/2026-11.pem --id 2026-11\n" +
			"  cocart-gateway keys generate --algorithm HS256",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return t.generateKey(k) },
	}
	c.Flags().StringVar(&k.algorithm, "algorithm", "EdDSA", "what the key is for; HS256 is a secret that both sides share")
	c.Flags().StringVar(&k.id, "id", "", "its name in tokens, the kid (default: today, as in 2026-11-23)")
	c.Flags().StringVar(&k.out, "out", "", "a new file for the private key or secret")
	return alsoNeeds(c, func([]string) error { return k.complaint() })
}

func (k newKey) complaint() error {
	if k.id != "" {
		if err := config.CheckKeyID(k.id); err != nil {
			return fmt.Errorf("--id %w", err)
		}
	}
	if err := config.CheckAlgorithm(k.algorithm); err != nil {
		return fmt.Errorf("--algorithm %w", err)
	}
	return nil
}

func (t terminal) generateKey(k newKey) error {
	if k.id == "" {
		k.id = t.now().UTC().Format("2006-01-02")
	}
	material, err := keys.Generate(k.algorithm)
	if err != nil {
		return err
	}
	name, value := pick(strings.HasPrefix(k.algorithm, "HS"), "secret", "private_key"), string(material)
	if k.out != "" {
		name += "_file"
		if value, err = writeKey(k.out, material); err != nil {
			return err
		}
	}
	text, err := keyEntry([2]string{"id", k.id}, [2]string{"algorithm", k.algorithm}, [2]string{name, schema.EscapeVariables(value)})
	if err != nil {
		return err
	}
	_, err = t.out.Write(text)
	return err
}

// keyEntry is the item of tokens.keys, indented as there.
func keyEntry(fields ...[2]string) ([]byte, error) {
	entry := &yaml.Node{Kind: yaml.MappingNode}
	for _, f := range fields {
		var name, value yaml.Node
		name.SetString(f[0])
		value.SetString(f[1])
		entry.Content = append(entry.Content, &name, &value)
	}
	text, err := yaml.Marshal([]*yaml.Node{entry})
	if err != nil {
		return nil, fmt.Errorf("encoding the key's entry: %w", err)
	}
	var indented strings.Builder
	for line := range strings.Lines(string(text)) {
		indented.WriteString("    " + line)
	}
	return []byte(indented.String()), nil
}

// writeKey returns the whole path. It never overwrites: the old key would be gone, and with it every session that it
// signed for.
func writeKey(path string, material []byte) (string, error) {
	whole, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("naming the key's file: %w", err)
	}
	f, err := os.OpenFile(whole, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", fmt.Errorf("writing the key: %w", err)
	}
	_, err = f.Write(material)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return "", fmt.Errorf("writing the key: %w", errors.Join(err, os.Remove(whole)))
	}
	return whole, nil
}
