"""
`python -m batchkit`: the command.
"""

from batchkit.cli.main import main

main(prog_name="batchkit")
