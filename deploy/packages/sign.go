package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"aead.dev/minisign"
	"golang.org/x/term"
)

// passwordVariable has the password of the signing key where no terminal can be asked for it.
const passwordVariable = "SIGN_PASSWORD"

// signingKey reads a secret key of minisign. It is read before anything is built, so that a mistake shows at once.
func signingKey(file string) (*minisign.PrivateKey, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("the signing key: %w", err)
	}
	if !minisign.IsEncrypted(text) {
		var key minisign.PrivateKey
		if err := key.UnmarshalText(text); err != nil {
			return nil, fmt.Errorf("%s is not a secret key of minisign: %w", file, err)
		}
		return &key, nil
	}
	password, err := askPassword(file)
	if err != nil {
		return nil, err
	}
	key, err := minisign.DecryptKey(password, text)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be decrypted: %w", file, err)
	}
	return &key, nil
}

// askPassword takes the password from the environment, or asks the terminal for it.
func askPassword(file string) (string, error) {
	if password, ok := os.LookupEnv(passwordVariable); ok {
		return password, nil
	}
	terminal, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return "", fmt.Errorf("%s is encrypted: set %s, or run this in a terminal", file, passwordVariable)
	}
	_, asked := fmt.Fprintf(terminal, "Password of %s: ", file)
	password, err := term.ReadPassword(int(terminal.Fd()))
	_, ended := fmt.Fprintln(terminal)
	return string(password), errors.Join(asked, err, ended, terminal.Close())
}

// sign writes SHA256SUMS.minisig, for "minisign -Vm SHA256SUMS -P KEY". The trusted comment is signed as well.
func (r *release) sign() error {
	if r.key == nil {
		return nil
	}
	sums, err := os.ReadFile(filepath.Join(r.out, "SHA256SUMS"))
	if err != nil {
		return err
	}
	comment := fmt.Sprintf("cocart-gateway %s, commit %s", r.version, r.revision)
	signature := minisign.SignWithComments(*r.key, sums, comment, "signature of SHA256SUMS")
	return os.WriteFile(filepath.Join(r.out, "SHA256SUMS.minisig"), signature, 0o644) //nolint:gosec // for everybody to read
}
