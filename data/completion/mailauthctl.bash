# SPDX-License-Identifier: MIT
# Completion of mailauthctl for bash: verbs, options, users, members and brokers.

_mailauthctl_brokers='HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\MBS\Instances'

# Runs mailauthctl or regctl ($1) on the bus that the command line names; what can't
# be asked has nothing to offer. Nothing asks for a password.
_mailauthctl_ask() {
  "$1" ${bus:+--bus="$bus"} "${@:2}" 2>/dev/null </dev/null
}

# Options and verbs come from the help, so that they are those of this mailauthctl.
_mailauthctl_help() {
  mailauthctl $verb --help 2>/dev/null
}

# Options with something behind it, which may be the next word.
_mailauthctl_takes_more() {
  [[ $1 == -n ]] || { [[ $1 == --?* && $1 != *=* ]] && _mailauthctl_help | grep -q -- "$1="; }
}

# Offers the lines of standard input that begin with $1, without regard to case.
_mailauthctl_offer_lines() {
  local line
  while IFS= read -r line; do
    [[ -n $line && ${line,,} == "${1,,}"* ]] && COMPREPLY+=("$(printf '%q' "$line")")
  done
}

# What may stand behind the option $1, as far as $2 is written.
_mailauthctl_argument() {
  case $1 in
  --bus) _mailauthctl_offer_lines "$2" <<<$'system\nsession' ;;
  --protocols) _mailauthctl_offer_lines "$2" <<<$'imap\npop3\nsmtp' ;;
  --protocol) _mailauthctl_offer_lines "$2" <<<$'pop3\nimap' ;;
  --broker) _mailauthctl_offer_lines "$2" < <(_mailauthctl_ask regctl --quiet ls "$_mailauthctl_brokers" | grep -v $'\t') ;;
  esac
}

# Lists of accounts say which are disabled behind the name.
_mailauthctl_accounts() {
  case $verb in
  member) [[ -n $broker ]] && _mailauthctl_ask mailauthctl --broker="$broker" member list ;;
  *) _mailauthctl_ask mailauthctl user list ;;
  esac | sed 's/ (disabled)$//'
}

# The app passwords of the account that is named.
_mailauthctl_labels() {
  _mailauthctl_ask mailauthctl --json user app-password "${operands[1]}" list |
    grep -oE '"label": *"[^"]+"' | sed -E 's/.*"([^"]+)"$/\1/'
}

# Who is logged in.
_mailauthctl_present() {
  _mailauthctl_ask mailauthctl --json who | grep -oE '"user": *"[^"]+"' | sed -E 's/.*"([^"]+)"$/\1/' | sort -u
}

# Who is held back.
_mailauthctl_held() {
  _mailauthctl_ask mailauthctl --json held | grep -oE '"(account|address)": *"[^"]+"' | sed -E 's/.*"([^"]+)"$/\1/' |
    sort -u
}

# The words up to the one under way.
_mailauthctl_parse() {
  local index word
  for ((index = 1; index < ${#words[@]} - 1; index++)); do
    word=${words[index]}
    option=
    if _mailauthctl_takes_more "$word"; then
      option=$word
      ((++index == ${#words[@]} - 1)) && return
      word=$word=${words[index]}
      option=
    fi
    case $word in
    --bus=*) bus=${word#*=} ;;
    --broker=*) broker=${word#*=} ;;
    -*) ;;
    *) if [[ -z $verb ]]; then verb=$word; else operands+=("$word"); fi ;;
    esac
  done
}

_mailauthctl_offer() {
  if [[ -n $option ]]; then
    _mailauthctl_argument "$option" "$current"
  elif [[ $current == --*=* ]]; then
    _mailauthctl_argument "${current%%=*}" "${current#*=}"
    COMPREPLY=("${COMPREPLY[@]/#/"${current%%=*}="}")
  elif [[ $current == -* ]]; then
    COMPREPLY=($(compgen -W "$(_mailauthctl_help | grep -oE -- '(^| )--?[a-z][a-z-]*=?')" -- "$current"))
    [[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace
  elif [[ -z $verb ]]; then
    _mailauthctl_offer_lines "$current" < <(_mailauthctl_help | sed -n '/^Verbs:/,/^$/s/^  \([a-z-]*\) .*/\1/p')
  else
    _mailauthctl_operand
  fi
}

_mailauthctl_operand() {
  case $verb:${#operands[@]}:${operands[0]-} in
  user:0:) _mailauthctl_offer_lines "$current" <<<$'add\npasswd\nenable\ndisable\nremove\nshow\nset\nlist\napp-password' ;;
  member:0:) _mailauthctl_offer_lines "$current" <<<$'add\npasswd\nenable\ndisable\nremove\nlist' ;;
  user:2:app-password) _mailauthctl_offer_lines "$current" <<<$'add\nremove\nlist' ;;
  user:3:app-password) [[ ${operands[2]} == remove ]] && _mailauthctl_offer_lines "$current" < <(_mailauthctl_labels) ;;
  user:1:add | user:1:list | member:1:add | member:1:list) ;;
  user:1:* | member:1:* | test:0:) _mailauthctl_offer_lines "$current" < <(_mailauthctl_accounts) ;;
  who:0: | kick:0:) _mailauthctl_offer_lines "$current" < <(_mailauthctl_present) ;;
  release:0:) _mailauthctl_offer_lines "$current" < <(_mailauthctl_held) ;;
  esac
}

# What is offered replaces only what readline takes for the word under way: it cuts
# words at = and at : too.
_mailauthctl_cut() {
  local raw=${COMP_WORDS[COMP_CWORD]} index
  [[ $raw == [=:] ]] && raw=
  local before=${current%"$raw"}
  for index in "${!COMPREPLY[@]}"; do
    COMPREPLY[index]=${COMPREPLY[index]#"$before"}
  done
}

_mailauthctl() {
  local verb= option= bus= broker= current line=${COMP_LINE:0:COMP_POINT}
  local -a words operands=()
  COMPREPLY=()
  read -ra words <<<"$line"
  [[ $line == *[[:blank:]] ]] && words+=('')
  current=${words[-1]}
  _mailauthctl_parse
  _mailauthctl_offer
  _mailauthctl_cut
}

complete -F _mailauthctl mailauthctl
