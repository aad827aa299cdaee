package pgsql

import (
	"context"
	"math/rand"
	"strconv"
	"strings"
)

// StartWorker starts a worker and waits until it is warm.
func StartWorker(ctx context.Context, argv, env []string) (pid int, kill func(), err error) {
	p, err := startProcess(ctx, argv, env)
	if err != nil {
		return 0, nil, err
	}
	return p.cmd.Process.Pid, p.kill, nil
}

// WithoutCaches is the same workers behind empty caches, and none of shapes.
func (p *Pool) WithoutCaches() *Pool {
	return &Pool{options: p.options, schema: p.schema, cache: newTextCache(64, 1<<20), results: newResultCache(64), idle: p.idle, slots: p.slots, ctx: p.ctx, stop: p.stop, first: p.first}
}

// WithShapesAlone is the same workers behind an empty cache of shapes that keeps no text, and what it answered from it.
func (p *Pool) WithShapesAlone() *Pool {
	alone := p.WithoutCaches()
	alone.shapes = newShapeCache(4096)
	return alone
}

// KnowsShape says whether a text would be answered from the cache of shapes.
func (p *Pool) KnowsShape(text string, env Env) bool {
	s, problem := scan(text)
	if problem != nil {
		return false
	}
	_, ok := p.shapes.get(shapeKey{s.shape(), circumstancesOf(env)}, &s)
	return ok
}

// Reworded changes a text's constants within their classes, and what stands between its tokens.
func Reworded(text string, r *rand.Rand) string {
	s, problem := scan(text)
	if problem != nil {
		return text
	}
	var b strings.Builder
	for i, t := range s.tokens {
		switch {
		case i > 0 && s.tokens[i-1].end < t.start:
			b.WriteString([]string{" ", "\n ", " /* ' */ ", "\t"}[r.Intn(4)])
		case i > 0 && (s.is(i, ",") || s.is(i, ")")) && r.Intn(2) == 0:
			b.WriteByte(' ')
		}
		class := s.literalOf(i)
		if r.Intn(3) == 0 {
			class = notLiteral
		}
		switch class {
		case plainString:
			b.WriteString("'" + []string{"", "x", "it''s", "2001-02-03", "-- ;", "1", "public.users", "%"}[r.Intn(8)] + "'")
		case smallInteger:
			b.WriteString(strconv.Itoa(r.Intn(1 << 31)))
		case otherNumber:
			b.WriteString([]string{"1.5", "2147483648", "1e9", ".5", "99999999999999999999"}[r.Intn(5)])
		default:
			b.WriteString(s.word(i))
		}
	}
	return b.String()
}
