package gateway

import (
	"context"
	"encoding/hex"
	"fmt"
	"path/filepath"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/record"
)

// recoverCrashed seals the recordings that a killed gateway left open: a torn tail is cut, nothing else is touched.
func (g *Gateway) recoverCrashed(ctx context.Context) error {
	left, err := g.cfg.Authority.CrashedSessions(ctx)
	if err != nil {
		return fmt.Errorf("ask which sessions a killed gateway left: %w", err)
	}
	for _, info := range left {
		head, err := record.Recover(filepath.Join(g.cfg.Recordings, filepath.FromSlash(info.Recording)), g.cfg.Signer, record.Options{
			Signer: g.cfg.Signer, Logger: g.cfg.Log, Witnessed: witnessed(info),
		})
		info.State, info.EndReason = "crashed", "the gateway was killed"
		info.EndedAt = g.cfg.Now().UTC()
		if err != nil {
			g.cfg.Log.Error("recording not recovered", "session", info.ID, "error", err)
			info.EndReason = "the gateway was killed, and the recording could not be sealed"
		} else {
			info.Head, info.HeadSeq = hex.EncodeToString(head.Hash[:]), head.Seq
		}
		if err := g.cfg.Authority.CloseSession(ctx, info); err != nil {
			return fmt.Errorf("close session %s of a killed gateway: %w", info.ID, err)
		}
	}
	return nil
}

// witnessed is the head that the broker saw last, if any: a recording that does not hold it was altered.
func witnessed(info api.SessionInfo) []record.Head {
	var h record.Head
	if n, err := hex.Decode(h.Hash[:], []byte(info.Head)); err != nil || n != len(h.Hash) {
		return nil
	}
	h.Seq = info.HeadSeq
	return []record.Head{h}
}
