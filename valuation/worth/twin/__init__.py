"""One twin at one agency: when it was seen, what that leaves of its price, what it is worth."""
