package policy

import (
	"fmt"
	"strings"
	_ "time/tzdata" // getHours("Europe/Berlin") must mean the same on every machine
	"unicode/utf8"

	"cel.dev/cel-go/cel"
)

// Bounds of a condition, in CEL's own units: one is about one step of evaluation.
const (
	maxCondition = 4 << 10 // bytes of its text
	conditionFee = 50_000
)

// condition is the compiled `if` of a rule.
type condition struct {
	text    string
	program cel.Program
	ported  bool // it asks for the port of a forwarded connection
}

// conditionEnv declares what a condition can name. The facts of other kinds than the command's are empty.
func conditionEnv() (*cel.Env, error) {
	texts := cel.ListType(cel.StringType)
	return cel.NewEnv(
		cel.Variable("user", cel.StringType),
		cel.Variable("groups", texts),
		cel.Variable("claims", cel.MapType(cel.StringType, cel.DynType)),
		cel.Variable("type", cel.StringType),
		cel.Variable("connection.name", cel.StringType),
		cel.Variable("connection.kind", cel.StringType),
		cel.Variable("connection.labels", cel.MapType(cel.StringType, cel.StringType)),
		cel.Variable("effects", texts),
		cel.Variable("objects", texts),
		cel.Variable("sql.commands", texts),
		cel.Variable("sql.filter", cel.StringType),
		cel.Variable("sql.functions", texts),
		cel.Variable("sql.tables", cel.IntType),
		cel.Variable("sql.normal", cel.StringType),
		cel.Variable("kube.verb", cel.StringType),
		cel.Variable("kube.group", cel.StringType),
		cel.Variable("kube.version", cel.StringType),
		cel.Variable("kube.resource", cel.StringType),
		cel.Variable("kube.subresource", cel.StringType),
		cel.Variable("kube.namespace", cel.StringType),
		cel.Variable("kube.name", cel.StringType),
		cel.Variable("kube.namespace_labels", cel.MapType(cel.StringType, cel.StringType)),
		cel.Variable("kube.labels_known", cel.BoolType),
		cel.Variable("kube.dry_run", cel.BoolType),
		cel.Variable("kube.privileged", cel.BoolType),
		cel.Variable("kube.host_path", cel.BoolType),
		cel.Variable("kube.service_accounts", texts),
		cel.Variable("kube.images", texts),
		cel.Variable("kube.argv", cel.ListType(texts)),
		cel.Variable("kube.operators", texts),
		cel.Variable("kube.port", cel.IntType),
		cel.Variable("kube.path", cel.StringType),
		cel.Variable("http.method", cel.StringType),
		cel.Variable("http.path", cel.StringType),
		cel.Variable("http.query", cel.MapType(cel.StringType, texts)),
		cel.Variable("http.headers", cel.MapType(cel.StringType, texts)),
		cel.Variable("http.rpc", cel.StringType),
		cel.Variable("http.tool", cel.StringType),
		cel.Variable("http.arguments", cel.MapType(cel.StringType, cel.DynType)),
		cel.Variable("now", cel.TimestampType),
		cel.ParserRecursionLimit(64),
		cel.ExpressionNodeLimit(2000),
		cel.RegexProgramSizeLimit(1000),
	)
}

// compile checks a condition's names and types at load, so that a typo is a problem of the file and not of a command.
func compile(env *cel.Env, text string) (*condition, error) {
	if len(text) > maxCondition || !utf8.ValidString(text) {
		return nil, fmt.Errorf("a condition is UTF-8 text of at most %d bytes", maxCondition)
	}
	checked, issues := env.Compile(text)
	if found := issues.Errors(); len(found) > 0 {
		return nil, fmt.Errorf("condition, character %d: %s", found[0].Location.Column()+1, found[0].Message)
	}
	if issues.Err() != nil {
		return nil, issues.Err()
	}
	if !checked.OutputType().IsExactType(cel.BoolType) {
		return nil, fmt.Errorf("a condition is true or false, this one is of type %s", checked.OutputType())
	}
	program, err := env.Program(checked, cel.EvalOptions(cel.OptOptimize), cel.CostLimit(conditionFee))
	if err != nil {
		return nil, err
	}
	c := &condition{text: text, program: program}
	for _, named := range checked.NativeRep().ReferenceMap() { // however it is written: "kube .port" is the same name
		c.ported = c.ported || named.Name == "kube.port"
	}
	return c, nil
}

// holds evaluates the condition. An error means that nobody knows, and refuses the command.
func (c *condition) holds(s *Subject, conn *Connection, cmd *Command) (bool, error) {
	// Copies, so that judging by rules without conditions leaves nothing on the heap.
	result, _, err := c.program.Eval(&facts{*s, *conn, *cmd})
	if err != nil {
		return false, err
	}
	held, ok := result.Value().(bool)
	if !ok {
		return false, fmt.Errorf("the result is no boolean but %s", result.Type().TypeName())
	}
	return held, nil
}

// facts gives CEL the values that it asks for, and makes only those.
type facts struct {
	subject Subject
	conn    Connection
	cmd     Command
}

// Parent says that there are no other names.
func (f *facts) Parent() cel.Activation { return nil }

// ResolveName finds the value of one of conditionEnv's names.
func (f *facts) ResolveName(name string) (any, bool) {
	switch name {
	case "user":
		return f.subject.User, true
	case "groups":
		return f.subject.Groups, true
	case "claims":
		return f.subject.Claims, true
	case "type":
		return f.subject.Type, true
	case "connection.name":
		return f.conn.Name, true
	case "connection.kind":
		return f.conn.Kind, true
	case "connection.labels":
		return f.conn.Labels, true
	case "effects":
		return f.each(func(a Access) string { return string(a.Effect) }), true
	case "objects":
		return f.each(func(a Access) string { return a.Object }), true
	case "now":
		return f.cmd.Now, true
	}
	switch kind, fact, _ := strings.Cut(name, "."); kind {
	case "kube":
		return f.resolveKube(fact)
	case "http":
		return f.resolveHTTP(fact)
	default:
		return f.resolveSQL(name)
	}
}

func (f *facts) resolveSQL(name string) (any, bool) {
	sql := f.cmd.SQL
	if sql == nil {
		sql = &SQL{}
	}
	switch name {
	case "sql.commands":
		return sql.Commands, true
	case "sql.filter":
		return sql.Filter, true
	case "sql.functions":
		return sql.Functions, true
	case "sql.tables":
		return int64(sql.Tables), true
	case "sql.normal":
		return sql.Normal, true
	default:
		return nil, false
	}
}

func (f *facts) each(text func(Access) string) []string {
	texts := make([]string, len(f.cmd.Accesses))
	for i, a := range f.cmd.Accesses {
		texts[i] = text(a)
	}
	return texts
}
