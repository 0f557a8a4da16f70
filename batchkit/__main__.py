"""
`python -m batchkit`: the command.
"""

from batchkit.cli import main

main(prog_name="batchkit")
