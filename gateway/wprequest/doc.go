// Package wprequest reads a request as PHP and WordPress will read it. It does no I/O,
// and imports no other package of the gateway.
//
// An attacker looks for a request that the gateway takes for a page of the storefront
// and WordPress for a login, or in which CoCart finds a password or a cart key that the
// gateway did not see. So each function names the function of PHP, WordPress or CoCart
// whose reading it repeats, and a request that two readers could read in two ways is
// refused ([Ambiguous]) if it could be for CoCart.
//
//	class.go        Site.Classify: which class a request has, by its target and header
//	route.go        the REST routes that a request could name
//	script.go       the PHP script that a path leads to
//	read.go         Site.ReadBody: the same with the body; what a request does
//	batch.go        the requests inside a batch
//	alias.go        routes of the Flutter and Swift SDKs that WordPress does not know
//	headers.go      headers that are there twice, the bearer token, login cookies
//	php.go          parameters, names and text functions of PHP
//	form.go         $_POST, also of a form that is read only in part
//	multipart.go    multipart forms
//	body.go         Content-Type, and bodies by it
//	object.go       JSON objects that keep order and bytes
//	input.go        Input: parameters wherever PHP code finds them
//	credentials.go  names, passwords and API keys in them
//	name.go         NameKey: one text for all spellings of a name; accents.go, entities.go, tags.go
//	cartkey.go      cart keys in them, and the customers whose carts those name
//	error.go        why a request is refused
package wprequest
