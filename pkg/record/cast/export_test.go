package cast

// Parser is the parser, for tests that ask what is text.
type Parser struct{ parser }

// Text says whether a byte is text or a control character.
func (p *Parser) Text(b byte) bool { t := p.step(b); return t == text || t == control }
