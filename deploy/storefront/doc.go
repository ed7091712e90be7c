// Package storefront tests that the gateway changes nothing for the rest of a
// shop. A fixed list of requests that real shops receive is sent twice to a real
// WordPress: past the gateway and through it.
//
//	rig_test.go          the shop, the gateway, and what the requests need
//	wire_test.go         requests and answers as bytes on a connection
//	*_requests_test.go   the list, by sender
//	compare_test.go      both results, field by field
//	differences_test.go  deploy/docs/differences.md, which lists and justifies each difference
//	reports_test.go      testdata/reports.jsonl: problems that shops had with proxies, each with its test
//	customers_test.go    what apps and customers do on CoCart's routes
//	loopback_test.go     the shop asks itself
//	bearers_test.go      apps of other JWT plugins (compat.other_bearers)
//
// testdata/probe.php is a must-use plugin that reports what PHP received: $_SERVER,
// parameters, files, cookies and the hash of the body. It also answers in unusual
// ways when asked to.
package storefront
