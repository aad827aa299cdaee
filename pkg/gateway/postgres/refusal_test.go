package postgres_test

import (
	"bytes"
	"context"
	"errors"

	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/jackc/pgproto3/v2"
	"github.com/jackc/pgx/v5/pgconn"
)

func TestARefusalLeavesTheTransactionAsPostgresWould(t *testing.T) {
	for name, c := range map[string]struct {
		messages []encoder
		ready    int
		want     string
	}{
		"outside of a transaction": {[]encoder{&query{String: "DROP TABLE x1"}, &query{String: "SELECT 1"}}, 2, "E42501 ZI T D C ZI"},
		"inside, it is aborted": {[]encoder{
			&query{String: "BEGIN"}, &query{String: "DROP TABLE x1"}, &query{String: "SELECT 1"}, &query{String: "DROP TABLE x1"}, &query{String: "ROLLBACK"}, &query{String: "SELECT 1"},
		}, 6, "C ZT E42501 ZE E25P02 ZE E42501 ZE C ZI T D C ZI"},
		"back to a savepoint": {[]encoder{
			&query{String: "BEGIN"}, &query{String: "SAVEPOINT s"}, &query{String: "DROP TABLE x1"}, &query{String: "ROLLBACK TO s"}, &query{String: "SELECT 1"}, &query{String: "COMMIT"},
		}, 6, "C ZT C ZT E42501 ZE C ZT T D C ZT C ZI"},
		"the rest of the batch is skipped": {[]encoder{
			&parse{Query: "SELECT 1"}, &bind{}, &execute{}, &parse{Query: "DROP TABLE x1"}, &bind{}, &execute{}, &parse{Query: "SELECT 2"}, &bind{}, &execute{}, &syncing{},
			&parse{Query: "SELECT 3"}, &bind{}, &execute{}, &syncing{},
		}, 2, "1 2 D C E42501 ZI 1 2 D C ZI"},
		"a named statement survives a refused one": {[]encoder{
			&parse{Name: "s", Query: "SELECT 1"}, &syncing{}, &parse{Name: "s", Query: "DROP TABLE x1"}, &syncing{}, &bind{PreparedStatement: "s"}, &execute{}, &syncing{},
		}, 3, "1 ZI E42501 ZI 2 D C ZI"},
		"an earlier error of the batch comes first": {[]encoder{
			&parse{Query: "SELECT nosuch"}, &parse{Query: "DROP TABLE x1"}, &syncing{}, &query{String: "SELECT 1"},
		}, 2, "E42703 ZI T D C ZI"},
		"a function by number":    {[]encoder{&pgproto3.FunctionCall{Function: 764}, &query{String: "SELECT 1"}}, 2, "E42501 ZI T D C ZI"},
		"a program of the server": {[]encoder{&query{String: "COPY orders TO PROGRAM 'cat'"}, &query{String: "COPY orders TO '/tmp/x'"}}, 2, "E42501 ZI E42501 ZI"},
	} {
		t.Run(name, func(t *testing.T) {
			conn := listen(t, testPolicy).raw(t)
			if got := say(t, conn, c.ready, c.messages...); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestARefusalSaysWhatHappenedWhyAndWhatToDo(t *testing.T) {
	c := listen(t, testPolicy).client(t)
	_, err := c.Exec(t.Context(), "BEGIN; SELECT 1").ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Exec(t.Context(), "DROP TABLE orders").ReadAll()
	e, ok := err.(*pgconn.PgError)
	if !ok {
		t.Fatalf("got %v", err)
	}
	if e.Code != "42501" || !strings.Contains(e.Message, "transaction in progress is rolled back") || e.Hint == "" ||
		!strings.Contains(e.Detail, `"rule":"default"`) || !strings.Contains(e.Detail, `"decision_id":"se_1.`) {
		t.Errorf("%+v", e)
	}
	if e.File != "" || e.Line != 0 || e.Routine != "" || e.Position != 0 {
		t.Errorf("it shows where the target raised it: %+v", e)
	}
}

func TestATextThatCannotBeReadSaysWhere(t *testing.T) {
	c := listen(t, testPolicy).client(t)
	const text = "SELECT 'é', x y z"
	_, simple := c.Exec(t.Context(), text).ReadAll()
	_, extended := c.Prepare(t.Context(), "", text, nil)
	for form, err := range map[string]error{"simple": simple, "extended": extended} {
		var e *pgconn.PgError
		if !errors.As(err, &e) || e.Code != "42601" || e.Position != 17 {
			t.Errorf("%s: got %+v", form, err)
		}
	}
}

func TestWhatFollowsARefusalIsDiscardedInBoundedMemory(t *testing.T) {
	conn := listen(t, testPolicy).raw(t)
	go func() {
		first, _ := (&parse{Query: "DROP TABLE flood"}).Encode(nil)
		_, _ = conn.Write(first)
		row, _ := (&parse{Query: "SELECT '" + strings.Repeat("x", 100_000) + "'"}).Encode(nil)
		for range 100 {
			_, _ = conn.Write(row)
		}
		end, _ := (&syncing{}).Encode(nil)
		_, _ = conn.Write(end)
	}()
	a, err := readUntilReady(1)(conn)
	if err != nil || summary(a.Raw) != "E42501 ZI" {
		t.Fatalf("%s, %v", summary(a.Raw), err)
	}
	if got := say(t, conn, 1, &query{String: "SELECT 1"}); got != "T D C ZI" {
		t.Errorf("the session does not go on: %s", got)
	}
}

func TestCopyMovesDataBothWays(t *testing.T) {
	if err := server.Exec("DROP TABLE IF EXISTS cp; CREATE TABLE cp(a int, b text); GRANT ALL ON cp TO agent"); err != nil {
		t.Fatal(err)
	}
	c := listen(t, allowAll).client(t)
	rows := strings.Repeat("1\tone\n2\ttwo\n", 20_000)
	tag, err := c.CopyFrom(t.Context(), strings.NewReader(rows), "COPY cp FROM STDIN")
	if err != nil || tag.RowsAffected() != 40_000 {
		t.Fatalf("%v, %v", tag, err)
	}
	var back bytes.Buffer
	if _, err := c.CopyTo(t.Context(), &back, "COPY cp TO STDOUT"); err != nil || back.String() != rows {
		t.Errorf("%d bytes came back of %d, %v", back.Len(), len(rows), err)
	}
	if _, err := c.CopyFrom(t.Context(), strings.NewReader("x\ty\n"+rows), "COPY cp FROM STDIN"); err == nil {
		t.Error("a row that does not fit was taken")
	}
	if got := count(t, "SELECT count(*) FROM cp"); got != "40000" {
		t.Errorf("%s rows are there", got)
	}
	if _, err := c.Exec(t.Context(), "SELECT 1").ReadAll(); err != nil {
		t.Errorf("the session does not go on: %v", err)
	}
}

func TestCopyByHand(t *testing.T) {
	if err := server.Exec("DROP TABLE IF EXISTS cph; CREATE TABLE cph(a int); GRANT ALL ON cph TO agent"); err != nil {
		t.Fatal(err)
	}
	data := &pgproto3.CopyData{Data: []byte("7\n")}
	for name, c := range map[string]struct {
		messages []encoder
		ready    int
		want     string
	}{
		"simple":             {[]encoder{&query{String: "COPY cph FROM STDIN"}, data, &pgproto3.CopyDone{}}, 1, "G C ZI"},
		"simple, given up":   {[]encoder{&query{String: "COPY cph FROM STDIN"}, data, &pgproto3.CopyFail{Message: "no"}}, 1, "G E57014 ZI"},
		"extended":           {[]encoder{&parse{Query: "COPY cph FROM STDIN"}, &bind{}, &execute{}, &syncing{}, data, &pgproto3.CopyDone{}, &syncing{}}, 1, "1 2 G C ZI"},
		"extended, given up": {[]encoder{&parse{Query: "COPY cph FROM STDIN"}, &bind{}, &execute{}, data, &pgproto3.CopyFail{Message: "no"}, &syncing{}}, 1, "1 2 G E57014 ZI"},
		"to nowhere":         {[]encoder{&query{String: "COPY nosuch FROM STDIN"}, data, &pgproto3.CopyDone{}}, 1, "E42P01 ZI"},
		"data unasked":       {[]encoder{data, &pgproto3.CopyDone{}, &query{String: "SELECT 1"}}, 1, "T D C ZI"},
		"among others":       {[]encoder{&query{String: "SELECT 1; COPY cph FROM STDIN"}}, 1, "E0A000 ZI"},
	} {
		t.Run(name, func(t *testing.T) {
			conn := listen(t, allowAll).raw(t)
			if got := say(t, conn, c.ready, c.messages...); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if got := say(t, conn, 1, &query{String: "SELECT 1"}); got != "T D C ZI" {
				t.Errorf("the session does not go on: %s", got)
			}
		})
	}
}

func TestStartupParametersAreTakenFromAList(t *testing.T) {
	s := listen(t, allowAll)
	for name, parameters := range map[string]map[string]string{
		"options":                   {"options": "-c search_path=evil"},
		"search_path":               {"search_path": "evil"},
		"role":                      {"role": "postgres"},
		"replication":               {"replication": "true"},
		"session_preload_libraries": {"session_preload_libraries": "x"},
		"client_encoding":           {"client_encoding": "SJIS"},
		"standard_conforming":       {"standard_conforming_strings": "off"},
		"a switch":                  {"options": "-e"},
		"the lane in options":       {"options": "--default-transaction-read-only=off"},
		"one behind a harmless one": {"options": "-c geqo=off -c role=postgres"},
	} {
		parameters["user"] = "me"
		hello, err := (&pgproto3.StartupMessage{ProtocolVersion: 3 << 16, Parameters: parameters}).Encode(nil)
		if err != nil {
			t.Fatal(err)
		}
		answer := dialAndSend(t, s, hello)
		var asked string
		for k := range parameters {
			if k != "user" {
				asked = k
			}
		}
		if !strings.Contains(answer, "VFATAL") || !strings.Contains(answer, asked) {
			t.Errorf("%s: got %q", name, answer)
		}
	}
	c, err := pgconn.Connect(t.Context(), s.dsn()+"&application_name=mine&timezone=Asia/Tokyo&datestyle=German&client_encoding=utf-8&options=-c%20intervalstyle%3Dpostgres_verbose%20-c%20TimeZone%3DEurope/Rome&work_mem=1MB&standard_conforming_strings=on")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(context.Background()) }()
	got, err := c.Exec(t.Context(), "SELECT current_setting('application_name') || current_setting('timezone') || current_setting('datestyle') || current_user || current_setting('intervalstyle') || current_setting('work_mem')").ReadAll()
	if err != nil || string(got[0].Rows[0][0]) != "mineAsia/TokyoGerman, DMYagentpostgres_verbose1MB" {
		t.Errorf("%v, %v", got, err)
	}
}

func TestAnApprovalIsForTheValuesThatWereShown(t *testing.T) {
	s := listen(t, testPolicy)
	s.approve = func(api.Approval) string { return api.ApprovalRejected }
	c := s.client(t)
	for _, id := range []string{"901", "902", "901"} {
		r := c.ExecParams(t.Context(), "DELETE FROM orders WHERE id = $1", [][]byte{[]byte(id)}, nil, nil, nil).Read()
		if e, ok := r.Err.(*pgconn.PgError); !ok || e.Code != "42501" || !strings.Contains(e.Detail, `"approval_id":"ap_`) {
			t.Fatalf("got %v", r.Err)
		}
	}
	if len(s.asked) != 3 || s.asked[0].Params[0] != "901" || s.asked[1].Params[0] != "902" {
		t.Fatalf("asked for %+v", s.asked)
	}
	if s.asked[0].Digest == s.asked[1].Digest || s.asked[0].Digest != s.asked[2].Digest {
		t.Error("the digest does not follow the values")
	}
	if strings.Contains(server.Log(), "id = 901") || strings.Contains(server.Log(), "'901'") {
		t.Error("the server's log has a value that nobody approved")
	}
}

func TestACommandInsideATransactionThatWorkedCantWait(t *testing.T) {
	s := listen(t, testPolicy)
	s.approve = func(api.Approval) string { return api.ApprovalPending }
	c := s.client(t)
	for _, before := range []string{"BEGIN; SELECT 1", "SELECT 1 FROM orders"} {
		if _, err := c.Exec(t.Context(), before).ReadAll(); err != nil {
			t.Fatal(err)
		}
	}
	_, err := c.Exec(t.Context(), "DELETE FROM orders WHERE id = 903").ReadAll()
	if e, ok := err.(*pgconn.PgError); !ok || !strings.Contains(e.Message, "can't wait inside a transaction") || !strings.Contains(e.Detail, `"approval_id":"ap_1"`) {
		t.Errorf("got %v", err)
	}
}

func TestATooStrictPolicyVoidsWhatWasPrepared(t *testing.T) {
	s := listen(t, strings.Replace(testPolicy, "masks:", "masks: []\nold:", 1)[:strings.Index(testPolicy, "masks:")])
	c := s.client(t)
	if _, err := c.Prepare(t.Context(), "s", "SELECT ssn FROM users WHERE id = 1", nil); err != nil {
		t.Fatal(err)
	}
	r := c.ExecPrepared(t.Context(), "s", nil, nil, nil).Read()
	if r.Err != nil || string(r.Rows[0][0]) != "123-45-6789" {
		t.Fatalf("%q, %v", r.Rows, r.Err)
	}
	s.setPolicy(testPolicy)
	r = c.ExecPrepared(t.Context(), "s", nil, nil, nil).Read()
	if e, ok := r.Err.(*pgconn.PgError); !ok || e.Code != "26000" {
		t.Errorf("got %q, %v", r.Rows, r.Err)
	}
}
