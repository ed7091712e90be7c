package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"
)

// authorities is where Debian, and most others, keep whom they trust.
const authorities = "/etc/ssl/certs/ca-certificates.crt"

// accounts are what some libraries look a number up in. 65532 is the number
// that images without a system use for the unprivileged user.
var accounts = map[string]string{ //nolint:gosec // no passwords in it
	"etc/passwd": "root:x:0:0:root:/:/sbin/nologin\ncocart-gateway:x:65532:65532:cocart-gateway:/:/sbin/nologin\n",
	"etc/group":  "root:x:0:\ncocart-gateway:x:65532:\n",
}

// image builds deploy/container/Containerfile for this machine's processor and
// leaves the image in the storage of the first builder found.
func (r *release) image(ctx context.Context, name string) error {
	builder, err := firstOf("buildah", "podman", "docker")
	if err != nil {
		return err
	}
	if err := r.rootfs(ctx, filepath.Join(r.out, "rootfs")); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(r.out, "state", "cocart-gateway"), 0o700); err != nil {
		return err
	}
	args := []string{"build", "--file", "deploy/container/Containerfile", "--tag", name + ":" + r.version,
		"--build-arg", "VERSION=" + r.version, "--build-arg", "REVISION=" + r.revision, "--build-arg", "CREATED=" + r.time.Format(time.RFC3339)}
	if builder != "docker" { // OCI's own format knows no health check
		args = append(args, "--format", "docker", "--timestamp", fmt.Sprint(r.time.Unix()))
	}
	_, err = output(ctx, nil, builder, append(args, r.out)...)
	return err
}

func firstOf(programs ...string) (string, error) {
	for _, p := range programs {
		if _, err := exec.LookPath(p); err == nil {
			return p, nil
		}
	}
	return "", fmt.Errorf("an image needs one of %v on this machine", programs)
}

// rootfs lays out everything that will be in the image.
func (r *release) rootfs(ctx context.Context, root string) error {
	if err := os.RemoveAll(r.out); err != nil {
		return err
	}
	binary, err := r.build(ctx, target{"linux", runtime.GOARCH})
	if err != nil {
		return err
	}
	program, err := os.ReadFile(binary)
	if err != nil {
		return err
	}
	trusted, err := os.ReadFile(authorities)
	if err != nil {
		return fmt.Errorf("whom to trust (Debian package ca-certificates): %w", err)
	}
	err = errors.Join(lay(root, "usr/bin/cocart-gateway", program, 0o755), lay(root, authorities[1:], trusted, 0o644))
	for name, text := range accounts {
		err = errors.Join(err, lay(root, name, []byte(text), 0o644))
	}
	return err
}

// lay writes a file whatever umask there is.
func lay(root, name string, content []byte, mode os.FileMode) error {
	path := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // the image is for everybody to read
		return err
	}
	for dir := filepath.Dir(path); len(dir) >= len(root); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // as above
			return err
		}
	}
	return errors.Join(os.WriteFile(path, content, mode), os.Chmod(path, mode)) //nolint:gosec // where -out says
}
