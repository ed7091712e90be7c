package main

import (
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"aead.dev/minisign"
)

// operatorKey returns the files of a key pair whose secret key has a password, and the public key.
func operatorKey(t *testing.T, password string) (file, public string) {
	t.Helper()
	pub, secret, err := minisign.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	text, err := minisign.EncryptKey(password, secret)
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "minisign.key")
	write(t, file, string(text))
	return file, pub.String()
}

// The program minisign of Debian verifies the checksums, which sha256sum then compares with the files.
func TestOperatorsKeySignsTheChecksums(t *testing.T) {
	file, public := operatorKey(t, "of the operator")
	t.Setenv(passwordVariable, "of the operator")
	key, err := signingKey(file)
	if err != nil {
		t.Fatal(err)
	}
	r := &release{version: madeVersion, revision: "0123456789ab", out: t.TempDir(), key: key}
	sums, err := os.ReadFile(filepath.Join(made, "SHA256SUMS"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(r.out, "SHA256SUMS"), string(sums))
	if err := r.sign(); err != nil {
		t.Fatal(err)
	}
	verify := func() (string, error) {
		text, err := exec.Command("minisign", "-Vm", filepath.Join(r.out, "SHA256SUMS"), "-P", public).CombinedOutput()
		return string(text), err
	}
	if text, err := verify(); err != nil || !strings.Contains(text, "cocart-gateway 0.1.0, commit 0123456789ab") {
		t.Errorf("%v: %s", err, text)
	}
	write(t, filepath.Join(r.out, "SHA256SUMS"), strings.Replace(string(sums), "  ", "  x", 1))
	if text, err := verify(); err == nil {
		t.Errorf("another list is good: %s", text)
	}
}

func TestWithoutAKeyNothingIsSigned(t *testing.T) {
	key, err := signingKey("")
	if err != nil || key != nil {
		t.Fatal(key, err)
	}
	r := &release{out: t.TempDir()}
	if err := r.sign(); err != nil {
		t.Fatal(err)
	}
	if files, _ := os.ReadDir(r.out); len(files) > 0 {
		t.Errorf("%v", files)
	}
}

// A mistake about the key shows before anything is built.
func TestSigningKeyThatCannotBeUsedEndsTheRelease(t *testing.T) {
	file, _ := operatorKey(t, "of the operator")
	other := filepath.Join(t.TempDir(), "other.key")
	write(t, other, "-----BEGIN PRIVATE KEY-----\n")
	for _, row := range []struct{ file, password, want string }{
		{file, "another password", "cannot be decrypted"},
		{filepath.Join(t.TempDir(), "missing.key"), "", "no such file"},
		{other, "", "is not a secret key of minisign"},
	} {
		t.Setenv(passwordVariable, row.password)
		out := filepath.Join(t.TempDir(), "dist")
		err := command(t.Context(), []string{"-version", madeVersion, "-sign-key", row.file, "-out", out})
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v", row.want, err)
		}
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%s: something was built", row.want)
		}
	}
}
