# Completion of regctl for bash: verbs, options, keys and value names.

# The keys or values that the daemon lists; nothing where it can't be asked.
_regctl_list() {
  regctl --quiet ls "$@" 2>/dev/null
}

# The word that the shell would make of $1, without running anything in it.
_regctl_unquote() {
  case $1 in
  \'*) printf '%s' "${1//\'/}" ;;
  \"*) sed -E 's/^"//; s/"$//; s/\\([\\"$`])/\1/g' <<<"$1" ;;
  *) sed -E 's/\\(.)/\1/g' <<<"$1" ;;
  esac
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

# The newest revisions of a key.
_regctl_complete_revision() {
  COMPREPLY=($(compgen -W "$(regctl --quiet history -n 20 "$1" 2>/dev/null | sed -n 's/^\([0-9]*\)\t.*/\1/p')" -- "$2"))
}

# Options and verbs come from the help, so that they are those of this regctl.
_regctl_words() {
  regctl "$@" --help 2>/dev/null
}

_regctl() {
  local verb= key= operands=0 index word current=${COMP_WORDS[COMP_CWORD]}
  COMPREPLY=()
  for ((index = 1; index < COMP_CWORD; index++)); do
    word=${COMP_WORDS[index]}
    [[ $word == -* ]] && continue
    [[ ${COMP_WORDS[index - 1]} == @(-t|-d|-n) ]] && continue
    word=$(_regctl_unquote "$word")
    if [[ -z $verb ]]; then
      verb=$word
    else
      [[ $operands == 0 ]] && key=$word
      ((operands++))
    fi
  done
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
  import:* | backup:* | export:1) compopt -o default ;;
  diff:*)
    compopt -o default
    _regctl_complete_key "$current"
    ;;
  status:* | confirm:*) ;;
  rollback:1) _regctl_complete_revision "$key" "$current" ;;
  get:1 | set:1 | unset:1 | describe:1 | blame:1) _regctl_complete_value "$key" "$current" ;;
  find:0) ;;
  find:1 | cp:1 | *:0) _regctl_complete_key "$current" ;;
  esac
}

complete -F _regctl regctl
