package localproxy

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	guessesPerSecond = 10
	guessesBefore    = 5   // wrong secrets before somebody is told
	guessesAgain     = 100 // and again after each that many
	longestTurn      = 5 * time.Second
)

// guesses slows those down who do not know the secret. It never delays who does: otherwise another user of the
// machine could keep the owner out.
type guesses struct {
	limit *rate.Limiter
	tell  func(tries int)

	mu    sync.Mutex
	tries int
}

func newGuesses(tell func(int)) *guesses {
	return &guesses{limit: rate.NewLimiter(guessesPerSecond, guessesPerSecond), tell: tell}
}

// wrong counts one try and waits for its turn. An error means that the end came first, or that so many
// others wait already that this one gets no answer.
func (g *guesses) wrong(ctx context.Context) error {
	g.mu.Lock()
	g.tries++
	tries := g.tries
	g.mu.Unlock()
	if tries == guessesBefore || tries%guessesAgain == 0 {
		g.tell(tries)
	}
	turn := g.limit.Reserve()
	if turn.Delay() > longestTurn {
		turn.Cancel()
		return errSilent
	}
	timer := time.NewTimer(turn.Delay())
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
