package web

import (
	"crypto/sha256"
	"fmt"

	"github.com/hoop-gateway/hoop/pkg/exchange"
	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/mask/body"
)

// recordedCap is how much of a body stands in the record of a request.
const recordedCap = 64 << 10

// formType is what a query is masked like.
const formType = "application/x-www-form-urlencoded"

// recorded is a request as recordings hold it.
func (s *service) recorded(q *exchange.Request, path string, content []byte) string {
	line := q.Method + " " + q.SeenPath(path)
	if q.Query != "" {
		line = s.masking(q.Standing, line+"?", formType, []byte(q.SeenQuery(q.Query)))
	} else if q.Asked {
		line += "?"
	}
	if len(content) == 0 {
		return line
	}
	return s.masking(q.Standing, line+"\n\n", q.Fields.Get("Content-Type"), content)
}

// masking is a text with a body as recordings hold it: masked as an answer would be, since what is masked may be written too.
func (s *service) masking(now *guard.Standing, before, mediaType string, content []byte) string {
	paths, err := s.paths(now)
	if err != nil {
		return before + "(not recorded: a mask can't be applied)"
	}
	shown, err := exchange.Masked(mediaType, content, body.Rules{Paths: paths, Secrets: s.secrets})
	if err != nil {
		return before + "(not recorded: a body of this type can't be masked)"
	}
	if rest := len(shown) - recordedCap; rest > 0 {
		return fmt.Sprintf("%s%s\n(%d bytes more, with the SHA-256 %x)", before, shown[:recordedCap], rest, sha256.Sum256(shown[recordedCap:]))
	}
	return before + string(shown)
}
