"""What a report is made of: what was found of each version, and the page that shows it."""
