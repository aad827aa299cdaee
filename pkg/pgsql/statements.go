package pgsql

import "sync"

// kind is what the grammar's tag of a statement says of it. Statements that need more have a case in judge.utility.
type kind struct {
	effect  string
	also    string // a second effect, "" for none
	command string // lower case; "" where it depends on the statement
	ddl     bool   // changes the catalog
}

// statementKind classes every statement of the grammar, as nodetags.txt does. A tag that is not here has the effect unknown.
func statementKind(tag string) (kind, bool) {
	switch tag {
	case "SelectStmt":
		return kind{effect: Read, command: "select"}, true
	case "InsertStmt":
		return kind{effect: Write, command: "insert"}, true
	case "UpdateStmt":
		return kind{effect: Write, command: "update"}, true
	case "DeleteStmt":
		return kind{effect: Delete, command: "delete"}, true
	case "MergeStmt":
		return kind{effect: Write, command: "merge"}, true
	case "TruncateStmt":
		return kind{effect: Delete, command: "truncate"}, true
	case "CopyStmt":
		return kind{effect: Transfer, command: "copy"}, true
	case "ExplainStmt":
		return kind{effect: Read, command: "explain"}, true
	case "VariableShowStmt":
		return kind{effect: Read, command: "show"}, true
	case "LockStmt":
		return kind{effect: Write, command: "lock"}, true
	}
	if command, ok := sessionCommands()[tag]; ok {
		return kind{effect: Session, command: command}, true
	}
	if k, ok := powerKinds()[tag]; ok {
		return k, true
	}
	command, ok := schemaCommands()[tag]
	return kind{effect: Schema, command: command, ddl: true}, ok
}

var sessionCommands = sync.OnceValue(func() map[string]string {
	return map[string]string{
		"TransactionStmt": "", "VariableSetStmt": "set", "PrepareStmt": "prepare", "ExecuteStmt": "execute", "DeallocateStmt": "deallocate",
		"DiscardStmt": "discard", "DeclareCursorStmt": "declare", "FetchStmt": "fetch", "ClosePortalStmt": "close", "ListenStmt": "listen",
		"UnlistenStmt": "unlisten", "NotifyStmt": "notify", "ConstraintsSetStmt": "set constraints",
	}
})

// powerKinds holds code, privileges, transfers and the server's own affairs.
var powerKinds = sync.OnceValue(func() map[string]kind {
	return map[string]kind{
		"DoStmt":                       {effect: Execute, command: "do", ddl: true},
		"CallStmt":                     {effect: Execute, command: "call"},
		"LoadStmt":                     {effect: Execute, command: "load"},
		"CreateFunctionStmt":           {effect: Execute, command: "create function", ddl: true},
		"AlterFunctionStmt":            {effect: Execute, command: "alter function", ddl: true},
		"CreatePLangStmt":              {effect: Execute, also: Schema, command: "create language", ddl: true},
		"CreateExtensionStmt":          {effect: Execute, also: Schema, command: "create extension", ddl: true},
		"AlterExtensionStmt":           {effect: Execute, also: Schema, command: "alter extension", ddl: true},
		"AlterExtensionContentsStmt":   {effect: Schema, command: "alter extension", ddl: true},
		"CreateTrigStmt":               {effect: Schema, also: Execute, command: "create trigger", ddl: true},
		"CreateEventTrigStmt":          {effect: Admin, also: Execute, command: "create event trigger", ddl: true},
		"AlterEventTrigStmt":           {effect: Admin, command: "alter event trigger", ddl: true},
		"RuleStmt":                     {effect: Schema, also: Execute, command: "create rule", ddl: true},
		"CreateCastStmt":               {effect: Schema, also: Execute, command: "create cast", ddl: true},
		"CreateTransformStmt":          {effect: Schema, also: Execute, command: "create transform", ddl: true},
		"CreateConversionStmt":         {effect: Schema, also: Execute, command: "create conversion", ddl: true},
		"CreateAmStmt":                 {effect: Admin, also: Execute, command: "create access method", ddl: true},
		"GrantStmt":                    {effect: Privilege},
		"GrantRoleStmt":                {effect: Privilege},
		"AlterDefaultPrivilegesStmt":   {effect: Privilege, command: "alter default privileges"},
		"CreateRoleStmt":               {effect: Privilege, command: "create role"},
		"AlterRoleStmt":                {effect: Privilege, command: "alter role"},
		"AlterRoleSetStmt":             {effect: Privilege, command: "alter role"},
		"DropRoleStmt":                 {effect: Privilege, command: "drop role"},
		"AlterOwnerStmt":               {effect: Privilege, command: "alter owner", ddl: true},
		"DropOwnedStmt":                {effect: Privilege, also: Schema, command: "drop owned", ddl: true},
		"ReassignOwnedStmt":            {effect: Privilege, command: "reassign owned", ddl: true},
		"CreatePolicyStmt":             {effect: Privilege, command: "create policy", ddl: true},
		"AlterPolicyStmt":              {effect: Privilege, command: "alter policy", ddl: true},
		"SecLabelStmt":                 {effect: Privilege, command: "security label"},
		"CreateFdwStmt":                {effect: Transfer, also: Schema, command: "create foreign data wrapper", ddl: true},
		"AlterFdwStmt":                 {effect: Transfer, also: Schema, command: "alter foreign data wrapper", ddl: true},
		"CreateForeignServerStmt":      {effect: Transfer, also: Schema, command: "create server", ddl: true},
		"AlterForeignServerStmt":       {effect: Transfer, also: Schema, command: "alter server", ddl: true},
		"CreateForeignTableStmt":       {effect: Transfer, also: Schema, command: "create foreign table", ddl: true},
		"CreateUserMappingStmt":        {effect: Transfer, command: "create user mapping"},
		"AlterUserMappingStmt":         {effect: Transfer, command: "alter user mapping"},
		"DropUserMappingStmt":          {effect: Transfer, command: "drop user mapping"},
		"ImportForeignSchemaStmt":      {effect: Transfer, also: Schema, command: "import foreign schema", ddl: true},
		"CreatePublicationStmt":        {effect: Transfer, also: Schema, command: "create publication", ddl: true},
		"AlterPublicationStmt":         {effect: Transfer, also: Schema, command: "alter publication", ddl: true},
		"CreateSubscriptionStmt":       {effect: Transfer, command: "create subscription", ddl: true},
		"AlterSubscriptionStmt":        {effect: Transfer, command: "alter subscription", ddl: true},
		"DropSubscriptionStmt":         {effect: Transfer, command: "drop subscription", ddl: true},
		"VacuumStmt":                   {effect: Admin},
		"ClusterStmt":                  {effect: Admin, command: "cluster", ddl: true},
		"CheckPointStmt":               {effect: Admin, command: "checkpoint"},
		"AlterSystemStmt":              {effect: Admin, command: "alter system"},
		"CreatedbStmt":                 {effect: Admin, command: "create database"},
		"AlterDatabaseStmt":            {effect: Admin, command: "alter database"},
		"AlterDatabaseRefreshCollStmt": {effect: Admin, command: "alter database"},
		"AlterDatabaseSetStmt":         {effect: Admin, also: Privilege, command: "alter database"},
		"DropdbStmt":                   {effect: Admin, command: "drop database"},
		"CreateTableSpaceStmt":         {effect: Admin, command: "create tablespace"},
		"DropTableSpaceStmt":           {effect: Admin, command: "drop tablespace"},
		"AlterTableSpaceOptionsStmt":   {effect: Admin, command: "alter tablespace"},
		"AlterTableMoveAllStmt":        {effect: Admin, command: "alter table", ddl: true},
	}
})

var schemaCommands = sync.OnceValue(func() map[string]string {
	return map[string]string{
		"CreateStmt": "create table", "CreateTableAsStmt": "create table as", "ViewStmt": "create view", "IndexStmt": "create index",
		"CreateSeqStmt": "create sequence", "AlterSeqStmt": "alter sequence", "CreateSchemaStmt": "create schema", "CreateDomainStmt": "create domain",
		"AlterDomainStmt": "alter domain", "CreateEnumStmt": "create type", "AlterEnumStmt": "alter type", "CompositeTypeStmt": "create type",
		"CreateRangeStmt": "create type", "AlterTypeStmt": "alter type", "CreateStatsStmt": "create statistics", "AlterStatsStmt": "alter statistics",
		"DefineStmt": "", "DropStmt": "", "RenameStmt": "alter", "AlterTableStmt": "alter table", "AlterObjectSchemaStmt": "alter",
		"AlterObjectDependsStmt": "alter", "AlterOperatorStmt": "alter operator", "AlterCollationStmt": "alter collation", "CommentStmt": "comment",
		"CreateOpClassStmt": "create operator class", "CreateOpFamilyStmt": "create operator family", "AlterOpFamilyStmt": "alter operator family",
		"ReindexStmt": "reindex", "RefreshMatViewStmt": "refresh materialized view", "ReplicaIdentityStmt": "alter table",
		"AlterTSDictionaryStmt":    "alter text search dictionary",
		"AlterTSConfigurationStmt": "alter text search configuration",
	}
})
