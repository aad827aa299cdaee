//go:build !linux

package pgsql

import "time"

// limitProcess does nothing here: the memory limit of the runtime is all that this system gives us.
func limitProcess() {}

// cpuTime can't be told here: the wall limit alone ends a worker.
func cpuTime(int) (time.Duration, bool) { return 0, false }
