package main

import (
	"time"

	"github.com/spf13/cobra"

	"cocart-gateway/cmd/cocart-gateway/config"
	"cocart-gateway/cmd/cocart-gateway/term"
	"cocart-gateway/tokens/keys"
)

func keysListCommand(t terminal) *cobra.Command {
	var path string
	var asJSON bool
	c := &cobra.Command{
		Use:   "list --config FILE",
		Short: "List the keys of a configuration: which one signs, which verify, which are retired",
		Long: "List the keys of a configuration: which one signs, which verify, which are retired. The thumbprint (RFC 7638)\n" +
			"names a public key whatever its id; a shared secret has none.",
		Example: "  cocart-gateway keys list --config /etc/cocart-gateway/config.yaml\n" +
			"  cocart-gateway keys list --json --config /etc/cocart-gateway/config.yaml",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return t.listKeys(path, asJSON) },
	}
	c.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return needsConfig(c, &path)
}

// listedKey is a key as operators see it.
type listedKey struct {
	ID         string    `json:"id"`
	Algorithm  string    `json:"algorithm"`
	Use        string    `json:"use"` // "signs", "verifies" or "retired"
	RetireAt   time.Time `json:"retire_at,omitzero"`
	Thumbprint string    `json:"thumbprint,omitempty"`
}

func (t terminal) listKeys(path string, asJSON bool) error {
	cfg, err := loadConfig(path, t.env)
	if err != nil {
		return err
	}
	list, err := t.keysOf(cfg)
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

func (t terminal) keysOf(cfg *config.Config) ([]listedKey, error) {
	var list []listedKey
	signs := false
	for _, k := range cfg.Tokens.Keys {
		key, err := signingKey(k)
		if err != nil {
			return nil, err
		}
		use := t.use(key)
		if use == "signs" && signs {
			use = "verifies"
		}
		signs = signs || use == "signs"
		list = append(list, listedKey{k.ID, k.Algorithm, use, k.RetireAt, key.Thumbprint()})
	}
	return list, nil
}

// use is what a key would do if it stood first.
func (t terminal) use(key keys.Key) string {
	switch at := key.Retires(); {
	case !at.IsZero() && !t.now().Before(at):
		return "retired"
	case key.CanSign():
		return "signs"
	}
	return "verifies"
}
