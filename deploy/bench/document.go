package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"cocart-gateway/deploy/bench/figures"
)

const (
	pageFile    = "deploy/docs/performance.md"
	pictureFile = "deploy/docs/performance.svg"
	readmeFile  = "README.md"
	begins      = "<!-- make bench -->"
	ends        = "<!-- /make bench -->"
)

// document writes the figures of a report into the documents.
func document(report string) error {
	r, err := figures.Read(report)
	if err != nil {
		return err
	}
	picture := r.SVG(customer, "A customer's request: CPU time of the proxy")
	return errors.Join(
		between(pageFile, r.Markdown()),
		between(readmeFile, r.Sentence()+"\n"),
		os.WriteFile(pictureFile, []byte(picture), 0o644)) //nolint:gosec // a document
}

// between replaces what stands between the two marks of a file.
func between(file, text string) error {
	page, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, rest, found := strings.Cut(string(page), begins+"\n")
	_, after, closed := strings.Cut(rest, ends)
	if !found || !closed {
		return fmt.Errorf("%s has no %s … %s", file, begins, ends)
	}
	return os.WriteFile(file, []byte(before+begins+"\n"+text+ends+after), 0o644) //nolint:gosec // a document
}
