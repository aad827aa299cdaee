// Package e2e holds the end-to-end tests: both programs as they are built, a real PostgreSQL, and its own log as the oracle
// of what ran.
package e2e
