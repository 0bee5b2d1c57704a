"""The application: a project folder, its store, the workflows that people run on it, and the command line.

What lives here: everything that knows of projects. SQL stays in `curator.store`, outgoing HTTP in `curator.http` and
`curator.client`, the web pages in `annotator_ui` (which imports us, never the other way round, `curator.cli.serve`
excepted). Importing this package loads neither a network nor a web framework.
"""
