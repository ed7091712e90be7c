package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// nowhere is an authority that does not answer.
const nowhere = "https://127.0.0.1:1/dir"

func acmeLines(storage string) string {
	return "tls:\n  listen: \"127.0.0.1:0\"\n  acme: {enabled: true, domains: [shop.example.com], directory: \"" + nowhere + "\", storage: \"" + storage + "\"}\n"
}

func TestAGatewayThatCannotKeepCertificatesDoesNotStart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	replaceFile(t, file, "no folder")
	path := configWith(t, acmeLines(file+"/acme"))
	stderr := newOutput()
	code := run(t.Context(), []string{"serve", "--config", path}, noEnv, newOutput(), stderr)
	if want := "tls.acme.storage: nothing can be written to " + file + "/acme, so no certificate can be kept: "; code != exitFailed || !strings.Contains(stderr.String(), want) {
		t.Errorf("exit %d: %s", code, stderr)
	}
}

func TestTheDoctorTriesTheFolderForCertificates(t *testing.T) {
	dir := t.TempDir()
	replaceFile(t, filepath.Join(dir, "file"), "no folder")
	for storage, want := range map[string]string{
		dir + "/acme/below": "ok listeners.certificates: This user has permission to write to tls.acme.storage DIR/acme/below.",
		dir + "/file/acme":  "problem listeners.certificates: Nothing can be written to tls.acme.storage DIR/file/acme: not a directory. → Name a folder that the gateway can write to, on a volume if it runs in a container.",
	} {
		p := openPractice(t)
		p.more = "tls: {listen: \"127.0.0.1:0\", acme: {enabled: true, domains: [shop.example.com], storage: \"" + storage + "\"}}\n"
		if got := strings.ReplaceAll(p.listenerLines(t), dir, "DIR"); !strings.Contains(got, want) {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("the doctor left %v, %v", left, err)
	}
}
