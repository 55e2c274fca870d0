"""What a guard looks at: files, sockets, processes, units, signals, a URL; each knows how it can fail to be seen."""
