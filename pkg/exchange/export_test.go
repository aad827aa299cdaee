package exchange

var WhenOver = whenOver
