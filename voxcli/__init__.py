"""voxcli: streaming transcription in the terminal.

Files at this level open nothing: no device, socket, clock, loop or terminal. Folders are where the program
touches the world. See docs/architecture.md.
"""

__version__ = "0.1.0"
