package upstream

import "math/rand/v2"

// chance is a number below n, for choices that nobody gains by foreseeing: which
// of two idle nodes, when to check. It costs nothing, and no secret depends on it.
func chance(n int) int {
	return rand.IntN(n) //nolint:gosec // see above
}
