# For ~/.bashrc or ~/.zshrc: `panic` from any terminal of this machine.
#
#   panic                     every profile
#   panic --keep-protective   but leave stop-losses and take-profits in place
#   panic-there HOST          the same on the machine whose address the keys are bound to

alias panic='cancelall all'

panic-there() {
  ssh -o ConnectTimeout=5 -o BatchMode=yes "$1" cancelall all "${@:2}"
}
