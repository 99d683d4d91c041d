"""What several tabs of the page share: the choice of models, and where a run is shown. With Gradio.

Annotations of this file are values, and not texts: by them Gradio finds out who asks.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fusedream_sdk.web.look import hint_html, picture_html, said_html
from fusedream_sdk.web.shelf import Choice, Shelf
from fusedream_sdk.web.studio import Showing, Shown, Studio, spoken
from fusedream_sdk.web.visitors import Visitor

if TYPE_CHECKING:
    from gradio.blocks import Block
    from gradio.components import Component

PRIVATE: dict[str, Any] = {"api_visibility": "private"}
SWIFT: dict[str, Any] = {**PRIVATE, "queue": False, "show_progress": "hidden"}
"""Of an event that is over at once."""

Run = Callable[..., Showing[None]]
"""Called with the visitor and the values of the inputs."""


@dataclass(frozen=True)
class Screen:
    """Where a run is shown, and the buttons that begin and end it.

    Attributes:
        go, cancel: the buttons.
        said, picture, plot, table, film: what is shown.
    """

    go: Any
    cancel: Any
    said: Any
    picture: Any
    plot: Any
    table: Any
    film: Any

    @property
    def outputs(self) -> list[Any]:
        """In the order of `updates`."""
        return [self.go, self.cancel, self.said, self.picture, self.plot, self.table, self.film]

    def updates(self, shown: Shown) -> list[Any]:
        """What of the page changes."""
        import gradio as gr

        said = said_html(shown.said, wrong=shown.wrong, over=shown.over)
        picture = gr.skip() if shown.picture is None else picture_html(shown.picture, shown.said)
        return [
            gr.update(interactive=shown.over),
            gr.update(interactive=not shown.over),
            said,
            picture,
            gr.skip() if shown.curve is None else gr.update(value=as_frame(shown.curve), visible=bool(shown.curve)),
            gr.skip() if shown.table is None else gr.update(value=shown.table, visible=True),
            gr.skip() if shown.file is None else gr.update(value=shown.file, visible=True),
        ]


def buttons(word: str, name: str) -> tuple[Any, Any]:
    """A button that begins a run, and one that ends it."""
    import gradio as gr

    with gr.Row():
        go = gr.Button(word, variant="primary", elem_id=f"{name}-go", scale=2, min_width=120)
        cancel = gr.Button("Cancel", interactive=False, elem_id=f"{name}-cancel", scale=1, min_width=80)
    return go, cancel


def stage(pressed: tuple[Any, Any], name: str, hint: str, score: str = "score") -> Screen:
    """Where the run of these buttons is shown.

    Args:
        pressed: from `buttons`.
        name: of the tab, in the page.
        hint: what stands there before the first run.
        score: what the plot shows.
    """
    import gradio as gr

    said = gr.HTML(elem_id=f"{name}-said", padding=False)
    picture = gr.HTML(hint_html(hint), elem_id=f"{name}-picture", padding=False)
    film = gr.Image(
        type="filepath", label="Film", visible=False, interactive=False, elem_id=f"{name}-film", buttons=["download"]
    )
    plot = gr.LinePlot(
        x="step",
        y="score",
        color="views",
        y_title=score,
        height=220,
        show_label=False,
        visible=False,
        elem_id=f"{name}-plot",
        buttons=[],
    )
    table = gr.Markdown(visible=False, elem_id=f"{name}-table")
    return Screen(*pressed, said, picture, plot, table, film)


def as_frame(curve: Sequence[tuple[int, float, str]]) -> Any:
    """A curve as the plot takes it."""
    import pandas

    return pandas.DataFrame(curve, columns=pandas.Index(["step", "score", "views"]))


def wire(studio: Studio, place: Screen, run: Run, inputs: "Sequence[Component]") -> Any:
    """Have the buttons of a stage begin and end a run; gives what comes after the run, for `then`."""
    import gradio as gr

    def begin(request: gr.Request, *values: Any) -> Iterator[list[Any]]:
        for shown in spoken(run(visitor_of(studio, request), *values)):
            yield place.updates(shown)

    def end(request: gr.Request) -> Any:
        running = visitor_of(studio, request).cancel()
        # The run itself says that it ends: what came here a moment later would stand over its last words.
        return gr.skip() if running else said_html("Nothing of yours is running.")

    place.cancel.click(end, None, place.said, **SWIFT)
    shown: list[Block] = place.outputs
    return place.go.click(begin, list(inputs), shown, concurrency_limit=None, show_progress="hidden", **PRIVATE)


def visitor_of(studio: Studio, request: Any) -> Visitor:
    """Who asks."""
    return studio.visitors.visitor(request.session_hash)


def model_inputs(shelf: Shelf) -> list[Any]:
    """The choice of models, folded away: a pair, a generator and a scorer by their names."""
    import gradio as gr

    first = shelf.first
    with (
        gr.Accordion(f"Models: {' with '.join(filter(None, vars(first).values()))}", open=False, elem_id="models-fold"),
        gr.Row(),
    ):
        kinds = (
            ("models", "Pair"),
            ("generator", "Generator instead"),
            ("scorer", "Scorer instead"),
        )
        return [
            gr.Dropdown(
                [("as the page has it", ""), *((name, name) for name in shelf.names(kind))],
                value="",
                label=label,
                elem_id=kind,
                min_width=180,
            )
            for kind, label in kinds
        ]


def choice_of(models: str | None, generator: str | None, scorer: str | None) -> Choice:
    """What was chosen there."""
    return Choice(models or None, generator or None, scorer or None)
