package main

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Which room may open which door. A test file may open more: only what ships is
// judged.
func TestRoomsOpenOnlyTheirOwnDoors(t *testing.T) {
	const self = "cocart-gateway/"
	forbidden := map[string][]string{
		"tokens":   {self + "gateway", self + "upstream", "net/http", "net/http/httputil", "gopkg.in/yaml.v3"},
		"upstream": {self + "gateway", self + "tokens", "github.com/redis/go-redis/v9", "github.com/golang-jwt/jwt/v5", "gopkg.in/yaml.v3"},
		"gateway":  {"github.com/redis/go-redis/v9", "github.com/golang-jwt/jwt/v5", "net/http/httputil", "gopkg.in/yaml.v3"},
	}
	forbidden["tokens/untrusted"] = []string{self, "net/http"}
	forbidden["gateway/accesslog"] = append([]string{self + "gateway", self + "tokens", self + "upstream"}, forbidden["gateway"]...)
	forbidden["gateway/account"] = append([]string{self + "gateway", self + "upstream"}, forbidden["gateway"]...)
	forbidden["gateway/admin"] = append([]string{self + "gateway"}, forbidden["gateway"]...)
	forbidden["gateway/admin/console"] = append([]string{self + "gateway/admin", self + "tokens", self + "upstream"}, forbidden["gateway/admin"]...)
	forbidden["gateway/admin/history"] = append([]string{self, "net/http"}, forbidden["gateway"]...)
	forbidden["gateway/admin/listing"] = append([]string{"net/http"}, forbidden["gateway/admin"]...)
	forbidden["gateway/browser"] = append([]string{self, "os"}, forbidden["gateway"]...)
	forbidden["gateway/caching"] = append([]string{self + "gateway", self + "tokens", self + "upstream"}, forbidden["gateway"]...)
	forbidden["gateway/crossorigin"] = append([]string{self + "gateway", self + "tokens", self + "upstream"}, forbidden["gateway"]...)
	forbidden["gateway/forwarded"] = append([]string{self + "gateway", self + "tokens"}, forbidden["gateway"]...)
	forbidden["gateway/bounds"] = append([]string{self + "gateway", self + "tokens", self + "upstream"}, forbidden["gateway"]...)
	forbidden["gateway/hosts"] = append([]string{self + "gateway", self + "tokens", self + "upstream"}, forbidden["gateway"]...)
	forbidden["gateway/jwtindex"] = append([]string{self + "gateway", self + "tokens", self + "upstream"}, forbidden["gateway"]...)
	forbidden["gateway/openapitest"] = []string{self}
	forbidden["gateway/pace"] = append([]string{self + "gateway", self + "tokens", self + "upstream"}, forbidden["gateway"]...)
	forbidden["gateway/appserver"] = append([]string{self}, forbidden["gateway"]...)
	forbidden["gateway/repeats"] = append([]string{self + "tokens", self + "upstream"}, forbidden["gateway"]...)
	forbidden["gateway/respond"] = append([]string{self + "gateway", self + "tokens", self + "upstream"}, forbidden["gateway"]...)
	forbidden["gateway/wprequest"] = append([]string{self, "os", "net"}, forbidden["gateway"]...)
	forbidden["tokens/attempts"] = append([]string{self + "tokens"}, forbidden["tokens"]...)
	pure := append([]string{self + "tokens", self + "tokens/attempts", "github.com/redis/go-redis/v9"}, forbidden["tokens"]...)
	forbidden["tokens/keys"] = append([]string{self + "tokens/revocation"}, pure...)
	forbidden["tokens/model"] = append([]string{self}, forbidden["tokens"]...)
	forbidden["tokens/revocation"] = append([]string{self + "tokens/keys"}, pure...)
	forbidden["tokens/refreshtoken"] = pure
	forbidden["tokens/revocationlog"] = append([]string{self + "tokens", self + "tokens/keys", self + "tokens/attempts"}, forbidden["tokens"]...)
	forbidden["tokens/cluster"] = append([]string{self + "tokens", self + "tokens/attempts"}, forbidden["tokens"]...)
	forbidden["tokens/epoch"] = forbidden["tokens/cluster"]
	forbidden["tokens/checkup"] = forbidden["tokens/cluster"]
	forbidden["tokens/cache"] = []string{self, "net/http", "github.com/redis/go-redis/v9"}
	forbidden["tokens/budget"] = append([]string{self}, forbidden["tokens"]...)
	forbidden["tokens/rediserror"] = forbidden["tokens/budget"]
	forbidden["tokens/jwt"] = append([]string{self + "tokens/keys", self + "tokens/revocation"}, pure...)
	forbidden["gateway/migration"] = append([]string{self + "gateway"}, forbidden["gateway"]...)
	forbidden["gateway/grant"] = forbidden["gateway/migration"]
	forbidden["gateway/browserlink"] = forbidden["gateway/migration"]
	forbidden["tokens/ticket"] = forbidden["tokens"]
	forbidden["tokens/migration"] = forbidden["tokens"]
	forbidden["upstream/pool"] = append([]string{self + "upstream"}, forbidden["upstream"]...)
	forbidden["upstream/clock"] = append([]string{self, "net"}, forbidden["upstream"]...)
	forbidden["upstream/http1"] = append([]string{self + "upstream", self + "upstream/pool"}, forbidden["upstream"]...)
	forbidden["upstream/headfilter"] = append([]string{self}, forbidden["upstream"]...)
	forbidden["cmd/cocart-gateway/config"] = []string{self, "github.com/redis/go-redis/v9", "net/http/httputil"}
	forbidden["cmd/cocart-gateway/server"] = []string{self + "gateway", self + "tokens", self + "upstream", self + "cmd/cocart-gateway/doctor", "gopkg.in/yaml.v3"}
	forbidden["cmd/cocart-gateway/certs"] = append([]string{self + "cmd/cocart-gateway/server"}, forbidden["cmd/cocart-gateway/server"]...)
	forbidden["cmd/cocart-gateway/store"] = forbidden["cmd/cocart-gateway/certs"]
	forbidden["cmd/cocart-gateway/tracing"] = []string{self + "tokens", self + "upstream", self + "cmd/cocart-gateway/config", "gopkg.in/yaml.v3"}
	forbidden["cmd/cocart-gateway/doctor"] = []string{self + "gateway", "github.com/spf13/cobra", "gopkg.in/yaml.v3"}
	forbidden["cmd/cocart-gateway/filewatch"] = []string{self, "gopkg.in/yaml.v3"}
	forbidden["cmd/cocart-gateway/logsink"] = forbidden["cmd/cocart-gateway/filewatch"]
	forbidden["cmd/cocart-gateway/memory"] = forbidden["cmd/cocart-gateway/filewatch"]
	forbidden["cmd/cocart-gateway/term"] = []string{self + "gateway", self + "upstream", "gopkg.in/yaml.v3"}
	forbidden["cmd/cocart-gateway/config/schema"] = forbidden["cmd/cocart-gateway/config"]
	const schema = self + "cmd/cocart-gateway/config/schema" // is what package config itself is made of
	for room, doors := range forbidden {
		files, err := filepath.Glob(filepath.Join("../..", room, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", room, len(files), err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			for _, path := range imports(t, file) {
				if slices.ContainsFunc(doors, func(door string) bool {
					return path == door || door == self && path != schema && strings.HasPrefix(path, self)
				}) {
					t.Errorf("%s imports %s", file, path)
				}
			}
		}
	}
}

func imports(t *testing.T, file string) []string {
	t.Helper()
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), file, source, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, spec := range parsed.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}
