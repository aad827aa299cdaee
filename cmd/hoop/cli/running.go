package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/hoop-gateway/hoop/localproxy"
	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/login"
)

// running is what `hoop env` reads of a `hoop connect`. It holds the listener's secret, in a file of mode 0600 in a
// folder of mode 0700, for as long as the listener lives.
type running struct {
	Connection string           `json:"connection"`
	Ready      time.Time        `json:"ready_at"`
	Env        []localproxy.Var `json:"env"`
}

// stateName is a file's name for one connection of one broker. Names are hashed: they come from a server.
func stateName(kind, origin, connection string) string {
	h := sha256.Sum256([]byte(origin + "\x00" + connection))
	return kind + "-" + hex.EncodeToString(h[:8])
}

// register lets `hoop env` find this connection. The lock, which ends with the process, says that it lives.
func register(ctx context.Context, dir *login.Dir, origin string, r running) (remove func(), err error) {
	name := stateName("connect", origin, r.Connection) + "." + strconv.Itoa(os.Getpid())
	unlock, err := dir.Lock(ctx, name+".lock")
	if err != nil {
		return nil, err
	}
	remove = func() {
		_ = dir.Remove(name + ".json")
		_ = dir.Remove(name + ".lock")
		unlock()
	}
	raw, err := json.Marshal(r)
	if err == nil {
		err = dir.Write(name+".json", raw)
	}
	if err != nil {
		remove()
		return nil, fmt.Errorf("register the connection: %w", err)
	}
	return remove, nil
}

const maxRunning = 64 << 10

// findRunning returns the youngest living connection of a name, and removes what dead ones left.
func findRunning(dir *login.Dir, origin, connection string) (running, error) {
	var found running
	files, err := filepath.Glob(filepath.Join(dir.Path(), stateName("connect", origin, connection)+".*.json"))
	if err != nil {
		return running{}, fmt.Errorf("look for running connections: %w", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		if !dir.Locked(name + ".lock") {
			_ = dir.Remove(name + ".json")
			_ = dir.Remove(name + ".lock")
			continue
		}
		var r running
		if raw, err := dir.Read(name+".json", maxRunning); err == nil && json.Unmarshal(raw, &r) == nil && r.Connection == connection && r.Ready.After(found.Ready) {
			found = r
		}
	}
	if found.Connection == "" {
		return running{}, &api.Error{Code: api.CodeNotFound, Message: fmt.Sprintf("No `hoop connect %s` is running here.", connection),
			Hint: "Start it in another terminal, or run the program with it: hoop connect " + connection + " -- COMMAND"}
	}
	return found, nil
}

// lastPort is the port that a connection had last time, or 0.
func lastPort(dir *login.Dir, origin, connection string) int {
	raw, err := dir.Read(stateName("port", origin, connection), 16)
	if err != nil {
		return 0
	}
	port, err := strconv.Atoi(string(raw))
	if err != nil || port < 1 || port > 65535 {
		return 0
	}
	return port
}

func rememberPort(dir *login.Dir, origin, connection string, port int) error {
	return dir.Write(stateName("port", origin, connection), []byte(strconv.Itoa(port)))
}
