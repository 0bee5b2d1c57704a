"""The web application: pages, the JSON API, pictures, and the server that hands them out.

What lives here: Flask, templates, browser modules, and the guard in front of them (Host, Origin, headers, limits).
Views are thin: they read a request, call one function of `curator`, and answer. What never lives here: SQL, torch,
decisions about annotations. Nothing but `curator.cli.serve` imports this package.
"""
