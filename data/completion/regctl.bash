# SPDX-License-Identifier: MIT
# Completion of regctl for bash: verbs, options, keys and value names.

# Runs regctl on the registry that the command line names; what can't be asked
# has nothing to offer. A database that is not there would be made.
_regctl_ask() {
  [[ -z $_regctl_database || -f $_regctl_database ]] || return
  regctl --quiet ${_regctl_database:+--database="$_regctl_database"} ${_regctl_bus:+--bus="$_regctl_bus"} "$@" 2>/dev/null
}

# The keys or values of a key.
_regctl_list() {
  _regctl_ask ls "$@"
}

# The word that the shell would make of $1, without running anything in it.
_regctl_unquote() {
  local rest=$1 quote= char word=
  while [[ -n $rest ]]; do
    char=${rest:0:1}
    rest=${rest:1}
    if [[ $char == "$quote" ]]; then
      quote=
    elif [[ -z $quote && $char == [\'\"] ]]; then
      quote=$char
    elif [[ $char == '\' && ( -z $quote || $quote == '"' && $rest == [\\\"\$\`]* ) ]]; then
      word+=${rest:0:1}
      rest=${rest:1}
    else
      word+=$char
    fi
  done
  printf '%s' "$word"
}

# Adds $1, quoted as the word under way ($2) is.
_regctl_add() {
  if [[ $2 == [\'\"]* ]]; then
    COMPREPLY+=("$1")
  else
    COMPREPLY+=("$(printf '%q' "$1")")
  fi
}

# $1: a path that is being written, with backslashes or with slashes.
_regctl_complete_key() {
  local word separator='\' parent= line
  word=$(_regctl_unquote "$1")
  [[ $word == /* ]] && separator=/
  case $word in
  *"$separator"*) parent=${word%"$separator"*} ;;
  esac
  [[ $separator == / && -z $parent ]] && parent=/
  while IFS= read -r line; do
    [[ $line == *$'\t'* ]] && continue
    if [[ $parent == / ]]; then
      line=/$line
    elif [[ -n $parent ]]; then
      line=$parent$separator$line
    fi
    [[ ${line,,} == "${word,,}"* ]] && _regctl_add "$line" "$1"
  done < <(if [[ -n $parent ]]; then _regctl_list "$parent"; else _regctl_list; fi)
  compopt -o nospace
}

_regctl_complete_value() {
  local line name word
  word=$(_regctl_unquote "$2")
  while IFS= read -r line; do
    [[ $line == *$'\t'* ]] || continue
    name=${line%%$'\t'*}
    [[ ${name,,} == "${word,,}"* ]] && _regctl_add "$name" "$2"
  done < <(_regctl_list "$1")
}

# The hosts that are behind or gone. A host chooses its own name, so the shell must not expand it.
_regctl_complete_host() {
  local line word
  word=$(_regctl_unquote "$1")
  while IFS= read -r line; do
    line=${line%% *}
    [[ $line == "$word"* ]] && _regctl_add "$line" "$1"
  done < <(_regctl_ask fleet hosts --behind | sed 1d)
}

# The newest revisions of a key.
_regctl_complete_revision() {
  COMPREPLY=($(compgen -W "$(_regctl_ask history -n 20 "$1" | sed -n 's/^\([0-9]*\)\t.*/\1/p')" -- "$2"))
}

# Options and verbs come from the help, so that they are those of this regctl.
_regctl_words() {
  regctl "$@" --help 2>/dev/null
}

# The words before the cursor, the last under way: readline cuts them at = and
# at : too, and what stands without a blank between belongs together.
_regctl_split() {
  local rest=${COMP_LINE:0:COMP_POINT} word index
  _regctl_line=()
  for ((index = 0; index <= COMP_CWORD; index++)); do
    word=${COMP_WORDS[index]}
    if [[ $index == 0 || $rest == [[:blank:]]* || $word == '' && -z $rest ]]; then
      _regctl_line+=('')
    fi
    rest=${rest#"${rest%%[![:blank:]]*}"}
    [[ $index == "$COMP_CWORD" ]] && word=$rest
    rest=${rest#"$word"}
    _regctl_line[-1]+=$word
  done
}

# Options with something behind it, which may be the next word.
_regctl_takes_more() {
  [[ $1 == -[tdn] ]] || { [[ $1 == --?* && $1 != *=* ]] && _regctl_words $2 | grep -q -- "$1="; }
}

# Notes what registry the option $1 with $2 behind it names.
_regctl_note() {
  case $1 in
  --database) _regctl_database=${2/#\~\//"$HOME/"} ;;
  --bus) _regctl_bus=$2 ;;
  esac
}

# What may stand behind the option $1, as far as $2 is written.
_regctl_complete_argument() {
  case $1 in
  --database | --precheck | --from) compopt -o default ;;
  --bus) COMPREPLY=($(compgen -W 'system session' -- "$2")) ;;
  --format) COMPREPLY=($(compgen -W 'reg5 reg4 json hive' -- "$2")) ;;
  --encoding) COMPREPLY=($(compgen -W 'utf-16le utf-8' -- "$2")) ;;
  --type | -t) COMPREPLY=($(compgen -W 'sz expand multi dword qword binary none dword-be link' -- "$2")) ;;
  --color) COMPREPLY=($(compgen -W 'auto always never' -- "$2")) ;;
  --link) _regctl_complete_key "$2" ;;
  --at)
    case $verb in
    import) _regctl_complete_key "$2" ;;
    *) _regctl_complete_revision "$key" "$2" ;;
    esac
    ;;
  esac
}

# The words up to the one under way: verb, operands, options.
_regctl_parse() {
  local index word
  for ((index = 1; index < ${#_regctl_line[@]} - 1; index++)); do
    word=$(_regctl_unquote "${_regctl_line[index]}")
    if _regctl_takes_more "$word" "$verb"; then
      if ((index + 2 == ${#_regctl_line[@]})); then
        option=$word
      else
        ((index++))
        _regctl_note "$word" "$(_regctl_unquote "${_regctl_line[index]}")"
      fi
    elif [[ $word == --*=* ]]; then
      _regctl_note "${word%%=*}" "${word#*=}"
    elif [[ $word == -* ]]; then
      continue
    elif [[ -z $verb ]]; then
      verb=$word
    else
      [[ $operands == 0 ]] && key=$word
      ((operands++))
    fi
  done
}

# What is offered replaces only what readline takes for the word under way.
_regctl_cut() {
  local raw=${COMP_WORDS[COMP_CWORD]} index
  [[ $raw == [=:] ]] && raw=
  local before=${current%"$raw"}
  [[ -n $before && $current != [\'\"]* ]] || return
  for index in "${!COMPREPLY[@]}"; do
    COMPREPLY[index]=${COMPREPLY[index]#"$before"}
  done
}

_regctl_offer() {
  if [[ -n $option ]]; then
    _regctl_complete_argument "$option" "$current"
    return
  fi
  if [[ $current == --*=* ]]; then
    _regctl_complete_argument "${current%%=*}" "${current#*=}"
    COMPREPLY=("${COMPREPLY[@]/#/"${current%%=*}="}")
    return
  fi
  if [[ $current == -* ]]; then
    COMPREPLY=($(compgen -W "$(_regctl_words $verb | grep -oE -- '(^| )--?[a-z][a-z-]*=?')" -- "$current"))
    [[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace
    return
  fi
  if [[ -z $verb ]]; then
    COMPREPLY=($(compgen -W "$(_regctl_words | sed -n '/^Verbs:/,/^$/s/^  \([a-z]*\) .*/\1/p')" -- "$current"))
    return
  fi
  case $verb:$operands in
  import:* | apply:* | backup:* | export:1) compopt -o default ;;
  diff:*)
    compopt -o default
    _regctl_complete_key "$current"
    ;;
  help:0) COMPREPLY=($(compgen -W "$(_regctl_words | sed -n '/^Verbs:/,/^$/s/^  \([a-z]*\) .*/\1/p')" -- "$current")) ;;
  status:* | trials:* | confirm:* | undo:* | disown:* | help:*) ;;
  fleet:0) COMPREPLY=($(compgen -W "status init join leave hosts wait forget verify resync reseal problems" -- "$current")) ;;
  fleet:1)
    [[ $key == forget ]] && _regctl_complete_host "$current"
    ;;
  fleet:*) ;;
  rollback:1) _regctl_complete_revision "$key" "$current" ;;
  get:1 | set:1 | unset:1 | describe:1 | blame:1 | purge:1 | lock:1 | unlock:1) _regctl_complete_value "$key" "$current" ;;
  find:0) ;;
  find:1 | cp:1 | *:0) _regctl_complete_key "$current" ;;
  esac
}

_regctl() {
  local verb= key= option= operands=0 current _regctl_bus= _regctl_database=
  local -a _regctl_line
  COMPREPLY=()
  _regctl_split
  current=${_regctl_line[-1]}
  _regctl_parse
  _regctl_offer
  _regctl_cut
}

complete -F _regctl regctl
