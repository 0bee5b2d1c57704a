"""The tag-union rulebook: which noisy Danbooru tags join into which class, and what that does to the posts.

What lives here, as a record walks through it:

    records                                  class, exclusion, rulebook; RuleError
    toml_text, tables, lock                  the text, CSV and JSON; the lock file and what publishing gives
    edits, editing, diff, merge              changing a rulebook, comparing two, joining two people's work
    tag_table, resolution, verdicts          what Danbooru says of names; what a rulebook decides about them
    line_stream, posts                       metadata in: the one door to files, and three forms into one record
    post_index, index_building, index_bytes  posts as columns and a bitmap a tag (`bitmaps`)
    filters, apply                           rulebook, filter and posts as one function with one digest
    dry_run, effects                         what one edit would do, within a blink
    lint, lint_posts, members, measures      what is wrong, with a fix; what each member brings; the statistics page
    class_matrix                             what the tagger's training reads: matrix, counts, weights, augmentations
    generator                                realistic metadata without a download

Pure: nothing here opens a database, speaks HTTP or runs a network, and nothing here imports another room of ours. The
text formats, edits and static lint load neither numpy nor bitmaps, so that a command line may import them at once.
"""
