"""Views in parts: the same sum and gradient as all at once, in less memory."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from fusedream_sdk.scoring.parts import AT_ONCE, even_parts, in_parts


@given(st.integers(1, 10_000))
def test_parts_are_all_views_once_as_few_and_as_even_as_can_be(count: int):
    parts = even_parts(count)
    lengths = [part.stop - part.start for part in parts]
    assert [i for part in parts for i in range(part.start, part.stop)] == list(range(count))
    assert max(lengths) <= AT_ONCE
    assert max(lengths) - min(lengths) <= 1
    assert len(parts) == -(-count // AT_ONCE)


def total(images: Tensor, part: slice) -> Tensor:
    """Something of each row that is not linear and differs from view to view."""
    return torch.stack([(images * i).sin().flatten(1).sum(dim=1) for i in range(part.start, part.stop)]).sum(dim=0)


@given(st.integers(1, 3), st.integers(1, 120))
def test_sum_and_gradient_are_those_of_all_at_once(rows: int, count: int):
    images = torch.randn(rows, 3, 2, 2, dtype=torch.float64, requires_grad=True)
    weights = torch.arange(1, rows + 1)
    found, expected = in_parts(total, images, count), total(images, slice(0, count))
    torch.testing.assert_close(found, expected)
    (gradient,), (right,) = (torch.autograd.grad((x * weights).sum(), images) for x in (found, expected))
    torch.testing.assert_close(gradient, right)


def test_without_a_gradient_none_is_taken():
    images = torch.zeros(1, 3, 2, 2, requires_grad=True)
    with torch.no_grad():
        assert not in_parts(total, images, 60).requires_grad
    assert not in_parts(total, images.detach(), 60).requires_grad


def test_what_is_kept_for_the_gradient_is_one_picture():
    images = torch.zeros(1, 3, 8, 8, requires_grad=True)
    node = in_parts(total, images, 60).grad_fn
    assert node is not None
    assert sum(x.numel() for x in node.saved_tensors) == images.numel()  # pyright: ignore[reportAttributeAccessIssue]
