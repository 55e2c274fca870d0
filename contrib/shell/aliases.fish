# For ~/.config/fish/config.fish: `panic` from any terminal of this machine.
#
#   panic                     every profile
#   panic --keep-protective   but leave stop-losses and take-profits in place
#   panic-there HOST          the same on the machine whose address the keys are bound to

function panic --description 'Cancel every order on every profile'
    cancelall all $argv
end

function panic-there --description 'The same on another machine'
    ssh -o ConnectTimeout=5 -o BatchMode=yes $argv[1] cancelall all $argv[2..]
end
