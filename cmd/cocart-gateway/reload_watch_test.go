package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const byFile = `msg="configuration reloaded" by=file`

func TestAFileThatAnEditorReplacesIsReadAgain(t *testing.T) {
	r := start(t, settings{"reload": "watch"})
	for i, guests := range []string{"deny", "allow", "deny"} {
		r.settings["site.guests"] = guests
		replaceFile(t, r.path, string(r.settings.yaml(t)))
		r.awaitTimes(byFile, i+1)
	}
	if got := code(r.do("GET", cart, "")); got != "401" {
		t.Errorf("a guest: %s", got)
	}
}

// A file is often seen half written. Whatever was read meanwhile, the last word counts.
func TestTheLastOfManyWritesIsInForce(t *testing.T) {
	r := start(t, settings{"reload": "watch"})
	var texts [200][]byte
	for i := range texts {
		r.settings["limits.parameters"] = fmt.Sprint(1000 + i)
		texts[i] = r.settings.yaml(t)
	}
	for _, text := range texts {
		r.put(text[:len(text)/2])
		r.put(text)
	}
	r.said.await(t, byFile)
	for !strings.Contains(r.administer("GET", "/config").body, "parameters: 1199") {
		r.said.await(t, byFile)
	}
	if got := r.metric("cocart_gateway_config_last_reload_successful"); got != "1" {
		t.Errorf("successful: %s", got)
	}
}

func TestASecretInAFileOfItsOwnIsReadAgain(t *testing.T) {
	folder := t.TempDir()
	secret := filepath.Join(folder, "refresh")
	replaceFile(t, secret, "a refresh secret of these tests, 32 bytes")
	r := start(t, settings{"reload": "watch", "tokens.refresh_secret_file": secret})
	_, token := r.login()
	replaceFile(t, secret, "another refresh secret of these tests, 32")
	r.said.await(t, byFile)
	if got := r.refresh(token); got.status != 401 {
		t.Errorf("a token of the secret before: %d", got.status)
	}
	if err := os.Remove(secret); err != nil {
		t.Fatal(err)
	}
	r.said.await(t, "tokens.refresh_secret_file: names "+secret)
	replaceFile(t, secret, "one more refresh secret of these tests, 32")
	r.awaitTimes(byFile, 2)
}

// Kubernetes writes a ConfigMap into a folder of its own and then exchanges one symbolic link, ..data. The files that
// a pod sees never change.
func TestAConfigMapThatIsExchangedIsReadAgain(t *testing.T) {
	volume := t.TempDir()
	write := func(version, text string) {
		folder := filepath.Join(volume, "..version_"+version)
		for _, err := range []error{os.Mkdir(folder, 0o700), os.WriteFile(filepath.Join(folder, "config.yaml"), []byte(text), 0o600),
			os.Symlink(filepath.Base(folder), filepath.Join(volume, "..data_tmp")),
			os.Rename(filepath.Join(volume, "..data_tmp"), filepath.Join(volume, "..data"))} {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	write("0", "")
	if err := os.Symlink("..data/config.yaml", filepath.Join(volume, "config.yaml")); err != nil {
		t.Fatal(err)
	}
	r := startAt(t, filepath.Join(volume, "config.yaml"), settings{"reload": "watch"})
	for i, guests := range []string{"deny", "allow", "deny"} {
		r.settings["site.guests"] = guests
		write(fmt.Sprint(i+1), string(r.settings.yaml(t)))
		if err := os.RemoveAll(filepath.Join(volume, "..version_"+fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
		r.awaitTimes(byFile, i+1)
	}
	if got := code(r.do("GET", cart, "")); got != "401" {
		t.Errorf("a guest: %s", got)
	}
}

// awaitTimes returns once a text was said so often.
func (r *rig) awaitTimes(text string, n int) {
	r.Helper()
	deadline := time.After(atMost)
	for r.said.times(text) < n {
		select {
		case <-r.said.wrote:
		case <-deadline:
			r.Fatalf("%q was said %d times: %s", text, r.said.times(text), r.said)
		}
	}
}

// replaceFile puts a file in place as editors do: whole, under another name first.
func replaceFile(t *testing.T, path, text string) {
	t.Helper()
	other := filepath.Join(filepath.Dir(path), ".swap")
	if err := os.WriteFile(other, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(other, path); err != nil {
		t.Fatal(err)
	}
}
