package kubetest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// process is a server of the cluster. Its output goes to NAME.log in the cluster's folder.
type process struct {
	name string
	log  string
	cmd  *exec.Cmd
	done chan struct{} // closed once it has exited
}

func (c *Cluster) start(name, program string, args ...string) (*process, error) {
	p := &process{name: name, log: filepath.Join(c.dir, name+".log"), done: make(chan struct{})}
	log, err := os.Create(p.log)
	if err != nil {
		return nil, fmt.Errorf("create the log of %s: %w", name, err)
	}
	defer log.Close()
	p.cmd = exec.Command(program, args...)
	p.cmd.Stdout, p.cmd.Stderr, p.cmd.Dir = log, log, c.dir
	p.cmd.SysProcAttr = attributes()
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		defer close(p.done)
		_ = p.cmd.Wait() // how it ended is read from its log
	}()
	c.processes = append(c.processes, p)
	return p, nil
}

// ended answers an error, with the end of the log, where the process is gone.
func (p *process) ended() error {
	select {
	case <-p.done:
		text, _ := os.ReadFile(p.log) // without it the error still says what ended
		return fmt.Errorf("%s ended while the cluster started: %s", p.name, text[max(0, len(text)-4000):])
	default:
		return nil
	}
}
