package pgsql

import (
	"slices"
	"strings"
	"sync"
)

// harmlessSettings may be changed: they move neither what names mean, nor who runs, nor how texts are read. row_security
// is among them, since turned off it makes an error of what a policy would filter, and shows no row more.
var harmlessSettings = sync.OnceValue(func() map[string]bool {
	set := map[string]bool{}
	for name := range strings.FieldsSeq(`application_name datestyle intervalstyle timezone extra_float_digits statement_timeout lock_timeout
		idle_in_transaction_session_timeout idle_session_timeout transaction_timeout client_min_messages bytea_output work_mem hash_mem_multiplier
		maintenance_work_mem temp_buffers enable_async_append enable_bitmapscan enable_gathermerge enable_hashagg enable_hashjoin
		enable_incremental_sort enable_indexonlyscan enable_indexscan enable_material enable_memoize enable_mergejoin enable_nestloop
		enable_parallel_append enable_parallel_hash enable_partition_pruning enable_partitionwise_aggregate enable_partitionwise_join
		enable_seqscan enable_sort enable_tidscan jit jit_above_cost random_page_cost seq_page_cost effective_cache_size
		max_parallel_workers_per_gather from_collapse_limit join_collapse_limit geqo plan_cache_mode lc_monetary lc_numeric lc_time
		tcp_keepalives_idle tcp_keepalives_interval tcp_user_timeout client_connection_check_interval xmloption xmlbinary
		default_text_search_config synchronous_commit cursor_tuple_fraction default_transaction_isolation default_transaction_deferrable
		row_security check_function_bodies default_tablespace default_table_access_method synchronize_seqscans restrict_nonsystem_relation_kind`) {
		set[name] = true
	}
	return set
})

// HarmlessSetting says whether everybody may change a setting, by its name in lower case: so also when a session begins.
func HarmlessSetting(name string) bool { return harmlessSettings()[name] }

// pinnedSettings are the gateway's: it relies on their values to read texts and to know who runs them.
var pinnedSettings = sync.OnceValue(func() map[string]bool {
	set := map[string]bool{}
	for name := range strings.FieldsSeq(`client_encoding standard_conforming_strings backslash_quote escape_string_warning session_authorization role
		search_path session_replication_role`) {
		set[name] = true
	}
	return set
})

// readOnlySettings would undo the read-only lane.
func readOnlySetting(setting string) bool {
	return setting == "default_transaction_read_only" || setting == "transaction_read_only"
}

// set judges SET and RESET. inside says that the setting is part of another statement (ALTER ROLE … SET).
func (j *judge) set(n *node, inside bool) {
	setting := strings.ToLower(n.text("name"))
	switch n.text("kind") {
	case "VAR_RESET_ALL":
		if j.resetsAll() {
			return
		}
		j.refuseSetting("all settings", "Reset the settings that you have set by their names.")
		return
	case "VAR_SET_MULTI":
		j.setTransaction(n)
		return
	}
	value, constant := settingValue(n)
	switch {
	case j.sameAsPinned(setting, value) && n.text("kind") == "VAR_SET_VALUE":
	case j.env.Unrestricted && !inside && roleSetting(setting):
		j.st.ChangesRole = true
		j.add(Privilege, "")
		return
	case setting == "search_path" && (j.env.Unrestricted || !inside && knownPath(n)):
		j.st.ChangesCatalog = true // names mean something else from here on
	case setting == "search_path":
		j.refuseSetting(setting, "Write names with their schema: schema.table.")
	case pinnedSettings()[setting]:
		j.refuseSetting(setting, "The gateway relies on it.")
	case readOnlySetting(setting):
		if j.env.ReadOnly {
			j.refuseSetting(setting, "You may only read here.")
		}
	case !harmlessSettings()[setting] || !constant:
		if !inside {
			j.add(Unknown, "")
		}
		return
	}
	if !inside {
		j.add(Session, "")
	}
}

// roleSetting says that a setting decides who runs what follows, and what runs beside it.
func roleSetting(setting string) bool {
	return setting == "role" || setting == "session_authorization" || setting == "session_replication_role"
}

// resetsAll admits RESET ALL and DISCARD ALL of one who may do everything: pinned settings go back to what the gateway
// asked for when it connected, the search path and the triggers to what the session began with.
func (j *judge) resetsAll() bool {
	if j.env.Unrestricted {
		j.st.ChangesCatalog = true
		j.add(Session, "")
	}
	return j.env.Unrestricted
}

// sameAsPinned admits what drivers send although it changes nothing.
func (j *judge) sameAsPinned(setting, value string) bool {
	value = strings.ToLower(value)
	switch setting {
	case "client_encoding":
		return value == "utf8" || value == "utf-8" || value == "unicode"
	case "standard_conforming_strings":
		return value == "on" || value == "true" || value == "1"
	}
	return false
}

// settingValue is the value of a SET with one constant.
func settingValue(n *node) (value string, constant bool) {
	constant = true
	for _, arg := range n.list("args") {
		if arg.is("TypeCast") { // SET TIME ZONE INTERVAL '1' HOUR
			arg = arg.child("arg")
		}
		if !arg.is("A_Const") {
			constant = false
		}
		value = arg.child("sval").text("sval")
	}
	return value, constant
}

func (j *judge) refuseSetting(setting, hint string) {
	j.add(Session, "")
	j.refuse(&Problem{SQLState: "42501", Rule: "session", Message: setting + " can't be changed in this session", Hint: hint})
}

// setTransaction judges SET TRANSACTION and SET SESSION CHARACTERISTICS.
func (j *judge) setTransaction(n *node) {
	j.add(Session, "")
	if n.text("name") == "TRANSACTION" || n.text("name") == "TRANSACTION SNAPSHOT" {
		j.st.Tx = Opens
	}
	j.st.Imports = n.text("name") == "TRANSACTION SNAPSHOT"
	j.refuseReadWrite(n.list("args"))
}

// refuseReadWrite refuses READ WRITE in the read-only lane.
func (j *judge) refuseReadWrite(options []*node) {
	for _, o := range options {
		if o.text("defname") == "transaction_read_only" && o.child("arg").child("ival").number("ival") == 0 && j.env.ReadOnly {
			j.refuseSetting("the transaction's read-only mode", "You may only read here.")
		}
	}
}

// setConfig judges set_config: harmless settings with constants only, since what is computed can't be judged before it runs.
func (j *judge) setConfig(n *node) {
	j.add(Session, "")
	var values []string
	for i, arg := range n.list("args") {
		if i == 0 && arg.is("ColumnRef") {
			if setting := j.settingOfRow(n, arg); setting != "" {
				values = append(values, setting)
				continue
			}
		}
		if arg.is("TypeCast") {
			arg = arg.child("arg")
		}
		if !arg.is("A_Const") {
			j.refuseSetting("a setting that is computed", "Call set_config with constants.")
			return
		}
		values = append(values, strings.ToLower(arg.child("sval").text("sval")))
	}
	if len(values) == 3 && values[0] == "search_path" && (j.env.Unrestricted || j.emptiesPath(n)) {
		j.st.ChangesCatalog = true
		return
	}
	if len(values) != 3 || !harmlessSettings()[values[0]] && !j.sameAsPinned(values[0], values[1]) {
		j.refuseSetting("this setting", "Only harmless settings, such as application_name, can be changed.")
	}
}

// settingOfRow is the one setting whose row a statement reads that is `SELECT … FROM pg_settings WHERE name = 'constant'`:
// pg_dump changes in this way what older servers may lack. It is "" where the column could be another setting's name.
func (j *judge) settingOfRow(call, column *node) string {
	from, where := j.whole.list("from_clause"), j.whole.child("where_clause")
	if !j.onlyCalls(call) || len(from) != 1 || !from[0].is("RangeVar") || where.text("kind") != "AEXPR_OP" ||
		j.names.relation(from[0].text("schemaname"), from[0].text("relname")).object != "pg_catalog.pg_settings" {
		return ""
	}
	operator, _ := stringsOf(where.list("name"))
	fields, _ := stringsOf(where.child("lexpr").list("fields"))
	if !slices.Equal(operator, []string{"="}) || !slices.Equal(fields, []string{"name"}) || !sameShape(where.child("lexpr"), column) {
		return ""
	}
	j.personal = true // another constant there is another setting
	return strings.ToLower(where.child("rexpr").child("sval").text("sval"))
}

// knownPath says that the search path becomes the one that the session began with, or empty.
func knownPath(n *node) bool {
	switch n.text("kind") {
	case "VAR_RESET":
		return true
	case "VAR_SET_DEFAULT":
		return !n.flag("is_local")
	case "VAR_SET_VALUE":
		return !n.flag("is_local") && empties(n.list("args"))
	}
	return false
}

// emptiesPath says that the statement is nothing but a call that empties the search path for the session, as pg_dump sends
// it: names mean nothing but what is written then, and the session's definitions are read again before the next text.
func (j *judge) emptiesPath(call *node) bool {
	args := call.list("args")
	local := args[2]
	if local.is("TypeCast") {
		local = local.child("arg")
	}
	return j.onlyCalls(call) && len(j.whole.list("from_clause")) == 0 &&
		local.field("boolval") != nil && !local.child("boolval").flag("boolval") && empties(args[1:2])
}

// onlyCalls says that the statement is a SELECT of one call.
func (j *judge) onlyCalls(call *node) bool {
	targets := j.whole.list("target_list")
	return j.whole.is("SelectStmt") && len(targets) == 1 && targets[0].child("val") == call
}

// empties says that a value is one empty text, and neither NULL nor a number.
func empties(values []*node) bool {
	return len(values) == 1 && values[0].is("A_Const") && values[0].child("sval") != nil && values[0].child("sval").text("sval") == ""
}

// changedSetting refuses UPDATE pg_settings, which sets as SET does.
func (j *judge) changedSetting(n *node, found name) {
	c := j.env.Catalog
	if found.object == "pg_catalog.pg_settings" || c != nil && c.reaches(found.relation, "pg_catalog.pg_settings", map[uint32]bool{}) {
		j.refuseAt(n, Problem{SQLState: "42501", Rule: "session", Message: "settings can't be changed through pg_settings", Hint: "Use SET."})
	}
	if found.system != "" {
		j.add(Admin, found.object)
		j.st.ChangesCatalog = true
	}
	if j.masks && c != nil && (found.system != "" || c.readsSystem(found.relation, map[uint32]bool{})) {
		j.refuseAt(n, Problem{SQLState: "42501", Rule: "mask", Message: found.object + " can't be written to where columns are masked for you: masks are known by names that it holds", Hint: "Ask somebody for whom nothing is masked."})
	}
}

// settingsInside finds the SET clauses of functions, roles and databases.
func (j *judge) settingsInside(n *node) {
	n.walk(func(k *node) bool {
		if k.is("VariableSetStmt") {
			j.set(k, true)
		}
		return true
	})
}
