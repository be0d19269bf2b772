"""Who may what: one table over every door, and properties that no sequence of acts breaks."""
