"""What a studio buys of a payee, as data for the invoice that it writes itself.

The agency is no party to it: it prepares the lines as they were rated, a second person approves
them, the studio takes them as XML, gives the document its own number, and tells the number. The
tax is the payee's: the studio owes it beside the price, and it is passed on whole as it comes in.
"""

from .drawing_up import draw_up
from .numbers import cancel, record

__all__ = ["cancel", "draw_up", "record"]
