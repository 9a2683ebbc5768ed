"""Widgets that pages and window share: knobs, drawer, status line, tables of scores."""
