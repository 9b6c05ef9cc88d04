"""What page, memo and CSV say of a valuation: every figure written out for its reader."""
