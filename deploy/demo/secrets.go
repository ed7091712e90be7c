package main

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// secrets are made up once and kept, so that tokens outlive a restart of the demo, and the line in
// an existing shop's wp-config.php stays right.
type secrets struct {
	Upstream string `json:"upstream"` // shared with WordPress
	Signing  string `json:"signing"`  // access tokens
	Refresh  string `json:"refresh"`  // refresh tokens
}

func loadSecrets(dir string) (secrets, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return secrets{}, fmt.Errorf("creating the gateway's directory: %w", err)
	}
	file := filepath.Join(dir, "secrets.json")
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return makeSecrets(file)
	}
	if err != nil {
		return secrets{}, fmt.Errorf("reading the demo's secrets: %w", err)
	}
	var kept secrets
	if json.Unmarshal(text, &kept) != nil || kept.Upstream == "" || kept.Signing == "" || kept.Refresh == "" {
		return secrets{}, fmt.Errorf("the demo's secrets in %s cannot be read: remove the file, and new ones are made", file)
	}
	return kept, nil
}

func makeSecrets(file string) (secrets, error) {
	made := secrets{Upstream: random(), Signing: random(), Refresh: random()}
	text, err := json.MarshalIndent(made, "", "  ")
	if err != nil {
		return secrets{}, err
	}
	return made, os.WriteFile(file, append(text, '\n'), 0o600)
}

// keepAdminToken writes the administration token into a file of its own, from which a person copies it, unless it is there.
func keepAdminToken(file string) error {
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.WriteFile(file, []byte(random()+"\n"), 0o600)
}

func random() string {
	var bytes [32]byte
	rand.Read(bytes[:])
	return hex.EncodeToString(bytes[:])
}
