"""Numbers and lists as people write them."""

from __future__ import annotations

from collections.abc import Sequence


def percent(share: float, digits: int = 0) -> str:
    """Write a share for people: neither 0 % nor 100 % of what is only nearly so.

    Examples
    --------
    >>> percent(0.452), percent(0.9996), percent(0.0003), percent(1.0)
    ('45 %', '>99 %', '<1 %', '100 %')
    """
    if not digits and 0.0 < share < 0.01:
        return "<1 %"
    if not digits and 0.99 < share < 1.0:
        return ">99 %"
    return f"{100 * share:.{digits}f} %"


def told_apart(share: float, cut: float) -> tuple[str, str]:
    """Write a share and the cut beside it with as many digits as keep them apart.

    Examples
    --------
    >>> told_apart(0.84, 0.9296), told_apart(0.9294, 0.9296)
    (('84 %', '93 %'), ('92.9 %', '93.0 %'))
    """
    pairs = ((percent(share, digits), percent(cut, digits)) for digits in range(4))
    return next((pair for pair in pairs if pair[0] != pair[1]), (percent(share), percent(cut)))


def distance(metres: float) -> str:
    """Write an estimated distance for people, as coarsely as it is known.

    Examples
    --------
    >>> distance(0.42), distance(1.63), distance(7.4)
    ('40 cm', '1.6 m', '7 m')
    """
    if metres < 0.975:
        return f"{max(5, 5 * round(20 * metres))} cm"
    return f"{metres:.1f} m" if metres < 3 else f"{metres:.0f} m"


def listed(clauses: Sequence[str], last: str = "") -> str:
    """Join clauses to a list.

    Examples
    --------
    >>> listed(["one", "two", "three"]), listed(["one", "two"], "and so on")
    ('one, two and three', 'one, two, and so on')
    """
    if last:
        return ", ".join([*clauses, last])
    *others, end = clauses
    return f"{', '.join(others)} and {end}" if others else end
