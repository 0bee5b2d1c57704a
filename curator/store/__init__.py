"""The store: the only SQL of the product. One module a record, each query beside the record it makes.

Functions take `db` first and return records, not rows. Writes happen inside one `with db.atomic():` per action that a
person would name; rows that people change carry an actor, and every change leaves a revision. WAL mode with
`synchronous=FULL`: what was answered with 200 is on the disk.
"""
