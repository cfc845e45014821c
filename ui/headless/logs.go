package headless

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gantry/engine"
)

func (a *app) logs() *cobra.Command {
	var o engine.LogOpts
	var tail, since, until string
	cmd := &cobra.Command{
		Use:   "logs [OPTIONS] CONTAINER",
		Short: "Print a container's output",
		Args:  between(1, 1),
	}
	f := cmd.Flags()
	f.BoolVarP(&o.Follow, "follow", "f", false, "Go on with new output until the container exits")
	f.BoolVarP(&o.Timestamps, "timestamps", "t", false, "Print when each line was written")
	f.StringVarP(&tail, "tail", "n", "all", "`Number` of lines from the end")
	f.StringVar(&since, "since", "", "Only output from this `time` on: 2006-01-02T15:04:05, or 10m ago")
	f.StringVar(&until, "until", "", "Only output up to this `time`")
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		o.Tail = tailLines(tail)
		if o.Since, err = parseTime("since", since, a.now()); err != nil {
			return err
		}
		if o.Until, err = parseTime("until", until, a.now()); err != nil {
			return err
		}
		e, err := a.engine(cmd.Context())
		if err != nil {
			return err
		}
		log, err := e.Logs(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		ctx, stop := a.interruptible(cmd.Context())
		defer stop()
		err = log.Copy(ctx, o, a.Out, a.Err)
		return errors.Join(err, log.Close())
	}
	return cmd
}

// tailLines reads --tail as Docker does: whatever is no number means all.
func tailLines(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return -1
	}
	return n
}

var timeLayouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04",
	"2006-01-02T15", "2006-01-02Z07:00", "2006-01-02"}

// parseTime reads a time, a number of seconds since 1970, or how long ago it
// was. Without a zone it is local.
func parseTime(option, s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if ago, err := time.ParseDuration(s); err == nil {
		return now.Add(-ago), nil
	}
	if t, ok := unixTime(s); ok {
		return t, nil
	}
	for _, layout := range timeLayouts {
		if t, err := time.ParseInLocation(layout, s, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf(`invalid value for "%s": failed to parse value as time or duration: %q`, option, s)
}

// unixTime reads seconds[.nanoseconds].
func unixTime(s string) (time.Time, bool) {
	whole, fraction, _ := strings.Cut(s, ".")
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || len(fraction) > 9 {
		return time.Time{}, false
	}
	nanos, err := strconv.ParseUint((fraction + "000000000")[:9], 10, 32)
	return time.Unix(seconds, int64(nanos)), err == nil
}
