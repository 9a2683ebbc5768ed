"""Pages of the drawer: match, layers, sequence, library, map, blend and effects."""
