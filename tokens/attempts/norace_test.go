//go:build !race

package attempts_test

const raceDetector = false
