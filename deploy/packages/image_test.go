package main

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"cocart-gateway/deploy/chain"
	"cocart-gateway/deploy/demo/child"
)

// ownStorage keeps images and containers of a test out of the machine's own.
func ownStorage(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "storage.conf"), "[storage]\ndriver = \"vfs\"\ngraphroot = \""+dir+"/graph\"\nrunroot = \""+dir+"/run\"\n")
	t.Setenv("CONTAINERS_STORAGE_CONF", filepath.Join(dir, "storage.conf"))
	t.Setenv("BUILDAH_ISOLATION", "chroot")
}

// TestImageHoldsOneProgramThatServesAsNobody builds the image, looks at what is
// in it, and runs it.
func TestImageHoldsOneProgramThatServesAsNobody(t *testing.T) {
	ownStorage(t)
	if err := command(t.Context(), []string{"-version", madeVersion, "-image", "cocart-gateway", "-arch", "amd64,arm64", "-out", filepath.Join(t.TempDir(), "image")}); err != nil {
		t.Fatal(err)
	}
	listsProcessors(t, said(t, "buildah", "manifest", "inspect", "localhost/cocart-gateway:"+madeVersion))
	container := strings.TrimSpace(said(t, "buildah", "from", "--pull-never", "localhost/cocart-gateway:"+madeVersion))
	// Its storage is removed with the test; mounts must be gone by then.
	t.Cleanup(func() { _ = exec.Command("buildah", "rm", container).Run() })
	isConfigured(t, said(t, "buildah", "inspect", "--type", "image", "localhost/cocart-gateway:"+madeVersion))
	holdsOnly(t, strings.TrimSpace(said(t, "buildah", "mount", container)))
	said(t, "buildah", "umount", container)
	servesWithoutAFile(t, container) // first, because a mounted file leaves an empty one behind
	servesInside(t, container)
}

// servesWithoutAFile runs it as platforms do that have variables only. The image has no folder for a configuration.
func servesWithoutAFile(t *testing.T, container string) {
	t.Helper()
	public, admin := chain.FreeAddress(t), chain.FreeAddress(t)
	inside := []string{"run"}
	for name, value := range map[string]string{
		"LISTEN": public, "ADMIN_LISTEN": admin, "SITE_URL": "https://shop.example.com", "UPSTREAM_URL": "http://" + chain.FreeAddress(t),
		"UPSTREAM_SECRET": "a secret of $HOME and its gateway, 32 bytes", "TOKENS_KEYS": `[{id: main, algorithm: HS256, secret: "a signing key of this test, 32 bytes"}]`,
	} {
		inside = append(inside, "--env", "COCART_GATEWAY_"+name+"="+value)
	}
	inside = append(inside, container, "--", "/usr/bin/cocart-gateway")
	if text := said(t, "buildah", append(slices.Clone(inside), "config", "check")...); !strings.Contains(text, "url: https://shop.example.com") {
		t.Errorf("the environment alone: %s", text)
	}
	buildah, err := exec.LookPath("buildah")
	if err != nil {
		t.Fatal(err)
	}
	chain.Run(t, child.Program{Name: "the container", Args: append([]string{buildah}, append(slices.Clone(inside), "serve")...), Env: os.Environ()}, admin)
	if text := said(t, "buildah", append(inside, "healthcheck")...); !strings.Contains(text, `"alive":true`) {
		t.Errorf("the health check of a gateway without a file says %q", text)
	}
}

// listsProcessors: one name is the image for each of them.
func listsProcessors(t *testing.T, inspected string) {
	t.Helper()
	var list struct {
		Manifests []struct {
			Platform struct{ Architecture, OS string }
		}
	}
	if err := json.Unmarshal([]byte(inspected), &list); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range list.Manifests {
		got = append(got, m.Platform.OS+"/"+m.Platform.Architecture)
	}
	if slices.Sort(got); !slices.Equal(got, []string{"linux/amd64", "linux/arm64"}) {
		t.Errorf("the list has %v", got)
	}
}

func isConfigured(t *testing.T, inspected string) {
	t.Helper()
	var image struct {
		Docker struct {
			Config struct {
				User            string
				Entrypoint, Cmd []string
				Healthcheck     struct{ Test []string }
				Labels          map[string]string
			} `json:"config"`
		}
	}
	if err := json.Unmarshal([]byte(inspected), &image); err != nil {
		t.Fatal(err)
	}
	c := image.Docker.Config
	want := []string{"65532:65532", "/usr/bin/cocart-gateway", "serve",
		"CMD /usr/bin/cocart-gateway healthcheck", madeVersion, "MIT"}
	got := []string{c.User, strings.Join(c.Entrypoint, " "), strings.Join(c.Cmd, " "), strings.Join(c.Healthcheck.Test, " "),
		c.Labels["org.opencontainers.image.version"], c.Labels["org.opencontainers.image.licenses"]}
	if !slices.Equal(got, want) || c.Labels["org.opencontainers.image.revision"] == "" || c.Labels["org.opencontainers.image.created"] == "" {
		t.Errorf("the image is set up as\n%q\nwant\n%q\nwith labels %v", got, want, c.Labels)
	}
}

func holdsOnly(t *testing.T, root string) {
	t.Helper()
	var files []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, strings.TrimPrefix(path, root))
		}
		return err
	})
	want := []string{"/etc/group", "/etc/passwd", "/etc/ssl/certs/ca-certificates.crt", "/usr/bin/cocart-gateway"}
	if err != nil || !slices.Equal(files, want) {
		t.Errorf("in the image is %v, want %v (%v)", files, want, err)
	}
	belongsToNobody(t, filepath.Join(root, "var/lib/cocart-gateway"))
}

// belongsToNobody: the folder for certificates is the gateway's, and nobody else's.
func belongsToNobody(t *testing.T, folder string) {
	t.Helper()
	info, err := os.Stat(folder)
	if err != nil {
		t.Fatal(err)
	}
	owner := info.Sys().(*syscall.Stat_t)
	if owner.Uid != 65532 || owner.Gid != 65532 || info.Mode() != fs.ModeDir|0o700 {
		t.Errorf("%s is %s of %d:%d", folder, info.Mode(), owner.Uid, owner.Gid)
	}
}

// servesInside has it keep certificates at their usual place, or it would not start.
func servesInside(t *testing.T, container string) {
	t.Helper()
	g := chain.Gateway{Public: chain.FreeAddress(t), Admin: chain.FreeAddress(t)}
	config := chain.Write(t, "config.yaml", g.Configuration("http://"+chain.FreeAddress(t))+
		"tls: {listen: \""+chain.FreeAddress(t)+"\", acme: {enabled: true, domains: [shop.example.com], directory: \"https://127.0.0.1:1/dir\"}}\n")
	inside := []string{"run", "--volume", config + ":/etc/cocart-gateway/config.yaml:ro", container, "--", "/usr/bin/cocart-gateway"}
	const here = "/etc/cocart-gateway/config.yaml"
	healthcheck := append(slices.Clone(inside), "healthcheck", "--config", here)
	if text, err := exec.Command("buildah", healthcheck...).CombinedOutput(); err == nil {
		t.Errorf("healthy before it runs: %s", text)
	}
	buildah, err := exec.LookPath("buildah")
	if err != nil {
		t.Fatal(err)
	}
	chain.Run(t, child.Program{Name: "the container", Args: append([]string{buildah}, append(inside, "serve", "--config", here)...), Env: os.Environ()}, g.Admin)
	if text := said(t, "buildah", healthcheck...); !strings.Contains(text, `"alive":true`) {
		t.Errorf("the health check of a running gateway says %q", text)
	}
}
