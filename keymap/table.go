package keymap

// Every action. The names are what a key file uses.
const (
	Help         Action = "help"
	Palette      Action = "palette"
	Back         Action = "back"
	Quit         Action = "quit"
	ToImages     Action = "go-images"
	ToContainers Action = "go-containers"
	Up           Action = "up"
	Down         Action = "down"
	PageUp       Action = "page-up"
	PageDown     Action = "page-down"
	Top          Action = "top"
	Bottom       Action = "bottom"
	Redraw       Action = "redraw"
	Suspend      Action = "suspend"

	Open    Action = "open"
	Filter  Action = "filter"
	Mark    Action = "mark"
	Sort    Action = "sort"
	Delete  Action = "delete"
	CopyID  Action = "copy-id"
	Refresh Action = "refresh"

	Pull    Action = "pull"
	Run     Action = "run"
	UsersOf Action = "used-by"
	Details Action = "details"
	Prune   Action = "prune"

	NextPane     Action = "next-pane"
	LayersOpen   Action = "layers-open"
	Unfold       Action = "unfold"
	Fold         Action = "fold"
	FoldAll      Action = "fold-all"
	PathFilter   Action = "path-filter"
	FilterKind   Action = "filter-kind"
	FileSearch   Action = "search-files"
	PrevVersion  Action = "previous-version"
	NextVersion  Action = "next-version"
	PathHistory  Action = "path-history"
	PathDiff     Action = "path-diff"
	Range        Action = "range"
	WholeOrLayer Action = "whole-or-layer"
	BySize       Action = "by-size"
	MinSize      Action = "minimum-size"
	ShowAdded    Action = "show-added"
	ShowModified Action = "show-modified"
	ShowRemoved  Action = "show-removed"
	ShowSame     Action = "show-unchanged"
	Extract      Action = "extract"
	CopyPath     Action = "copy-path"
	CopyDigest   Action = "copy-digest"
	LayerShell   Action = "layer-shell"
	CompareImage Action = "compare-image"

	FileOlder   Action = "file-older"
	FileNewer   Action = "file-newer"
	FileDiff    Action = "file-diff"
	FileRaw     Action = "file-hex"
	FileExtract Action = "file-extract"

	FoundOpen Action = "found-open"
	FoundStop Action = "found-stop"
	FoundCopy Action = "found-copy"

	StartStop Action = "start-stop"
	Restart   Action = "restart"
	Pause     Action = "pause"
	Kill      Action = "kill"
	ShowLogs  Action = "logs"
	Shell     Action = "shell"
	Attach    Action = "attach"
	Inspect   Action = "inspect"
	ShowAll   Action = "show-all"

	Follow     Action = "follow"
	Search     Action = "search"
	Next       Action = "next-match"
	Previous   Action = "previous-match"
	Timestamps Action = "timestamps"
	Wrap       Action = "wrap"
	Save       Action = "save"
	CopyLine   Action = "copy-line"

	TextSearch   Action = "text-search"
	TextNext     Action = "text-next-match"
	TextPrevious Action = "text-previous-match"
	TextWrap     Action = "text-wrap"
	TextCopy     Action = "text-copy"

	Accept     Action = "dialog-accept"
	Cancel     Action = "dialog-cancel"
	NextField  Action = "dialog-next"
	PrevField  Action = "dialog-previous"
	ToggleItem Action = "dialog-toggle"
	Yes        Action = "confirm-yes"
	No         Action = "confirm-no"
)

var table = []Binding{
	{Help, Everywhere, []string{"?"}, "help", "show the keys of this screen", 99},
	{Palette, Everywhere, []string{":"}, "commands", "find an action or run any gantry command", 80},
	{Back, Everywhere, []string{"esc"}, "back", "go back; clear filter and marks; never quits", 90},
	{Quit, Everywhere, []string{"q", "ctrl+c"}, "quit", "leave; containers run on", 95},
	{ToImages, Everywhere, []string{"1"}, "images", "go to the images", 65},
	{ToContainers, Everywhere, []string{"2"}, "containers", "go to the containers", 65},
	{Up, Everywhere, []string{"k", "up"}, "up", "one line up", 0},
	{Down, Everywhere, []string{"j", "down"}, "down", "one line down", 0},
	{PageUp, Everywhere, []string{"pgup", "ctrl+u"}, "page up", "one page up", 0},
	{PageDown, Everywhere, []string{"pgdown", "ctrl+d"}, "page down", "one page down", 0},
	{Top, Everywhere, []string{"g", "home"}, "top", "to the first line", 0},
	{Bottom, Everywhere, []string{"G", "end"}, "bottom", "to the last line", 0},
	{Redraw, Everywhere, []string{"ctrl+l"}, "redraw", "draw the whole screen anew", 0},
	{Suspend, Everywhere, []string{"ctrl+z"}, "suspend", "put gantry in the background", 0},

	{Open, Lists, []string{"enter"}, "open", "open what is selected", 1},
	{Filter, Lists, []string{"/"}, "filter", "show only rows with this text", 60},
	{Mark, Lists, []string{"space"}, "mark", "mark a row; actions then work on all marked rows", 70},
	{Sort, Lists, []string{"S"}, "sort", "choose the column to sort by; again to reverse", 75},
	{Delete, Lists, []string{"d", "delete"}, "delete", "delete, after asking", 50},
	{CopyID, Lists, []string{"y"}, "copy id", "copy the ID to the terminal's clipboard", 0},
	{Refresh, Lists, []string{"ctrl+r"}, "refresh", "read the list again", 0},

	{Pull, Images, []string{"P"}, "pull", "pull an image from a registry", 10},
	{Run, Images, []string{"n"}, "run", "run a new container from the image", 20},
	{UsersOf, Images, []string{"c"}, "used by", "show the containers made from the image", 55},

	{Prune, Images, []string{"b"}, "prune", "remove images nobody needs; says first what goes", 58},
	{Details, Images, []string{"i"}, "details", "show its history and configuration", 57},

	{NextPane, Layers, []string{"tab", "shift+tab"}, "other pane", "go to the tree, or to the instructions", 2},
	{LayersOpen, Layers, []string{"enter"}, "open", "view a file, follow a link, open or close a directory", 1},
	{Unfold, Layers, []string{"l", "right"}, "unfold", "open a directory", 0},
	{Fold, Layers, []string{"h", "left"}, "fold", "close a directory, or go to the one around it", 0},
	{FoldAll, Layers, []string{"z"}, "fold all", "close every directory, or open all", 0},
	{PathFilter, Layers, []string{"/"}, "filter", "show only paths with this text, or ~regular expression", 10},
	{FilterKind, Layers, []string{"f"}, "filter kind", "filter by text, regular expression or letters in order", 0},
	{FileSearch, Layers, []string{"F"}, "search", "search in the files of all layers", 12},
	{WholeOrLayer, Layers, []string{"w"}, "layer/whole", "what the layer changes, or all there is up to it", 14},
	{Range, Layers, []string{"v"}, "range", "begin a range of layers here, or end it", 16},
	{PathDiff, Layers, []string{"D"}, "diff", "compare the file with the version before it", 20},
	{PrevVersion, Layers, []string{"["}, "older", "to the layer with the path's version before", 22},
	{NextVersion, Layers, []string{"]"}, "newer", "to the layer with the path's next version", 22},
	{PathHistory, Layers, []string{"H"}, "history", "list the layers that touch the path", 24},
	{CompareImage, Layers, []string{"c"}, "compare", "compare with another image, or stop comparing", 26},
	{Extract, Layers, []string{"x"}, "extract", "write a file, a directory or a whole layer to disk", 28},
	{LayerShell, Layers, []string{"e"}, "shell", "open a shell on the files as this layer left them", 30},
	{BySize, Layers, []string{"S"}, "by size", "order the tree by size, or by name", 32},
	{MinSize, Layers, []string{"M"}, "min size", "hide what is smaller than a size", 34},
	{ShowAdded, Layers, []string{"a"}, "added", "show or hide what was added", 0},
	{ShowModified, Layers, []string{"m"}, "modified", "show or hide what was changed", 0},
	{ShowRemoved, Layers, []string{"r"}, "removed", "show or hide what was removed", 0},
	{ShowSame, Layers, []string{"u"}, "unchanged", "show or hide what stayed as it was", 0},
	{CopyPath, Layers, []string{"y"}, "copy path", "copy the path or instruction to the clipboard", 0},
	{CopyDigest, Layers, []string{"Y"}, "copy digest", "copy the digest of the file or layer to the clipboard", 0},

	{FileOlder, File, []string{"["}, "older", "show the version before", 4},
	{FileNewer, File, []string{"]"}, "newer", "show the next version", 5},
	{FileDiff, File, []string{"D"}, "diff", "show what changed since the version before", 6},
	{FileRaw, File, []string{"t"}, "hex", "show the bytes, or what they mean", 7},
	{FileExtract, File, []string{"x"}, "extract", "write the file to disk", 8},

	{FoundOpen, Found, []string{"enter"}, "view", "view the file at this line", 1},
	{FoundStop, Found, []string{"s"}, "stop", "end the search and keep what was found", 10},
	{FoundCopy, Found, []string{"y"}, "copy path", "copy the path to the terminal's clipboard", 20},

	{StartStop, Containers, []string{"s"}, "start/stop", "start a stopped container, stop a running one", 10},
	{ShowLogs, Containers, []string{"l"}, "logs", "show what it wrote", 20},
	{Shell, Containers, []string{"e"}, "shell", "open a shell in it, or re-enter one", 30},
	{Attach, Containers, []string{"a"}, "attach", "attach the terminal to its main process", 35},
	{Restart, Containers, []string{"r"}, "restart", "stop and start again", 52},
	{Pause, Containers, []string{"p"}, "pause", "freeze all its processes, or thaw them", 54},
	{Kill, Containers, []string{"K"}, "kill", "send SIGKILL, after asking", 56},
	{Inspect, Containers, []string{"i"}, "inspect", "show all that is known about it", 0},
	{ShowAll, Containers, []string{"A"}, "all", "show or hide stopped containers", 58},

	{Follow, Logs, []string{"f"}, "follow", "follow new lines, or hold still", 10},
	{Search, Logs, []string{"/"}, "search", "search, newest first", 20},
	{Next, Logs, []string{"n"}, "next", "next match, towards the start", 30},
	{Previous, Logs, []string{"N"}, "previous", "previous match, towards the end", 40},
	{Timestamps, Logs, []string{"t"}, "times", "show or hide when lines were written", 50},
	{Wrap, Logs, []string{"w"}, "wrap", "wrap long lines or cut them", 55},
	{Save, Logs, []string{"ctrl+s"}, "save", "save the whole log to a file", 60},
	{CopyLine, Logs, []string{"y"}, "copy", "copy the line to the terminal's clipboard", 65},

	{TextSearch, Text, []string{"/"}, "search", "search in this text", 20},
	{TextNext, Text, []string{"n"}, "next", "next match", 30},
	{TextPrevious, Text, []string{"N"}, "previous", "previous match", 40},
	{TextWrap, Text, []string{"w"}, "wrap", "wrap long lines or cut them", 50},
	{TextCopy, Text, []string{"y"}, "copy", "copy the text to the terminal's clipboard", 60},

	{Accept, Dialogs, []string{"enter"}, "ok", "do it", 1},
	{NextField, Dialogs, []string{"tab", "down"}, "next", "next field or entry", 10},
	{PrevField, Dialogs, []string{"shift+tab", "up"}, "previous", "previous field or entry", 0},
	{ToggleItem, Dialogs, []string{"space"}, "change", "switch or choose, in a field that is no text", 20},
	{Cancel, Dialogs, []string{"esc", "ctrl+c"}, "cancel", "close and change nothing", 30},

	{Yes, Confirm, []string{"y", "enter"}, "yes", "yes, do it", 1},
	{No, Confirm, []string{"n", "esc", "q", "ctrl+c"}, "no", "no, change nothing", 2},
}
