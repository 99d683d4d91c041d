"""The optimisation as a loop of your own: watch it, and stop when the picture is good enough.

python examples/drive_it_yourself.py
"""

import fusedream_sdk as fd
from fusedream_sdk.imaging.pictures import grid

GOOD_ENOUGH = 0.8  # AugCLIP on held-out views

dream = fd.FuseDream("emoji")
states = dream.iterate(["a blue dog", "a red apple"], seeds=1)
state = next(states)  # the start
for state in states:
    held_out = -state.best.loss
    if state.step % 10 == 0:
        print(f"step {state.step}: {[round(float(score), 3) for score in held_out]}")
    if bool((held_out > GOOD_ENOUGH).all()):
        break

images = dream.generator(state.best.latents).detach().float().cpu()
grid(images, columns=2).save("driven.png")
