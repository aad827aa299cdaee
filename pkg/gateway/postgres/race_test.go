//go:build race

package postgres_test

// raceFactor is how much more memory the race detector takes.
const raceFactor = 2
