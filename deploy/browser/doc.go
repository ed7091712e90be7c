// Package browser holds the tests that only a browser can decide: may a page of
// another origin log in, shop and read the answers. A Chromium loads a page
// from one port and asks the gateway on another. It needs the Debian package that
// deploy/demo/install.sh browser brings, and says so when it is missing. The panel in
// wp-admin is printed by the must-use plugin itself, with PHP.
package browser
