"""Fast certified averages for classes of moment systems, chosen by properties and never by problem."""
