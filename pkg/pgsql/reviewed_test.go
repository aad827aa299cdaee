package pgsql_test

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/pgsql"
)

// reviewedSignatures are sums of the signatures that reviewed names had when their list was read by hand, by major version: an
// overload that a name gets later was read by nobody.
var reviewedSignatures = map[int]string{13: "ec7abc00a1149aa0", 14: "67fdd6b941c42325", 15: "e06c44e3aa2a2e6f", 16: "abb4b75dbf192a4c", 17: "37de1612fd304810", 18: "1cf828f8b5f47492"}

// Volatile functions that are read or session all the same: they tell the time, a random number, or of the server's state, or
// they hold a lock or a second of the session's own.
const reviewedVolatile = ` amvalidate array_sample array_shuffle clock_timestamp current_query currval gen_random_uuid lastval pg_advisory_lock pg_advisory_lock_shared pg_advisory_unlock pg_advisory_unlock_all
	pg_advisory_unlock_shared pg_advisory_xact_lock pg_advisory_xact_lock_shared pg_blocking_pids pg_collation_actual_version pg_current_wal_flush_lsn pg_current_wal_insert_lsn pg_current_wal_lsn
	pg_database_collation_actual_version pg_database_size pg_export_snapshot pg_get_wal_replay_pause_state pg_indexes_size pg_is_in_recovery pg_is_wal_replay_paused pg_isolation_test_session_is_blocked
	pg_jit_available pg_last_committed_xact pg_last_wal_receive_lsn pg_last_wal_replay_lsn pg_last_xact_replay_timestamp pg_lock_status pg_notification_queue_usage pg_notify pg_partition_ancestors
	pg_partition_tree pg_relation_size pg_safe_snapshot_blocking_pids pg_sequence_last_value pg_sleep pg_sleep_for pg_sleep_until pg_stat_get_xact_blocks_fetched pg_stat_get_xact_blocks_hit
	pg_stat_get_xact_function_calls pg_stat_get_xact_function_self_time pg_stat_get_xact_function_total_time pg_stat_get_xact_numscans pg_stat_get_xact_tuples_deleted pg_stat_get_xact_tuples_fetched
	pg_stat_get_xact_tuples_hot_updated pg_stat_get_xact_tuples_inserted pg_stat_get_xact_tuples_returned pg_stat_get_xact_tuples_updated pg_stat_have_stats pg_table_size pg_tablespace_size
	pg_total_relation_size pg_try_advisory_lock pg_try_advisory_lock_shared pg_try_advisory_xact_lock pg_try_advisory_xact_lock_shared pg_xact_commit_timestamp pg_xact_commit_timestamp_origin
	pg_xact_status random random_normal setseed timezone timeofday txid_status uuidv4 uuidv7 `

// Functions that take a relation, and tell of it what its catalog does.
const reviewedOfRelations = ` currval pg_column_is_updatable pg_get_catalog_foreign_keys pg_get_replica_identity_index pg_index_column_has_property pg_index_has_property pg_indexes_size pg_partition_ancestors
	pg_partition_root pg_partition_tree pg_relation_filenode pg_relation_filepath pg_relation_is_publishable pg_relation_is_updatable pg_relation_size pg_sequence_last_value pg_table_size
	pg_total_relation_size regclasssend nextval setval pg_get_sequence_data `

type serverFunction struct{ name, volatility, arguments, definer, language, named string }

func serverFunctions(t *testing.T, s *session) (out []serverFunction) {
	t.Helper()
	rows, err := s.Exec(t.Context(), `SELECT p.proname, p.provolatile, pg_get_function_identity_arguments(p.oid), p.prosecdef::text, l.lanname, COALESCE(array_to_string(p.proargnames, ','), '')
		FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.oid < 16384 ORDER BY 1, 3`).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows[0].Rows {
		out = append(out, serverFunction{string(r[0]), string(r[1]), string(r[2]), string(r[3]), string(r[4]), string(r[5])})
	}
	return out
}

// The running server's pg_proc is the oracle: what is on the list does no more than its effect says, and what is not on it is
// refused, as a name of a later version would be.
func TestTheReviewedFunctionsAreWhatTheServerHas(t *testing.T) {
	s := connect(t, "agent", "postgres")
	env := envOf(t, s, nil)
	sum, seen := sha256.New(), map[string]bool{}
	for _, f := range serverFunctions(t, s) {
		effect := pgsql.ReviewedFunctions()[f.name]
		word := " " + f.name + " "
		if effect == "" {
			if !seen[f.name] {
				seen[f.name] = true
				refusedAsCode(t, f.name, env)
			}
			continue
		}
		if effect != pgsql.Read && effect != pgsql.Session && effect != pgsql.Write {
			continue
		}
		fmt.Fprintf(sum, "%s(%s)\n", f.name, f.arguments)
		volatile := strings.Contains(strings.Join(strings.Fields(reviewedVolatile), " ")+" ", f.name+" ")
		relations := strings.Contains(" "+strings.Join(strings.Fields(reviewedOfRelations), " ")+" ", word)
		switch {
		case f.definer == "true" || f.language == "plpgsql":
			t.Errorf("%s runs as somebody else, or as code", f.name)
		case f.volatility == "v" && effect != pgsql.Write && !volatile:
			t.Errorf("%s(%s) is volatile, and %s", f.name, f.arguments, effect)
		case strings.Contains(f.arguments, "regclass") && !relations:
			t.Errorf("%s(%s) takes a relation, and is %s", f.name, f.arguments, effect)
		case strings.Contains(f.arguments, "refcursor"), slices.Contains(strings.Split(f.named, ","), "query"), strings.Contains(f.arguments, "regproc") && !strings.HasPrefix(f.name, "regproc"):
			t.Errorf("%s(%s) takes a cursor, a query or a function, and is %s", f.name, f.arguments, effect)
		}
	}
	if major, got := env.Catalog.Server/10000, fmt.Sprintf("%x", sum.Sum(nil)[:8]); reviewedSignatures[major] != got {
		t.Errorf("the signatures of reviewed names on version %d are not those that were reviewed: read what is new, and write %q", major, got)
	}
}

func refusedAsCode(t *testing.T, name string, env pgsql.Env) {
	t.Helper()
	if name == "set_config" {
		return // judged by itself
	}
	st := understand(t, `SELECT pg_catalog."`+name+`"()`, env).Statements
	if len(st) != 1 || !slices.ContainsFunc(st[0].Accesses, func(a pgsql.Access) bool { return a.Effect == pgsql.Execute }) || st[0].Reviewed {
		t.Errorf("%s is on no list, and %+v", name, st)
	}
}

// Operators are not listed one by one: each of Postgres' own calls a function that is.
func TestPostgresOwnOperatorsCallReviewedFunctions(t *testing.T) {
	s := connect(t, "agent", "postgres")
	rows, err := s.Exec(t.Context(), `SELECT o.oprname, p.proname FROM pg_operator o JOIN pg_proc p ON p.oid = o.oprcode WHERE o.oprnamespace = 'pg_catalog'::regnamespace AND o.oid < 16384`).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows[0].Rows {
		if effect := pgsql.ReviewedFunctions()[string(r[1])]; effect != pgsql.Read {
			t.Errorf("operator %s calls %s, which is %q", r[0], r[1], effect)
		}
	}
	if len(rows[0].Rows) < 700 {
		t.Errorf("only %d operators", len(rows[0].Rows))
	}
}

// A system relation that is on no list, as one of a later version would be, is not for those who read.
func TestTheReviewedRelationsAreWhatTheServerHas(t *testing.T) {
	s := connect(t, "agent", "postgres")
	env := envOf(t, s, piiMasks())
	rows, err := s.Exec(t.Context(), `SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname IN ('pg_catalog', 'information_schema') AND c.relkind IN ('r', 'v') ORDER BY 1`).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	admin := 0
	for _, r := range rows[0].Rows {
		a := understand(t, "SELECT * FROM "+string(r[0]), env)
		want := pgsql.ReviewedRelations()[string(r[0])]
		if want == pgsql.Read {
			continue
		}
		admin++
		if a.Problem == nil || !slices.Contains(pairs(a), "admin("+string(r[0])+")") {
			t.Errorf("%s is %q on the list, and read as %v", r[0], want, pairs(a))
		}
	}
	if admin < 20 {
		t.Errorf("only %d relations are closed", admin)
	}
}
