"""The tabs that draw: one picture or several, two things in one, from a picture of yours, by two methods. With Gradio."""

from __future__ import annotations

from typing import Any

from fusedream_sdk.models import registry
from fusedream_sdk.run.recipe import DEFAULT_METHOD
from fusedream_sdk.scenes.placement import PLACES
from fusedream_sdk.web.drawing import comparing, drawing
from fusedream_sdk.web.forms import Form, number_in
from fusedream_sdk.web.look import hint_html, picture_html, said_html
from fusedream_sdk.web.panels import SWIFT, Screen, buttons, choice_of, stage, wire
from fusedream_sdk.web.shaping import Scenery, composing, inverting, uploaded
from fusedream_sdk.web.studio import Showing, Studio
from fusedream_sdk.web.told import attempted
from fusedream_sdk.web.visitors import Visitor

NUMBERS: tuple[str, ...] = ("steps", "views", "basis", "mix", "lr", "noise", "keep")
OURS = "as recommended"


def draw_tab(studio: Studio, models: list[Any]) -> Any:
    """Prompts, seeds, a method and settings; the picture so far and the course of its score. Gives the event of the run."""
    import gradio as gr

    with gr.Row():
        with gr.Column(scale=2, min_width=300):
            prompts = prompt_input("draw", "Prompt; one on each line", "a blue dog", lines=2)
            with gr.Row():
                seeds = seed_input("draw", "0")
                method = method_input("draw-method", "Method", DEFAULT_METHOD)
            numbers = setting_inputs()
            pressed = buttons("Draw", "draw")
        with gr.Column(scale=3, min_width=300):
            place = stage(pressed, "draw", "The picture appears here while it is drawn.")

    def run(visitor: Visitor, *values: Any) -> Showing[None]:
        *chosen, prompt, seed, how = values[: len(models) + 3]
        given = dict(zip(NUMBERS, values[len(models) + 3 :], strict=True))
        return drawing(studio, visitor, Form(prompt, seed, choice_of(*chosen), how, given))

    return wire(studio, place, run, [*models, prompts, seeds, method, *numbers])


def compose_tab(studio: Studio, models: list[Any]) -> Any:
    """Two things in one picture: a picker of places, and the sheet of candidates. Gives the event of the run."""
    import gradio as gr

    with gr.Row():
        with gr.Column(scale=2, min_width=300):
            prompt = prompt_input("compose", "Prompt, of two things", "a dog near a boat")
            picked = gr.CheckboxGroup(list(PLACES), value=list(PLACES), label="Places", elem_id="places", elem_classes="places")
            with gr.Row():
                every = gr.Button("All", size="sm", elem_id="all-places", min_width=60)
                none = gr.Button("None", size="sm", elem_id="no-places", min_width=60)
            with gr.Accordion("More", open=False), gr.Row():
                scale = number_input("Size, a share of the canvas", "scale", "0.5")
                seed = seed_input("compose", "0", "Seed")
                steps = number_input("Steps", "compose-steps")
                back = gr.Textbox(label="Background's own prompt", placeholder="the whole prompt", min_width=140)
                front = gr.Textbox(label="Foreground's own prompt", placeholder="the whole prompt", min_width=140)
                halving = gr.Checkbox(True, label="Drop hopeless candidates on the way", min_width=140)
            pressed = buttons("Compose", "compose")
        with gr.Column(scale=3, min_width=300):
            place = stage(pressed, "compose", "All candidates appear here; the best is framed.")
    every.click(lambda: list(PLACES), None, picked, **SWIFT)
    none.click(list, None, picked, **SWIFT)

    def run(visitor: Visitor, *values: Any) -> Showing[None]:
        *chosen, text, places, size, number, count, behind, before, drops = values
        form = Form(text, number, choice_of(*chosen), numbers={"steps": count})
        return composing(studio, visitor, form, Scenery(places, number_in(size), behind, before, drops))

    return wire(studio, place, run, [*models, prompt, picked, scale, seed, steps, back, front, halving])


def invert_tab(studio: Studio, models: list[Any]) -> Any:
    """The picture nearest to an uploaded one, and on from there. Gives the event of the run."""
    import gradio as gr

    with gr.Row():
        with gr.Column(scale=2, min_width=300):
            upload = gr.File(label="Your picture", elem_id="upload", height=130)
            prompt = prompt_input("invert", "Draw on from there, towards (may stay empty)", "")
            with gr.Accordion("More", open=False), gr.Row():
                seed = seed_input("invert", "0", "Seed")
                steps = number_input("Steps", "invert-steps")
            pressed = buttons("Invert", "invert")
        with gr.Column(scale=3, min_width=300):
            place = stage(pressed, "invert", "Your picture, and below it the nearest that can be drawn.", "distance")
    _show_upload(upload, place)

    def run(visitor: Visitor, *values: Any) -> Showing[None]:
        *chosen, path, text, number, count = values
        form = Form(text, number, choice_of(*chosen), numbers={"steps": count})
        return inverting(studio, visitor, form, path)

    return wire(studio, place, run, [*models, upload, prompt, seed, steps])


def _show_upload(upload: Any, place: Screen) -> None:
    """An uploaded picture is shown at once, or what is wrong with it is said."""

    def look(path: str | None) -> tuple[str, str]:
        seen: list[str] = []

        def work() -> str:
            if path:
                seen.append(picture_html(uploaded(path), "your picture"))
            return ""

        wrong = attempted(work)
        return said_html(wrong, wrong=True), seen[0] if seen else hint_html("Upload a picture first.")

    upload.change(look, upload, [place.said, place.picture], **SWIFT)


def compare_tab(studio: Studio, models: list[Any]) -> Any:
    """The same prompt and seeds by two methods, side by side. Gives the event of the run."""
    import gradio as gr

    with gr.Row():
        with gr.Column(scale=2, min_width=300):
            prompts = prompt_input("compare", "Prompt; one on each line", "a blue dog", lines=2)
            with gr.Row():
                first = method_input("first-method", "One method", DEFAULT_METHOD)
                second = method_input("second-method", "Another method", "clip-adam")
            with gr.Row():
                seeds = seed_input("compare", "0")
                steps = number_input("Steps", "compare-steps")
            pressed = buttons("Compare", "compare")
        with gr.Column(scale=3, min_width=300):
            place = stage(pressed, "compare", "A line for each picture, a column for each method.")

    def run(visitor: Visitor, *values: Any) -> Showing[None]:
        *chosen, text, one, other, numbers, count = values
        form = Form(text, numbers, choice_of(*chosen), numbers={"steps": count})
        return comparing(studio, visitor, form, (one, other))

    return wire(studio, place, run, [*models, prompts, first, second, seeds, steps])


def prompt_input(name: str, label: str, example: str, lines: int = 1) -> Any:
    """A text box for prompts."""
    import gradio as gr

    return gr.Textbox(example, label=label, lines=lines, max_lines=8, elem_id=f"{name}-prompt", placeholder="a blue dog")


def seed_input(name: str, value: str, label: str = "Seeds") -> Any:
    """A text box for seeds."""
    import gradio as gr

    return gr.Textbox(value, label=label, placeholder="0, 1, 2 or 0-3", elem_id=f"{name}-seeds", min_width=140)


def method_input(name: str, label: str, value: str) -> Any:
    """A list of methods, into which a name with options may be written too."""
    import gradio as gr

    return gr.Dropdown(registry.list_methods(), value=value, label=label, allow_custom_value=True, elem_id=name, min_width=140)


def setting_inputs() -> list[Any]:
    """The settings, folded away, in the order of `NUMBERS`; what stays empty is as the models recommend it."""
    import gradio as gr

    with gr.Accordion("Settings", open=False, elem_id="settings"), gr.Row():
        return [
            number_input("Steps", "steps"),
            number_input("Views in a step", "views"),
            number_input("Latents that are mixed", "basis"),
            _words("Mixture at the beginning", "mix", ["best", "paper", "random"]),
            number_input("Learning rate", "lr"),
            number_input("Noise", "noise"),
            _words("Which point is kept", "keep", ["best", "last"]),
        ]


def number_input(label: str, name: str, value: str = "") -> Any:
    """A text box for a number: empty stays empty, where a browser's own field for numbers would make it 0."""
    import gradio as gr

    return gr.Textbox(value, label=label, placeholder=OURS, elem_id=name, min_width=140)


def _words(label: str, name: str, words: list[str]) -> Any:
    import gradio as gr

    return gr.Dropdown([(OURS, ""), *((word, word) for word in words)], value="", label=label, elem_id=name, min_width=140)
