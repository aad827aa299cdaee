//go:build !linux

package slack

// Widen does nothing where timers are not late by a setting.
func Widen() {}

// Narrow has start begin another program.
func Narrow(start func() error) error { return start() }
