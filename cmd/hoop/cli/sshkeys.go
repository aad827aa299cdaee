package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/hoop-gateway/hoop/localproxy"
	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/login"
)

// sshFiles are the names of what lasts, in the state folder, for ssh to find: one set for each broker.
type sshFiles struct{ client, host, known, alias string }

func sshFilesOf(origin string) sshFiles {
	name := stateName("ssh", origin, "")
	return sshFiles{client: name, host: name + ".host", known: name + ".known_hosts", alias: "hoop-" + name}
}

// maxKeyFile is far above what an Ed25519 key takes.
const maxKeyFile = 8 << 10

// readSSHKeys reads the lasting keys of a broker. Its error is fs.ErrNotExist where there are none yet.
func readSSHKeys(dir *login.Dir, f sshFiles) (localproxy.SSHKeys, error) {
	client, err := dir.Read(f.client, maxKeyFile)
	if err != nil {
		return localproxy.SSHKeys{}, err
	}
	host, err := dir.Read(f.host, maxKeyFile)
	if err != nil {
		return localproxy.SSHKeys{}, err
	}
	keys, err := localproxy.ParseSSHKeys(client, host)
	if err != nil {
		return keys, &api.Error{Code: api.CodeUsage, Message: fmt.Sprintf("%s: %v.", filepath.Join(dir.Path(), f.client), err), Hint: "Remove it, and run `hoop ssh-config` again."}
	}
	return keys, nil
}

// lastingSSHKeys reads them, or makes them. They open nothing by themselves: who signs in with them is whom a
// `hoop ssh-proxy`, signed in at the broker, has opened a tunnel for.
func lastingSSHKeys(ctx context.Context, dir *login.Dir, f sshFiles) error {
	unlock, err := dir.Lock(ctx, f.client+".lock")
	if err != nil {
		return err
	}
	defer unlock()
	keys, err := readSSHKeys(dir, f)
	if errors.Is(err, fs.ErrNotExist) {
		if keys, err = localproxy.NewSSHKeys(); err != nil {
			return err
		}
		err = writeSSHKeys(dir, f, keys)
	}
	if err != nil {
		return err
	}
	known, err := keys.KnownHosts(f.alias)
	if err != nil {
		return err
	}
	return dir.Write(f.known, known)
}

func writeSSHKeys(dir *login.Dir, f sshFiles, keys localproxy.SSHKeys) error {
	client, err := keys.ClientFile()
	if err != nil {
		return err
	}
	host, err := keys.HostFile()
	if err != nil {
		return err
	}
	return errors.Join(dir.Write(f.host, host), dir.Write(f.client, client))
}
