"""The general certified road: moment systems of every weight and law, by quadrature with proven bounds."""
