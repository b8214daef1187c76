"""What report.json holds, as one typed tree: an evaluation fills it, a page and a terminal show it."""
