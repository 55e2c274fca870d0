#compdef cancelall
_cancelall() {
  eval "$(_TYPER_COMPLETE_ARGS="${words[1,$CURRENT]}" _CANCELALL_COMPLETE=complete_zsh cancelall 2>/dev/null)"
}
if [ "$funcstack[1]" = "_cancelall" ]; then
  _cancelall
else
  compdef _cancelall cancelall
fi
