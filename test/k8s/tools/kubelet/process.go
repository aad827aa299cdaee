package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
	utilexec "k8s.io/utils/exec"
)

// process is a command that stands for one in a container.
type process struct {
	pod, container, folder string
	argv                   []string
	in                     io.Reader // nil where the client sends nothing
	out, errs              io.Writer
	tty                    bool
	resize                 <-chan remotecommand.TerminalSize
}

// run answers once the command has ended. As with a real runtime it outlives a client that goes away, unless it reads or has a terminal.
func (p *process) run() error {
	if len(p.argv) == 0 {
		return errors.New("no command was given")
	}
	cmd := exec.Command(p.argv[0], p.argv[1:]...)
	cmd.Dir = p.folder
	_, name, _ := strings.Cut(p.pod, "/")
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + p.folder, "HOSTNAME=" + name}
	if p.tty {
		return ended(p.onTerminal(cmd))
	}
	return ended(p.onPipes(cmd))
}

func (p *process) onPipes(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Stdout, cmd.Stderr = p.out, p.errs // nil where the client did not ask for them
	if p.in == nil {
		return cmd.Run()
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("make a pipe: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() { // ends with the stream, which is closed behind the command
		_, _ = io.Copy(stdin, p.in)
		_ = stdin.Close()
	}()
	return cmd.Wait()
}

func (p *process) onTerminal(cmd *exec.Cmd) error {
	master, slave, err := openTerminal()
	if err != nil {
		return err
	}
	defer master.Close()
	cmd.Env = append(cmd.Env, "TERM=xterm")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Pdeathsig: syscall.SIGKILL}
	err = cmd.Start()
	_ = slave.Close()
	if err != nil {
		return err
	}
	if p.in != nil {
		go func() {
			_, _ = io.Copy(master, p.in)
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // the terminal hung up; who runs this may have it ignore SIGHUP
		}()
	}
	go func() {
		for size := range p.resize {
			_ = unix.IoctlSetWinsize(int(master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: size.Height, Col: size.Width})
		}
	}()
	if p.out != nil {
		_, _ = io.Copy(p.out, master) // EIO once nobody has the terminal any more
	}
	return cmd.Wait()
}

// ended says how a command ended in the words of the streaming server: an exit code is one, all else is an internal error.
func ended(err error) error {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return err
	}
	code := exit.ExitCode()
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		code = 128 + int(status.Signal())
	}
	return utilexec.CodeExitError{Err: err, Code: code}
}

// openTerminal makes a pseudoterminal, see pty(7).
func openTerminal() (master, slave *os.File, err error) {
	master, err = os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("open a terminal: %w", err)
	}
	if err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err == nil {
		var number int
		if number, err = unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN); err == nil {
			slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
		}
	}
	if err != nil {
		_ = master.Close()
		return nil, nil, fmt.Errorf("open a terminal: %w", err)
	}
	return master, slave, nil
}
