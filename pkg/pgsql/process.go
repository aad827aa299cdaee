package pgsql

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// errOverrun says that a worker took longer than it may.
var errOverrun = errors.New("the grammar took too long")

// process is one warm worker. It is used by one caller at a time.
type process struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     io.ReadCloser
	answers chan frame
}

type frame struct {
	body []byte
	err  error
}

// startProcess starts a worker and waits until it is warm.
func startProcess(ctx context.Context, argv []string, env []string) (*process, error) {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append([]string{"GOMAXPROCS=2"}, env...)
	cmd.Stderr = nil // a worker that traps prints the statement's remains: they belong in no log
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("make a grammar worker's pipe: %w", err)
	}
	out, outWrite, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make a grammar worker's pipe: %w", err)
	}
	cmd.Stdout = outWrite
	err = cmd.Start()
	_ = outWrite.Close() // the worker has its own copy
	if err != nil {
		_ = out.Close()
		return nil, fmt.Errorf("start a grammar worker: %w", err)
	}
	p := &process{cmd: cmd, in: in, out: out, answers: make(chan frame)}
	go p.readAnswers()
	select {
	case ready := <-p.answers:
		if ready.err == nil && len(ready.body) > 0 && ready.body[0] == answerTree {
			return p, nil
		}
		err = fmt.Errorf("grammar worker did not get ready: %w", errors.Join(ready.err, errTree))
	case <-ctx.Done():
		err = fmt.Errorf("grammar worker did not get ready: %w", ctx.Err())
	}
	p.kill()
	return nil, err
}

// readAnswers hands frames over until the worker ends, and then reaps it.
func (p *process) readAnswers() {
	defer close(p.answers)
	for {
		body, err := readFrame(p.out, maxAnswer)
		if err != nil {
			break
		}
		p.answers <- frame{body: body}
	}
	_ = p.out.Close()
	_ = p.cmd.Wait() // it was killed, or its input has ended: how it ended says nothing more
}

// kill ends the worker now and waits until it is gone.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // an error means that it is gone already
	_ = p.in.Close()
	for range p.answers {
		continue // what it still had to say
	}
}

// perByte is what the limits grow by with a text: a statement that loads a mebibyte of rows takes its time honestly.
const perByte = 4 * time.Microsecond

// ask sends a text and waits for its answer: no longer than limit of the worker's own processor time, and wall in any case.
func (p *process) ask(text string, limit, wall time.Duration) ([]byte, error) {
	limit += time.Duration(len(text)) * perByte
	wall += time.Duration(len(text)) * perByte
	before, measured := cpuTime(p.cmd.Process.Pid)
	var request bytes.Buffer
	_ = binary.Write(&request, binary.BigEndian, uint32(len(text))) // into memory: can't fail
	request.WriteString(text)
	sent := make(chan error, 1)
	go func() { _, err := p.in.Write(request.Bytes()); sent <- err }() // ends with the worker at the latest
	check := time.NewTicker(limit / 4)
	defer check.Stop()
	deadline := time.NewTimer(wall)
	defer deadline.Stop()
	for {
		select {
		case answer, open := <-p.answers:
			if !open {
				return nil, errors.New("the grammar worker ended")
			}
			return answer.body, errors.Join(answer.err, <-sent)
		case <-check.C:
			if used, ok := cpuTime(p.cmd.Process.Pid); measured && ok && used-before > limit {
				return nil, errOverrun
			}
		case <-deadline.C:
			return nil, errOverrun
		}
	}
}
