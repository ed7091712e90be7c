package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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

// image builds deploy/container/Containerfile and leaves the image in the storage of the first builder found. For several
// processors each has an image of its own, name:version-arm64, and name:version is the list of them. Nothing runs during the
// build, so that it needs no emulator.
func (r *release) image(ctx context.Context, name string, processors []string) error {
	builder, err := firstOf("buildah", "podman", "docker")
	if err != nil {
		return err
	}
	if err := os.RemoveAll(r.out); err != nil {
		return err
	}
	var parts []string
	tag := name + ":" + r.version
	for _, processor := range processors {
		if _, err := chosen("linux/" + processor); err != nil {
			return err
		}
		part := tag
		if len(processors) > 1 {
			part += "-" + processor
		}
		if err := r.imageFor(ctx, builder, processor, part); err != nil {
			return fmt.Errorf("the image for %s: %w", processor, err)
		}
		parts = append(parts, part)
	}
	if len(parts) == 1 {
		return nil
	}
	return listImages(ctx, builder, tag, parts)
}

// imageFor builds the image for one processor.
func (r *release) imageFor(ctx context.Context, builder, processor, tag string) error {
	dir := filepath.Join(r.out, processor)
	if err := r.rootfs(ctx, filepath.Join(dir, "rootfs"), processor); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, "state", "cocart-gateway"), 0o700); err != nil {
		return err
	}
	args := []string{"build", "--file", "deploy/container/Containerfile", "--platform", "linux/" + processor, "--tag", tag,
		"--build-arg", "VERSION=" + r.version, "--build-arg", "REVISION=" + r.revision, "--build-arg", "CREATED=" + r.time.Format(time.RFC3339)}
	if builder != "docker" { // OCI's own format knows no health check
		args = append(args, "--format", "docker", "--timestamp", fmt.Sprint(r.time.Unix()))
	}
	_, err := output(ctx, nil, builder, append(args, dir)...)
	return err
}

// listImages makes one name of several images, of which a machine takes that for its processor. docker makes such a list
// only in a registry.
func listImages(ctx context.Context, builder, tag string, parts []string) error {
	if builder == "docker" {
		fmt.Printf("After pushing %v: docker buildx imagetools create --tag %s %v\n", parts, tag, parts)
		return nil
	}
	_, _ = output(ctx, nil, builder, "manifest", "rm", tag) // of an earlier build, if there is one
	if _, err := output(ctx, nil, builder, "manifest", "create", tag); err != nil {
		return err
	}
	for _, part := range parts {
		if _, err := output(ctx, nil, builder, "manifest", "add", tag, "localhost/"+part); err != nil {
			return err
		}
	}
	return nil
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
func (r *release) rootfs(ctx context.Context, root, processor string) error {
	binary, err := r.build(ctx, target{"linux", processor})
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
