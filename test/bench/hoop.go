package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// policy lets developers read, and masks columns of a table that stands beside the one that is measured.
const policy = `version: 1
reach: [{name: all, who: {groups: [developers]}, on: {connections: [db-prod]}, ttl: 2h}]
rules: [{name: read, who: {groups: [developers]}, effects: [read, session], verdict: allow}]
masks:
  - {name: pii, columns: [public.people.ssn, public.people.email], as: redact}
`

// setting is a way to run hoop that is measured beside the usual one.
type setting struct {
	name    string
	masks   string // more of them
	results string // how much of each result is recorded
	loads   string
}

// settings are all of them. The first is the usual one.
var settings = []setting{
	{name: "hoop", results: "1MiB"},
	{name: "hoop, full results", results: "full", loads: "bulk"},
	{name: "hoop, detectors", results: "1MiB", loads: "bulk",
		masks: "  - {name: leaks, detect: [email, credit_card, us_ssn, iban, phone, jwt, aws_key, private_key, api_token], as: redact}\n"},
}

func (w *world) addHoop(ctx context.Context, target part) error {
	for i, s := range settings {
		env, err := w.addSetting(ctx, target, s, filepath.Join(w.dir, fmt.Sprintf("hoop%d", i)))
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		if i == 0 {
			w.env = env
		}
	}
	return nil
}

func (w *world) addSetting(ctx context.Context, target part, s setting, state string) (env []string, err error) {
	if err := os.Mkdir(state, 0o711); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(state, "policy.yaml"), []byte(policy+s.masks), 0o600); err != nil {
		return nil, err
	}
	pid, err := w.hoopd(ctx, state)
	if err != nil {
		return nil, err
	}
	if env, err = w.awaitEnv(ctx, state); err != nil {
		return nil, err
	}
	if s.results != settings[0].results { // it has written its configuration now
		if pid, err = w.reconfigured(ctx, state, "results: "+settings[0].results, "results: "+s.results); err != nil {
			return nil, err
		}
	}
	ready, client, err := w.connect(ctx, env, "db-prod")
	if err != nil {
		return nil, err
	}
	w.ways = append(w.ways, way{
		name: s.name, port: ready.Port, user: ready.User, password: ready.Password, loads: s.loads,
		parts: []part{target, {"hoop", client}, {"hoopd", pid}},
	})
	return env, nil
}

// reconfigured starts the hoopd of a state folder again, with another text in a place of its configuration.
func (w *world) reconfigured(ctx context.Context, state, old, now string) (int, error) {
	last := w.started[len(w.started)-1]
	if err := last.Process.Signal(os.Interrupt); err != nil {
		return 0, err
	}
	_ = last.Wait() // it ends by the signal
	w.started = w.started[:len(w.started)-1]
	file := filepath.Join(state, "hoopd.yaml")
	config, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	changed := strings.Replace(string(config), old, now, 1)
	if changed == string(config) {
		return 0, fmt.Errorf("%s has no %q", file, old)
	}
	if err := os.WriteFile(file, []byte(changed), 0o600); err != nil {
		return 0, err
	}
	pid, err := w.hoopd(ctx, state)
	if err != nil {
		return 0, err
	}
	_, err = w.awaitEnv(ctx, state)
	return pid, err
}

// hoopd starts a server over the target.
func (w *world) hoopd(ctx context.Context, state string) (int, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(w.options.bin, "hoopd"), "dev", "--state", state, "--postgres", w.server.DSNFor(role, password, database))
	log, err := os.Create(state + ".log")
	if err != nil {
		return 0, err
	}
	defer func() { _ = log.Close() }()
	cmd.Stderr = log
	return w.run(cmd)
}

// awaitEnv waits for hoopd dev, and answers what it exports and the token of a developer.
func (w *world) awaitEnv(ctx context.Context, state string) (env []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		if text, err := os.ReadFile(filepath.Join(state, "env")); err == nil {
			for line := range strings.Lines(string(text)) {
				name, value, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "=")
				env = append(env, name+"="+strings.Trim(value, "'"))
			}
			break
		}
		select {
		case <-ctx.Done():
			log, _ := os.ReadFile(state + ".log")
			return nil, fmt.Errorf("hoopd dev is not ready: %s", log)
		case <-tick.C:
		}
	}
	token, err := exec.CommandContext(ctx, filepath.Join(w.options.bin, "hoopd"), "dev", "token", "dev", "--ttl", "8h", "--state", state).Output()
	if err != nil {
		return nil, fmt.Errorf("ask for a token: %w", err)
	}
	env = append(env, "HOOP_ID_TOKEN="+strings.TrimSpace(string(token)), "HOME="+w.dir, "PATH="+os.Getenv("PATH"), "HOOP_TOKEN_STORE=none")
	return env, nil
}

// ready is the event of that name.
type ready struct {
	Event    string `json:"event"`
	Port     int    `json:"port"`
	User     string `json:"user"`
	Password string `json:"password"`
	Env      map[string]string
}

// connect opens the local proxy that all sockets of the bench share.
func (w *world) connect(ctx context.Context, env []string, name string) (ready, int, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(w.options.bin, "hoop"), "connect", name, "-o", "ndjson")
	cmd.Env = env
	out, err := cmd.StdoutPipe()
	if err != nil {
		return ready{}, 0, err
	}
	pid, err := w.run(cmd)
	if err != nil {
		return ready{}, 0, err
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var r ready
		if err := json.Unmarshal(lines.Bytes(), &r); err == nil && r.Event == "ready" {
			go func() { // keeps the pipe empty until the program ends
				for lines.Scan() {
					continue
				}
			}()
			return r, pid, nil
		}
	}
	return ready{}, 0, errors.New("hoop connect ended before it was ready")
}
