// Package model checks the rules of rotation and revocation by a search of all states within bounds: MODEL.md names the
// invariants, the bounds and what the model leaves out. It holds tests only.
package model
