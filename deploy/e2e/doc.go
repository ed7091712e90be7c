// Package e2e holds the end-to-end tests: the real binary, in front of a real
// WordPress with the must-use plugin and a stand-in for CoCart, with sessions in
// a real redis-server, asked as a client would ask. It needs the Debian packages
// that deploy/demo/install.sh brings, and says so when they are missing.
package e2e
