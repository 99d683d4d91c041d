"""What AugCLIP is for: the same prompts with it (above) and with plain CLIP (below).

Compare the pictures with the plain scores: a higher one need not be a better picture.

python examples/augclip_or_clip.py
"""

import torch

import fusedream_sdk as fd
from fusedream_sdk.imaging.pictures import grid

PROMPTS = ["a blue dog", "a red apple", "a green frog", "a yellow duck"]

dream = fd.FuseDream("emoji")
augmented = dream.generate(PROMPTS, seeds=1)
plain = dream.generate(PROMPTS, seeds=1, augment=fd.NO_VIEWS)
for name, result in (("AugCLIP", augmented), ("plain CLIP", plain)):
    print(f"{name}: plain score {float(result.scores['clip'].mean()):.3f}")
grid(torch.cat([augmented.images, plain.images]), columns=len(PROMPTS)).save("augclip-or-clip.png")
