package pgsql

import (
	"time"

	"golang.org/x/sys/unix"
)

// limitProcess bounds what this worker can take from the machine. RLIMIT_DATA counts the memory it can write to, the
// sandbox's too; RLIMIT_AS would count the 4 GiB that the sandbox only reserves. A worker needs no files and leaves no core.
func limitProcess() {
	for resource, limit := range map[int]uint64{unix.RLIMIT_DATA: 2 << 30, unix.RLIMIT_CORE: 0, unix.RLIMIT_FSIZE: 0} {
		_ = unix.Setrlimit(resource, &unix.Rlimit{Cur: limit, Max: limit}) // a lower limit that is already there is as good
	}
}

// cpuTime is the processor time that process pid has used so far; ok is false where it can't be told.
func cpuTime(pid int) (used time.Duration, ok bool) {
	var ts unix.Timespec
	clock := int32(^pid)<<3 | 2 // the kernel's name for the clock of another process (CPUCLOCK_SCHED)
	if err := unix.ClockGettime(clock, &ts); err != nil {
		return 0, false
	}
	return time.Duration(ts.Nano()), true
}
