// Package chaos breaks things on purpose, while customers shop, and counts what that did to them.
//
// A row of the campaign has three gateways, a real Redis (alone, with Sentinels, as a cluster), a WordPress that checks
// every assertion, customers who read their cart, refresh, log out and log in, and a checker that sends tokens of ended
// sessions. It breaks one thing, heals it, and then asks every session and every ended token once more, at every gateway.
//
//	make chaos                all rows, with long faults; exit code 1 if a figure misses its goal
//	CHAOS=short make chaos    a part of the rows, with short faults, as make test does
//	make soak                 20 minutes of load with a fault a minute (SOAK=20m)
//
// All of it is in tests, because what they start ends with them:
//
//	campaign_test.go   the rows are carried out, and the table
//	rows_*_test.go     the rows: what is broken, and which figures must result
//	world_test.go      the programs of a row
//	shopper_test.go    customers; checker_test.go: ended tokens
//	link_test.go       a network between gateway and Redis that can be slow, cut or silent
//	soak_test.go       the long run
//	frozen_test.go     a gateway that is stopped for a while
package chaos
