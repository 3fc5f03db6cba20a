// SPDX-License-Identifier: Apache-2.0
// For machines that cannot get the commit of tests/h2spec/run: the newest release of h2spec that a
// module proxy can name, with what the commit itself is built with. Any Go from 1.19 on builds it.
module sse-server/tests/h2spec/release

go 1.19

require github.com/summerwind/h2spec v2.2.1+incompatible

require (
	github.com/fatih/color v0.0.0-20161025120501-bf82308e8c85 // indirect
	github.com/mattn/go-colorable v0.1.0 // indirect
	github.com/mattn/go-isatty v0.0.4 // indirect
	github.com/spf13/cobra v0.0.0-20170118185516-dc208f4211e7 // indirect
	github.com/spf13/pflag v1.0.3 // indirect
	golang.org/x/net v0.0.0-20161104230106-55a3084c9119 // indirect
)
