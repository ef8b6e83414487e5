"""The random sample of all rows."""

from itertools import pairwise

from monitoring.log.sample import in_sample


def test_a_third_of_all_rows_is_in_the_sample() -> None:
    """That holds for requests of one row, for one large request, and for every other request."""
    size = 30_000
    for rows in (
        [(number, 0) for number in range(size)],
        [(1, number) for number in range(size)],
        [(2 * number, 7) for number in range(size)],
    ):
        share = sum(in_sample(*row) for row in rows) / size
        assert abs(share - 1 / 3) < 0.01


def test_the_sample_is_the_same_for_ever() -> None:
    """Logs hold which labels are of it."""
    assert [row for row in range(12) if in_sample(1, row)] == [1, 5, 6, 8]


def test_neighbours_do_not_follow_each_other_into_the_sample() -> None:
    """A row is as likely in it whether the row before is or not."""
    found = [in_sample(5, row) for row in range(30_000)]
    after = [later for earlier, later in pairwise(found) if earlier]
    assert abs(sum(after) / len(after) - 1 / 3) < 0.02
