package cli

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/record"
	"github.com/hoop-gateway/hoop/pkg/record/cast"
)

// recordShell writes shell.hrec: a terminal whose output tries to act on the terminal that it is shown in, and a command
// beside it.
func (w *world) recordShell(ts *testscript.TestScript, signer *record.Signer) []byte {
	name := ts.MkAbs("shell.hrec")
	started := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	now := started
	clock := func() time.Time { return now }
	writer, err := record.Create(name, record.Header{Session: "ses_4", Connection: "web-1", Kind: "ssh",
		Identity: record.Identity{User: "dev", Type: "human"}, Started: started}, record.Options{Signer: signer, Now: clock})
	ts.Check(err)
	_, err = writer.AppendEvent(record.Command{Command: 1, Text: "shell", Accesses: []record.Access{{Effect: "execute"}}})
	ts.Check(err)
	shell, err := cast.Open(cast.Options{Recorder: writer, Now: clock, Terminal: record.Terminal{
		Command: 1, What: "shell", PTY: true, Term: "xterm", Columns: 100, Rows: 30, Input: record.InputEchoed}})
	ts.Check(err)
	type step func() error
	out := func(text string) step { return func() error { return shell.Output([]byte(text)) } }
	for _, do := range []step{
		out("\x1b[32m$\x1b[0m "), out("\x1b]52;c;ZXZpbA==\x07\x1b]0;evil\x07w"), out("é\xe2"), out("\x82\xac\r\n"),
		func() error { return shell.Resize(120, 40) },
		func() error { return shell.Input([]byte("x")) }, out("x"),
		func() error { return shell.Input([]byte("\r")) }, out("\r\n\x1b[6n"),
	} {
		now = now.Add(time.Second)
		ts.Check(do())
		ts.Check(shell.Flush())
	}
	status := uint32(0)
	ts.Check(shell.Close(record.Exit{Status: &status}))
	run, err := cast.Open(cast.Options{Recorder: writer, Now: clock, Terminal: record.Terminal{Command: 2, What: "exec"}})
	ts.Check(err)
	ts.Check(run.Output([]byte("one\nhal")))
	ts.Check(run.Errors([]byte("12:00:00.000 [9] forged\n")))
	ts.Check(run.Output([]byte("f\n")))
	ts.Check(run.Close(record.Exit{Signal: "TERM"}))
	_, err = writer.AppendEvent(record.FileOperation{Command: 3, Operation: "read", Path: "/etc/motd", Bytes: 12, SHA256: "00ff", DurationUS: 1500})
	ts.Check(err)
	_, err = writer.AppendEvent(record.Forward{Command: 4, What: "direct-tcpip", Address: "db:5432", Sent: 10, Received: 20})
	ts.Check(err)
	ts.Check(writer.Seal("closed"))
	data, err := os.ReadFile(name)
	ts.Check(err)
	return data
}

// record writes whole.hrec, cut.hrec, altered.hrec and keys.json, and has the broker serve the first as ses_1, the
// second as ses_2, and as ses_3 the first again, of which it witnessed another head.
func (w *world) record(ts *testscript.TestScript) {
	signer, err := record.NewSigner()
	ts.Check(err)
	name := ts.MkAbs("whole.hrec")
	started := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	writer, err := record.Create(name, record.Header{Session: "ses_1", Grant: "gr_1", Connection: "db-prod", Kind: "postgres",
		Identity: record.Identity{Issuer: "https://idp.test", Subject: "1", User: "dev", Type: "human"}, Started: started, Version: "1.2.3"},
		record.Options{Signer: signer, Now: func() time.Time { return started }})
	ts.Check(err)
	_, err = writer.AppendEvent(record.Command{Command: 1, Text: "SELECT 'evil\x1b]0;t\x07'", SQL: "select", Accesses: []record.Access{{Effect: "read", Object: "public.users"}}})
	ts.Check(err)
	head, err := writer.Checkpoint()
	ts.Check(err)
	_, err = writer.AppendEvent(record.Outcome{Command: 1, Rows: 1, Tag: "SELECT 1"})
	ts.Check(err)
	open, err := os.ReadFile(name)
	ts.Check(err)
	ts.Check(writer.Seal("closed"))
	whole, err := os.ReadFile(name)
	ts.Check(err)
	altered := bytes.Replace(whole, []byte("evil"), []byte("good"), 1)
	keys, err := json.Marshal(signer.Keys())
	ts.Check(err)
	for file, content := range map[string][]byte{"cut.hrec": open, "altered.hrec": altered, "keys.json": keys} {
		ts.Check(os.WriteFile(filepath.Join(filepath.Dir(name), file), content, 0o600))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	var known any
	ts.Check(json.Unmarshal(keys, &known))
	w.answers["GET /v1/keys"] = known
	for id, body := range map[string][]byte{"ses_1": whole, "ses_2": open, "ses_3": whole} {
		info := api.SessionInfo{ID: id, GrantID: "gr_1", Connection: "db-prod", Kind: "postgres", Identity: dev(), State: "sealed", StartedAt: started,
			Commands: 1, Head: hex.EncodeToString(head.Hash[:]), HeadSeq: head.Seq}
		if id == "ses_3" {
			info.Head = hex.EncodeToString(make([]byte, 32))
		}
		w.answers["GET /v1/sessions/"+id] = info
		w.answers["POST /v1/sessions/"+id+"/end"] = info
		w.raw["GET /v1/sessions/"+id+"/recording"] = body
	}
	for id, body := range map[string][]byte{"ses_1": whole, "ses_2": open, "ses_4": w.recordShell(ts, signer), "ses_5": whole[:len(whole)-7]} {
		w.raw["GET /v1/sessions/"+id+"/watch"] = body
	}
	w.answers["GET /v1/sessions"] = api.Sessions{Sessions: []api.SessionInfo{w.answers["GET /v1/sessions/ses_1"].(api.SessionInfo)}}
}
