package headless

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"gantry/engine"
)

var errNoPrompt = errors.New("Cannot perform an interactive login from a non TTY device: give -u and --password-stdin")

// maxSecret bounds what is read as a password.
const maxSecret = 64 << 10

func (a *app) login() *cobra.Command {
	var o engine.LoginOptions
	var stdin bool
	cmd := &cobra.Command{
		Use:   "login [OPTIONS] [SERVER]",
		Short: "Log in to a registry",
		Args:  between(0, 1),
	}
	f := cmd.Flags()
	f.StringVarP(&o.Username, "username", "u", "", "`Name` at the registry")
	f.StringVarP(&o.Password, "password", "p", "", "`Password` or token; others may see it")
	f.BoolVar(&stdin, "password-stdin", false, "Take the password from standard input")
	f.BoolVar(&o.PlainText, "plain-text-storage", false, "Store the password readable when no credential helper is configured")
	f.BoolVar(&o.Insecure, "insecure", false, "Allow plain HTTP and unverified TLS")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			o.Registry = args[0]
		}
		switch {
		case stdin && o.Password != "":
			return conflict("--password and --password-stdin are mutually exclusive")
		case stdin && o.Username == "":
			return conflict("Must provide --username with --password-stdin")
		case o.Password != "" && o.Username == "":
			return conflict("--password needs --username")
		case o.Password != "":
			fmt.Fprintln(a.Err, "WARNING! Using --password via the CLI is insecure. Use --password-stdin.")
		}
		e, err := a.engine(cmd.Context())
		if err != nil {
			return err
		}
		ctx, stop := a.interruptible(cmd.Context())
		defer stop()
		return a.logIn(ctx, e, o, stdin)
	}
	return cmd
}

// logIn tries who is stored when nobody is named, and else asks for what is
// missing.
func (a *app) logIn(ctx context.Context, e registryDoor, o engine.LoginOptions, stdin bool) error {
	if o.Username == "" {
		in, err := e.Login(ctx, o)
		if err == nil {
			fmt.Fprintln(a.Err, "Authenticating with existing credentials... [Username: "+engine.Printable(in.Username)+"]")
			fmt.Fprintln(a.Out, "Login Succeeded")
			return nil
		}
		if terminal(a.In) == nil && !errors.Is(err, engine.ErrNoLogin) {
			return err
		}
		if !errors.Is(err, engine.ErrNoLogin) {
			a.complain(fmt.Errorf("the stored login does not work: %w", err))
		}
	}
	if _, err := e.LoginPlace(o.Registry, o.PlainText); err != nil {
		return err // before anybody types a password
	}
	if err := a.askLogin(ctx, &o, stdin); err != nil {
		return err
	}
	in, err := e.Login(ctx, o)
	if err != nil {
		return err
	}
	if in.Helper == "" {
		fmt.Fprintf(a.Err, "WARNING! Your credentials are stored unencrypted in '%s'.\n", engine.Printable(in.Path))
	}
	fmt.Fprintln(a.Out, "Login Succeeded")
	return nil
}

func (a *app) askLogin(ctx context.Context, o *engine.LoginOptions, stdin bool) error {
	if stdin {
		secret, err := io.ReadAll(io.LimitReader(a.In, maxSecret))
		if err != nil {
			return fmt.Errorf("reading the password: %w", err)
		}
		o.Password = strings.TrimSuffix(strings.TrimSuffix(string(secret), "\n"), "\r")
		return nil
	}
	if o.Password != "" {
		return nil
	}
	in := terminal(a.In)
	if in == nil || a.opts.Embedded {
		return errNoPrompt
	}
	var err error
	if o.Username == "" {
		if o.Username, err = a.ask(ctx, in, "Username: ", false); err != nil {
			return err
		}
	}
	o.Password, err = a.ask(ctx, in, "Password: ", true)
	return err
}

// ask reads a line from the terminal, hidden or as it is typed. An interrupt
// ends the wait and gives the terminal back as it was.
func (a *app) ask(ctx context.Context, in *os.File, prompt string, hide bool) (string, error) {
	fd := int(in.Fd())
	old, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return "", fmt.Errorf("asking for the login: %w", err)
	}
	mode := *old
	mode.Lflag |= unix.ICANON | unix.ISIG
	if hide {
		mode.Lflag &^= unix.ECHO
		defer fmt.Fprintln(a.Err)
	}
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, &mode); err != nil {
		return "", fmt.Errorf("asking for the login: %w", err)
	}
	defer func() { _ = unix.IoctlSetTermios(fd, unix.TCSETS, old) }()
	fmt.Fprint(a.Err, prompt)
	for ctx.Err() == nil { // a terminal is readable when there is a whole line
		ready, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 50)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return "", fmt.Errorf("asking for the login: %w", err)
		}
		if ready > 0 {
			line := make([]byte, 4096) // no terminal gives more at once
			n, err := in.Read(line)
			return strings.TrimRight(string(line[:n]), "\r\n"), err
		}
	}
	return "", ctx.Err()
}

func (a *app) logout() *cobra.Command {
	return &cobra.Command{
		Use:   "logout [SERVER]",
		Short: "Forget the login at a registry",
		Args:  between(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			e, err := a.engine(cmd.Context())
			if err != nil {
				return err
			}
			server := ""
			if len(args) > 0 {
				server = args[0]
			}
			host, found, elsewhere, err := e.Logout(cmd.Context(), server)
			if err != nil {
				return err
			}
			if found {
				fmt.Fprintln(a.Out, "Removing login credentials for "+a.safe(host))
			} else {
				fmt.Fprintln(a.Out, "Not logged in to "+a.safe(host))
			}
			if elsewhere != "" {
				a.warn("%s still has credentials for %s: podman logout %s", elsewhere, host, host)
			}
			return nil
		},
	}
}
