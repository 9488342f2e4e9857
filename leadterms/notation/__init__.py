"""How things are named and look: parameters, own functions, printers."""
