package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/hoop-gateway/hoop/cmd/hoopd/dev/sshd"
	"github.com/hoop-gateway/hoop/pkg/freeport"
)

// hostPolicy lets developers do everything on the host that is measured.
const hostPolicy = `version: 1
reach: [{name: all, who: {groups: [developers]}, on: {connections: [db-prod, host]}, ttl: 2h}]
rules: [{name: all, who: {groups: [developers]}, effects: [read, write, delete, execute, transfer, session, shell, unknown], verdict: allow},
  {name: files, who: {groups: [developers]}, effects: [read, write, delete, execute, transfer, session, unknown], ssh: {channels: [sftp, scp]}, verdict: allow}]
`

// hostLoads are what is done on a host, over a connection that is open already but for the last.
func (w *world) hostLoads(file string) []load {
	null := func(ctx context.Context, to way, in io.Reader, args ...string) error {
		cmd := exec.CommandContext(ctx, args[0], append([]string{"-F", to.config}, args[1:]...)...)
		var said bytes.Buffer
		cmd.Stdin, cmd.Stderr = in, &said
		if args[0] == "ssh" { // a file, so that ssh writes to it itself
			out, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			defer func() { _ = out.Close() }()
			cmd.Stdout = out
		}
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("%v: %w: %s", args, err, &said)
		}
		return nil
	}
	bulk := func(run func(ctx context.Context, to way) error) func(context.Context, way) (float64, time.Duration, error) {
		return func(ctx context.Context, to way) (float64, time.Duration, error) {
			began := time.Now()
			err := run(ctx, to)
			return float64(w.options.mib), time.Since(began), err
		}
	}
	again := func(args ...string) func(context.Context, way) (float64, time.Duration, error) {
		return func(ctx context.Context, to way) (n float64, _ time.Duration, err error) {
			began := time.Now()
			for ; err == nil && time.Since(began) < time.Duration(w.options.seconds)*time.Second; n++ {
				err = null(ctx, to, nil, args...)
			}
			return n, time.Since(began), err
		}
	}
	return []load{
		{"host read", "MiB", bulk(func(ctx context.Context, to way) error { return null(ctx, to, nil, "ssh", "host", "cat "+file) })},
		{"host write", "MiB", bulk(func(ctx context.Context, to way) error {
			in, err := os.Open(file)
			if err != nil {
				return err
			}
			defer func() { _ = in.Close() }()
			return null(ctx, to, in, "ssh", "host", "cat >/dev/null")
		})},
		{"host scp -O", "MiB", bulk(func(ctx context.Context, to way) error {
			return null(ctx, to, nil, "scp", "-O", "-q", "host:"+file, os.DevNull)
		})},
		{"host scp", "MiB", bulk(func(ctx context.Context, to way) error {
			return null(ctx, to, nil, "scp", "-q", "host:"+file, os.DevNull)
		})},
		{"host exec", "commands", again("ssh", "host", "true")},
		{"host connect", "connections", again("ssh", "-o", "ControlPath=none", "host", "true")},
	}
}

// measureHosts measures every way to a host, and how long a keystroke takes to come back.
func (w *world) measureHosts(ctx context.Context) (results []measurement, echoes map[string][]time.Duration, err error) {
	if w.options.mib == 0 {
		return nil, nil, nil
	}
	file := filepath.Join(w.dir, "file")
	if err := w.addHosts(ctx, file); err != nil {
		return nil, nil, fmt.Errorf("hosts: %w", err)
	}
	wanted, err := regexp.Compile(w.options.loads)
	if err != nil {
		return nil, nil, fmt.Errorf("-loads: %w", err)
	}
	for _, l := range w.hostLoads(file) {
		if !wanted.MatchString(l.name) {
			continue
		}
		if err := w.rounds(ctx, l, w.hosts, &results); err != nil {
			return nil, nil, err
		}
	}
	echoes = map[string][]time.Duration{}
	for round := range w.options.rounds {
		for _, to := range w.hosts {
			if !wanted.MatchString("host echo") {
				continue
			}
			took, err := echo(ctx, to)
			if err != nil {
				return nil, nil, fmt.Errorf("echo over %s: %w", to.name, err)
			}
			fmt.Fprintf(os.Stderr, "round %d  host echo     %-18s %s\n", round+1, to.name, middleOf(took, 50))
			echoes[to.name] = append(echoes[to.name], took...)
		}
	}
	return results, echoes, nil
}

// addHosts starts a host, and the ways to it: directly, over the plain tunnel, and through hoop.
func (w *world) addHosts(ctx context.Context, file string) error {
	if err := os.WriteFile(file, bytes.Repeat([]byte("0123456789abcdef"), w.options.mib<<16), 0o644); err != nil {
		return err
	}
	place, err := sshd.Place(w.dir, "host")
	if err != nil {
		return err
	}
	key := filepath.Join(w.dir, "host.key")
	host, err := sshd.Prepare(place, key)
	if err != nil {
		return err
	}
	port, err := freeport.Next()
	if err != nil {
		return err
	}
	if w.sshd, err = host.Start(ctx, port, "LogLevel ERROR"); err != nil {
		return err
	}
	target := part{"sshd", w.sshd.PID()}
	parts, front, err := w.hops(ctx, target, port, "hop", w.plainHop)
	if err != nil {
		return err
	}
	for _, to := range []way{
		{name: "direct", port: port, parts: []part{target}},
		{name: "two-hop TLS", port: front, parts: parts},
		{name: tunnelAsItIs, port: front, parts: parts},
	} {
		to.config = filepath.Join(w.dir, to.file("config"))
		text := fmt.Sprintf("Host host\n  HostName 127.0.0.1\n  Port %d\n  User %s\n  HostKeyAlias host\n  IdentityFile %s\n  IdentityAgent none\n  UserKnownHostsFile %s/known_hosts\n",
			to.port, host.User, key, w.dir)
		if to.name != tunnelAsItIs {
			text += "  Ciphers aes128-gcm@openssh.com\n"
		}
		if err := errors.Join(os.WriteFile(to.config, []byte(text), 0o600), os.WriteFile(filepath.Join(w.dir, "known_hosts"), []byte("host "+host.HostKey+"\n"), 0o600)); err != nil {
			return err
		}
		w.hosts = append(w.hosts, to)
	}
	through, err := w.hostThrough(ctx, host, port, key, target)
	if err != nil {
		return err
	}
	w.hosts = append(w.hosts, through)
	wanted, err := regexp.Compile(w.options.ways)
	if err != nil {
		return fmt.Errorf("-ways: %w", err)
	}
	w.hosts = slices.DeleteFunc(w.hosts, func(x way) bool { return !wanted.MatchString(x.name) })
	for i := range w.hosts {
		if err := w.master(ctx, &w.hosts[i]); err != nil {
			return err
		}
	}
	return nil
}

// tunnelAsItIs is the plain tunnel with the cipher that OpenSSH's programs choose where nobody tells them: ChaCha20-Poly1305. The
// configuration that hoop writes asks for AES-GCM.
const tunnelAsItIs = "two-hop TLS, default cipher"

// file is the name of a file of the way's own.
func (to way) file(kind string) string {
	return strings.NewReplacer(" ", "-", ",", "").Replace(to.name) + "." + kind
}

// hostThrough is the way through hoop.
func (w *world) hostThrough(ctx context.Context, host *sshd.Host, port int, key string, target part) (way, error) {
	state := filepath.Join(w.dir, "hoop-host")
	if err := errors.Join(os.Mkdir(state, 0o711), os.WriteFile(filepath.Join(state, "policy.yaml"), []byte(hostPolicy), 0o600)); err != nil {
		return way{}, err
	}
	if _, err := w.hoopd(ctx, state); err != nil {
		return way{}, err
	}
	if _, err := w.awaitEnv(ctx, state); err != nil {
		return way{}, err
	}
	line := fmt.Sprintf("connections:\n  - {name: host, kind: ssh, address: '127.0.0.1:%d', host_keys: ['%s'], credential: {user: %s, key: {file: %s}}}\n", port, host.HostKey, host.User, key)
	pid, err := w.reconfigured(ctx, state, "connections:\n", line)
	if err != nil {
		return way{}, err
	}
	env, err := w.awaitEnv(ctx, state)
	if err != nil {
		return way{}, err
	}
	r, client, err := w.connect(ctx, env, "host")
	return way{name: "hoop", config: r.Env["HOOP_SSH_CONFIG"], parts: []part{target, {"hoop", client}, {"hoopd", pid}}}, err
}

// master opens the connection that later ones share, and counts its time as ssh's.
func (w *world) master(ctx context.Context, to *way) error {
	socket := filepath.Join(w.dir, to.file("mux"))
	text, err := os.ReadFile(to.config)
	if err != nil {
		return err
	}
	to.config = socket + ".config"
	if err := os.WriteFile(to.config, append(text, "  ControlPath "+socket+"\n"...), 0o600); err != nil {
		return err
	}
	pid, err := w.run(exec.CommandContext(ctx, "ssh", "-F", to.config, "-M", "-N", "host"))
	if err != nil {
		return err
	}
	to.parts = append(to.parts, part{"ssh", pid})
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for exec.Command("ssh", "-F", to.config, "-O", "check", "host").Run() != nil {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("ssh to %s is not connected", to.name)
		}
	}
	return nil
}
