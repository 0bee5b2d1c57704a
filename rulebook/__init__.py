"""The tag-union rulebook: which noisy Danbooru tags join into which class of the tagger.

Empty so far: the text format, lint, bitmap index and the shipped rulebook come with the rulebook issue. Nothing here
opens a database, speaks HTTP or runs a network, and nothing here imports a room of ours.
"""
