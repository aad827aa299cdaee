package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// keystrokes are how many are typed in one run.
const keystrokes = 1000

// pause is how long a quick typist waits between two of them.
const pause = 2 * time.Millisecond

// echo types into a terminal at a host, one key at a time, and answers how long each took to be shown.
func echo(ctx context.Context, to way) (took []time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "ssh", "-F", to.config, "-o", "ControlPath=none", "-tt", "-q", "host", "stty sane && stty -icanon min 1 && printf ready. && cat >/dev/null")
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	defer func() {
		cancel() // what it types into has no end of its own
		_ = cmd.Wait()
	}()
	for seen := ""; !strings.HasSuffix(seen, "ready."); {
		b := make([]byte, 100)
		n, err := out.Read(b)
		if seen += string(b[:n]); err != nil {
			return nil, fmt.Errorf("no terminal: %w: %q", err, seen)
		}
	}
	key := make([]byte, 1)
	for i := range keystrokes {
		typed := byte('a' + i%26)
		began := time.Now()
		if _, err := in.Write([]byte{typed}); err != nil {
			return nil, err
		}
		if _, err := io.ReadFull(out, key); err != nil || key[0] != typed {
			return nil, errors.Join(fmt.Errorf("%q was typed, and %q shown", typed, key), err)
		}
		took = append(took, time.Since(began))
		time.Sleep(pause)
	}
	return took, nil
}

// middleOf is the median for 50, and so on.
func middleOf(took []time.Duration, percent int) time.Duration {
	sorted := slices.Sorted(slices.Values(took))
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, len(sorted)*percent/100)].Round(time.Microsecond)
}

// hostReport is the part of docs/benchmarks.md on hosts.
func hostReport(o options, all []measurement, echoes map[string][]time.Duration) string {
	if len(all) == 0 && len(echoes) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, `
## Hosts

OpenSSH's own ssh and sshd, aes128-gcm on every way but the one whose name says otherwise, over one connection that is open already: a file of %d MiB read (%scat FILE%s to
/dev/null) and written (to %scat >/dev/null%s), read by scp -O, commands that do nothing one behind the other (each a process of ssh
and one at the host); and new connections with one command each. CPU is for a MiB, a command or a connection.
Medians of %d interleaved rounds (%smake bench%s with %s-loads '^host'%s measures these alone).

| load | way | rate, 1/s | of direct | of the tunnel | of ghostunnel | CPU for each unit, us |
|---|---|---|---|---|---|---|
`, o.mib, "`", "`", "`", "`", o.rounds, "`", "`", "`", "`")
	table(&b, all)
	fmt.Fprintf(&b, `
A keystroke into a terminal at the host, from its writing to its echo (%d a run, %d ms apart):

| way | median | 99 of 100 |
|---|---|---|
`, keystrokes, pause.Milliseconds())
	for _, way := range []string{"direct", "two-hop TLS", "hoop"} {
		if took := echoes[way]; len(took) > 0 {
			fmt.Fprintf(&b, "| %s | %s | %s |\n", way, middleOf(took, 50), middleOf(took, 99))
		}
	}
	return b.String()
}
