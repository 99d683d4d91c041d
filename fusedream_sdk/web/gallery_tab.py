"""The tab of what was drawn: its recipe, drawn again, and a film from one picture to another. With Gradio.

Annotations of this file are values, and not texts: by them Gradio finds out who asks.
"""

from typing import Any

from fusedream_sdk.web.drawing import replaying
from fusedream_sdk.web.forms import number_in
from fusedream_sdk.web.panels import SWIFT, Screen, buttons, stage, visitor_of, wire
from fusedream_sdk.web.shaping import filming
from fusedream_sdk.web.studio import Showing, Studio
from fusedream_sdk.web.visitors import Visitor


def gallery_tab(studio: Studio) -> tuple[Any, list[Any]]:
    """The gallery and what can be done with it. Gives what brings it up to date, and the outputs of that."""
    import gradio as gr

    with gr.Row():
        with gr.Column(scale=2, min_width=300):
            gallery = gr.Gallery(
                label="Drawn in this visit",
                columns=4,
                height="auto",
                elem_id="gallery",
                elem_classes="gallery",
                buttons=[],
                allow_preview=False,
            )
        with gr.Column(scale=3, min_width=300):
            picked = picture_input("Picture", "picked")
            with gr.Accordion("Recipe", open=False, elem_id="recipe-fold"):
                recipe = gr.JSON(show_label=False, elem_id="recipe", max_height=280)
            save = gr.DownloadButton("Download, with its recipe", size="sm", interactive=False, elem_id="download")
            again = stage(
                buttons("Replay", "replay"), "replay", "Replay draws a picture again from its recipe alone, and compares."
            )
            with gr.Row():
                first, last = picture_input("Film from", "film-from"), picture_input("to", "film-to")
                frames = gr.Textbox("24", label="Frames", elem_id="frames", min_width=80)
            film = stage(buttons("Film", "film"), "film", "The film appears here.")

    def look(request: gr.Request, number: int | None) -> list[Any]:
        kept = next((one for one in visitor_of(studio, request).pictures() if one.number == number), None)
        if kept is None:
            return [None, gr.update(value=None, interactive=False)]
        return [kept.recipe(), gr.update(value=str(kept.path), interactive=True)]

    def pick(chosen: gr.SelectData) -> int:
        return int(chosen.value["caption"].partition(":")[0])

    def up_to_date(request: gr.Request) -> list[Any]:
        pictures = visitor_of(studio, request).pictures()
        choices = [(one.label, one.number) for one in pictures]
        newest = choices[0][1] if choices else None
        before = choices[1][1] if len(choices) > 1 else newest
        picks = [gr.update(choices=choices, value=value) for value in (newest, before, newest)]
        return [[(str(one.path), one.label) for one in pictures], *picks]

    picked.change(look, picked, [recipe, save], **SWIFT)
    gallery.select(pick, None, picked, **SWIFT)
    outputs = [gallery, picked, first, last]
    _wire_runs(studio, (again, picked), (film, [first, last, frames]))
    return up_to_date, outputs


def _wire_runs(studio: Studio, again: tuple[Screen, Any], film: tuple[Screen, list[Any]]) -> None:
    """Have the buttons draw again, and film."""

    def draw_again(visitor: Visitor, number: object) -> Showing[None]:
        return replaying(studio, visitor, number)

    def walk(visitor: Visitor, first: object, last: object, frames: Any) -> Showing[None]:
        return filming(studio, visitor, (first, last), number_in(frames))

    wire(studio, again[0], draw_again, [again[1]])
    wire(studio, film[0], walk, film[1])


def picture_input(label: str, name: str) -> Any:
    """A list of the pictures of the gallery."""
    import gradio as gr

    return gr.Dropdown([], label=label, elem_id=name, min_width=140)
