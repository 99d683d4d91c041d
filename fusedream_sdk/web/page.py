"""The page: its head, its tabs, and what joins them. With Gradio.

Annotations of this file are values, and not texts: by them Gradio finds out who asks.
"""

from typing import TYPE_CHECKING

from fusedream_sdk.web.gallery_tab import gallery_tab
from fusedream_sdk.web.panels import SWIFT, model_inputs
from fusedream_sdk.web.studio import Studio
from fusedream_sdk.web.tabs import compare_tab, compose_tab, draw_tab, invert_tab

if TYPE_CHECKING:
    from gradio import Blocks

TITLE = "FuseDream"
ABOUT = "A sentence becomes a picture while you watch."
OLD = 3600  # seconds after which a file that was sent is removed


def build_page(studio: Studio) -> "Blocks":
    """The page of a studio, ready to be launched."""
    import gradio as gr

    with gr.Blocks(title=TITLE, analytics_enabled=False, fill_width=True, delete_cache=(OLD, OLD)) as page:
        gr.HTML(f"<h1>{TITLE}</h1><p>{ABOUT}</p>", elem_id="head", padding=False)
        models = model_inputs(studio.shelf)
        with gr.Tabs():
            with gr.Tab("Draw", id="draw"):
                runs = [draw_tab(studio, models)]
            with gr.Tab("Compose", id="compose"):
                runs.append(compose_tab(studio, models))
            with gr.Tab("Invert", id="invert"):
                runs.append(invert_tab(studio, models))
            with gr.Tab("Compare", id="compare"):
                runs.append(compare_tab(studio, models))
            with gr.Tab("Gallery", id="gallery-tab"):
                up_to_date, outputs = gallery_tab(studio)
        gr.Markdown(str(studio.limits), elem_id="limits")
        for run in runs:
            run.then(up_to_date, None, outputs, **SWIFT)
        page.load(up_to_date, None, outputs, **SWIFT)

        def gone(request: gr.Request) -> None:
            studio.visitors.leave(request.session_hash)

        page.unload(gone)
    return page
