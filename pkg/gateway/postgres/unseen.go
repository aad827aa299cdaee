package postgres

import (
	"context"
	"errors"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/pgsql"
)

// unseen refuses a text for which it can't be told what names mean.
func (s *session) unseen(ctx context.Context, err error) *refused {
	const separately = "End the batch with Sync and send the rest separately."
	switch {
	case errors.Is(err, errReload):
		return s.reject(ctx, "(not read: definitions changed before it)", &pgsql.Problem{
			SQLState: "42501", Rule: "names", Message: "Definitions changed in this batch, so what names mean is not known yet.", Hint: separately,
		})
	case errors.Is(err, errBeside):
		return s.reject(ctx, "(not read: definitions changed before it)", &pgsql.Problem{
			SQLState: "42501", Rule: "names", Hint: separately,
			Message: "Somebody else changed definitions while this batch was under way, and this transaction has definitions of its own, so what names mean is not known yet.",
		})
	case errors.Is(err, errLane):
		return s.reject(ctx, "(not read: the policy changed before it)", &pgsql.Problem{
			SQLState: "42501", Rule: "session", Message: "The policy changed in this batch: from here on you may only read.", Hint: separately,
		})
	case errors.Is(err, errMoved):
		return s.reject(ctx, "(not read: definitions changed before it)", &pgsql.Problem{
			SQLState: "40001", Rule: "names",
			Message: "Definitions changed since this transaction began, or it can't be told that none did, as after AND CHAIN. It has definitions of its own and is above READ COMMITTED, where others' and its own can't be read together, so what names mean is not known any more.",
			Hint:    "Roll back and begin anew.",
		})
	}
	return unavailable(err)
}

// unseenBy is unseen for a text that was understood before: nil where it names nothing.
func (s *session) unseenBy(ctx context.Context, err error, st *statement) *refused {
	if (errors.Is(err, errMoved) || errors.Is(err, errBeside)) && ofTransaction(st.analysis) {
		return nil
	}
	return s.unseen(ctx, err)
}

// unavailable is the error of a session that can't judge safely now.
func unavailable(err error) *refused {
	if errors.Is(err, errSlow) {
		return later
	}
	if errors.Is(err, errAnother) {
		return &refused{code: "42501", message: "hoop: the policy changed, and this session may run as another role", hint: "Connect again."}
	}
	message := "hoop: the gateway can't judge this command now, so it was not run"
	var e *api.Error
	if errors.As(err, &e) {
		message = "hoop: " + e.Message
	}
	return &refused{code: "57P03", message: message, hint: "Try again; the gateway's log says what is wrong."}
}
