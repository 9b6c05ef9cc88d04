"""V over many draws. It needs NumPy and SciPy, so doors import it inside functions."""
