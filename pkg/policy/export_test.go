package policy

// CheckJSONPath is how paths of masks are checked.
var CheckJSONPath = checkJSONPath

// Broken is a policy whose only rule panics when it is matched.
func Broken() *Policy {
	return &Policy{rules: []rule{{name: "broken", effects: ordinary, verdict: Allow, when: &condition{}}}}
}
