"""Where configuration files are. Data alone, which a kill can look at before it imports what reads them."""

MACHINE = "/etc/cancelall/config.toml"
"""The machine's config, for whoever has none of his own. Root writes it; this program never does."""
OF_A_USER = (
    ("XDG_CONFIG_HOME", "cancelall/config.toml"),
    ("HOME", ".config/cancelall/config.toml"),
    ("HOME", "Library/Application Support/cancelall/config.toml"),
    ("APPDATA", "cancelall/config.toml"),
)
"""Every place of a user's own: a variable, and what is below it. Which one counts on a system `toml_file` knows."""
