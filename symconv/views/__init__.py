"""The same objects code generation consumes, as LaTeX, text, HTML and pictures."""
