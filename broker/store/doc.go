// Package store keeps what the broker must not forget: people, sign-ins, grants, approvals,
// the index of sessions, locks and the audit log. It decides nothing.
package store
