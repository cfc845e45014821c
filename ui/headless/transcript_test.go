package headless

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/kballard/go-shellquote"

	"gantry/engine"
	"gantry/internal/golden"
)

func TestMain(m *testing.M) {
	time.Local = time.UTC
	m.Run()
}

// try runs one command line against an engine.
func try(f *fakeEngine, o Options, in string, argv ...string) (stdout, stderr string, code int) {
	var out, errs bytes.Buffer
	a := newApp(IO{In: strings.NewReader(in), Out: &out, Err: &errs, Env: environ},
		func(context.Context) (door, error) { return f, nil }, o)
	a.now = func() time.Time { return clock }
	code = a.execute(context.Background(), argv)
	return out.String(), errs.String(), code
}

// transcript runs command lines, each against a fresh sample, and shows them
// with what they print, what they ask of the engine and how they end.
func transcript(t *testing.T, o Options, prepare func(*fakeEngine), lines ...string) string {
	t.Helper()
	var b strings.Builder
	for _, line := range lines {
		argv, err := shellquote.Split(line)
		if err != nil {
			t.Fatal(err)
		}
		f := sample()
		if prepare != nil {
			prepare(f)
		}
		stdout, stderr, code := try(f, o, "typed\n", argv...)
		fmt.Fprintf(&b, "$ %s\n%s", line, stdout)
		for _, l := range strings.SplitAfter(stderr, "\n") {
			if l != "" {
				b.WriteString("2> " + l)
			}
		}
		for _, c := range f.calls {
			b.WriteString("engine> " + c + "\n")
		}
		fmt.Fprintf(&b, "[%d]\n\n", code)
	}
	return b.String()
}

var docker = Options{Docker: true}

func missing(f *fakeEngine) { f.startErr = startError{127} }

var transcripts = []struct {
	name    string
	o       Options
	prepare func(*fakeEngine)
	lines   []string
}{
	{"ps", Options{}, nil, []string{
		"ps", "ps -a", "ps -aq", "ps -l", "ps -n 2 --no-trunc", "container ls -a --format json", "ps -s",
		`ps -a --format '{{.ID}} {{.Names}} {{.Label "app"}}'`, `ps --format 'table {{.Names}}\t{{.Status}}\t{{.Label "com.shop.the-app"}}'`,
		`ps -a --format '{{json .Names}} {{upper .State}}'`, "ps --format '{{.Nope}}'", "ps --format '{{.ID'",
		"ps -a -f name=we", "ps -aq -f status=exited -f status=created", "ps -aq -f label=app=shop -f label=tier",
		"ps -q -f exited=137", "ps -aq -f ancestor=debian:bookworm", "ps -aq -f id=3333", "ps -f bogus=1", "ps -f status=up",
		"ps -f name=( ", "ps extra",
	}},
	{"registry", Options{}, nil, []string{
		"push busybox", "push -q busybox:latest", "push -a busybox --insecure", "push --platform arm64 busybox", "push nope", "push",
		"pull -a busybox", "image push busybox",
		"login -u ann --password-stdin", "login -u ann -p typed reg.example", "login -u ann -p no reg.example", "login known.example",
		"login", "login --password-stdin", "login -u a -p b --password-stdin", "login -u ann --password-stdin plain.example",
		"login -u ann --password-stdin --plain-text-storage plain.example", "logout", "logout reg.example:5000",
		"search busybox", "search --no-trunc --limit 3 busybox", "search -f is-official=true busybox", "search -f stars=10 --format json busybox",
		"search --format '{{.Name}} {{.StarCount}}' busybox", "search -f stars=x y", "search -f is-official=maybe y", "search -f nope=1 y",
		"manifest create app a b", "manifest create --amend --insecure app a", "manifest create app",
		"manifest annotate --os linux --arch arm --variant v7 app b", "manifest inspect app", "manifest inspect -v app b",
		"manifest push -p app", "manifest rm app nope", "manifest bogus",
	}},
	{"images", Options{}, nil, []string{
		"images", "images -a", "image ls -q", "images --digests --no-trunc", "images debian", "images 'registry.example:5000/*/*'",
		"images nope", "images -f dangling=true", "images -f label=tier=base -q", "images -f before=debian:bookworm -q",
		"images -f since=busybox -q", "images -f reference='busy*' --format '{{.Repository}}:{{.Tag}} {{.CreatedSince}}'",
		"images --format json busybox", "images -f until=1h", "images -f dangling=maybe", "images -f since=nope",
		"history debian:bookworm", "history -q debian:bookworm", "history --no-trunc --human=false debian:bookworm",
	}},
	{"imagecmds", Options{}, nil, []string{
		"pull debian:bookworm", "pull busybox", "pull -q busybox", "pull --platform arm64 busybox", "pull --platform windows/amd64 busybox",
		"pull nope:1", "pull", "rmi busybox nope debian:bookworm", "rmi -f nope", "image rm busybox",
		"tag busybox mine:1", "image tag nope mine", "tag busybox",
	}},
	{"inspect", Options{}, nil, []string{
		"inspect -f '{{.State.Status}} {{.State.ExitCode}} {{.Name}}' web job", "inspect -f '{{json .NetworkSettings.Ports}}' web",
		"inspect -f '{{.HostConfig.Binds}} {{.Config.Labels.app}}' web", "inspect -f '{{.Size}}' debian:bookworm",
		"inspect --type image web", "inspect nope", "inspect -f '{{.Nope}}' web", "container inspect debian:bookworm",
		"image inspect -f '{{join .RepoTags \" \"}}' debian:bookworm", "inspect --type bogus web", "inspect debian:bookworm nope", "inspect web",
	}},
	{"lifecycle", Options{}, nil, []string{
		"start job nope fresh", "stop web nope job", "stop -t 3 -s int web", "stop --time -1 web", "stop -t soon web", "restart web",
		"kill web", "kill -s 15 web", "kill -s NOPE web", "pause web", "unpause idle", "rm job", "rm nope web", "rm -f nope", "rm -fv web",
		"rm -l web", "rename web shop", "rename web -x", "wait job web nope", "port web", "port web 80", "port web 80/udp", "port web http",
		"logs web", "logs -f -t -n 5 --since 10m web", "logs --tail bogus --since 2026-01-02T03:04:05 web", "logs --since yesterday web", "logs nope",
	}},
	{"run", Options{}, nil, []string{
		"run busybox", "run -d --name a1 busybox sleep 5", "run -i --rm busybox cat -A",
		`run -e A=1 -e CALLER -e GONE -w /tmp -u 1:2 -p80:80 -v data:/d -m 64m --pids-limit -1 -h box -l a=b --entrypoint sh --read-only --stop-signal int --stop-timeout 3 --net none --security-opt no-new-privileges busybox -c "echo -it"`,
		"run --entrypoint '' --pull never --platform linux/amd64 -q busybox", "run --network host -p 80:80 busybox",
		"create --name x1 busybox", "create", "run", "run --gpus all busybox", "run --init busybox", "run -Z busybox", "run -d -a stdout busybox",
		"run -a stdnone busybox", "run -a stderr busybox", "run -it busybox sh", "run --pull sometimes busybox", "run --name -x busybox", "run -p 65536:80 busybox",
		"run -v /nope-nope:/x busybox", "run -m 6 busybox", "run --detach-keys ctrl-é busybox", "run --env-file /nope-nope busybox",
		"run --rm -t busybox", "run -e =x busybox",
	}},
	{"notfound", Options{}, missing, []string{"run --rm busybox foo", "run busybox foo", "run -d busybox foo", "exec web foo", "start -a job", "start job fresh"}},
	{"exec", Options{}, nil, []string{
		"exec web ls -la", "exec -i -u 0 -w /x -e A=b web cat", "exec -d web sleep 1", "exec -it web sh", "exec nope ls", "exec web",
		"exec -w rel web ls", "exec --privileged web ls", "attach web", "attach job", "attach idle", "attach nope", "attach --no-stdin fresh",
		"start -a job", "start -ai web job", "start -a idle", "start -a web",
	}},
	{"tree", Options{}, nil, []string{
		"psx", "frobnicate", "image lss", "--bogus ps", "-x", "-H tcp://host ps", "--host=x info", "--cmd 'ps -q'", "--cmd 'ps \"'", "--cmd ps images",
		"--cmd", "--root /x ps -q", "system", "ps --help", "image", "help wait",
	}},
	{"docker", docker, nil, []string{
		"run --gpus all busybox", "psx", "run -p 65536:80 busybox", "rmi nope", "inspect nope", "pull", "run -d -a stdout busybox", "-H x ps",
	}},
	{"dockerstart", docker, missing, []string{"run --rm busybox foo"}},
	{"embedded", Options{Embedded: true}, nil, []string{"--root /x ps", "ps -q", "run busybox"}},
}

func TestTranscripts(t *testing.T) {
	for _, c := range transcripts {
		t.Run(c.name, func(t *testing.T) {
			golden.Check(t, c.name, transcript(t, c.o, func(f *fakeEngine) {
				f.session = fakeSession{out: "out\n", err: "err\n", echo: true, result: engine.Result{ExitCode: 3}}
				f.pulls = []engine.Step{{ID: "0123456789ab", Action: "Pull complete", State: "done"}}
				if c.prepare != nil {
					c.prepare(f)
				}
			}, c.lines...))
		})
	}
}
