package sshhost_test

import (
	"context"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// alive says whether a process of this machine still runs.
func alive(pid int) bool {
	out, _ := exec.Command("ps", "-o", "stat=", "-p", strconv.Itoa(pid)).Output() // an error means that there is none
	state := strings.TrimSpace(string(out))
	return state != "" && state[0] != 'Z' // a zombie runs no more
}

// within polls a condition of another process until it holds.
func within(t testing.TB, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatal("it never happened: ", what)
		case <-tick.C:
		}
	}
}
