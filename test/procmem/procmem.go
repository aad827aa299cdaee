// Package procmem reads what Linux says of a process' memory.
package procmem

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// KiB is what one line of one of a process' files in /proc says, in KiB: VmRSS or VmHWM in status, Pss in smaps_rollup
// (proc_pid_status(5), proc_pid_smaps(5)).
func KiB(pid int, file, line string) (int, error) {
	name := fmt.Sprintf("/proc/%d/%s", pid, file)
	text, err := os.ReadFile(name)
	if err != nil {
		return 0, err
	}
	for l := range strings.Lines(string(text)) {
		if fields := strings.Fields(l); len(fields) == 3 && fields[0] == line+":" && fields[2] == "kB" {
			return strconv.Atoi(fields[1])
		}
	}
	return 0, fmt.Errorf("%s does not say %s", name, line)
}
