"""Where weights come from, as their plugins say."""

from __future__ import annotations

import pytest

from fusedream_sdk.errors import InvalidInput, UnknownPlugin
from fusedream_sdk.models.sources import HubFiles, Sources, WebFile, pair_parts, sources_of


def only(name: str) -> Sources:
    (found,) = sources_of(name).values()
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "repositories", "use"),
    [
        ("clip", ["openai/clip-vit-base-patch32"], "clip:{folder}"),
        ("clip:owner/name", ["owner/name"], "clip:{folder}"),
        ("pickscore", ["yuvalkirstain/PickScore_v1", "laion/CLIP-ViT-H-14-laion2B-s32B-b79K"], "processor={folder}/processor"),
        ("hpsv2?version=v2.0", ["xswu/HPSv2"], "hpsv2:{folder}?version=v2.0"),
        ("imagereward", ["THUDM/ImageReward", "bert-base-uncased"], "imagereward:{folder}"),
        ("biggan:owner/name", ["owner/name"], "biggan:{folder}"),
    ],
)
def test_files_of_repositories(name: str, repositories: list[str], use: str):
    found = only(name)
    assert [part.repository for part in found.parts if isinstance(part, HubFiles)] == repositories
    assert found.use.endswith(use)


def test_a_pipeline_is_fetched_in_one_format():
    (part,) = only("sd-turbo").parts
    assert isinstance(part, HubFiles)
    assert part.repository == "stabilityai/sd-turbo"
    assert part.one_of[0] == ("model_index.json", "unet/diffusion_pytorch_model.fp16.safetensors")
    assert only("sd-turbo").use == "sd-turbo:{folder}"
    (own,) = only("diffusion:owner/name@v1").parts
    assert isinstance(own, HubFiles)
    assert (own.repository, own.revision) == ("owner/name", "v1")


def test_files_of_addresses_and_what_their_names_say_of_their_hashes():
    (trunk,) = only("lpips?net=squeeze").parts
    assert isinstance(trunk, WebFile)
    assert trunk.sha256 == "b8a52dc0"
    assert trunk.target.name == "squeezenet1_1-b8a52dc0.pth"
    weights, config = only("biggan-deep-256").parts
    assert isinstance(weights, WebFile)
    assert isinstance(config, WebFile)
    assert [weights.target.name, config.target.name, weights.sha256] == ["pytorch_model.bin", "config.json", ""]
    head, clip = only("aesthetic").parts
    assert isinstance(head, WebFile)
    assert isinstance(clip, HubFiles)
    assert (len(head.sha256), clip.folder) == (64, "clip")


def test_a_pair_is_its_parts_and_what_is_shipped_is_nothing():
    assert {kind for kind, _ in pair_parts("emoji")} == {"generators", "scorers", "perceptual"}
    assert set(sources_of("emoji").values()) == {None}
    assert sources_of("pixels") == {("generators", "pixels"): None}


def test_weights_without_an_address_say_where_they_are():
    with pytest.raises(InvalidInput, match=r"drive\.google\.com"):
        sources_of("biggan-256")
    with pytest.raises(InvalidInput, match="weights: expected a value, as 'stylegan2' of generators has none"):
        sources_of("stylegan2")


def test_a_name_that_nobody_has_and_a_repository_without_a_plugin():
    with pytest.raises(UnknownPlugin, match="Did you mean 'pickscore'"):
        sources_of("pikscore")
    with pytest.raises(InvalidInput, match="Say whose they are: clip:owner/name, biggan:owner/name"):
        sources_of("owner/name")
    with pytest.raises(UnknownPlugin):
        sources_of("pickscore", "generators")
