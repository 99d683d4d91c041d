"""Numbers on the command line."""

from __future__ import annotations

import click
import pytest

from fusedream_sdk.cli.numbers import Number
from fusedream_sdk.runtime.bounds import FPS, INVERSION, LR, STEPS


@pytest.mark.parametrize(("bounds", "text", "number"), [(STEPS, "30", 30), (LR, "5e-3", 0.005), (LR, "3", 3.0), (FPS, 12, 12)])
def test_a_number_inside_its_bounds_is_read(bounds, text, number):
    read = Number(bounds).convert(text, None, None)
    assert read == number
    assert type(read) is type(number)


@pytest.mark.parametrize(
    ("bounds", "text", "message"),
    [
        (STEPS, "0", "expected an integer of at least 1; got '0'."),
        (STEPS, "1.5", "expected an integer of at least 1; got '1.5'."),
        (STEPS, "", "expected an integer of at least 1; got ''."),
        (STEPS, "9" * 20, "expected an integer of at least 1 and at most 1,000,000; got '99999999999999999999'."),
        (STEPS, "9" * 5000, "expected an integer of at least 1; got '999999999999999999999999999999999999999...."),
        (LR, "nan", "expected a positive number; got 'nan'."),
        (LR, "inf", "expected a positive number; got 'inf'."),
        (LR, "1e20", "expected a positive number of at most 10,000; got '1e20'."),
        (LR, "-1", "expected a positive number; got '-1'."),
        (INVERSION["lr"], "fast", "expected a positive number; got 'fast'."),
    ],
)
def test_a_number_outside_is_refused_with_its_bound(bounds, text, message):
    with pytest.raises(click.BadParameter) as caught:
        Number(bounds).convert(text, None, None)
    assert caught.value.message == message


def test_the_help_says_what_kind_it_is():
    assert (Number(STEPS).name, Number(LR).name) == ("integer", "number")
