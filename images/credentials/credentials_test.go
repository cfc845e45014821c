package credentials

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestMain lets the test binary be a second process that logs in.
func TestMain(m *testing.M) {
	if path := os.Getenv("GANTRY_TEST_CONFIG"); path != "" {
		os.Exit(putMany(path, os.Getenv("GANTRY_TEST_NAME")))
	}
	os.Exit(m.Run())
}

const perProcess = 20

func putMany(path, name string) int {
	for i := range perProcess {
		host := fmt.Sprintf("%s%d.example", name, i)
		if _, err := New(path).Put(context.Background(), host, Credential{Username: name, Password: "x"}, true); err != nil {
			fmt.Println(err)
			return 1
		}
	}
	return 0
}

func TestGet(t *testing.T) {
	dir := t.TempDir()
	docker, podman := filepath.Join(dir, "config.json"), filepath.Join(dir, "auth.json")
	write(t, docker, `{"auths":{"https://index.docker.io/v1/":{"auth":"aHViOmh1YnB3"},"reg.example:5000":{"auth":"YTpiOmM="},
		"empty.example":{},"https://old.example/v2/":{"username":"u","password":"p"},"tok.example":{"identitytoken":"T"}}}`)
	write(t, podman, `{"auths":{"pod.example/team":{"auth":"dGVhbTpw"},"pod.example":{"auth":"YWxsOnA="},"reg.example:5000":{"auth":"bm86bm8="}}}`)
	s := New(docker, "", podman)
	for place, want := range map[string]Credential{
		"docker.io":                  {Username: "hub", Password: "hubpw"},
		"index.docker.io/library/x":  {Username: "hub", Password: "hubpw"},
		"reg.example:5000":           {Username: "a", Password: "b:c"},
		"reg.example:5000/team/x":    {Username: "a", Password: "b:c"},
		"old.example":                {Username: "u", Password: "p"},
		"tok.example":                {IdentityToken: "T"},
		"pod.example/team/app":       {Username: "team", Password: "p"},
		"pod.example/teams":          {Username: "all", Password: "p"},
		"reg.example":                {},
		"reg.example:5001":           {},
		"empty.example":              {},
		"evil.example/reg.example":   {},
		"reg.example:5000.evil.test": {},
	} {
		got, found, err := s.Get(t.Context(), place)
		if err != nil || got != want || found != (want != Credential{}) {
			t.Errorf("Get(%q) = %+v, %v, %v, want %+v", place, got, found, err, want)
		}
	}
}

func TestPlainTextOnlyWhenAsked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sub", "config.json")
	s, who := New(path), Credential{Username: "ann", Password: "s3cret"}
	var plain *PlainError
	if _, err := s.Put(t.Context(), "reg.example", who, false); !errors.As(err, &plain) {
		t.Errorf("Put = %v, want a refusal", err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("a refused Put wrote the file")
	}
	if _, err := s.Put(t.Context(), "reg.example", who, true); err != nil {
		t.Fatal(err)
	}
	if fi, err := os.Stat(path); err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("mode = %v, %v, want 0600", fi.Mode(), err)
	}
	if _, err := s.Put(t.Context(), "other.example", who, false); err != nil {
		t.Errorf("Put beside a plain one = %v", err)
	}
	if found, err := s.Erase(t.Context(), "reg.example"); err != nil || !found {
		t.Errorf("Erase = %v, %v", found, err)
	}
	if found, err := s.Erase(t.Context(), "reg.example"); err != nil || found {
		t.Errorf("second Erase = %v, %v", found, err)
	}
}

func TestUnknownKeysStay(t *testing.T) {
	dir := t.TempDir()
	real, link := filepath.Join(dir, "real.json"), filepath.Join(dir, "config.json")
	write(t, real, `{"HttpHeaders":{"X":"a&b"},"big":12345678901234567890,"auths":{"a.example":{"auth":"YTpi","email":"x"}},"detachKeys":"ctrl-e"}`)
	if err := os.Symlink(real, link); err != nil {
		t.Fatal(err)
	}
	if _, err := New(link).Put(t.Context(), "docker.io", Credential{Username: "u", Password: "p"}, false); err != nil {
		t.Fatal(err)
	}
	if target, err := os.Readlink(link); err != nil || target != real {
		t.Errorf("the link is gone: %v", err)
	}
	data, _ := os.ReadFile(real)
	for _, want := range []string{`"X": "a&b"`, `"big": 12345678901234567890`, `"email": "x"`, `"detachKeys": "ctrl-e"`, Hub} {
		if !strings.Contains(string(data), want) {
			t.Errorf("%s is gone from %s", want, data)
		}
	}
	for _, broken := range []string{"not JSON", `[]`, `null`, `{"auths":[]}`} {
		write(t, real, broken)
		if _, err := New(link).Put(t.Context(), "b.example", Credential{Username: "u", Password: "p"}, true); err == nil {
			t.Errorf("Put into %q succeeded", broken)
		}
		if data, _ := os.ReadFile(real); string(data) != broken {
			t.Errorf("%q became %q", broken, data)
		}
	}
}

// helper installs a credential helper that keeps everything in a directory.
func helper(t *testing.T, name string) (kept string) {
	t.Helper()
	bin, kept := t.TempDir(), t.TempDir()
	write(t, filepath.Join(bin, "docker-credential-"+name), `#!/bin/sh
in=$(cat); key=$(printf %s "$in" | sed 's/.*"ServerURL":"\([^"]*\)".*/\1/' | tr '/:' '__')
case $1 in
store) printf %s "$in" > `+kept+`/"$key" ;;
get) [ -f `+kept+`/"$key" ] && cat `+kept+`/"$key" || { echo "credentials not found in native keychain"; exit 1; } ;;
erase) rm `+kept+`/"$key" ;;
esac
`)
	if err := os.Chmod(filepath.Join(bin, "docker-credential-"+name), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	return kept
}

func TestHelperKeepsTheSecret(t *testing.T) {
	kept := helper(t, "test")
	path := filepath.Join(t.TempDir(), "config.json")
	write(t, path, `{"credsStore":"test","credHelpers":{"gone.example":"missing","bad.example":"../x"}}`)
	s := New(path)
	place, err := s.Put(t.Context(), "docker.io", Credential{Username: "ann", Password: "s3cret"}, false)
	if err != nil || place.Helper != "docker-credential-test" {
		t.Fatalf("Put = %+v, %v", place, err)
	}
	data, _ := os.ReadFile(path)
	if strings.Contains(string(data), "s3cret") || strings.Contains(string(data), "YW5u") || !strings.Contains(string(data), Hub) {
		t.Errorf("config.json = %s", data)
	}
	if names, _ := os.ReadDir(kept); len(names) != 1 || names[0].Name() != "https___index.docker.io_v1_" {
		t.Errorf("the helper has %v", names)
	}
	c, found, err := s.Get(t.Context(), "index.docker.io/library/debian")
	if err != nil || !found || c.Password != "s3cret" || c.Username != "ann" {
		t.Errorf("Get = %+v, %v, %v", c, found, err)
	}
	if _, found, err := s.Get(t.Context(), "unknown.example"); found || err != nil {
		t.Errorf("Get of a stranger = %v, %v", found, err)
	}
	for host, want := range map[string]string{"gone.example": "not found in $PATH", "bad.example": "slash"} {
		if _, _, err := s.Get(t.Context(), host); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Get(%s) = %v, want %q", host, err, want)
		}
	}
	if found, err := s.Erase(t.Context(), "docker.io"); !found || err != nil {
		t.Errorf("Erase = %v, %v", found, err)
	}
	if names, _ := os.ReadDir(kept); len(names) != 0 {
		t.Errorf("the helper still has %v", names)
	}
}

func TestProcessesDoNotLoseEachOthersLogins(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.json")
	var running []*exec.Cmd
	for _, name := range []string{"a", "b", "c"} {
		cmd := exec.Command("/proc/self/exe")
		cmd.Env = append(os.Environ(), "GANTRY_TEST_CONFIG="+path, "GANTRY_TEST_NAME="+name)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		running = append(running, cmd)
	}
	for _, cmd := range running {
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var f file
	if err := json.Unmarshal(data, &f); err != nil || len(f.Auths) != 3*perProcess {
		t.Errorf("%d logins, %v, want %d", len(f.Auths), err, 3*perProcess)
	}
	if names, _ := os.ReadDir(filepath.Dir(path)); len(names) != 1 {
		t.Errorf("left beside it: %v", names)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
