"""Every client's dialect against every upstream's, through a real gateway."""
