"""The files of the program that made digests before this one: its posts cache, its flags, its bots and its digests.

Nobody who wrote this has seen them, so every usual form is taken, by what is in a file; what is not understood is a
`Leftover` and never silently lost.
"""

from pipeline.sources.predecessor.bots import OldBot, read_bots
from pipeline.sources.predecessor.digests import OldDigest, read_digest
from pipeline.sources.predecessor.flags import OldFlag, read_flags
from pipeline.sources.predecessor.posts import OldPost, read_posts
from pipeline.sources.predecessor.tree import Leftover

__all__ = [
    "Leftover",
    "OldBot",
    "OldDigest",
    "OldFlag",
    "OldPost",
    "read_bots",
    "read_digest",
    "read_flags",
    "read_posts",
]
