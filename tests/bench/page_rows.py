"""P14: a page in the middle of all events, by the key of the row before it and by OFFSET."""

from licensing.models import UsageEvent
from licensing.usage import feed
from tests.bench.harness import Row, at_most, in_turn, seconds


def deep_page(events: int) -> Row:
    """Read the page that half of all events come before, as people page through a list."""
    listed = UsageEvent.objects.order_by("-id")
    deep = events // 2
    before = listed.values_list("pk", flat=True)[deep]

    def by_key() -> None:
        found, _next = feed.page(listed, before)
        assert len(found) == feed.PAGE

    def by_offset() -> None:
        assert len(feed.rows(listed[deep : deep + feed.PAGE])) == feed.PAGE

    by_key(), by_offset()
    ours, offset = in_turn(lambda: seconds(by_key), lambda: seconds(by_offset))
    return at_most(f"P14 a page {deep:,} events deep, by OFFSET", 0.05, ours, offset)
