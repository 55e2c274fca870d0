"""The fault matrix: what can go wrong between a kill and its proof, each row over real sockets."""
