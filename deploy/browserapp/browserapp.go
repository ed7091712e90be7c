// Package browserapp holds an example of a browser app in cookie mode: one page and one script, without a build step. It logs in,
// shows the cart, is renewed by the gateway and logs out, and has no code for tokens. A guest's cart has a key, which it keeps until
// the login and sends once more then. "make run" serves it at /browserapp/ of its shop, and deploy/browser tests it in Chromium.
package browserapp

import "embed"

// Files are the page and its script.
//
//go:embed index.html app.js
var Files embed.FS
