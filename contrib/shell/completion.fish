function __cancelall_completion
  _TYPER_COMPLETE_ARGS=(commandline -cp) _CANCELALL_COMPLETE=complete_fish _TYPER_COMPLETE_FISH_ACTION=$argv[1] \
    cancelall 2>/dev/null
end
complete --command cancelall --no-files --condition '__cancelall_completion is-args' \
  --arguments '(__cancelall_completion get-args)'
