package dev

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// State is the folder of one `hoopd dev`. While it is open nobody else has it.
type State struct {
	Dir   string
	Ports Ports
	// Given says that the database is one that was given with --postgres, not a private one.
	Given bool

	lock *os.File
}

// Ports are loopback's, chosen once and kept.
type Ports struct {
	Broker   int `json:"broker"`
	Provider int `json:"provider"`
	Metrics  int `json:"metrics"`
	Postgres int `json:"postgres"`
	Host     int `json:"host"`
}

// kept is the form of dev.json.
type kept struct {
	Ports Ports `json:"ports"`
	Given bool  `json:"given_database"`
}

const keptFile = "dev.json"

// DefaultDir is the state folder where none is named.
func DefaultDir() (string, error) {
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "hoop", "dev"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("find a folder for the state: %w", err)
	}
	return filepath.Join(home, ".local", "state", "hoop", "dev"), nil
}

// Open takes the folder, making it and choosing its ports where it is new.
func Open(dir string, given bool) (*State, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("find the state folder: %w", err)
	}
	if err := makeDir(dir); err != nil {
		return nil, err
	}
	s := &State{Dir: dir, Given: given}
	if err := s.take(); err != nil {
		return nil, err
	}
	if err := s.RemoveEnv(); err != nil { // of one that was killed
		return nil, errors.Join(err, s.Close())
	}
	if err := s.keep(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// makeDir makes the folder private. Root's can be passed, not read, since PostgreSQL runs as another user below it.
func makeDir(dir string) error {
	mode := os.FileMode(0o700)
	if os.Geteuid() == 0 {
		mode = 0o711
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return fmt.Errorf("make the state folder: %w", err)
	}
	if err := os.Mkdir(dir, mode); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("make the state folder: %w", err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("look at the state folder: %w", err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || !ok || int(stat.Uid) != os.Geteuid() {
		return fmt.Errorf("the state folder %s is not a folder of this user", dir)
	}
	if err := os.Chmod(dir, mode); err != nil {
		return fmt.Errorf("make the state folder private: %w", err)
	}
	return nil
}

func (s *State) take() error {
	f, err := os.OpenFile(filepath.Join(s.Dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("lock the state folder: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return errors.Join(fmt.Errorf("another hoopd dev runs in %s: stop it, or take another --state (%w)", s.Dir, err), f.Close())
	}
	s.lock = f
	return nil
}

// Close gives the folder back.
func (s *State) Close() error { return s.lock.Close() }

// keep reads what an earlier run chose, or chooses. A folder of an earlier version lacks some ports.
func (s *State) keep() error {
	path := filepath.Join(s.Dir, keptFile)
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("read the state folder: %w", err)
	}
	if err == nil {
		var k kept
		if err := json.Unmarshal(text, &k); err != nil || !k.Ports.valid() {
			return fmt.Errorf("%s can't be read: remove it together with hoopd.yaml, and ports are chosen anew (%w)", path, err)
		}
		switch {
		case k.Given && !s.Given:
			return fmt.Errorf("%s was made for a database of its own: give it again with --postgres, or take another --state", s.Dir)
		case !k.Given && s.Given:
			return fmt.Errorf("%s was made with a private PostgreSQL: for a database of your own take another --state", s.Dir)
		}
		s.Ports = k.Ports
	}
	if s.Ports.Host != 0 {
		return nil
	}
	if err := s.Ports.choose(); err != nil {
		return err
	}
	text, err = json.MarshalIndent(kept{Ports: s.Ports, Given: s.Given}, "", "  ")
	if err != nil {
		return fmt.Errorf("keep the ports: %w", err)
	}
	return writePrivate(path, append(text, '\n'))
}

func (p Ports) valid() bool {
	for _, port := range []int{p.Broker, p.Provider, p.Metrics, p.Postgres} {
		if port < 1 || port > 65535 {
			return false
		}
	}
	return p.Host >= 0 && p.Host <= 65535
}

// choose finds free ports for those that are missing, below those that systems give to outgoing connections, so that they
// are likely to be free at the next start too.
func (p *Ports) choose() error {
	var held []net.Listener
	defer func() {
		for _, l := range held {
			_ = l.Close()
		}
	}()
	for _, port := range []*int{&p.Broker, &p.Provider, &p.Metrics, &p.Postgres, &p.Host} {
		for tries := 0; *port == 0; tries++ {
			if tries == 1000 {
				return errors.New("no free ports were found on 127.0.0.1")
			}
			found := 20000 + rand.IntN(12000)
			l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(found)))
			if err == nil {
				held, *port = append(held, l), found
			}
		}
	}
	return nil
}

// readKept is for commands that don't take the folder.
func readKept(dir string) (kept, error) {
	var k kept
	text, err := os.ReadFile(filepath.Join(dir, keptFile))
	if errors.Is(err, os.ErrNotExist) {
		return k, fmt.Errorf("%s is not a folder of hoopd dev: start it first, or name it with --state", dir)
	}
	if err != nil {
		return k, fmt.Errorf("read the state folder: %w", err)
	}
	if err := json.Unmarshal(text, &k); err != nil || !k.Ports.valid() {
		return k, fmt.Errorf("read %s: it is damaged (%w)", filepath.Join(dir, keptFile), err)
	}
	return k, nil
}
