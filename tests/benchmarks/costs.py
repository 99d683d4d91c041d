"""What a picture costs by model: size of the weights, memory, disk and time.

    python -m tests.benchmarks.costs sizes
    python -m tests.benchmarks.costs runs [--models emoji,emoji-turbo,emoji-vqgan,biggan-deep-256,vqgan-f16]

`sizes` counts the numbers of each architecture as published, built without memory for its weights. `runs` asks `estimate` for
one picture: it runs a few steps, and extrapolates; times are seconds of one processor, by the share of it that the process had.
The pairs of the emoji world run with the settings that they recommend; the large generators have random weights, of the real
shapes and in the real file formats, a CLIP ViT-B/32 of the same kind beside them, and SHORT settings.
"""

from __future__ import annotations

import argparse
import io
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from pytorch_pretrained_biggan import BigGAN, BigGANConfig
from torch import nn

import fusedream_sdk as fd
from fusedream_sdk.run.estimate import bytes_in_words, duration
from tests.benchmarks.judging import machine
from tests.benchmarks.random_models import ALL_BLOCKS, write_biggan, write_clip

VQ_F16 = {
    "double_z": False,
    "z_channels": 256,
    "resolution": 256,
    "in_channels": 3,
    "out_ch": 3,
    "ch": 128,
    "dropout": 0.0,
    "ch_mult": [1, 1, 2, 2, 4],
    "num_res_blocks": 2,
    "attn_resolutions": [16],
}
SHORT = {"steps": 300, "views": 8, "check_views": 8, "report_views": 16, "bank": 1000, "samples": 1000, "bank_views": 2}
PAIRS = {"emoji": "fusedream", "emoji-turbo": "reno", "emoji-vqgan": "fusedream"}


def biggan(side: int) -> nn.Module:
    """BigGAN-deep of the published shape."""
    return BigGAN(BigGANConfig(output_dim=side, layers=ALL_BLOCKS[side]))


def clip(width: int, patch: int, layers: int, text: int) -> nn.Module:
    """A CLIP by its image tower's width, patch and layers, and its text tower's width."""
    from transformers import CLIPConfig, CLIPModel

    tower = {"hidden_size": width, "intermediate_size": 4 * width, "patch_size": patch, "num_hidden_layers": layers}
    words = {"hidden_size": text, "intermediate_size": 4 * text, "num_attention_heads": text // 64}
    config = CLIPConfig(vision_config={**tower, "num_attention_heads": width // 64}, text_config=words, projection_dim=text)
    return CLIPModel(config)


def vqgan() -> nn.Module:
    """The autoencoder of vqgan_imagenet_f16_16384."""
    from fusedream_vqgan.config import Config
    from fusedream_vqgan.network import VQGAN

    return VQGAN(Config("vq", 256, 16384, VQ_F16))


def turbo(large: bool) -> nn.Module:
    """Network, decoder with its encoder, and text encoders of SD-Turbo (Stable Diffusion 2.1's) or SDXL-Turbo."""
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    own: dict[str, Any] = {"cross_attention_dim": 1024, "attention_head_dim": (5, 10, 20, 20), "use_linear_projection": True}
    if large:
        own |= {"cross_attention_dim": 2048, "attention_head_dim": (5, 10, 20), "block_out_channels": (320, 640, 1280)}
        own |= {"down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D")}
        own |= {
            "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
            "transformer_layers_per_block": (1, 2, 10),
        }
        own |= {
            "addition_embed_type": "text_time",
            "addition_time_embed_dim": 256,
            "projection_class_embeddings_input_dim": 2816,
        }
    vae: Any = AutoencoderKL
    blocks = {"down_block_types": ("DownEncoderBlock2D",) * 4, "up_block_types": ("UpDecoderBlock2D",) * 4}
    decoder = vae(block_out_channels=(128, 256, 512, 512), layers_per_block=2, **blocks)

    def text(width: int, layers: int) -> CLIPTextConfig:
        sizes: dict[str, Any] = {"hidden_size": width, "intermediate_size": 4 * width, "num_attention_heads": width // 64}
        return CLIPTextConfig(**sizes, num_hidden_layers=layers, projection_dim=width)

    towers = (
        [CLIPTextModel(text(768, 12)), CLIPTextModelWithProjection(text(1280, 32))]
        if large
        else [CLIPTextModel(text(1024, 23))]
    )
    return nn.ModuleList([UNet2DConditionModel(**own), decoder, *towers])


SIZES: dict[str, tuple[str, Callable[[], nn.Module]]] = {
    "biggan-deep-128": ("128", lambda: biggan(128)),
    "biggan-deep-256": ("256", lambda: biggan(256)),
    "biggan-deep-512": ("512", lambda: biggan(512)),
    "vqgan, ImageNet f16, 16,384 codes": ("256", vqgan),
    "sd-turbo": ("512", lambda: turbo(False)),
    "sdxl-turbo": ("512", lambda: turbo(True)),
    "CLIP ViT-B/32": ("224", lambda: clip(768, 32, 12, 512)),
    "CLIP ViT-B/16": ("224", lambda: clip(768, 16, 12, 512)),
    "CLIP ViT-L/14": ("224", lambda: clip(1024, 14, 24, 768)),
}


def size_line(name: str) -> str:
    """A line of the table of sizes: numbers in millions, and bytes of them in two formats."""
    side, make = SIZES[name]
    with torch.device("meta"), warnings.catch_warnings(), redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        count = sum(one.numel() for one in make().state_dict().values() if one.is_floating_point())
    return f"| {name} | {side} | {count / 1e6:,.0f} | {bytes_in_words(4 * count)} | {bytes_in_words(2 * count)} |"


def write_vqgan(folder: Path) -> Path:
    """A VQGAN of the real size, with random weights, as taming lays it out."""
    import yaml
    from safetensors.torch import save_file

    folder.mkdir()
    torch.manual_seed(0)
    params = {"embed_dim": 256, "n_embed": 16384, "ddconfig": VQ_F16}
    model = {"target": "taming.models.vqgan.VQModel", "params": params}
    (folder / "config.yaml").write_text(yaml.safe_dump({"model": model}))
    save_file(dict(vqgan().state_dict()), folder / "model.safetensors")
    return folder


def dreams(names: list[str], folder: Path) -> Iterator[tuple[str, fd.FuseDream, dict[str, Any]]]:
    """Each pair, loaded, and what `estimate` is asked with."""
    for name in names:
        if name in PAIRS:
            yield name, fd.FuseDream(name, device="cpu"), {"method": PAIRS[name]}
            continue
        weights = (
            write_vqgan(folder / name) if name == "vqgan-f16" else write_biggan(folder / name, int(name.rpartition("-")[2]))
        )
        clip_folder = folder / "vit-b-32"
        scorer = str(clip_folder if clip_folder.exists() else write_clip(clip_folder))
        plugin = "vqgan" if name == "vqgan-f16" else "biggan"
        generator = fd.load_generator(plugin, weights=str(weights))
        yield f"{name}, CLIP ViT-B/32", fd.FuseDream(generator=generator, scorer=scorer, device="cpu"), SHORT


def run_line(name: str, dream: fd.FuseDream, asked: dict[str, Any]) -> str:
    """A line of the table of runs: seconds of the processor, as a busy machine gives only a share of it, and that share."""
    begun, worked = time.perf_counter(), time.process_time()
    found = dream.estimate("a red apple", **asked)
    share = (time.process_time() - worked) / (time.perf_counter() - begun)
    bank = f"{duration(share * found.bank_seconds)}, {bytes_in_words(found.bank_bytes)}" if found.bank_seconds else "there"
    parts = (duration(share * found.picture_seconds), bank, bytes_in_words(found.memory), bytes_in_words(found.picture_bytes))
    return f"| {name} | {' | '.join(parts)} | {share:.0%} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["sizes", "runs"])
    parser.add_argument(
        "--models", default=",".join([*PAIRS, "biggan-deep-256", "vqgan-f16"]), help="of runs, with commas between"
    )
    args = parser.parse_args()
    if args.what == "sizes":
        print("| model | pixels | numbers, millions | float32 | half precision |\n| --- | --- | --- | --- | --- |")
        for name in SIZES:
            print(size_line(name), flush=True)
        return
    print(f"{machine()}; large models: {SHORT}\n")
    print("| models | a picture | the bank, once | memory above the models | disk of a picture | share of a processor |")
    print("| --- | --- | --- | --- | --- | --- |")
    with TemporaryDirectory() as folder:
        for name, dream, asked in dreams(args.models.split(","), Path(folder)):
            print(run_line(name, dream, asked), flush=True)


if __name__ == "__main__":
    main()
