"""The command line: one file per verb. The flags of a verb come from its settings.

A verb imports Keras, and the rooms that use it, only when it runs, so that `--help` answers at
once.
"""

# ruff: noqa: E402
from placevec.process.freed_memory import keep_freed_memory

keep_freed_memory()  # before NumPy and others start their threads

from placevec.cli.arguments import flags_over as flags_over
from placevec.cli.describe import run_describe as run_describe
from placevec.cli.surroundings import one_line_errors as one_line_errors
from placevec.cli.surroundings import progress_bar as progress_bar
from placevec.cli.verbs import main as main
