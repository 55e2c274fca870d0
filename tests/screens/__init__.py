"""What a person sees: kills on virtual time, drawn as they come to a terminal of any width, or through a pipe."""
