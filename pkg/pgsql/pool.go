package pgsql

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"
)

// PoolOptions says how grammar workers run. The zero value is good but for Command.
type PoolOptions struct {
	Workers int           // parses at a time; default: the machine's cores. One more process is kept as a spare
	Command []string      // argv of a worker: a program that calls WorkerMain with its stdin and stdout
	Env     []string      // all of a worker's environment
	Timeout time.Duration // processor time of one parse; default 200 ms
	Wall    time.Duration // time of one parse by the clock, on a busy machine; default 10 s
	Cached  int           // texts kept with their trees; default 4096

	// OnDemand has workers start with the first text that needs one, which waits for it: the place is most likely one without.
	OnDemand bool
}

// Pool is PostgreSQL's grammar in a set of warm worker processes, with a cache of parsed texts in front.
type Pool struct {
	options PoolOptions
	schema  *schema
	cache   *textCache
	results *resultCache
	shapes  *shapeCache
	idle    chan *process // warm workers that nobody uses
	slots   chan struct{} // one for each parse that may run
	ctx     context.Context
	stop    context.CancelFunc
	running sync.WaitGroup // starts in the background

	mu    sync.Mutex
	first *firstStart // nil: nobody needed a worker yet, or the latest start failed
}

// firstStart is the start of a pool's first worker, which whoever needs one waits for.
type firstStart struct {
	done chan struct{}
	err  error // once done
}

// errUnstarted says that there is no worker, and why.
var errUnstarted = errors.New("start the first grammar worker")

// readyTimeout bounds a worker's start: it compiles the grammar, 2 s of processor time on a machine that may be busy.
const readyTimeout = 2 * time.Minute

// NewPool starts the workers and returns when the first is warm; the others get warm in the background. On demand it starts none.
func NewPool(options PoolOptions) (*Pool, error) {
	if len(options.Command) == 0 {
		return nil, errors.New("grammar workers need a command")
	}
	if options.Workers <= 0 {
		options.Workers = runtime.NumCPU()
	}
	if options.Timeout <= 0 {
		options.Timeout = 200 * time.Millisecond
	}
	if options.Wall <= 0 {
		options.Wall = 10 * time.Second
	}
	if options.Cached <= 0 {
		options.Cached = 4096
	}
	s, err := grammarSchema()
	if err != nil {
		return nil, err
	}
	p := &Pool{options: options, schema: s, cache: newTextCache(options.Cached, 4<<20), results: newResultCache(options.Cached), shapes: newShapeCache(options.Cached), idle: make(chan *process, options.Workers+1), slots: make(chan struct{}, options.Workers)}
	p.ctx, p.stop = context.WithCancel(context.Background())
	if options.OnDemand {
		return p, nil
	}
	if err := p.started(p.ctx); err != nil {
		p.stop()
		p.running.Wait()
		return nil, err
	}
	return p, nil
}

// started returns when the first worker was warm once. The first caller has it and the others start, and so has the next one after a
// start that failed.
func (p *Pool) started(ctx context.Context) error {
	p.mu.Lock()
	first := p.first
	if first == nil {
		first = &firstStart{done: make(chan struct{})}
		p.first = first
		p.running.Go(func() { p.start(first) }) // whoever asked may leave before the others do
	}
	p.mu.Unlock()
	select {
	case <-first.done:
		return first.err
	case <-ctx.Done():
		return fmt.Errorf("wait for a grammar worker: %w", ctx.Err())
	}
}

func (p *Pool) start(first *firstStart) {
	if err := p.startOne(); err != nil {
		first.err = fmt.Errorf("%w: %w", errUnstarted, err)
		p.mu.Lock()
		p.first = nil
		p.mu.Unlock()
		close(first.done)
		return
	}
	close(first.done)
	for range p.options.Workers {
		p.replace()
	}
}

func (p *Pool) startOne() error {
	ctx, cancel := context.WithTimeout(p.ctx, readyTimeout)
	defer cancel()
	w, err := startProcess(ctx, p.options.Command, p.options.Env)
	if err != nil {
		return err
	}
	p.idle <- w
	return nil
}

// replace starts a worker, and tries again for as long as the pool lives.
func (p *Pool) replace() {
	for p.startOne() != nil {
		select {
		case <-p.ctx.Done():
			return
		case <-time.After(time.Second):
		}
	}
}

// Close ends all workers and waits for them. Nobody may be parsing.
func (p *Pool) Close() {
	p.stop()
	p.running.Wait()
	for {
		select {
		case w := <-p.idle:
			w.kill()
		default:
			return
		}
	}
}

// Healthy says whether a worker is warm, or all are at work.
func (p *Pool) Healthy() bool {
	return p.ctx.Err() == nil && (len(p.idle) > 0 || len(p.slots) == cap(p.slots))
}

// parsed is what is known of a text whatever the server: its tokens and its tree. It is immutable.
type parsed struct {
	scanned
	stmts   []*node // RawStmt
	problem *Problem
}

// parse reads a text by the lexer and the grammar, or takes what it knows of it from the cache.
// A refusal that says something about the text is kept too; one that says something about a worker is not.
func (p *Pool) parse(ctx context.Context, text string) *parsed {
	if known := p.cache.get(text); known != nil {
		return known
	}
	s, problem := scan(text)
	return p.parseScanned(ctx, s, problem)
}

// parseScanned reads a text whose tokens are known.
func (p *Pool) parseScanned(ctx context.Context, s scanned, problem *Problem) *parsed {
	out := &parsed{scanned: s, problem: problem}
	if problem == nil {
		answer, err := p.ask(ctx, s.bare)
		if err != nil {
			out.problem = unanswered(err)
			return out
		}
		out.read(p.schema, answer)
	}
	p.cache.put(s.text, out)
	return out
}

func (p *Pool) ask(ctx context.Context, text string) ([]byte, error) {
	if err := p.started(ctx); err != nil {
		return nil, err
	}
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for a grammar worker: %w", ctx.Err())
	}
	select {
	case w := <-p.idle:
		answer, err := w.ask(text, p.options.Timeout, p.options.Wall)
		if err == nil {
			p.idle <- w
			return answer, nil
		}
		w.kill()
		p.running.Go(p.replace)
		return nil, err
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for a grammar worker: %w", ctx.Err())
	case <-p.ctx.Done():
		return nil, os.ErrClosed
	}
}

func unanswered(err error) *Problem {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrClosed) {
		return &Problem{SQLState: "57014", Rule: "unparsable", Message: "the statement was not understood in time", Hint: "Send it again."}
	}
	if errors.Is(err, errUnstarted) {
		return &Problem{SQLState: "58000", Rule: "unparsable", Message: "the statement can't be understood: PostgreSQL's grammar does not start", Hint: "Ask who runs the gateway."}
	}
	return &Problem{SQLState: "54001", Rule: "unparsable", Message: "the statement is too complex to be understood", Hint: "Write it smaller or flatter."}
}

// read takes a worker's answer apart.
func (out *parsed) read(s *schema, answer []byte) {
	out.problem = unanswered(errTooDeep)
	if len(answer) == 0 {
		return
	}
	switch body := answer[1:]; answer[0] {
	case answerSyntax:
		if len(body) < 4 {
			return
		}
		if strings.HasPrefix(string(body[4:]), "memory exhausted") {
			return // the parser's own stack is full
		}
		out.problem = &Problem{SQLState: "42601", Rule: "unparsable", Message: string(body[4:]), Position: out.positionOf(int(binary.BigEndian.Uint32(body)))}
	case answerTree:
		tree, err := s.decodeTree(body)
		if err != nil {
			return
		}
		out.stmts, out.problem = tree.list("stmts"), nil
	}
}
