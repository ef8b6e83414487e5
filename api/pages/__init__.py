"""HTML pages: the layout, the style sheet, the tables and the wording that all pages share."""
