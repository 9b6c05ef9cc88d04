"""Money in time: flows, their present value and rates of return, and what taxes give back."""
