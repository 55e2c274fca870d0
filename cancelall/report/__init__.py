"""What is said about a run: JSON lines and tables, made from the same ProfileReport. Nothing here decides."""
