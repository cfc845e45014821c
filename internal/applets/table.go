package applets

import (
	"fmt"
	"os"

	"github.com/u-root/u-root/pkg/core"
	"github.com/u-root/u-root/pkg/core/base64"
	"github.com/u-root/u-root/pkg/core/cat"
	"github.com/u-root/u-root/pkg/core/chmod"
	"github.com/u-root/u-root/pkg/core/cp"
	corefind "github.com/u-root/u-root/pkg/core/find"
	"github.com/u-root/u-root/pkg/core/gzip"
	"github.com/u-root/u-root/pkg/core/ls"
	"github.com/u-root/u-root/pkg/core/mkdir"
	"github.com/u-root/u-root/pkg/core/mktemp"
	"github.com/u-root/u-root/pkg/core/mv"
	"github.com/u-root/u-root/pkg/core/rm"
	"github.com/u-root/u-root/pkg/core/shasum"
	"github.com/u-root/u-root/pkg/core/tar"
	"github.com/u-root/u-root/pkg/core/touch"
	"github.com/u-root/u-root/pkg/core/xargs"
)

type entry struct {
	name string
	run  program
}

// table lists our own programs. It is a function so that importing the package
// costs nothing.
func table() []entry {
	return []entry{
		{"[", builtin}, {"basename", basename}, {"clear", clearScreen}, {"cut", cut}, {"date", date},
		{"df", df}, {"dirname", dirname}, {"du", du}, {"echo", builtin}, {"env", env}, {"false", falseProgram},
		{"free", free}, {"grep", grep}, {"head", head}, {"hostname", hostname}, {"id", id}, {"ip", ip},
		{"kill", kill}, {"ln", ln}, {"mount", mount}, {"nproc", nproc}, {"printenv", printenv},
		{"printf", builtin}, {"ps", ps}, {"pwd", pwd}, {"readlink", readlink}, {"realpath", realpath},
		{"rmdir", rmdir}, {"seq", seq}, {"sha256sum", sha256sum}, {"sleep", sleep}, {"sort", sortLines}, {"stat", stat},
		{"tail", tail}, {"tee", tee}, {"test", builtin}, {"tr", tr}, {"true", trueProgram}, {"uname", uname},
		{"uniq", uniq}, {"wc", wc}, {"which", which}, {"whoami", whoami}, {"yes", yes},
	}
}

// uroot lists the programs u-root has ready.
func uroot() map[string]func() core.Command {
	return map[string]func() core.Command{
		"base64": func() core.Command { return base64.New() },
		"cat":    func() core.Command { return cat.New() },
		"chmod":  func() core.Command { return chmod.New() },
		"cp":     func() core.Command { return cp.New() },
		"find":   func() core.Command { return corefind.New() },
		"gunzip": func() core.Command { return gzip.New("gunzip") },
		"gzcat":  func() core.Command { return gzip.New("gzcat") },
		"gzip":   func() core.Command { return gzip.New("gzip") },
		"ls":     func() core.Command { return ls.New() },
		"mkdir":  func() core.Command { return mkdir.New() },
		"mktemp": func() core.Command { return mktemp.New() },
		"mv":     func() core.Command { return mv.New() },
		"rm":     func() core.Command { return rm.New() },
		"shasum": func() core.Command { return shasum.New() },
		"tar":    func() core.Command { return tar.New() },
		"touch":  func() core.Command { return touch.New() },
		"xargs":  func() core.Command { return xargs.New() },
	}
}

// runCore runs one of u-root's programs.
func (c *call) runCore(cmd core.Command) int {
	cmd.SetIO(c.in, prompt{c}, c.err)
	if wd, err := os.Getwd(); err != nil || wd != c.dir {
		cmd.SetWorkingDir(c.dir)
	}
	cmd.SetLookupEnv(core.LookupEnvFunc(c.env))
	if err := cmd.RunContext(c.ctx, c.args...); err != nil {
		if _, gone := c.out.Write(nil); gone == nil {
			fmt.Fprintf(c.err, "%s: %v\n", c.name, err)
		}
		return 1
	}
	return 0
}
