"""Data sets of the Hugging Face Hub: taken at one commit, drawn row by row, kept once fetched.

resolve          the full sha of a revision, found out once and kept
columns          the columns of a split
length           how many rows a split has
local            whether a server, such as a mirror of the Hub, stands in this network
rows             rows of a split in a seeded order, fetched as they are drawn
table            all rows of some columns of a split
Row, Column      what these give
HubError         what is missing or went wrong, and what helps

With everything kept, nothing here touches the network. HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE and
HF_HUB_DOWNLOAD_TIMEOUT mean what they mean to huggingface_hub.
"""

from deeplocalizer.hub.errors import HubError
from deeplocalizer.hub.layout import Column, columns
from deeplocalizer.hub.remote import local
from deeplocalizer.hub.revisions import resolve
from deeplocalizer.hub.rows import Row, length, rows
from deeplocalizer.hub.table import table

__all__ = ["Column", "HubError", "Row", "columns", "length", "local", "resolve", "rows", "table"]
