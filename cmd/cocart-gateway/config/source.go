package config

import (
	"crypto/sha256"
	"fmt"
	"hash"
	"maps"
	"path/filepath"
	"slices"
	"sync"

	"cocart-gateway/cmd/cocart-gateway/config/schema"
)

// Source is the configuration file of a running gateway, with the files that it names and the environment. It keeps what
// it read last, to find and merge changes. It is safe for concurrent use.
type Source struct {
	path  string
	env   func(string) (string, bool)
	check KeyCheck

	mu    sync.Mutex        // guards what follows
	files []string          // the configuration, then the files that it names
	sum   string            // of their contents
	held  map[string][]byte // contents of each file when it was last read without error, also of files that only older versions name
}

// NewSource returns the source of the file at path. The arguments are those of [Load].
func NewSource(path string, env func(string) (string, bool), check KeyCheck) *Source {
	return &Source{path: path, env: env, check: check, held: map[string][]byte{}}
}

// Load reads and checks the file, as the function [Load] does. The source remembers the contents even if they are
// wrong, so that each mistake is reported once.
func (s *Source) Load() (*Config, error) {
	var files []string
	sum, held := sha256.New(), map[string][]byte{}
	c, err := loadFrom(s.path, sources{schema.Source{Dir: filepath.Dir(s.path), Env: s.env, File: func(path string, limit int64) ([]byte, *schema.Mistake) {
		files = append(files, path)
		data, m := summed(sum, path, limit)
		if m == nil {
			held[path] = data
		}
		return data, m
	}}, s.check})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files, s.sum = files, string(sum.Sum(nil))
	maps.Copy(s.held, held)
	return c, err
}

// Merge returns the configuration that a reload puts in force, and which keys change now and which at the next start:
// see [Changes]. Files have the contents that [Source.Load] found, so what is checked is what was read, and a file that
// only the configuration in force names may be gone.
func (s *Source) Merge(inForce, written *Config) (*Config, Changes, error) {
	return merge(s.path, inForce, written, sources{checkKey: s.check, Source: schema.Source{
		Env: func(string) (string, bool) { return "", false }, // every $ is escaped by now
		File: func(path string, _ int64) ([]byte, *schema.Mistake) {
			s.mu.Lock()
			defer s.mu.Unlock()
			data, known := s.held[path]
			if !known {
				return nil, &schema.Mistake{Value: "the file was not read"}
			}
			return data, nil
		},
	}})
}

// Preview returns what a reload would change now. It changes nothing: the file stays to be noticed by who follows the source.
func (s *Source) Preview(inForce *Config) (Changes, error) {
	s.mu.Lock()
	preview := &Source{path: s.path, env: s.env, check: s.check, held: maps.Clone(s.held)}
	s.mu.Unlock()
	written, err := preview.Load()
	if err != nil {
		return Changes{}, err
	}
	_, changes, err := preview.Merge(inForce, written)
	return changes, err
}

// Path returns the path of the configuration file; "": the environment is the configuration.
func (s *Source) Path() string { return s.path }

// Current returns a digest of the contents that the files have now. It differs from [Source.Loaded] once one of them has
// changed.
func (s *Source) Current() string {
	s.mu.Lock()
	files := slices.Clone(s.files)
	s.mu.Unlock()
	sum := sha256.New()
	for _, path := range files {
		limit := int64(schema.MaxSecretFile)
		if path == s.path {
			limit = schema.MaxConfigFile
		}
		if schema.IsSpecial(path) {
			sumSpecial(sum, path)
			continue
		}
		_, _ = summed(sum, path, limit)
	}
	return string(sum.Sum(nil))
}

// Loaded returns the digest of the contents that were loaded last.
func (s *Source) Loaded() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sum
}

// summed reads a file and adds to sum what was found, also an error.
func summed(sum hash.Hash, path string, limit int64) ([]byte, *schema.Mistake) {
	data, m := schema.ReadBounded(path, limit)
	if schema.IsSpecial(path) {
		sumSpecial(sum, path)
		return data, m
	}
	_, _ = fmt.Fprintf(sum, "%q %q %v\n", path, data, m) // a hash takes everything
	return data, m
}

// sumSpecial stands for the contents of a pipe, which are gone once they were read: a pipe never changes.
func sumSpecial(sum hash.Hash, path string) {
	_, _ = fmt.Fprintf(sum, "%q is special\n", path)
}
