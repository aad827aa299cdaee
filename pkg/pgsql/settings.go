package pgsql

import (
	"strings"
	"sync"
)

// harmlessSettings may be changed: they move neither what names mean, nor who runs, nor how texts are read.
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
		default_text_search_config synchronous_commit cursor_tuple_fraction`) {
		set[name] = true
	}
	return set
})

// pinnedSettings are the gateway's: it relies on their values to read texts and to know who runs them.
var pinnedSettings = sync.OnceValue(func() map[string]bool {
	set := map[string]bool{}
	for name := range strings.FieldsSeq(`client_encoding standard_conforming_strings backslash_quote escape_string_warning session_authorization role
		search_path row_security session_replication_role`) {
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
		j.refuseSetting("all settings", "Reset the settings that you have set by their names.")
		return
	case "VAR_SET_MULTI":
		j.setTransaction(n)
		return
	}
	value, constant := settingValue(n)
	switch {
	case j.sameAsPinned(setting, value) && n.text("kind") == "VAR_SET_VALUE":
	case setting == "search_path" && j.env.Unrestricted:
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
	for _, arg := range n.list("args") {
		if arg.is("TypeCast") {
			arg = arg.child("arg")
		}
		if !arg.is("A_Const") {
			j.refuseSetting("a setting that is computed", "Call set_config with constants.")
			return
		}
		values = append(values, strings.ToLower(arg.child("sval").text("sval")))
	}
	if len(values) == 3 && values[0] == "search_path" && j.env.Unrestricted {
		j.st.ChangesCatalog = true
		return
	}
	if len(values) != 3 || !harmlessSettings()[values[0]] && !j.sameAsPinned(values[0], values[1]) {
		j.refuseSetting("this setting", "Only harmless settings, such as application_name, can be changed.")
	}
}

// changedSetting refuses UPDATE pg_settings, which sets as SET does.
func (j *judge) changedSetting(n *node, found name) {
	c := j.env.Catalog
	if found.object == "pg_catalog.pg_settings" || c != nil && c.reaches(found.relation, "pg_catalog.pg_settings", map[uint32]bool{}) {
		j.refuseAt(n, Problem{SQLState: "42501", Rule: "session", Message: "settings can't be changed through pg_settings", Hint: "Use SET."})
	}
	if found.system != "" {
		j.add(Admin, found.object)
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
