/**
 * Scripts with which shells complete command lines of nethogs, made from the option table.
 *
 * They read /proc and /sys by themselves, since starting nethogs takes longer than one waits for a TAB. Anybody
 * may call a process whatever they like, so names are quoted by the shell, or left out: those with control
 * characters, and those that -p would take for something else than a part of a name.
 */

import { OPTIONS, type OptionSpec, type Shell, SHELLS } from "./option_table.ts";

export function renderCompletions(shell: Shell): string {
  return { bash: renderBash, zsh: renderZsh, fish: renderFish }[shell]();
}

function renderBash(): string {
  const switches = lettersOf(({ value }) => value === undefined);
  const valued = lettersOf(({ value }) => value !== undefined);
  const wishes = OPTIONS.filter(({ value }) => value !== undefined).map(
    (spec) => `    ${namesOf(spec).join(" | ")}) ${bashWish(spec)} ;;`,
  );
  return `# Completes command lines of nethogs in bash 4 and later.

# Offers those of the words that begin like the one under the cursor, quoted as that one is.
_nethogs_offer() {
  local word quoted
  for word; do
    if [[ $current == [\\'\\"]* ]]; then
      quoted=$word
      [[ $word == "\${current:1}"* && $word != *[\\\\\\"\\'\\$\\\`\\!]* ]] || continue
    else
      printf -v quoted %q "$word"
      # Readline would break the word there.
      quoted=\${quoted//:/\\\\:} quoted=\${quoted//=/\\\\=} quoted=\${quoted//@/\\\\@}
      [[ $word == "$current"* || $quoted == "$current"* ]] || continue
    fi
    # Control characters are there when bash has to write $'...'.
    [[ $quoted == "$'"* || $word == *[[:cntrl:]]* ]] || COMPREPLY+=("$prefix$quoted")
  done
}

_nethogs_interfaces() {
  local path
  for path in /sys/class/net/*; do
    [[ ! -d $path ]] || _nethogs_offer "\${path##*/}"
  done
}

_nethogs_processes() {
  local path name
  for path in /proc/[0-9]*/comm; do
    name=''
    { IFS= read -r -d '' name <"$path"; } 2>/dev/null
    name=\${name%$'\\n'}
    [[ $name == '' || $name == -* || $name == *['/*?[']* || $name != *[!0-9]* ]] || _nethogs_offer "$name"
  done
}

_nethogs_pids() {
  local path
  for path in /proc/[0-9]*; do
    _nethogs_offer "\${path##*/}"
  done
}

# Says in "wants" what the value of an option is, and in "words" which there are; "wants" is empty without a value.
_nethogs_value() {
  local option=$1
  wants='' words=()
  if [[ $option =~ ^-[${switches}]*([${valued}])$ ]]; then
    option=-\${BASH_REMATCH[1]}
  fi
  case $option in
${wishes.join("\n")}
  esac
}

_nethogs() {
  local current=\${COMP_WORDS[COMP_CWORD]} prefix='' wants='' words=() word options=yes i
  COMPREPLY=()
  if [[ \${COMP_WORDS[1]} == completions && $COMP_CWORD -gt 1 ]]; then
    [[ $COMP_CWORD -gt 2 ]] || _nethogs_offer ${SHELLS.join(" ")}
    return
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [[ $options == no || $wants && $word == = ]]; then
      continue
    elif [[ $wants && ! ($wants == optional && $word == -*) ]]; then
      wants=''
    elif [[ $word == -- ]]; then
      options=no wants=''
    else
      _nethogs_value "$word"
    fi
  done
  # "--option=value" is three words, unless readline has been told otherwise.
  if [[ $wants && $current == = ]]; then
    current=''
  elif [[ $options == yes && $current == --*=* ]]; then
    _nethogs_value "\${current%%=*}"
    prefix=\${current%%=*}= current=\${current#*=}
  fi
  case $wants in
    file) compopt -o default 2>/dev/null ;;
    directory) compopt -o dirnames 2>/dev/null ;;
    process) _nethogs_processes ;;
    pid) _nethogs_pids ;;
    word | optional) _nethogs_offer "\${words[@]}" ;;
  esac
  [[ -z $wants || $wants == optional && -z $prefix && $word != = ]] || return 0
  if [[ $options == yes && $current == -* ]]; then
    _nethogs_offer ${OPTIONS.flatMap(namesOf).join(" ")}
  else
    _nethogs_interfaces
    _nethogs_offer all
    [[ $COMP_CWORD -gt 1 ]] || _nethogs_offer completions
  fi
}

complete -F _nethogs nethogs
`;
}

function bashWish({ choices, completes, valueOptional }: OptionSpec): string {
  if (choices === undefined) return `wants='${completes ?? "text"}'`;
  return `wants='${valueOptional ? "optional" : "word"}' words=(${choices.join(" ")})`;
}

function renderZsh(): string {
  return `#compdef nethogs
# Completes command lines of nethogs in zsh.

_nethogs_interfaces() {
  local -a names=(/sys/class/net/*(N-/:t))
  local expl
  names=(\${names:#*[[:cntrl:]]*} all)
  (( CURRENT > 2 )) || names+=(completions)
  _wanted interfaces expl interface compadd -a names
}

_nethogs_processes() {
  local -aU names
  local expl file name
  for file in /proc/<->/comm(N); do
    { name=$(<$file) } 2>/dev/null || continue
    [[ -z $name || $name == (-*|*[[:cntrl:]/\\*\\?\\[]*|<->) ]] || names+=($name)
  done
  _wanted processes expl 'name of a process' compadd -a names
}

_nethogs_pids() {
  local -a pids shown
  local expl file name
  for file in /proc/<->/comm(Nn); do
    { name=$(<$file) } 2>/dev/null || continue
    pids+=(\${file:h:t})
    shown+=("\${file:h:t}  \${name//[[:cntrl:]]/?}")
  done
  _wanted pids expl pid compadd -l -d shown -a pids
}

_nethogs() {
  local expl
  if [[ $words[2] == completions && CURRENT -gt 2 ]]; then
    (( CURRENT > 3 )) || _wanted shells expl shell compadd ${SHELLS.join(" ")}
    return
  fi
  _arguments -s -S \\
${OPTIONS.map(zshArgument).map((text) => `    ${text} \\`).join("\n")}
    '*:interface:_nethogs_interfaces'
}

# The file may lie in $fpath or be sourced.
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  _nethogs "$@"
else
  compdef _nethogs nethogs
fi
`;
}

const ZSH_ACTIONS = {
  process: "_nethogs_processes",
  pid: "_nethogs_pids",
  file: "_files",
  directory: "_directories",
} as const;

/** What _arguments is told of an option. */
function zshArgument(spec: OptionSpec): string {
  const { once, short, long, value, valueOptional, choices, completes } = spec;
  const others = once === undefined ? "*" : `(${namesOf(spec).join(" ")})`;
  const names = [
    ...(short === undefined ? [] : [`-${short}${value === undefined ? "" : "+"}`]),
    ...(long === undefined ? [] : [`--${long}${value === undefined ? "" : "="}`]),
  ];
  const description = `[${summaryOf(spec).replace(/[\\[\]]/g, "\\$&")}]`;
  const action = choices !== undefined ? `(${choices.join(" ")})` : completes ? ZSH_ACTIONS[completes] : " ";
  const rest = description + (value === undefined ? "" : `${valueOptional ? "::" : ":"}${value}:${action}`);
  const quotedRest = `'${rest.replaceAll("'", "'\\''")}'`;
  return names.length === 1
    ? `'${others}'${names[0]}${quotedRest}`
    : `'${others}'{${names.join(",")}}${quotedRest}`;
}

function renderFish(): string {
  return `# Completes command lines of nethogs in fish.

function __nethogs_interfaces
    set -l paths /sys/class/net/*/
    string replace -rf '^/sys/class/net/([^[:cntrl:]]+)/$' '$1' $paths
    echo all
end

function __nethogs_processes
    set -l paths (string match -r '^/proc/\\d+/comm$' /proc/*/comm)
    cat $paths 2>/dev/null | string match -r '^(?!-|\\d+$)[^[:cntrl:]/*?[]+$'
end

function __nethogs_pids
    set -l paths (string match -r '^/proc/\\d+/comm$' /proc/*/comm)
    grep -as '' $paths | string replace -ra '[[:cntrl:]]' '?' |
        string replace -rf '^/proc/(\\d+)/comm:(.*)$' '$1'\\t'$2'
end

# The word before the one under the cursor is all of that expression.
function __nethogs_follows
    set -l words (commandline -opc)
    string match -qr -- "^($argv[1])\\$" $words[-1]
end

function __nethogs_has_command
    set -l words (commandline -opc)
    test "$words[2]" = completions
end

function __nethogs_is_first
    test (count (commandline -opc)) -eq 1
end

complete -c nethogs -f
complete -c nethogs -n 'not __nethogs_has_command' -a '(__nethogs_interfaces)'
complete -c nethogs -n __nethogs_is_first -a completions
complete -c nethogs -n '__nethogs_has_command; and __nethogs_follows completions' -a '${SHELLS.join(" ")}'
${OPTIONS.flatMap(fishCommands).join("\n")}
`;
}

const FISH_ARGUMENTS = {
  process: "-x -a '(__nethogs_processes)'",
  pid: "-x -a '(__nethogs_pids)'",
  file: "-r -F",
  directory: "-x -a '(__fish_complete_directories)'",
} as const;

/**
 * What the value can be, and the option: in one command, fish would describe each value as it does the option.
 * Of several commands about one option the last has to be the one that describes it.
 */
function fishCommands(spec: OptionSpec): string[] {
  const { short, long, value, valueOptional, choices, completes } = spec;
  const names = [short && `-s ${short}`, long && `-l ${long}`].filter((part) => part !== undefined).join(" ");
  const command = `complete -c nethogs ${names}`;
  const described = `${command} -d '${summaryOf(spec).replace(/[\\']/g, "\\$&")}'`;
  if (value === undefined) return [described];
  if (completes !== undefined) return [`${command} ${FISH_ARGUMENTS[completes]}`, described];
  if (choices === undefined) return [`${described} -x`];
  const words = `-a '${choices.join(" ")}'`;
  if (!valueOptional) return [`${command} -x ${words}`, described];
  // As a word of its own fish does not know a value that may be left out.
  const before = `-[${lettersOf((other) => other.value === undefined)}]*${short}|--${long}`;
  return [
    `complete -c nethogs -n '__nethogs_follows "${before}"' ${words}`,
    `${described} ${words}`,
  ];
}

function lettersOf(test: (spec: OptionSpec) => boolean): string {
  return OPTIONS.filter(test).map(({ short }) => short ?? "").join("");
}

function namesOf({ short, long }: OptionSpec): string[] {
  return [...(short === undefined ? [] : [`-${short}`]), ...(long === undefined ? [] : [`--${long}`])];
}

/** The first line of the help, which may lead up to the others. */
function summaryOf({ help }: OptionSpec): string {
  return help.split("\n")[0]!.replace(/(, such as|:)$/, "");
}
