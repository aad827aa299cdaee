package argv

func harmless(name, value string) bool { return name=="i" }
