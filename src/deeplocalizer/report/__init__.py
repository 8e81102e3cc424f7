"""What a report says of a study: sentences, tables and figures, from its artefacts.

The document is ``report/report.qmd``, which calls these rooms cell by cell; `rendering` makes a page of it.
"""
