// Package console serves the console of the admin listener: one page for operators, without a build step and without anything
// from other hosts. The page asks for the administration token, keeps it for the life of the tab, and calls the administration
// API with it, so it can do nothing that a holder of the token cannot do otherwise.
//
//	console.go  the page and its headers
//	page/       HTML, style and one script for each panel; app.js begins
package console

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"

	"cocart-gateway/gateway/respond"
)

//go:embed page
var files embed.FS

// Prefix is the path below which the page has its style and scripts.
const Prefix = "/console/"

// policy lets the page load its own files and call its own host, and nothing else.
//
// Attack: a User-Agent, a login name or a message in the API holds markup, and a script in it takes the token from the page.
// Prevention: the scripts write text only; if one of them did not, the policy lets no script run that is not a file of the
// page, and Trusted Types let no text become markup. form-action: without its script the form would send the token in a URL.
// frame-ancestors: a page that frames this one could have its buttons pressed.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; " +
	"form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

var contentTypes = map[string]string{
	".html": "text/html; charset=UTF-8", ".css": "text/css; charset=UTF-8", ".js": "text/javascript; charset=UTF-8", ".svg": "image/svg+xml",
}

// Handler serves the page at / and its files below [Prefix]. They hold no secret, so they need no token.
func Handler() http.Handler {
	mux := http.NewServeMux()
	entries, err := fs.ReadDir(files, "page")
	if err != nil {
		panic("console: " + err.Error()) // it is embedded
	}
	for _, entry := range entries {
		text, err := files.ReadFile("page/" + entry.Name())
		if err != nil {
			panic("console: " + err.Error())
		}
		pattern := "GET " + Prefix + entry.Name()
		if entry.Name() == "index.html" {
			pattern = "GET /{$}"
		}
		mux.Handle(pattern, file(text, contentTypes[path.Ext(entry.Name())]))
	}
	return mux
}

// file serves one file. Browsers keep it and ask each time whether it has changed, since an upgrade changes it.
func file(text []byte, contentType string) http.Handler {
	sum := sha256.Sum256(text)
	tag := `"` + hex.EncodeToString(sum[:8]) + `"`
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-cache")
		h.Set("ETag", tag)
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		respond.Bytes(w, r, http.StatusOK, text, contentType)
	})
}
