"""The image tower in fewer operations: the same features, states and gradients as transformers' own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import CLIPConfig, CLIPModel

from fusedream_clip import load
from fusedream_clip.tower import hidden_states, image_features, is_known

MEAN, STD = torch.tensor([0.4, 0.5, 0.3]).view(3, 1, 1), torch.tensor([0.3, 0.2, 0.25]).view(3, 1, 1)


def make(activation: str = "quick_gelu", layers: int = 3) -> Any:
    """A small CLIP of random weights, whose biases and norms are no longer trivial."""
    vision = {"hidden_size": 24, "intermediate_size": 40, "num_attention_heads": 3, "num_hidden_layers": layers}
    text = {"hidden_size": 16, "intermediate_size": 16, "num_attention_heads": 2, "num_hidden_layers": 1, "vocab_size": 20}
    config = CLIPConfig(
        vision_config={**vision, "image_size": 16, "patch_size": 4, "hidden_act": activation},
        text_config=text,
        projection_dim=8,
    )
    torch.manual_seed(0)
    model: Any = CLIPModel(config).eval().requires_grad_(False)
    for parameter in model.parameters():
        parameter.add_(torch.randn_like(parameter) * 0.1)
    return model


def pictures(count: int = 2) -> Tensor:
    return torch.randn(count, 3, 16, 16, generator=torch.Generator().manual_seed(1), requires_grad=True)


@pytest.mark.parametrize("activation", ["quick_gelu", "gelu"])
@pytest.mark.parametrize("layers", [1, 2, 5])
def test_features_and_gradient_are_those_of_transformers(activation: str, layers: int) -> None:
    model, x = make(activation, layers), pictures()
    found, expected = (
        image_features(model, x, MEAN.to(x), STD.to(x)),
        model.get_image_features(pixel_values=(x - MEAN) / STD).pooler_output,
    )
    torch.testing.assert_close(found, expected, atol=2e-5, rtol=1e-4)
    weights = torch.randn(expected.shape, generator=torch.Generator().manual_seed(2))
    (gradient,), (right,) = (torch.autograd.grad((y * weights).sum(), x) for y in (found, expected))
    torch.testing.assert_close(gradient, right, atol=2e-5 * float(right.abs().max()), rtol=1e-3)


def test_every_hidden_state_is_that_of_transformers() -> None:
    model, x = make(), pictures()
    expected = model.vision_model(pixel_values=(x - MEAN) / STD, output_hidden_states=True).hidden_states
    for one, other in zip(hidden_states(model, x, MEAN, STD), expected, strict=True):
        torch.testing.assert_close(one, other, atol=2e-5, rtol=1e-4)


def test_the_gradient_of_the_mlp_is_that_of_its_formula() -> None:
    """By finite differences in double precision."""
    model = make().double()
    x = pictures(1).detach().double().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: image_features(model, x, MEAN.to(x), STD.to(x)), (x,), eps=1e-6, atol=1e-6)


def test_in_bfloat16_it_is_as_near_to_the_truth_as_transformers() -> None:
    model, x = make(), pictures(8).detach()
    truth = model.get_image_features(pixel_values=(x - MEAN) / STD).pooler_output
    with torch.autocast("cpu", torch.bfloat16):
        found, theirs = (
            image_features(model, x, MEAN.to(x), STD.to(x)),
            model.get_image_features(pixel_values=(x - MEAN) / STD).pooler_output,
        )
    assert (found - truth).norm() < 1.5 * (theirs - truth).norm()


def test_in_bfloat16_the_gradient_reaches_the_pixels() -> None:
    model, x = make(), pictures()
    with torch.autocast("cpu", torch.bfloat16):
        found = image_features(model, x, MEAN.to(x), STD.to(x)).float().sum()
    (gradient,) = torch.autograd.grad(found, x)
    (right,) = torch.autograd.grad(image_features(model, x, MEAN.to(x), STD.to(x)).sum(), x)
    assert torch.nn.functional.cosine_similarity(gradient.flatten(), right.flatten(), dim=0) > 0.999


def test_weights_that_are_trained_get_their_gradient() -> None:
    model = make().requires_grad_(True)
    image_features(model, pictures(), MEAN, STD).sum().backward()
    assert model.vision_model.encoder.layers[0].mlp.fc1.weight.grad is not None


def test_other_architectures_keep_their_own_code(folders: dict[str, Path]) -> None:
    assert is_known(load(weights=folders["clip"]).model)
    assert not is_known(load(weights=folders["siglip"]).model)


def test_the_scorer_uses_it(folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    scorer = load(weights=folders["clip"])
    monkeypatch.setattr(scorer.model, "get_image_features", None)
    assert scorer.encode_image(torch.rand(1, 3, 32, 32)).shape[0] == 1
