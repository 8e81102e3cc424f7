"""What comes from the network, and what keeps a second run from asking for it again.

files            many small files, the first so many of a list of candidates that can be had
archive          one member of a zip archive, without the rest of it
manifest         what a folder holds, by digest, and what could not be had
transport        one answer of a server, or what went wrong in words
patience         limits, pauses and second attempts
offline          whether the network may be touched
disk             whether there is room for it
errors           what a download that failed raises
"""
