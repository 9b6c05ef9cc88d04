"""For workers of a test: one agreement a chunk, and a worker that says nothing for 2 s is lost."""

from valuation import night
from valuation.residuals import chunks

night.AT_ONCE = 1
chunks.LONGEST_SILENCE = "2s"
