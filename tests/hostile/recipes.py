"""Recipes that cannot be: what stands in one place of a whole recipe, or in the place of all of it, and what is said."""

from __future__ import annotations

from typing import Any

from tests.hostile.ground import AUGMENT, QUICK, deep, dumped, recipe

WHOLE = "picture: expected a whole recipe, got bad.png"
HUGE = "1" + "0" * 4_000  # Python writes and reads up to 4,300 digits
TOY = {"name": "toy", "class": "c", "fingerprint": "f"}
TEXTS = {  # what stands in the picture -> what is said after its name
    "nothing": ("", " with a damaged one"),
    "no JSON": ("{'a': 1}", " with a damaged one"),
    "cut short": (dumped(recipe())[:-5], " with a damaged one"),
    "nested without end": (deep(100_000), " with a damaged one (nested more than 20 deep)"),
    "nested in a part": (dumped(recipe()).replace('"a red disc"', deep(900)), " with a damaged one (nested more than 20 deep)"),
    "objects without end": ('{"a":' * 90_000 + "1" + "}" * 90_000, " with a damaged one (nested more than 20 deep)"),
    "5,000 digits": (dumped(recipe()).replace('"seed": 1', f'"seed": {"9" * 5_000}'), " with a damaged one (Exceeds the limit"),
    "half a letter": (dumped(recipe(prompt="\ud800")), " with a damaged one ('utf-8' codec can't encode"),
    "a list": ("[]", " with something else"),
    "a number": ("7", " with something else"),
    "not a number": ("NaN", " with something else"),
    "a text": ('"generate"', " with something else"),
    "an empty object": ("{}", " without 'method'"),
}
BROKEN: list[tuple[dict[str, Any], str]] = [  # changes of a whole recipe -> what is said after the picture's name
    ({"method": "paint"}, "with other settings ('paint' is not a valid Verb)"),
    ({"method": 1}, "without 'method'"),
    ({"version": {}}, "without 'version'"),
    ({"generator": "toy"}, "without 'generator'"),
    ({"generator": {**TOY, "name": 7}}, "without 'generator'"),
    ({"generator": {**TOY, "name": [["toy"]]}}, "without 'generator'"),
    ({"generator": {**TOY, "fingerprint": None}}, "without 'generator'"),
    ({"generator": {**TOY, "class": []}}, "without 'generator'"),
    ({"scorer": {**TOY, "name": {"toy": "much"}}}, "without 'scorer'"),
    ({"scorer": {**TOY, "name": [1, 2]}}, "without 'scorer'"),
    ({"scorer": {}}, "without 'scorer'"),
    ({"dtype": 32}, "without 'dtype'"),
    ({"dtype": "float99"}, "of dtype 'float99'"),
    ({"settings": []}, "without 'settings'"),
    ({"settings": {}}, "with other settings ('augment')"),
    ({"settings": {**QUICK, "augment": 3}}, "with other settings ("),
    ({"settings": {**QUICK, "augment": {**AUGMENT, "hue": 1}}}, "with other settings ("),
    ({"settings": {**QUICK, "augment": AUGMENT, "steps": "many"}}, "with other settings (steps: expected"),
    ({"settings": {**QUICK, "augment": AUGMENT, "steps": True}}, "with other settings (steps: expected"),
    ({"settings": {**QUICK, "augment": AUGMENT, "steps": 10**4_000}}, "with other settings (steps: expected"),
    ({"settings": {**QUICK, "augment": AUGMENT, "lr": float("nan")}}, "with other settings (lr: expected"),
    ({"settings": {**QUICK, "augment": AUGMENT, "lr": 10**4_000}}, "with other settings (lr: expected"),
    ({"settings": {**QUICK, "augment": AUGMENT, "noise": float("inf")}}, "with other settings (noise: expected"),
    ({"settings": {**QUICK, "augment": AUGMENT, "start": ["paper"]}}, "with other settings (mix: expected"),
    ({"settings": {**QUICK, "augment": AUGMENT, "__class__": 1}}, "with other settings (__class__: expected"),
    ({"prompt": None}, "without 'prompt'"),
    ({"prompt": ["a"]}, "without 'prompt'"),
    ({"seed": None}, "without 'seed'"),
    ({"seed": -1}, "with other settings (seeds: expected"),
    ({"seed": True}, "with other settings (seeds: expected"),
    ({"seed": 10**4_000}, "with other settings (seeds: expected"),
    ({"seed": 1.5}, "without 'seed'"),
    ({"scores": [1]}, "without 'scores'"),
    ({"scores": {"augclip": "high"}}, "without 'scores'"),
    ({"placement": {"scale": "big"}}, "without 'placement'"),
    ({"found": {"psnr": None}}, "without 'found'"),
    ({"start": {"picture": 3, "latents": 4}}, "without 'start'"),
    ({"start": []}, "without 'start'"),
    ({"perceptual": TOY, "inversion": 3}, "without 'inversion'"),
    ({"perceptual": TOY, "inversion": {"steps": "x"}}, "with other settings of its inversion (steps: expected"),
    ({"perceptual": TOY, "inversion": {"lr": 10**4_000}}, "with other settings of its inversion (lr: expected"),
    ({"perceptual": TOY, "inversion": {"colour": 1}}, "with other settings of its inversion (colour: expected"),
    ({"steering": "fusedream"}, "without 'steering'"),
    ({"steering": {"name": 3, "options": {}}}, "with other settings (a method whose name is no text)"),
    ({"steering": {"name": "fusedream", "options": [1]}}, "with other settings ("),
    ({"method": "compose"}, "without 'scene'"),
    ({"method": "compose", "scene": {}, "layers": "x", "perceptual": TOY}, "without 'layers'"),
    ({"method": "compose", "scene": {}, "layers": [], "perceptual": TOY}, "with a scene of other settings ("),
    ({"method": "compose", "scene": {}, "layers": [1, 2], "perceptual": TOY}, "with a scene of other settings ("),
]
LAYER = {"prompt": None, "generator": None, "picture": False}
COMPOSED = {"method": "compose", "perceptual": TOY, "scene": {}, "layers": [LAYER, LAYER], "placement": {"scale": 0.5}}
BROKEN += [
    ({**COMPOSED, **changes}, "with a scene of other settings (")
    for changes in (
        {"layers": [LAYER] * 3},
        {"layers": [{**LAYER, "prompt": 3}, LAYER]},
        {"layers": [{**LAYER, "picture": "yes"}, LAYER]},
        {"layers": [{**LAYER, "generator": {"name": "toy"}}, LAYER]},
        {"placement": {"scale": float("nan")}},
        {"placement": {"scale": 10**4_000}},
        {"placement": {"depth": 1}},
        {"scene": {"method": "module.Attack"}},
        {"scene": {"method": ["bi-level"]}},
        {"scene": {"alpha": 10**4_000}},
        {"scene": {"free": [0, 0, 0]}},
        {"scene": {"feather": float("nan")}},
    )
]
PATH, FETCH = (
    "which is not followed. If you have these",
    "which the picture names and which would be downloaded. If you trust it",
)
NAMED: list[tuple[str, Any, str]] = [  # part, name of a model -> what is said
    ("generator", "stranger/malware", f"'stranger/malware', {FETCH}"),
    ("generator", "biggan:stranger/malware", f"'biggan:stranger/malware', {FETCH}"),
    ("generator", "biggan?weights=stranger/malware", FETCH),
    ("generator", "/etc/passwd", f"the path '/etc/passwd', {PATH}"),
    ("generator", "biggan:/etc/passwd", f"the path 'biggan:/etc/passwd', {PATH}"),
    ("generator", 'biggan?weights="/etc/passwd"', PATH),
    ("generator", "biggan?cache_dir=here", "with 'cache_dir'"),
    ("generator", "~/weights", PATH),
    ("generator", "../weights", PATH),
    ("generator", "./weights.pth", PATH),
    ("generator", "C:\\weights", PATH),
    ("generator", "a/b/c", PATH),
    ("generator", "weights/\x1b[31m", PATH),
    ("generator", "here/model", PATH),  # a folder that is there
    ("generator", "model.safetensors", "expected one of"),
    ("generator", "toys", "expected one of"),
    ("generator", "", "expected one of"),
    ("scorer", "stranger/malware", f"'stranger/malware', {FETCH}"),
    ("scorer", ["toy", "stranger/malware"], f"'stranger/malware', {FETCH}"),
    ("scorer", {"toy": 1.0, "/etc/passwd": 0.0}, f"the path '/etc/passwd', {PATH}"),
    ("scorer", "clip:stranger/malware", FETCH),
    ("scorer", "ViT-B-32:/etc/passwd", PATH),
    ("scorer", "ViT-B-32:here/model", PATH),
]
METHODS: list[tuple[dict[str, Any], str]] = [  # a method -> what is said
    ({"name": "random-search:/etc/passwd", "options": {}}, "method: expected a model that a picture may name"),
    ({"name": "random-search:x", "options": {}}, "method: "),
    ({"name": "random-search?x=/etc", "options": {}}, "method: expected a model that a picture may name"),
    ({"name": "random-search", "options": {"x": ["/etc/passwd"]}}, "options that a picture may name, got the path '/etc"),
    ({"name": "mine", "options": {}}, "methods: expected one of"),
    ({"name": "fusedream", "options": {"n": 1}}, "expected an option of 'fusedream'"),
    ({"name": "random-search", "options": {"population": "many"}}, "population: expected"),
    ({"name": "random-search", "options": {"population": [1]}}, "population: expected"),
    ({"name": "random-search", "options": {"population": 10**4_000}}, "population: expected"),
    ({"name": "random-search", "options": {"name": "x"}}, "expected"),
    ({"name": "random-search?population", "options": {}}, "expected options as NAME?key=value"),
]
